"""What goes between host and device is noted; reads are replaced as far as they are the same ones."""

from __future__ import annotations

from rocverify.device.hip.host_traffic import MOST_BYTES, HostTraffic
from rocverify.device.traffic import Traffic, Upload


def test_reads_and_uploads_are_noted_in_order() -> None:
    traffic = HostTraffic()
    assert [bytes(traffic.read(one)) for one in (b"ab", memoryview(b"c"))] == [b"ab", b"c"]
    traffic.wrote(memoryview(b"de"))
    assert traffic.reads == [b"ab", b"c"]
    assert traffic.uploads == [Upload(b"de")]


def test_reads_are_replaced_by_those_of_an_earlier_call() -> None:
    traffic = HostTraffic(Traffic((b"AB", b"C", b"DEF")))
    assert [traffic.read(one) for one in (b"ab", b"cc", b"def", b"g")] == [b"AB", b"cc", b"DEF", b"g"]


def test_beyond_the_limit_the_largest_piece_is_not_noted() -> None:
    traffic = HostTraffic()
    traffic.read(bytes(MOST_BYTES))
    traffic.read(b"a")
    assert traffic.reads == [b"", b"a"]
    assert traffic.traffic(0).left_out == MOST_BYTES


def test_a_read_of_what_was_sent_is_an_echo() -> None:
    traffic = HostTraffic()
    traffic.read(b"ab")
    traffic.wrote(b"xaby")
    traffic.read(b"ab")
    traffic.read(b"ya")
    assert traffic.echoes == {1}


def test_what_lies_in_pinned_memory_is_an_upload_when_it_has_changed() -> None:
    traffic = HostTraffic()
    traffic.holds(3, b"old" * 8)
    for address, content in ((1, b"ab"), (2, b"cd"), (1, b"ab"), (1, b"ef"), (3, b"old" * 8)):
        traffic.shows((4, address), address, content)
    traffic.shows((5, 3), 3, b"old" * 4 + b"n" + b"old" * 3 + b"ol")
    *first, last = traffic.uploads
    assert first == [Upload(b"ab", (4, 1)), Upload(b"cd", (4, 2)), Upload(b"ef", (4, 1))]
    assert last == Upload((b"old" * 4 + b"n" + b"old" * 3 + b"ol")[last.start :][:16], (5, 3), 8)


def test_what_a_kernel_leaves_is_noted_by_its_place_and_replaced_by_what_lay_there_before() -> None:
    traffic = HostTraffic(Traffic(left={(0, 0): b"AB", (1, 0): b"C"}))
    given = [
        traffic.leaves(place, 1, b"..", content) for place, content in (((0, 0), b"ab"), ((1, 0), b"cd"))
    ]
    assert given == [b"AB", b"cd"]  # another size is another place
    assert traffic.left == {(0, 0): b"ab", (1, 0): b"cd"}
    traffic.shows((2, 0), 1, b"cd")
    assert traffic.uploads == []
