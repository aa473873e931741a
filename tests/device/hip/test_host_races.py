"""Work that nothing orders is found with both sides; what is in order is not."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.hip.items import Access, Item, Kind
from rocverify.device.trace.findings import HostFinding

N = 1000
NON_BLOCKING = 1
H2D, D2H, D2D = 1, 2, 3
FORMS = {
    "set": "<Qii",
    "add": "<QQi",
    "count": "<Q",
    "odd": "<Qi",
    "even": "<Qi",
    "read": "<QQi",
    "endless": "<Q",
}
SOURCE = Path(__file__).parent / "ordered.hip"


class Program:
    """A HIP program that is checked; every call has a site of its own, `main.cpp:LINE`."""

    def __init__(self, client) -> None:
        self.client, self.line = client, 0
        module = client.module()
        self.functions = {name: client.function(module, name) for name in FORMS}

    def call(self, name: str, *args: int, payload: bytes = b"") -> int:
        self.line += 1
        site = self.client.site(self.line, f"P\t/src/main.cpp\t{self.line}\tmain")
        return self.client.ok(name, *args, payload=payload, site=site)

    def stream(self, flags: int = NON_BLOCKING) -> int:
        return self.call("hipStreamCreateWithFlags", flags)

    def buffer(self, count: int = N) -> int:
        address = self.call("hipMalloc", 4 * count)
        self.call("hipMemset", address, 0, 4 * count)
        self.call("hipDeviceSynchronize")
        return address

    def launch(self, name: str, stream: int, *arguments: int) -> None:
        form = {
            "set": "<Qii",
            "add": "<QQi",
            "count": "<Q",
            "odd": "<Qi",
            "even": "<Qi",
            "read": "<QQi",
            "endless": "<Q",
        }[name]
        kernarg = struct.pack(form, *arguments)
        grid = 1 if name == "count" else -(-N // 128)
        self.call(
            "hipModuleLaunchKernel", self.functions[name], grid, 1, 1, 128, 1, 1, 0, stream, 0, 0, 0,
            payload=kernarg,
        )  # fmt: skip

    def order(self, first: int, then: int) -> None:
        event = self.call("hipEventCreate")
        self.call("hipEventRecord", event, first)
        self.call("hipStreamWaitEvent", then, event, 0)

    def findings(self, kind: str | None = "race") -> list[HostFinding]:
        found = self.client.context.control.host_findings
        return [one for one in found if kind in (None, one.kind)]

    def finish(self) -> list[HostFinding]:
        self.call("hipDeviceSynchronize")
        return self.findings()


@pytest.fixture(params=["eager", "lazy", "shuffled"])
def program(request, queued: Callable) -> Program:
    return Program(queued(request.param, 5, sanitize=True))


def line(text: str) -> int:
    return next(
        n for n, words in enumerate(SOURCE.read_text().splitlines(), 1) if words.endswith(f"// {text}")
    )


def test_two_launches_that_write_the_same(program):
    one, two, y = program.stream(), program.stream(), program.buffer()
    program.launch("set", one, y, 1, N)
    program.launch("set", two, y, 2, N)
    (race,) = program.finish()
    assert "WAW race" in race.message
    assert f"kernel set (ordered.hip:{line('set')})" in race.message.replace("./", "")
    assert f"{4 * N} bytes" in race.message
    assert f"hipMalloc at /src/main.cpp:{program.line - 5}" in race.message
    assert (race.kernel, race.address, race.bytes) == ("set", y, 4 * N)
    assert HostFinding.from_json(race.to_json()) == race
    assert {race.site, race.other} == {f"/src/main.cpp:{program.line - n}" for n in (1, 2)}


def test_a_copy_that_reads_what_a_kernel_writes(program):
    one, two, y = program.stream(), program.stream(), program.buffer()
    host = program.client.host.put(bytes(4 * N))
    program.launch("set", one, y, 1, N)
    program.call("hipMemcpyAsync", host, y, 4 * N, D2H, two)
    (race,) = program.finish()
    assert "RAW" in race.message or "WAR" in race.message
    assert "hipMemcpyAsync" in race.message


@pytest.mark.parametrize("how", ["event", "synchronize", "same stream", "default stream", "event wait"])
def test_what_is_ordered_is_no_race(program, how):
    one, y = program.stream(0), program.buffer()
    two = {"same stream": one, "default stream": 0}.get(how) if "stream" in how else program.stream()
    host = program.client.host.put(bytes(4 * N))
    program.launch("set", one, y, 1, N)
    if how == "event":
        program.order(one, two)
    elif how == "event wait":
        event = program.call("hipEventCreate")
        program.call("hipEventRecord", event, one)
        program.call("hipEventSynchronize", event)
    elif how == "synchronize":
        program.call("hipStreamSynchronize", one)
    program.launch("set", two, y, 2, N)
    program.call("hipMemcpyAsync", host, y, 4 * N, D2H, two)
    assert program.finish() == []


def test_the_default_stream_waits_for_a_stream_that_was_destroyed(program):
    one, y = program.stream(0), program.buffer()
    program.launch("set", one, y, 1, N)
    program.call("hipStreamDestroy", one)
    program.launch("set", 0, y, 2, N)
    assert program.finish() == []


def test_streams_that_do_not_wait_for_the_default_stream(program):
    one, y = program.stream(NON_BLOCKING), program.buffer()
    program.launch("set", 0, y, 1, N)
    program.launch("set", one, y, 2, N)
    assert len(program.finish()) == 1


def test_order_goes_through_a_third_stream(program):
    streams, y = [program.stream() for _ in range(3)], program.buffer()
    program.launch("set", streams[0], y, 1, N)
    program.order(streams[0], streams[1])
    program.order(streams[1], streams[2])
    program.launch("set", streams[2], y, 2, N)
    assert program.finish() == []


def test_bytes_that_do_not_meet(program):
    one, two, y = program.stream(), program.stream(), program.buffer(2 * N)
    program.launch("set", one, y, 1, N)
    program.launch("set", two, y + 4 * N, 2, N)
    program.launch("add", one, y, y, N)
    assert program.finish() == []


def test_neighbouring_elements_of_one_line_do_not_meet(program):
    one, two, y = program.stream(), program.stream(), program.buffer()
    program.launch("odd", one, y, N)
    program.launch("even", two, y, N)
    assert program.finish() == []
    program.launch("odd", one, y, N)
    program.launch("odd", two, y, N)
    (race,) = program.finish()
    assert f"{4 * (N // 2)} bytes" in race.message


def test_readers_do_not_race_and_a_writer_with_each_of_them(program):
    one, two, three = (program.stream() for _ in range(3))
    x, a, b = program.buffer(), program.buffer(), program.buffer()
    program.launch("read", one, x, a, N)
    program.launch("read", two, x, b, N)
    assert program.finish() == []
    program.launch("read", one, x, a, N)
    program.launch("read", two, x, b, N)
    program.launch("set", three, x, 1, N)
    assert len(program.finish()) == 2


def test_atomics_of_two_launches_are_no_race(program):
    one, two, y = program.stream(), program.stream(), program.buffer()
    program.launch("count", one, y)
    program.launch("count", two, y)
    assert program.finish() == []
    program.launch("count", one, y)
    program.launch("set", two, y, 1, N)
    (race,) = program.finish()
    assert " 4 bytes" in race.message


def test_an_earlier_launch_of_a_stream_races_though_a_later_one_does_not(program):
    """The later launch reads the same bytes, in order with the copy: it must not hide the earlier one."""
    one, two = program.stream(), program.stream()
    x, a = program.buffer(), program.buffer()
    host = program.client.host.put(bytes(4 * N))
    program.call("hipMemcpyAsync", x, host, 4 * N, H2D, two)
    program.launch("read", one, x, a, N)
    program.order(two, one)
    program.launch("read", one, x, a, N)
    assert len(program.finish()) == 1


def test_pinned_memory_that_a_kernel_writes_and_a_copy_reads(program):
    one, two = program.stream(), program.stream()
    pinned, y = program.call("hipHostMalloc", 4 * N, 0), program.buffer()
    program.launch("set", one, pinned, 1, N)
    program.call("hipMemcpyAsync", y, pinned, 4 * N, D2D, two)
    assert len(program.finish()) == 1


def test_library_calls_that_say_what_they_access(program):
    one, two, y = program.stream(), program.stream(), program.buffer()
    access = Access(y, 4 * N, write=True)
    item = Item(lambda _: None, "hipblasSscal", accesses=(access,), kind=Kind.KERNEL)
    program.launch("set", one, y, 1, N)
    program.client.context.streams.submit(two, 0, item)
    (race,) = program.finish()
    assert "hipblasSscal" in race.message
    assert "kernel hipblasSscal" not in race.message


def test_branches_of_a_graph(program):
    stream, y = program.stream(), program.buffer()

    def node(graph: int, value: int, *after: int) -> int:
        shape = (program.functions["set"], 8, 1, 1, 128, 1, 1, 0, 0, 0, 0, 0)
        return program.call(
            "hipGraphAddKernelNode",
            graph,
            len(after),
            *after,
            *shape,
            payload=struct.pack("<Qii", y, value, N),
        )

    ordered = program.call("hipGraphCreate", 0)
    node(ordered, 2, node(ordered, 1))
    executable = program.call("hipGraphInstantiate", ordered, 0)
    program.call("hipGraphLaunch", executable, stream)
    program.call("hipGraphLaunch", executable, stream)
    assert program.finish() == []
    apart = program.call("hipGraphCreate", 0)
    node(apart, 1)
    node(apart, 2)
    program.call("hipGraphLaunch", program.call("hipGraphInstantiate", apart, 0), stream)
    assert len(program.finish()) == 1


def test_memory_that_is_freed_while_another_stream_uses_it(program):
    one, two, y = program.stream(), program.stream(), program.buffer()
    program.launch("set", one, y, 1, N)
    program.call("hipFreeAsync", y, two)
    program.client.answer("hipDeviceSynchronize")
    (early,) = program.findings("freed_too_early")
    assert early.site == f"/src/main.cpp:{program.line}"
    assert "kernel set" in early.message


def test_memory_that_is_freed_in_order(program):
    one, two, y = program.stream(), program.stream(), program.buffer()
    program.launch("set", one, y, 1, N)
    program.order(one, two)
    program.call("hipFreeAsync", y, two)
    program.finish()
    assert program.findings(None) == []


def test_a_value_that_a_stream_waits_for_orders(program):
    one, two, y, flag = program.stream(), program.stream(), program.buffer(), program.buffer()
    program.launch("set", one, y, 1, N)
    program.call("hipStreamWriteValue32", one, flag, 7, 0)
    program.call("hipStreamWaitValue32", two, flag, 7, 1, 0xFFFFFFFF)
    program.launch("set", two, y, 2, N)
    assert program.finish() == []


def test_a_wait_that_ends_while_work_behind_it_is_queued_orders_it(queued):
    """What a stream waits for may come true between two steps of a call that queues work behind the wait."""
    program = Program(queued("eager", sanitize=True))
    executor = program.client.context.streams.executor
    add = executor.add

    def late(item: Item, after) -> None:
        end = time.monotonic() + 0.2
        while item.label == "set" and not all(one.done for one in after) and time.monotonic() < end:
            time.sleep(0.001)
        add(item, after)

    one, two, y, flag = program.stream(), program.stream(), program.buffer(), program.buffer()
    program.launch("set", one, y, 1, N)
    program.call("hipStreamWriteValue32", one, flag, 7, 0)
    program.call("hipStreamWaitValue32", two, flag, 7, 1, 0xFFFFFFFF)
    executor.add = late
    program.launch("set", two, y, 2, N)
    assert program.finish() == []


@pytest.mark.parametrize("count", [2, pytest.param(30, marks=pytest.mark.long)])
def test_random_programs_have_the_races_of_a_plain_model(queued, count: int):
    """Launches and copies on three streams with waits: what is found are two of them that touch a common
    element, one of them writing, and that nothing orders; and of a program that has such pairs, some are
    found. (Of two launches in order that race with a third, the later one may stand for both.)"""
    rng = np.random.default_rng(3)
    for _ in range(count):
        program = Program(queued("shuffled", int(rng.integers(100)), sanitize=True))
        found, expected = random_program(program, rng)
        assert found <= expected
        assert bool(found) == bool(expected)
        program.client.context.close()


def random_program(program: Program, rng: np.random.Generator) -> tuple[set, set]:
    streams = [program.stream() for _ in range(3)]
    buffers = [program.buffer() for _ in range(3)]
    host = program.client.host.put(bytes(4 * N))
    begun = program.line
    work: list[tuple[int, int, set[tuple[int, str]], set[int]]] = []
    known: list[set[int]] = [set(), set(), set()]
    waited: set[int] = set()
    for _ in range(12):
        s, t = (int(one) for one in rng.choice(3, 2, replace=False))
        a, b = (int(one) for one in rng.choice(3, 2, replace=False))
        match int(rng.integers(6)):
            case 0:
                program.order(streams[s], streams[t])
                known[t] |= known[s]
                continue
            case 1 if rng.random() < 0.5:
                program.call("hipStreamSynchronize", streams[s])
                waited |= known[s]
                continue
            case 2:
                program.launch("add", streams[s], buffers[a], buffers[b], N)
                touched = {(a, "w"), (b, "r")}
            case 3:
                program.launch("set", streams[s], buffers[a], 1, N)
                touched = {(a, "w")}
            case 4:
                program.call("hipMemcpyAsync", buffers[a], host, 4 * N, H2D, streams[s])
                touched = {(a, "w")}
            case _:
                program.launch("read", streams[s], buffers[a], buffers[b], N)
                touched = {(a, "r"), (b, "w")}
        known[s] |= waited
        work.append((program.line, s, touched, set(known[s])))
        known[s].add(program.line)
    expected = set()
    for at, (line_b, _, touched_b, before) in enumerate(work):
        for line_a, _, touched_a, _ in work[:at]:
            clash = any(x == y and "w" in (p, q) for x, p in touched_a for y, q in touched_b)
            if clash and line_a not in before:
                expected.add((line_a, line_b))
    found = {
        tuple(sorted(int(place.rsplit(":", 1)[1]) for place in (one.site, one.other)))
        for one in program.finish()
    }
    assert all(a > begun for a, _ in found)
    return found, expected
