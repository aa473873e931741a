"""hipGraphAdd*Node, hipGraphNode*: the nodes of graphs, and what they do.

What a node does is made by the functions that serve launches, copies and memsets on streams: a stream of its
own captures the one call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rocverify.device.hip.callback import host_function
from rocverify.device.hip.calls import SERVED, Answer, Call, Caller, serve
from rocverify.device.hip.capture import RELAXED, Capture
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.graph import Graph, Node, Step, Told
from rocverify.device.hip.items import Item, Kind
from rocverify.device.hip.streams import NON_BLOCKING, streams_of
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context
    from rocverify.device.hip.event import Event

_MEMSETS = {1: "hipMemsetD8Async", 2: "hipMemsetD16Async", 4: "hipMemsetD32Async"}

_Calls = list[tuple[str, tuple[int, ...]]]


@dataclass(slots=True)
class _Content:
    """What a node does: see Node."""

    item: Item | None = None
    event: Event | None = None
    child: Graph | None = None
    told: Told | None = None


def _captured(
    context: Context, call: Call, caller: Caller | None, make: Callable[[int], _Calls], kind: Kind
) -> _Content:
    """What calls on a stream would do; `make` gives their names and arguments for the stream it is told."""
    streams, graph = streams_of(context), Graph(call.site)
    entry = context.entry(call)
    with streams.lock:
        stream = streams.create(NON_BLOCKING, 0, call.site)
        Capture(stream, RELAXED, call.slot, graph)
        try:
            for name, args in make(stream.handle):
                served = SERVED[name]
                inner = Call(name, args, call.payload, False, call.slot, call.site, waits=False)
                if served.describe is not None:
                    entry.fields.update(served.describe(context, inner))
                entry.category = entry.fields.pop("category", served.category)
                served.function(context, inner, caller)
        finally:
            streams.discard(stream)
    told = graph.nodes[0].told if graph.nodes else None
    entry.category = Category.STREAM
    return _Content(_one(graph.nodes, kind), told=told)


def _one(nodes: list[Node], kind: Kind) -> Item | None:
    """One item that does the work of all nodes."""
    items = [node.item for node in nodes if node.item is not None]
    if len(items) < 2:
        return items[0] if items else None

    def run(caller: Caller | None) -> None:
        for item in items:
            item.run(caller)

    needs_caller = any(item.needs_caller for item in items)
    accesses = tuple(access for item in items for access in item.accesses)
    return Item(run, items[0].label, needs_caller, accesses, items[0].site, kind=kind)


def _kernel(context: Context, call: Call, caller: Caller | None, rest: tuple[int, ...]) -> _Content:
    def on(stream: int) -> _Calls:  # without the stream and the events of the call
        return [("hipModuleLaunchKernel", (*rest[:8], stream, 0, 0, *rest[11:]))]

    return _captured(context, call, caller, on, Kind.KERNEL)


def _copy(context: Context, call: Call, caller: Caller | None, rest: tuple[int, ...]) -> _Content:
    name = "hipMemcpyAsync" if len(rest) < 10 else "hipMemcpy3DAsync"
    return _captured(context, call, caller, lambda stream: [(name, (*rest, stream))], Kind.MEMCPY)


def _memset(context: Context, call: Call, caller: Caller | None, rest: tuple[int, ...]) -> _Content:
    target, element, height, pitch, value, width = rest
    name = _MEMSETS.get(element)
    if name is None:
        raise HipError("hipErrorInvalidValue", f"elements of {element} bytes cannot be set: 1, 2 or 4")

    def on(stream: int) -> _Calls:
        return [(name, (target + row * pitch, value, width, stream)) for row in range(max(height, 1))]

    return _captured(context, call, caller, on, Kind.MEMSET)


def _host(context: Context, call: Call, caller: Caller | None, rest: tuple[int, ...]) -> _Content:  # noqa: ARG001
    function, user = rest
    if not function:
        raise HipError("hipErrorInvalidValue", "no function")
    return _Content(host_function(function, user, call.site))


def _event(context: Context, call: Call, caller: Caller | None, rest: tuple[int, ...]) -> _Content:  # noqa: ARG001
    return _Content(event=streams_of(context).events.find(rest[0]))


def _child(context: Context, call: Call, caller: Caller | None, rest: tuple[int, ...]) -> _Content:  # noqa: ARG001
    graphs = streams_of(context).graphs
    return _Content(child=graphs.enter(graphs.find(rest[0]).clone()))


def _empty(context: Context, call: Call, caller: Caller | None, rest: tuple[int, ...]) -> _Content:  # noqa: ARG001
    return _Content()


_MAKE = {
    Kind.KERNEL: _kernel, Kind.MEMCPY: _copy, Kind.MEMSET: _memset, Kind.HOST: _host, Kind.GRAPH: _child,
    Kind.EMPTY: _empty, Kind.WAIT_EVENT: _event, Kind.EVENT_RECORD: _event,
}  # fmt: skip

_ADDED = {
    "hipGraphAddKernelNode": Kind.KERNEL,
    "hipGraphAddMemcpyNode": Kind.MEMCPY,
    "hipGraphAddMemcpyNode1D": Kind.MEMCPY,
    "hipGraphAddMemsetNode": Kind.MEMSET,
    "hipGraphAddHostNode": Kind.HOST,
    "hipGraphAddEmptyNode": Kind.EMPTY,
    "hipGraphAddEventRecordNode": Kind.EVENT_RECORD,
    "hipGraphAddEventWaitNode": Kind.WAIT_EVENT,
    "hipGraphAddChildGraphNode": Kind.GRAPH,
}


@serve(*_ADDED, category=Category.STREAM)
def add_node(context: Context, call: Call, caller: Caller | None) -> tuple[int]:
    """Serves hipGraphAdd*Node: adds a node of the kind that the call names, and returns its handle."""
    graphs, kind = streams_of(context).graphs, _ADDED[call.name]
    number, count, *rest = call.args
    graph, after = graphs.find(number), [graphs.node(one) for one in rest[:count]]
    content = _MAKE[kind](context, call, caller, tuple(rest[count:]))
    node = graph.add(
        kind, after, item=content.item, event=content.event, child=content.child, told=content.told
    )
    return (node.handle,)


def _maker(kind: Kind) -> Callable[[Context, Call, Caller | None, tuple[int, ...]], _Content]:
    if kind not in _MAKE:
        raise HipError("hipErrorInvalidValue", "what such a node does cannot be changed")
    return _MAKE[kind]


@serve("hipGraphNodeSetParams", category=Category.STREAM)
def set_node(context: Context, call: Call, caller: Caller | None) -> None:
    """Serves hipGraphNodeSetParams: gives a node other parameters."""
    node = streams_of(context).graphs.node(call.args[0])
    content = _maker(node.kind)(context, call, caller, call.args[1:])
    node.item, node.event, node.child, node.told = content.item, content.event, content.child, content.told


@serve("hipGraphExecNodeSetParams", "hipGraphExecKernelNodeSetParams", category=Category.STREAM)
def set_step(context: Context, call: Call, caller: Caller | None) -> None:
    """Serves hipGraphExecNodeSetParams and its like: gives a node of an executable graph other parameters."""
    step = _step(context, call)
    if step.kind is Kind.GRAPH or (step.kind is not Kind.KERNEL and "Kernel" in call.name):
        raise HipError("hipErrorInvalidValue", "the node is of another kind")
    content = _maker(step.kind)(context, call, caller, call.args[2:])
    step.item, step.event, step.told = content.item, content.event, content.told


def _step(context: Context, call: Call) -> Step:
    return streams_of(context).graphs.executable(call.args[0]).step(call.args[1])


@serve("hipGraphNodeSetEnabled", category=Category.STREAM)
def enable_node(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipGraphNodeSetEnabled: switches a node of an executable graph on or off."""
    step = _step(context, call)
    if step.kind not in (Kind.KERNEL, Kind.MEMCPY, Kind.MEMSET):
        raise HipError("hipErrorInvalidValue", "only kernels, copies and memsets can be switched off")
    step.enabled = bool(call.args[2])


@serve("hipGraphNodeGetEnabled", category=Category.STREAM)
def is_enabled(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipGraphNodeGetEnabled: 1 if a node of an executable graph is switched on."""
    return (int(_step(context, call).enabled),)


@serve("hipGraphDestroyNode", category=Category.STREAM)
def destroy_node(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipGraphDestroyNode: removes a node from its graph."""
    node = streams_of(context).graphs.node(call.args[0])
    node.graph.remove(node)


@serve("hipGraphNodeGetType", category=Category.STREAM)
def node_type(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipGraphNodeGetType: the number of its kind."""
    return (int(streams_of(context).graphs.node(call.args[0]).kind),)


@serve("hipGraphNodeGetDependencies", category=Category.STREAM)
def node_dependencies(context: Context, call: Call, caller: Caller | None) -> tuple[int, ...]:  # noqa: ARG001
    """Serves hipGraphNodeGetDependencies: the handles of the nodes that it comes after."""
    return tuple(one.handle for one in streams_of(context).graphs.node(call.args[0]).after)


@serve("hipGraphNodeGetDependentNodes", category=Category.STREAM)
def dependent_nodes(context: Context, call: Call, caller: Caller | None) -> tuple[int, ...]:  # noqa: ARG001
    """Serves hipGraphNodeGetDependentNodes: the handles of the nodes that come after it."""
    node = streams_of(context).graphs.node(call.args[0])
    return tuple(one.handle for one in node.graph.nodes if node in one.after)


@serve("hipGraphKernelNodeGetParams", category=Category.STREAM)
def kernel_parameters(context: Context, call: Call, caller: Caller | None) -> Answer:  # noqa: ARG001
    """node -> what a launch's arguments are, and its payload."""
    item = streams_of(context).graphs.node(call.args[0]).item
    if item is None or item.kind is not Kind.KERNEL or item.call is None:
        raise HipError("hipErrorInvalidValue", "the node is not a kernel")
    return Answer(0, item.call.args, item.call.payload)


@serve("hipGraphChildGraphNodeGetGraph", category=Category.STREAM)
def child_graph(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipGraphChildGraphNodeGetGraph: the handle of the graph that the node holds."""
    node = streams_of(context).graphs.node(call.args[0])
    if node.child is None:
        raise HipError("hipErrorInvalidValue", "the node is not a child graph")
    return (streams_of(context).graphs.enter(node.child).handle,)


@serve("hipGraphNodeFindInClone", category=Category.STREAM)
def find_in_clone(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipGraphNodeFindInClone: the handle of a node's copy in a clone of its graph."""
    graphs = streams_of(context).graphs
    twin = graphs.find(call.args[1]).twins.get(call.args[0])
    if twin is None:
        raise HipError("hipErrorInvalidValue", "the graph is not a clone of the node's graph")
    return (twin.handle,)
