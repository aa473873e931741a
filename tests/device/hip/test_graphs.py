"""Graphs: made by hand or captured, their nodes are done in an order that the edges allow, each launch."""

from __future__ import annotations

import struct
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.device.hip.graph import Executable, Graph
from rocverify.device.hip.items import Item, Kind
from rocverify.device.hip.streams import NON_BLOCKING, Streams
from rocverify.device.trace.events import Category
from tests.device.hip.test_host_races import D2H, H2D, N, Program

ORDERS = ("eager", "lazy", "shuffled")
CALLER = object()
UNSUPPORTED = "hipErrorStreamCaptureUnsupported"


@st.composite
def shapes(draw):
    """For each node, those before it that it comes after; None in place of a child graph's shape."""
    count = draw(st.integers(0, 8))
    return [
        (
            draw(st.sets(st.integers(0, max(number - 1, 0)), max_size=number)),
            draw(st.booleans()) if number else False,
        )
        for number in range(count)
    ]


def build(shape, log: list, prefix: tuple[int, ...], needs_caller: bool) -> Graph:
    graph, nodes = Graph(), []
    for number, (after, is_child) in enumerate(shape):
        before = [nodes[one] for one in after]
        name = (*prefix, number)
        if is_child and not prefix:
            child = build(shape[:number], log, name, needs_caller)
            nodes.append(graph.add(Kind.GRAPH, before, child=child))
        else:
            item = Item(lambda _, n=name: log.append(n), str(name), needs_caller=needs_caller)
            nodes.append(graph.add(Kind.KERNEL, before, item=item))
    return graph


def expected(shape, prefix: tuple[int, ...] = ()) -> tuple[set, set]:
    """Names of all work, and pairs of which the first must be done before the second."""
    names, pairs = set(), set()
    members: list[set] = []
    for number, (after, is_child) in enumerate(shape):
        name = (*prefix, number)
        if is_child and not prefix:
            inner, inner_pairs = expected(shape[:number], name)
            pairs |= inner_pairs
        else:
            inner = {name}
        before = set().union(*(members[one] for one in after))
        reached = {first for first, last in pairs if last in before} | before
        pairs |= {(first, last) for first in reached for last in inner}
        # What comes after an empty child graph comes after what that comes after.
        members.append(inner or before)
        names |= inner
    return names, pairs


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=60, deadline=None)
@given(shape=shapes(), seed=st.integers(0, 100), needs_caller=st.booleans(), launches=st.integers(1, 3))
def test_nodes_are_done_once_and_in_order(order, shape, seed, needs_caller, launches):
    streams, log = Streams(order, seed, clock=time.perf_counter), []
    names, pairs = expected(shape)
    stream = streams.create(NON_BLOCKING)
    executable = Executable(build(shape, log, (), needs_caller), streams)
    try:
        streams.submit(stream.handle, 0, Item(lambda _: log.append("before"), "before"))
        for _ in range(launches):
            executable.launch(streams, stream, 0)
        streams.submit(stream.handle, 0, Item(lambda _: log.append("behind"), "behind"))
        streams.wait(stream.handle, 0, CALLER)
    finally:
        streams.close()
    assert log[0] == "before"
    assert log[-1] == "behind"
    size = len(names)
    for start in range(1, 1 + launches * size, max(size, 1)):
        once = log[start : start + size]
        assert sorted(once) == sorted(names)
        place = {name: index for index, name in enumerate(once)}
        assert all(place[first] < place[last] for first, last in pairs)


@pytest.fixture(params=ORDERS)
def program(request, queued) -> Program:
    return Program(queued(request.param, 5))


def values(program: Program, address: int) -> np.ndarray:
    return np.frombuffer(program.client.download(address, 4 * N), dtype=np.int32)


def test_a_captured_graph_does_nothing_before_its_launch_and_all_at_each(program):
    stream, x, y = program.stream(), program.buffer(), program.buffer()
    out = program.client.host.put(bytes(4 * N))
    program.call("hipStreamBeginCapture", stream, 0)
    program.launch("set", stream, x, 3, N)
    program.launch("add", stream, y, x, N)
    program.call("hipMemcpyAsync", out, y, 4 * N, D2H, stream)
    assert program.call("hipStreamIsCapturing", stream) == 1
    graph = program.call("hipStreamEndCapture", stream)
    executable = program.call("hipGraphInstantiate", graph, 0)
    program.call("hipDeviceSynchronize")
    assert not values(program, x).any()
    launched = [e for e in program.client.events if e.category is Category.LAUNCH]
    assert launched == []
    for round_number in (1, 2):
        program.call("hipGraphLaunch", executable, stream)
        program.call("hipStreamSynchronize", stream)
        assert (values(program, y) == 3 * round_number).all()
        assert program.client.host.read_host(out, 4 * N) == values(program, y).tobytes()
    launched = [e.kernel for e in program.client.events if e.category is Category.LAUNCH]
    assert launched == ["set", "add"] * 2
    assert [e.bytes for e in program.client.events if e.category is Category.D2H] == [4 * N] * 2


def test_a_capture_spreads_by_events_and_has_to_be_joined(program):
    one, two, x, y = program.stream(), program.stream(), program.buffer(), program.buffer()
    program.call("hipStreamBeginCapture", one, 0)
    program.launch("set", one, x, 1, N)
    program.order(one, two)
    program.launch("set", two, y, 2, N)
    program.order(two, one)
    program.launch("add", one, x, y, N)
    graph = program.call("hipStreamEndCapture", one)
    nodes = program.client.answer("hipGraphGetNodes", graph).values
    edges = program.client.answer("hipGraphGetEdges", graph).values
    assert len(nodes) == 3
    pairs = {(nodes.index(a), nodes.index(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)}
    assert pairs == {(0, 1), (0, 2), (1, 2)}
    program.call("hipGraphLaunch", program.call("hipGraphInstantiate", graph, 0), two)
    program.call("hipDeviceSynchronize")
    assert (values(program, x) == 3).all()

    program.call("hipStreamBeginCapture", one, 0)
    program.order(one, two)
    program.launch("set", two, y, 5, N)
    program.client.fails("hipErrorStreamCaptureUnjoined", "hipStreamEndCapture", one)
    program.launch("set", two, y, 6, N)
    program.call("hipDeviceSynchronize")
    assert (values(program, y) == 6).all()


def test_what_cannot_be_captured(program):
    client, stream, other, x = program.client, program.stream(0), program.stream(), program.buffer()
    client.fails("hipErrorIllegalState", "hipStreamEndCapture", stream)
    client.fails(UNSUPPORTED, "hipStreamBeginCapture", 0, 0)
    program.call("hipStreamBeginCapture", stream, 0)
    client.fails("hipErrorIllegalState", "hipStreamBeginCapture", stream, 0)
    client.fails(UNSUPPORTED, "hipStreamSynchronize", stream)
    assert client.ok("hipStreamIsCapturing", stream) == 2
    client.fails("hipErrorStreamCaptureInvalidated", "hipMemsetAsync", x, 0, 4 * N, stream)
    client.fails("hipErrorStreamCaptureInvalidated", "hipStreamEndCapture", stream)
    program.call("hipStreamBeginCapture", stream, 0)
    client.fails("hipErrorStreamCaptureImplicit", "hipMemsetAsync", x, 0, 4 * N, 0)
    client.fails("hipErrorStreamCaptureInvalidated", "hipStreamEndCapture", stream)
    program.call("hipStreamBeginCapture", stream, 0)
    event = program.call("hipEventCreate")
    program.call("hipEventRecord", event, other)
    client.fails("hipErrorStreamCaptureIsolation", "hipStreamWaitEvent", stream, event, 0)
    client.fails("hipErrorStreamCaptureInvalidated", "hipStreamEndCapture", stream)
    assert client.ok("hipStreamIsCapturing", stream) == 0
    program.call("hipDeviceSynchronize")


def test_nodes_made_by_hand(program):
    client, stream, x, y = program.client, program.stream(), program.buffer(), program.buffer()
    host = client.host.put(np.arange(N, dtype=np.int32).tobytes())
    out = client.host.put(bytes(4 * N))
    graph = program.call("hipGraphCreate", 0)
    row = 4 * N
    up = program.call("hipGraphAddMemcpyNode", graph, 0, x, row, 1, host, row, 1, row, 1, 1, H2D)
    zero = program.call("hipGraphAddMemsetNode", graph, 0, y, 4, 1, row, 5, N)
    shape = (program.functions["add"], 8, 1, 1, 128, 1, 1, 0, 0, 0, 0, 0)
    kernarg = struct.pack("<QQi", y, x, N)
    kernel = program.call("hipGraphAddKernelNode", graph, 2, up, zero, *shape, payload=kernarg)
    down = program.call("hipGraphAddMemcpyNode1D", graph, 1, kernel, out, y, 4 * N, D2H)
    program.call("hipGraphAddHostNode", graph, 1, down, 0x1234, 0x5678)
    event = program.call("hipEventCreate")
    program.call("hipGraphAddEventRecordNode", graph, 1, down, event)
    kinds = [
        client.ok("hipGraphNodeGetType", node) for node in client.answer("hipGraphGetNodes", graph).values
    ]
    assert kinds == [1, 2, 0, 1, 3, 7]
    assert client.answer("hipGraphGetRootNodes", graph).values == (up, zero)
    executable = program.call("hipGraphInstantiate", graph, 0)
    program.call("hipGraphLaunch", executable, stream)
    program.call("hipEventSynchronize", event)
    program.call("hipStreamSynchronize", stream)
    assert np.array_equal(np.frombuffer(client.host.read_host(out, 4 * N), np.int32), np.arange(N) + 5)
    assert client.host.calls_back == [(0, 0x1234, 0x5678, 0, 0)]
    fewer = struct.pack("<QQi", y, x, 10)
    program.call("hipGraphExecKernelNodeSetParams", executable, kernel, *shape, payload=fewer)
    program.call("hipGraphLaunch", executable, stream)
    program.call("hipStreamSynchronize", stream)
    assert values(program, y)[10:].tolist() == [5] * (N - 10)
    program.call("hipGraphNodeSetEnabled", executable, kernel, 0)
    program.call("hipGraphLaunch", executable, stream)
    program.call("hipStreamSynchronize", stream)
    assert (values(program, y) == 5).all()


def test_updates_of_an_executable(program):
    client, stream, x = program.client, program.stream(), program.buffer()

    def captured(*settings: int) -> int:
        program.call("hipStreamBeginCapture", stream, 0)
        for value in settings:
            program.launch("set", stream, x, value, N)
        return program.call("hipStreamEndCapture", stream)

    executable = program.call("hipGraphInstantiate", captured(1), 0)
    assert program.call("hipGraphExecUpdate", executable, captured(7)) == 0
    program.call("hipGraphLaunch", executable, stream)
    program.call("hipStreamSynchronize", stream)
    assert (values(program, x) == 7).all()
    answer = client.answer("hipGraphExecUpdate", executable, captured(1, 2))
    assert (answer.code, answer.values) == (910, (2,))


def test_child_graphs_clones_and_circles(program):
    client, stream, x, y = program.client, program.stream(), program.buffer(), program.buffer()
    program.call("hipStreamBeginCapture", stream, 0)
    program.launch("set", stream, x, 4, N)
    child = program.call("hipStreamEndCapture", stream)
    graph = program.call("hipGraphCreate", 0)
    first = program.call("hipGraphAddChildGraphNode", graph, 0, child)
    shape = (program.functions["add"], 8, 1, 1, 128, 1, 1, 0, 0, 0, 0, 0)
    last = program.call(
        "hipGraphAddKernelNode", graph, 1, first, *shape, payload=struct.pack("<QQi", y, x, N)
    )  # fmt: skip
    clone = program.call("hipGraphClone", graph)
    twin = program.call("hipGraphNodeFindInClone", last, clone)
    assert client.ok("hipGraphNodeGetType", twin) == 0
    program.call("hipGraphDestroy", child)
    program.call("hipGraphDestroy", graph)
    client.fails("hipErrorInvalidValue", "hipGraphNodeGetType", last)
    program.call("hipGraphLaunch", program.call("hipGraphInstantiate", clone, 0), stream)
    program.call("hipStreamSynchronize", stream)
    assert (values(program, y) == 4).all()
    start = client.answer("hipGraphNodeGetDependencies", twin).values[0]
    program.call("hipGraphAddDependencies", clone, 1, twin, start)
    client.fails("hipErrorInvalidValue", "hipGraphInstantiate", clone, 0)


def test_a_graph_launched_while_a_stream_captures_becomes_a_child(program):
    stream, x = program.stream(), program.buffer()
    program.call("hipStreamBeginCapture", stream, 0)
    program.launch("add", stream, x, x, N)
    inner = program.call("hipGraphInstantiate", program.call("hipStreamEndCapture", stream), 0)
    program.call("hipStreamBeginCapture", stream, 0)
    program.launch("set", stream, x, 1, N)
    program.call("hipGraphLaunch", inner, stream)
    program.call("hipGraphLaunch", inner, stream)
    outer = program.call("hipGraphInstantiate", program.call("hipStreamEndCapture", stream), 0)
    program.call("hipGraphLaunch", outer, stream)
    program.call("hipStreamSynchronize", stream)
    assert (values(program, x) == 4).all()


def test_callbacks_are_made_on_behalf_of_who_waits(program):
    client, stream = program.client, program.stream()
    program.call("hipLaunchHostFunc", stream, 0x10, 0x20)
    program.call("hipStreamAddCallback", stream, 0x30, 0x40, 0)
    program.call("hipStreamSynchronize", stream)
    assert client.host.calls_back == [(0, 0x10, 0x20, 0, 0), (1, 0x30, 0x40, stream, 0)]
