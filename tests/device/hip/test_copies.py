"""Copies and memsets: where the bytes go, and which of them cannot be."""

from __future__ import annotations

import struct

import pytest

H2H, H2D, D2H, D2D, DEFAULT = range(5)


def test_bytes_go_there_and_back(client):
    device = client.ok("hipMalloc", 16)
    client.ok("hipMemcpy", device, client.host.put(b"0123456789abcdef"), 16, H2D)
    other = client.ok("hipMalloc", 16)
    client.ok("hipMemcpy", other, device, 16, D2D)
    assert bytes(client.answer("hipMemcpy", client.host.put(bytes(4)), other + 4, 4, D2H).payload) == b"4567"
    target = client.host.put(bytes(100_000))
    big = client.upload(bytes(range(250)) * 400)
    client.ok("hipMemcpy", target, big, 100_000, D2H)
    assert client.host.read_host(target, 100_000) == bytes(range(250)) * 400
    assert [event.category for event in client.events if event.function == "hipMemcpy"] == [
        "h2d", "d2d", "d2h", "h2d", "d2h",
    ]  # fmt: skip


def test_copies_between_devices_and_within_the_host(client):
    one, other = client.upload(b"abcd"), client.upload(b"....")
    client.ok("hipMemcpyPeer", other, 0, one, 0, 4)
    assert client.download(other, 4) == b"abcd"
    client.fails("hipErrorInvalidDevice", "hipMemcpyPeer", other, 1, one, 0, 4)
    source, target = client.host.put(b"host"), client.host.put(bytes(4))
    client.ok("hipMemcpy", target, source, 4, H2H)
    assert client.host.read_host(target, 4) == b"host"
    assert client.events[-1].category == "other"


def test_copies_of_a_stream_wait_for_a_thread_that_can_reach_the_host(client):
    device = client.ok("hipMalloc", 4)
    args = (device, client.host.put(b"late"), 4, H2D, 0)
    assert client.answer("hipMemcpyAsync", *args, waits=False).code == 0
    assert client.context.streams.pending()
    client.ok("hipDeviceSynchronize")
    assert client.download(device, 4) == b"late"
    wild = client.answer("hipMemcpyAsync", device, 0x10, 4, H2D, 0, waits=False)
    assert wild.code == 0
    assert client.answer("hipDeviceSynchronize").code == 1
    late = [event for event in client.events if event.function == "hipMemcpyAsync"][1]
    assert (late.result, late.reason) == ("hipErrorInvalidValue", client.reason)


def test_bytes_may_come_along_with_the_call(client):
    device = client.ok("hipMalloc", 8)
    client.ok("hipMemcpy", device, 0x1234, 8, H2D, payload=b"abcdefgh", inline=True)
    assert client.download(device, 8) == b"abcdefgh"


@pytest.mark.parametrize("kind", [H2H, D2H, D2D])
def test_a_kind_that_contradicts_the_addresses_is_an_error(client, kind):
    device, host = client.ok("hipMalloc", 8), client.host.put(bytes(8))
    reason = client.fails("hipErrorInvalidValue", "hipMemcpy", device, host, 8, kind)
    assert f"the {'source' if kind == D2D else 'destination'}" in reason
    assert client.events[-1].category == "h2d"


def test_pinned_and_managed_memory_are_either_side(client):
    pinned, managed = client.ok("hipHostMalloc", 8, 0), client.ok("hipMallocManaged", 8, 1)
    device = client.upload(b"abcdefgh")
    for kind in (D2H, D2D, DEFAULT):
        client.ok("hipMemcpy", pinned, device, 8, kind)
        client.ok("hipMemcpy", managed, device, 8, kind)
    client.ok("hipMemcpy", managed, pinned, 8, H2H)
    assert client.download(managed, 8) == b"abcdefgh"
    assert [e.category for e in client.events[-7:]] == [*["d2h", "d2d"] * 3, "h2d"]


def test_a_copy_past_the_end_names_the_allocation(client):
    site = client.site(7, "P\t/project/main.py\t12\tmain")
    device, host = client.ok("hipMalloc", 100, site=site), client.host.put(bytes(200))
    reason = client.fails("hipErrorInvalidValue", "hipMemcpy", device + 40, host, 90, H2D)
    assert "90 bytes" in reason
    assert "30 more than the 60 that are left of the allocation of hipMalloc at /project/main.py:12" in reason
    client.ok("hipFree", device)
    assert "the freed allocation" in client.fails("hipErrorInvalidValue", "hipMemcpy", device, host, 4, H2D)


def test_null_pointers_wild_host_pointers_and_unknown_kinds_are_refused(client):
    device = client.ok("hipMalloc", 8)
    assert "source is a null pointer" in client.fails("hipErrorInvalidValue", "hipMemcpy", device, 0, 8, H2D)
    client.fails("hipErrorInvalidValue", "hipMemcpy", device, 0x10, 8, H2D)
    client.fails("hipErrorInvalidMemcpyDirection", "hipMemcpy", device, device, 8, 17)
    client.ok("hipMemcpy", 0, 0, 0, H2D)


def test_rows_keep_their_padding(client):
    device, pitch = client.answer("hipMallocPitch", 3, 2).values
    client.ok("hipMemset", device, 0xEE, 2 * pitch)
    client.ok("hipMemcpy2D", device, pitch, client.host.put(b"abcXdef"), 4, 3, 2, H2D)
    assert client.download(device, 4) == b"abc\xee"
    assert client.download(device + pitch, 4) == b"def\xee"
    back = client.host.put(b"." * 9)
    client.ok("hipMemcpy2D", back, 5, device, pitch, 3, 2, D2H)
    assert client.host.read_host(back, 9) == b"abc..def."
    client.fails("hipErrorInvalidPitchValue", "hipMemcpy2D", back, 2, device, pitch, 3, 2, D2H)
    client.fails("hipErrorInvalidValue", "hipMemcpy2D", back, 3, device, pitch, 3, 3, D2H)


def test_boxes_have_slices(client):
    source = bytes(range(48))
    device = client.upload(bytes(64))
    client.ok("hipMemcpy3D", device, 8, 3, client.host.put(source), 4, 2, 4, 2, 2, H2D)
    assert client.download(device, 32) == source[:4] + bytes(4) + source[4:8] + bytes(12) + source[
        8:12
    ] + bytes(4)
    assert client.download(device + 32, 4) == source[12:16]


@pytest.mark.parametrize(
    ("name", "args", "expected"),
    [
        ("hipMemset", (0x1AB, 8), b"\xab" * 8),
        ("hipMemsetD8Async", (1, 8, 0), b"\1" * 8),
        ("hipMemsetD16", (0x0102, 4), b"\2\1" * 4),
        ("hipMemsetD32Async", (-2, 2, 0), b"\xfe\xff\xff\xff" * 2),
    ],
)
def test_memsets_repeat_an_element(client, name, args, expected):
    device = client.ok("hipMalloc", 8)
    client.ok(name, device, *args)
    assert client.download(device, 8) == expected
    assert (client.events[-1].category, client.events[-1].bytes) == ("memset", 8)


def test_memsets_stay_within_device_memory(client):
    device = client.ok("hipMalloc", 8)
    assert "1 more than the 8" in client.fails("hipErrorInvalidValue", "hipMemset", device, 0, 9)
    host = client.host.put(bytes(8))
    assert "host memory" in client.fails("hipErrorInvalidValue", "hipMemset", host, 0, 8)
    client.fails("hipErrorInvalidValue", "hipMemset2D", device, 2, 0, 3, 2)


def test_memsets_of_rows_and_slices(client):
    device = client.ok("hipMalloc", 64)
    client.ok("hipMemset", device, 0, 64)
    client.ok("hipMemset2D", device, 4, 1, 3, 2)
    assert client.download(device, 8) == b"\1\1\1\0\1\1\1\0"
    client.ok("hipMemset3D", device, 4, 4, 2, 2, 2, 2)
    assert client.download(device, 24) == b"\2\2\1\0\2\2\1\0" + bytes(8) + b"\2\2\0\0\2\2\0\0"


def test_variables_by_name_with_their_bounds(client):
    module = client.module()
    address = client.ok("hipGetSymbolAddress", module, payload=b"table")
    assert client.ok("hipGetSymbolSize", module, payload=b"table") == 16
    assert client.answer("hipModuleGetGlobal", module, payload=b"table").values == (address, 16)
    four = struct.pack("<i", 77)
    host = client.host.put(four)
    client.ok("hipMemcpyToSymbol", module, host, 4, 8, H2D, 5, payload=b"table")
    client.ok("hipMemcpyToSymbolAsync", module, 1, 4, 12, H2D, 0, 5, payload=b"table" + four, inline=True)
    read = client.answer(
        "hipMemcpyFromSymbol", module, client.host.put(four), 16, 0, D2H, 5, payload=b"table"
    )
    assert struct.unpack("<4i", bytes(read.payload)) == (1, 2, 77, 77)
    reason = client.fails(
        "hipErrorInvalidValue",
        "hipMemcpyToSymbol",
        module,
        client.host.put(four),
        8,
        12,
        H2D,
        5,
        payload=b"table",
    )
    assert "8 bytes at offset 12 of the variable table, which has 16 bytes" in reason
    client.fails("hipErrorInvalidSymbol", "hipGetSymbolSize", module, payload=b"tables")
    assert [e.category for e in client.events if "Symbol" in e.function and "Memcpy" in e.function] == [
        "h2d", "h2d", "d2h", "h2d",
    ]  # fmt: skip
