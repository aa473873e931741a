"""Arrays that the judge puts into a client's memory, and what it reads back; the messages that carry them."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocverify.device.library_build import hip_library_folder
from rocverify.device.process.attach import HipLibrary
from rocverify.device.process.client import DeviceProcess, RemoteDevice
from rocverify.device.process.placed import Buffer
from rocverify.device.process.wire import Wire
from rocverify.device.traffic import NO_TRAFFIC, Upload
from rocverify.errors import DeviceError
from tests.device.backends.test_amd import options


@pytest.fixture(params=["emulator", "amd"])
def device(request: pytest.FixtureRequest, emulator: RemoteDevice) -> Iterator[RemoteDevice]:
    """A device that this process is a client of; as a GPU, rocverify's own library stands in for ROCm's."""
    if request.param == "emulator":
        with HipLibrary.on(emulator.attach):
            yield emulator
        return
    process = DeviceProcess(environment=emulator.environment())
    amd = process.open(options(hip_library_folder() / "libamdhip64.so"))
    with HipLibrary.on(amd.attach):
        yield amd
    amd.close()
    process.close()


def buffer(name: str, content: bytes, guard: bytes = b"") -> Buffer:
    return Buffer(name, pickle.PickleBuffer(content), guard)


def test_what_is_placed_is_there_and_is_read_back_with_what_the_client_made_of_it(
    device: RemoteDevice,
) -> None:
    placed = device.place(os.getpid(), [buffer("x", b"abcdefgh", b"||"), buffer("y", b"")])
    hip = device.hip
    assert int(hip.hipMemset(placed.addresses["x"] + 3, ord("z"), 2)[0]) == 0
    assert HipLibrary.finish() == 0
    collected = device.collect(placed, ["x", "y"], forget=True)
    assert bytes(collected.images["x"]) == b"||azzdefgh||"
    assert len(collected.images["y"]) == 1
    assert [event.function for event in collected.events] == ["hipMemset"]
    assert (collected.lost, collected.undecided, collected.fault) == ((), None, None)


def test_a_device_process_that_something_has_stopped_goes_on(device: RemoteDevice) -> None:
    placed = device.place(os.getpid(), [buffer("x", b"abcd")])
    os.kill(device.process.pid, signal.SIGSTOP)
    assert bytes(device.collect(placed, ["x"]).images["x"]) == b"abcd"


def test_what_the_client_reads_is_noted_and_can_be_given_again(device: RemoteDevice) -> None:
    kind, hip = device.hip.hipMemcpyKind, device.hip
    down, up = kind.hipMemcpyDeviceToHost, kind.hipMemcpyHostToDevice
    read = bytearray(4)
    placed = device.place(os.getpid(), [buffer("x", b"1234")], replayed=NO_TRAFFIC)
    assert int(hip.hipMemcpy(read, placed.addresses["x"], 4, down)[0]) == 0
    assert int(hip.hipMemcpy(placed.addresses["x"], b"abcd", 4, up)[0]) == 0
    traffic = device.collect(placed, ["x"]).traffic
    assert (traffic.reads, traffic.uploads) == ((b"1234",), (Upload(b"abcd"),))
    placed = device.place(os.getpid(), [buffer("x", b"5678")], replayed=traffic)
    assert int(hip.hipMemcpy(read, placed.addresses["x"], 4, down)[0]) == 0
    assert bytes(read) == b"1234"
    assert bytes(device.collect(placed, ["x"]).images["x"]) == b"5678"
    placed = device.place(os.getpid(), [buffer("x", b"5678")])
    assert int(hip.hipMemcpy(read, placed.addresses["x"], 4, down)[0]) == 0
    assert bytes(read) == b"5678"
    assert device.collect(placed, ["x"]).traffic.reads == ()


def test_nothing_stays_allocated(device: RemoteDevice) -> None:
    device.hip.hipMemGetInfo()
    before = device.state()["allocations"]
    placed = device.place(os.getpid(), [buffer("x", b"1234")])
    assert device.state()["allocations"] == before + 1
    device.collect(placed, [])
    assert device.state()["allocations"] == before


def test_memory_that_the_client_gives_up_is_told_by_name(device: RemoteDevice) -> None:
    placed = device.place(os.getpid(), [buffer("x", b"1234"), buffer("y", b"5678")])
    assert int(device.hip.hipFree(placed.addresses["x"])[0]) == 0
    collected = device.collect(placed, ["x", "y"])
    assert collected.lost == ("x",)
    assert bytes(collected.images["y"]) == b"5678"


def test_who_is_no_client_gets_nothing(device: RemoteDevice) -> None:
    with pytest.raises(DeviceError, match="process 1 is not a client"):
        device.place(1, [buffer("x", b"1234")])


@given(st.lists(st.binary(max_size=3000), max_size=700), st.integers())
def test_messages_arrive_as_they_were_sent(parts: list[bytes], number: int) -> None:
    ours, theirs = socket.socketpair()
    sender, receiver = Wire(ours), Wire(theirs)
    message = (number, [pickle.PickleBuffer(part) for part in parts])
    sending = threading.Thread(target=sender.send, args=(message,))
    sending.start()
    got_number, got = receiver.receive()
    sending.join()
    assert (got_number, [bytes(part) for part in got]) == (number, parts)
    sender.close()
    with pytest.raises(EOFError):
        receiver.receive()
    receiver.close()
