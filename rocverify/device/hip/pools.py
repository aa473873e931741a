"""Memory pools, and allocations in the order of a stream. Memory is the device's: a pool only counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rocverify.device.hip.calls import Call, Caller, low, serve, signed
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.graph_memory import allocation_node, free_node
from rocverify.device.hip.items import Access, Item, Kind
from rocverify.device.hip.memory import allocate, free_now, release
from rocverify.device.hip.state import Pool
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context

REUSE_DEFAULTS = {1: 1, 2: 1, 3: 1}
RELEASE_THRESHOLD, RESERVED_NOW, RESERVED_HIGH, USED_NOW, USED_HIGH = 4, 5, 6, 7, 8
"""hipMemPoolAttr."""


def default_pool(context: Context) -> Pool:
    """The device's own pool; made when it is first asked for."""
    with context.lock:
        if not context.default_pool:
            context.default_pool = context.current_pool = context.new_handle()
            context.pools[context.default_pool] = Pool(context.default_pool)
        return context.pools[context.default_pool]


def _pool(context: Context, handle: int) -> Pool:
    if handle not in context.pools:
        raise HipError("hipErrorInvalidValue", f"{handle:#x} is not a memory pool (any more)")
    return context.pools[handle]


def _check_device(context: Context, ordinal: int) -> None:
    context.check_device(signed(ordinal, 32))


@serve("hipMallocAsync", category=Category.ALLOC, describe=lambda _c, call: {"bytes": call.args[0]})
def malloc_async(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """size, stream, pool (0: the device's current one) -> address. The memory is there at once, earlier than
    the stream promises; where the stream captures, a node of the graph stands for it."""
    size, stream, handle = call.args
    captured = context.streams.captures(stream, call.slot)
    default_pool(context)
    pool = _pool(context, handle or context.current_pool)
    address = allocate(context, call, size, "device")
    if address:
        context.allocations[address].pool = pool.handle
        pool.used += size
        pool.high = max(pool.high, pool.used)
        if captured:
            context.streams.submit(stream, call.slot, allocation_node(context, call, address))
    return (address,)


def _freed(_context: Context, call: Call) -> dict[str, Any]:
    return {"src": call.args[0] if call.args else None}


@serve("hipFreeAsync", category=Category.FREE, after_fault="report", describe=_freed)
def free_async(context: Context, call: Call, caller: Caller | None) -> None:
    """address, stream: the memory ends when the stream comes to it, that of a graph with the graph."""
    address, stream = call.args
    if not address:
        return
    known = context.allocations.get(address)
    if known is not None and known.in_graph and context.streams.captures(stream, call.slot):
        context.streams.submit(stream, call.slot, free_node(context, call, known))
        return
    known = release(context, call, address, ("device", "managed"))
    item = Item(
        lambda _caller: free_now(context, known),
        call.name,
        accesses=(Access(address, known.size, write=True),),
        kind=Kind.FREE,
        site=call.site,
        seq=context.entry(call).seq,
    )
    context.streams.submit(stream, call.slot, item, caller)


@serve("hipMemPoolCreate", category=Category.ALLOC)
def create(context: Context, _call: Call, _caller: Caller | None) -> tuple[int]:
    """-> pool."""
    handle = context.new_handle()
    context.pools[handle] = Pool(handle)
    return (handle,)


@serve("hipMemPoolDestroy", category=Category.FREE, after_fault="report")
def destroy(context: Context, call: Call, _caller: Caller | None) -> None:
    """pool. What was allocated from it stays until it is freed."""
    pool = _pool(context, call.args[0])
    if pool.handle == context.default_pool:
        raise HipError("hipErrorInvalidValue", "the device's own memory pool is not to be destroyed")
    del context.pools[pool.handle]
    if context.current_pool == pool.handle:
        context.current_pool = context.default_pool


@serve("hipMemPoolSetAttribute")
def set_attribute(context: Context, call: Call, _caller: Caller | None) -> None:
    """pool, attribute, value."""
    handle, attribute, value = call.args
    pool, number = _pool(context, handle), low(attribute)
    if number in (RESERVED_NOW, USED_NOW) or not 1 <= number <= USED_HIGH:
        raise HipError("hipErrorInvalidValue", f"attribute {number} of a memory pool is not to be set")
    if number in (RESERVED_HIGH, USED_HIGH):
        if value:
            raise HipError("hipErrorInvalidValue", "a high watermark can be set to 0 only")
        pool.high = pool.used
        return
    pool.attributes[number] = value


@serve("hipMemPoolGetAttribute")
def get_attribute(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """pool, attribute -> value."""
    handle, attribute = call.args
    pool, number = _pool(context, handle), low(attribute)
    if number in (RESERVED_NOW, USED_NOW):
        return (pool.used,)
    if number in (RESERVED_HIGH, USED_HIGH):
        return (pool.high,)
    if number not in (*REUSE_DEFAULTS, RELEASE_THRESHOLD):
        raise HipError("hipErrorInvalidValue", f"a memory pool has no attribute {number}")
    return (pool.attributes.get(number, REUSE_DEFAULTS.get(number, 0)),)


@serve("hipMemPoolTrimTo")
def trim(context: Context, call: Call, _caller: Caller | None) -> None:
    """pool, bytes to keep: nothing that is free is kept anyway."""
    _pool(context, call.args[0])


@serve("hipDeviceGetDefaultMemPool", "hipDeviceGetMemPool")
def get_pool(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """device -> pool."""
    _check_device(context, call.args[0])
    default = default_pool(context).handle
    return (default if call.name == "hipDeviceGetDefaultMemPool" else context.current_pool,)


@serve("hipDeviceSetMemPool")
def set_pool(context: Context, call: Call, _caller: Caller | None) -> None:
    """device, pool."""
    _check_device(context, call.args[0])
    default_pool(context)
    context.current_pool = _pool(context, call.args[1]).handle
