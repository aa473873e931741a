"""hipStream* and hipEvent* as programs call them: handles, flags, priorities, asking, times, values in
memory."""

from __future__ import annotations

import itertools
import struct

import pytest

from rocverify.device.hip.calls import SERVED
from rocverify.device.hip.errors import CODES
from tests.device.hip.test_host_races import N, Program

NOT_READY = CODES["hipErrorNotReady"]
GTE, EQ, AND, NOR = range(4)


@pytest.fixture(params=["eager", "lazy", "shuffled"])
def program(request, queued) -> Program:
    return Program(queued(request.param, 5))


@pytest.fixture
def lazy(queued) -> Program:
    return Program(queued("lazy"))


def milliseconds(bits: int) -> float:
    return struct.unpack("<f", bits.to_bytes(4, "little"))[0]


def test_streams_have_flags_priorities_and_a_device(program):
    client = program.client
    least, greatest = client.answer("hipDeviceGetStreamPriorityRange").values
    assert least > greatest
    for asked, given in ((-100, greatest), (0, 0), (100, least), (greatest, greatest)):
        stream = client.ok("hipStreamCreateWithPriority", 1, asked)
        assert client.answer("hipStreamGetPriority", stream).values == (given,)
        assert client.ok("hipStreamGetFlags", stream) == 1
        assert client.ok("hipStreamGetDevice", stream) == 0
    assert client.ok("hipStreamGetFlags", client.ok("hipStreamCreate")) == 0
    assert client.ok("hipStreamGetFlags", 0) == 0
    client.fails("hipErrorInvalidValue", "hipStreamCreateWithFlags", 2)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("hipStreamDestroy", ()),
        ("hipStreamSynchronize", ()),
        ("hipStreamQuery", ()),
        ("hipStreamGetFlags", ()),
        ("hipMemsetAsync", None),
        ("hipStreamBeginCapture", (0,)),
        ("hipLaunchHostFunc", (1, 2)),
    ],
)
def test_a_stream_that_does_not_exist(program, name, arguments):
    client = program.client
    if arguments is None:
        client.fails("hipErrorInvalidHandle", name, program.buffer(), 0, 4, 0x999)
    else:
        client.fails("hipErrorInvalidHandle", name, 0x999, *arguments)


def test_an_event_that_does_not_exist(program):
    client, event = program.client, program.call("hipEventCreate")
    for name in ("hipEventDestroy", "hipEventSynchronize", "hipEventQuery"):
        client.fails("hipErrorInvalidHandle", name, 0x999)
    client.fails("hipErrorInvalidHandle", "hipEventRecord", 0x999, 0)
    client.fails("hipErrorInvalidHandle", "hipStreamWaitEvent", 0, 0x999, 0)
    client.fails("hipErrorInvalidHandle", "hipEventElapsedTime", event, 0x999)
    client.fails("hipErrorInvalidValue", "hipEventCreateWithFlags", 0x100)
    client.fails("hipErrorInvalidValue", "hipEventCreateWithFlags", 4)  # of another process: without times


def test_what_is_queued_is_not_ready_until_somebody_waits(lazy):
    client, stream, y, event = lazy.client, lazy.stream(), lazy.buffer(), lazy.call("hipEventCreate")
    assert client.answer("hipEventQuery", event).code == 0
    lazy.launch("set", stream, y, 3, N)
    lazy.call("hipEventRecord", event, stream)
    assert client.answer("hipEventElapsedTime", event, event).code == NOT_READY
    assert client.answer("hipStreamQuery", stream).code == NOT_READY
    assert client.answer("hipEventQuery", event).code == NOT_READY
    lazy.call("hipEventSynchronize", event)
    assert client.answer("hipStreamQuery", stream).code == 0
    assert client.answer("hipEventQuery", event).code == 0
    assert [one for one in client.events if one.result not in ("hipSuccess", "hipErrorNotReady")] == []


def test_asking_again_and_again_comes_to_an_end(lazy):
    stream, y = lazy.stream(), lazy.buffer()
    for value in range(5):
        lazy.launch("set", stream, y, value, N)
    asked = 0
    while lazy.client.answer("hipStreamQuery", stream).code == NOT_READY:
        asked += 1
    assert 0 < asked <= 5
    assert lazy.client.download(y, 4) == struct.pack("<i", 4)


def test_times_are_those_of_the_work_between(program):
    client, stream, y = program.client, program.stream(), program.buffer()
    events = [program.call("hipEventCreate") for _ in range(4)]
    for event in events:
        program.call("hipEventRecord", event, stream)
        program.launch("set", stream, y, 3, N)
    program.call("hipDeviceSynchronize")
    times = [
        milliseconds(client.ok("hipEventElapsedTime", first, last))
        for first, last in itertools.pairwise(events)
    ]
    assert all(time > 0 for time in times)
    assert milliseconds(client.ok("hipEventElapsedTime", events[0], events[3])) == pytest.approx(
        sum(times), 0.01
    )
    untimed = client.ok("hipEventCreateWithFlags", 2)
    program.call("hipEventRecord", untimed, stream)
    program.call("hipDeviceSynchronize")
    client.fails("hipErrorInvalidHandle", "hipEventElapsedTime", events[0], untimed)


def test_a_launch_records_its_own_events(program):
    client, stream, y = program.client, program.stream(), program.buffer()
    first, last = program.call("hipEventCreate"), program.call("hipEventCreate")
    shape = (program.functions["set"], 8, 1, 1, 128, 1, 1, 0, stream, first, last, 0)
    program.call("hipExtModuleLaunchKernel", *shape, payload=struct.pack("<Qii", y, 1, N))
    program.call("hipEventSynchronize", last)
    assert milliseconds(client.ok("hipEventElapsedTime", first, last)) > 0


@pytest.mark.parametrize("size", [4, 8])
@pytest.mark.parametrize(
    ("condition", "wanted", "mask", "before", "after"),
    [
        (GTE, 5, -1, 4, 5),
        (GTE, 5, -1, 0, 1000),
        (EQ, 5, -1, 6, 5),
        (EQ, 5, 0xF, 0x16, 0xF5),
        (AND, 6, -1, 1, 2),
        (NOR, 0x0F, -1, -1, 0xF0),
    ],
)
def test_a_stream_waits_for_a_value(program, size, condition, wanted, mask, before, after):
    client, one, two = program.client, program.stream(), program.stream()
    flag, y = program.buffer(), program.buffer()
    whole = (1 << 8 * size) - 1
    client.context.backend.write(flag, (before & whole).to_bytes(size, "little"))
    program.call(f"hipStreamWaitValue{8 * size}", two, flag, wanted, condition, mask)
    program.launch("set", two, y, 9, N)
    for _ in range(5):
        assert client.answer("hipStreamQuery", two).code == NOT_READY
    program.call(f"hipStreamWriteValue{8 * size}", one, flag, after, 0)
    program.call("hipDeviceSynchronize")
    assert client.download(y, 4) == struct.pack("<i", 9)
    assert client.download(flag, size) == (after & whole).to_bytes(size, "little")


def test_values_that_are_nowhere(program):
    client, stream, y = program.client, program.stream(), program.buffer()
    client.fails("hipErrorInvalidValue", "hipStreamWaitValue32", stream, y + 1, 0, GTE, -1)
    client.fails("hipErrorInvalidValue", "hipStreamWaitValue32", stream, y, 0, 4, -1)
    client.fails("hipErrorInvalidValue", "hipStreamWriteValue64", stream, y + 4 * N, 0, 0)


def test_all_that_may_wait_is_served_on_behalf_of_who_waits():
    waiting = (
        "hipStreamSynchronize",
        "hipStreamQuery",
        "hipEventSynchronize",
        "hipEventQuery",
        "hipGraphLaunch",
    )
    assert all(SERVED[name].waits for name in waiting)
    assert not SERVED["hipEventRecord"].waits


def test_a_client_that_ends_ends_its_kernels(queued):
    program = Program(queued("eager"))
    y = program.buffer()
    program.launch("endless", 0, y)
    program.launch("endless", 0, y)
    program.client.context.close()
    assert not program.client.context.streams.pending()
