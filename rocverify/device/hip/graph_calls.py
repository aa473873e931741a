"""hipGraph*: making, launching, updating and ending graphs. Their nodes are in node_calls.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.calls import Answer, Call, Caller, serve
from rocverify.device.hip.errors import CODES
from rocverify.device.hip.graph import Executable, Graph
from rocverify.device.hip.graph_memory import give_back_unused
from rocverify.device.hip.items import Kind
from rocverify.device.hip.streams import streams_of
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context

_TOPOLOGY_CHANGED, _TYPE_CHANGED = 2, 3
"""hipGraphExecUpdateResult."""


@serve("hipGraphCreate", category=Category.STREAM)
def create_graph(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipGraphCreate: returns the handle of an empty graph."""
    return (streams_of(context).graphs.enter(Graph(call.site)).handle,)


@serve("hipGraphDestroy", category=Category.STREAM, after_fault="report", waits=True)
def destroy_graph(context: Context, call: Call, caller: Caller | None) -> None:
    """Serves hipGraphDestroy."""
    streams_of(context).graphs.destroy(call.args[0])
    give_back_unused(context, call, caller)


@serve("hipGraphClone", category=Category.STREAM)
def clone_graph(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipGraphClone: returns the handle of a copy."""
    graphs = streams_of(context).graphs
    return (graphs.enter(graphs.find(call.args[0]).clone()).handle,)


@serve("hipGraphInstantiate", category=Category.STREAM)
def instantiate(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipGraphInstantiate: returns the handle of an executable graph."""
    graphs = streams_of(context).graphs
    return (graphs.instantiate(graphs.find(call.args[0])).handle,)


@serve("hipGraphExecDestroy", category=Category.STREAM, after_fault="report", waits=True)
def destroy_executable(context: Context, call: Call, caller: Caller | None) -> None:
    """Serves hipGraphExecDestroy."""
    streams_of(context).graphs.destroy_executable(call.args[0])
    give_back_unused(context, call, caller)


@serve("hipGraphUpload", category=Category.STREAM)
def upload_graph(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipGraphUpload: checks its handles; there is nothing to upload."""
    streams = streams_of(context)
    streams.graphs.executable(call.args[0])
    streams.find(call.args[1], call.slot)


@serve("hipGraphLaunch", category=Category.STREAM, waits=True)
def launch_graph(context: Context, call: Call, caller: Caller | None) -> None:
    """Serves hipGraphLaunch: queues the work of an executable graph on a stream."""
    streams = streams_of(context)
    with streams.lock:
        executable = streams.graphs.executable(call.args[0])
        stream = streams.find(call.args[1], call.slot)
        if stream.capture is not None:
            child = executable.source.clone()
            capture = stream.capture
            capture.extend(stream, capture.graph.add(Kind.GRAPH, capture.tails[stream], child=child))
            return
        streams.refuse_implicit(stream)
        launched = executable.launch(streams, stream, call.site)
    for step, item in launched:
        if step.told is not None and step.enabled:
            item.seq = context.record("hipGraphLaunch", step.told.category, call.site, **step.told.fields)
    streams.queued([item for _, item in launched], caller)


@serve("hipGraphGetNodes", category=Category.STREAM)
def graph_nodes(context: Context, call: Call, caller: Caller | None) -> tuple[int, ...]:  # noqa: ARG001
    """Serves hipGraphGetNodes: the handles of all nodes."""
    return tuple(node.handle for node in streams_of(context).graphs.find(call.args[0]).nodes)


@serve("hipGraphGetRootNodes", category=Category.STREAM)
def graph_roots(context: Context, call: Call, caller: Caller | None) -> tuple[int, ...]:  # noqa: ARG001
    """Serves hipGraphGetRootNodes: the handles of the nodes that come after none."""
    return tuple(node.handle for node in streams_of(context).graphs.find(call.args[0]).roots())


@serve("hipGraphGetEdges", category=Category.STREAM)
def graph_edges(context: Context, call: Call, caller: Caller | None) -> tuple[int, ...]:  # noqa: ARG001
    """Serves hipGraphGetEdges: the handles of both nodes of each edge."""
    edges = streams_of(context).graphs.find(call.args[0]).edges()
    return tuple(node.handle for edge in edges for node in edge)


@serve("hipGraphAddDependencies", "hipGraphRemoveDependencies", category=Category.STREAM)
def change_dependencies(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipGraphAddDependencies and hipGraphRemoveDependencies."""
    number, count, *nodes = call.args
    graphs = streams_of(context).graphs
    graph = graphs.find(number)
    change = graph.connect if call.name == "hipGraphAddDependencies" else graph.disconnect
    for first, last in zip(nodes[:count], nodes[count : 2 * count], strict=True):
        change(graphs.node(first), graphs.node(last))


@serve("hipGraphExecUpdate", category=Category.STREAM)
def update_executable(context: Context, call: Call, caller: Caller | None) -> Answer:  # noqa: ARG001
    """Serves hipGraphExecUpdate: gives an executable graph the parameters of another graph of its shape."""
    streams = streams_of(context)
    with streams.lock:
        executable = streams.graphs.executable(call.args[0])
        fresh = Executable(streams.graphs.find(call.args[1]), streams)
        if _edges(fresh) != _edges(executable):
            return Answer(CODES["hipErrorGraphExecUpdateFailure"], (_TOPOLOGY_CHANGED,))
        pairs = list(zip(executable.steps, fresh.steps, strict=True))
        if any(old.kind is not new.kind for old, new in pairs):
            return Answer(CODES["hipErrorGraphExecUpdateFailure"], (_TYPE_CHANGED,))
        for old, new in pairs:
            old.item, old.event, old.told = new.item, new.event, new.told
    return Answer(0, (0,))


def _edges(executable: Executable) -> list[tuple[int, ...]]:
    return [tuple(sorted(step.after)) for step in executable.steps]
