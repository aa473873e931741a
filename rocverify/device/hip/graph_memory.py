"""Memory that graphs allocate and free by nodes of their own.

Its address must stay the same in all launches. So it is there from the call that adds the node, and what a
graph frees too is given back when the last graph ends that has a node for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.calls import Call, Caller, serve
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.items import Access, Item, Kind, nothing
from rocverify.device.hip.memory import allocate, free_now, release
from rocverify.device.hip.state import Allocation
from rocverify.device.hip.streams import streams_of
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context


def allocation_node(context: Context, call: Call, address: int) -> Item:
    """What a node does for memory that was allocated for it: nothing any more."""
    context.allocations[address].in_graph = True
    seq = context.entry(call).seq
    return Item(nothing, call.name, kind=Kind.ALLOC, site=call.site, seq=seq, memory=address)


def free_node(context: Context, call: Call, known: Allocation) -> Item:
    """What a node does that ends memory of a graph. HipError if another one does already."""
    if known.freed_in_graph:
        raise HipError(
            "hipErrorInvalidValue",
            f"{call.name} of {known.address:#x}: the graph frees it already",
            finding="double_free",
            other=known.site,
        )
    known.freed_in_graph = True
    return Item(
        nothing,
        call.name,
        accesses=(Access(known.address, known.size, write=True),),
        kind=Kind.FREE,
        site=call.site,
        seq=context.entry(call).seq,
        memory=known.address,
    )


@serve("hipGraphAddMemAllocNode", category=Category.ALLOC)
def add_allocation(context: Context, call: Call, _caller: Caller | None) -> tuple[int, int]:
    """graph, n, dependencies..., bytes -> node, address."""
    graphs = streams_of(context).graphs
    number, count, *rest = call.args
    graph, after = graphs.find(number), [graphs.node(one) for one in rest[:count]]
    size = rest[count]
    if not size:
        raise HipError("hipErrorInvalidValue", "a node that allocates 0 bytes")
    address = allocate(context, call, size, "device")
    node = graph.add(Kind.ALLOC, after, item=allocation_node(context, call, address))
    return node.handle, address


@serve("hipGraphAddMemFreeNode", category=Category.FREE)
def add_free(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """graph, n, dependencies..., address -> node."""
    graphs = streams_of(context).graphs
    number, count, *rest = call.args
    graph, after = graphs.find(number), [graphs.node(one) for one in rest[:count]]
    known = context.allocations.get(rest[count])
    if known is None or not known.in_graph:
        raise HipError("hipErrorInvalidValue", f"{rest[count]:#x} is not memory that a graph allocates")
    return (graph.add(Kind.FREE, after, item=free_node(context, call, known)).handle,)


def give_back_unused(context: Context, call: Call, caller: Caller | None) -> None:
    """A graph has ended: ends the memory that no graph has a node for any more."""
    used = streams_of(context).graphs.memory()
    gone = [one for one in context.allocations.values() if one.freed_in_graph and one.address not in used]
    if gone:
        context.wait(None, call, caller, explicit=False)
    for one in gone:
        free_now(context, release(context, call, one.address, ("device",)))
