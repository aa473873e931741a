"""Allocations and frees: device, managed and pinned memory, registered host memory, pitched memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rocverify.device.hip.calls import Call, Caller, low, serve
from rocverify.device.hip.checking import allocated
from rocverify.device.hip.errors import HipError, device_errors
from rocverify.device.hip.state import Allocation, MemoryKind
from rocverify.device.hip.words import Freed, explain, label, note_freed
from rocverify.device.trace.events import Category
from rocverify.errors import DeviceError, OutOfDeviceMemoryError

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context

PITCH_ALIGNMENT = 256
PAGE = 4096

HOST_FLAGS = 0xF | 0x2000_0000 | 0x4000_0000 | 0x8000_0000
"""Portable, mapped, write-combined, NUMA and the kinds of coherence that hipHostMalloc takes."""


def allocate(context: Context, call: Call, size: int, kind: MemoryKind, *, flags: int = 0) -> int:
    """The address of new memory; 0 for a size of 0, as HIP has it."""
    if size == 0:
        return 0
    make = context.backend.malloc if kind == "device" else context.backend.malloc_shared
    try:
        address = make(size, label(call))
    except OutOfDeviceMemoryError as error:
        raise HipError("hipErrorOutOfMemory", error.message) from None
    except DeviceError as error:
        raise HipError("hipErrorInvalidValue", error.message) from None
    context.allocations[address] = Allocation(address, size, kind, call.name, call.site, flags)
    context.freed.pop(address, None)
    allocated(context, address, size)
    context.entry(call).fields["dst"] = address
    return address


def release(context: Context, call: Call, address: int, kinds: tuple[MemoryKind, ...]) -> Allocation:
    """Takes an allocation off the books: what is left is to give its memory back. HipError, and a
    finding, for what is not to be freed so."""
    with context.lock:
        known = context.allocations.get(address)
        if known is None or known.kind not in kinds or known.registered:
            raise _wrong_free(context, call, address, known)
        del context.allocations[address]
        note_freed(context, address, Freed(known.size, call.name, call.site))
    return known


def _wrong_free(context: Context, call: Call, address: int, known: Allocation | None) -> HipError:
    what = f"{call.name} of {explain(context, address)}"
    before = context.freed.get(address)
    if before is not None:
        return HipError(
            "hipErrorInvalidValue",
            f"{what}: it was freed already",
            finding="double_free",
            other=before.site,
        )
    if known is not None:
        host = "registered host" if known.registered else "pinned host"
        what += f", which is {host if known.kind == 'host' else known.kind} memory of {known.made_by}"
    return HipError(
        "hipErrorInvalidValue",
        f"{what}: {call.name} does not free that",
        finding="wrong_free",
        other=0 if known is None else known.site,
    )


def free_now(context: Context, known: Allocation) -> None:
    """Gives the memory of what was released back."""
    with device_errors():
        context.backend.free(known.address)
    pool = context.pools.get(known.pool)
    if pool is not None:
        pool.used -= known.size


def _sized(_context: Context, call: Call) -> dict[str, Any]:
    return {"bytes": call.args[0] if call.args else None}


def _freed(_context: Context, call: Call) -> dict[str, Any]:
    return {"src": call.args[0] if call.args else None}


@serve("hipMalloc", "hipExtMallocWithFlags", category=Category.ALLOC, describe=_sized)
def malloc(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """size [, flags] -> address."""
    return (allocate(context, call, call.args[0], "device", flags=low(sum(call.args[1:2]))),)


@serve("hipMallocManaged", category=Category.ALLOC, describe=_sized)
def malloc_managed(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """size, flags -> address."""
    size, flags = call.args
    if low(flags) not in (1, 2):
        raise HipError("hipErrorInvalidValue", f"flags {low(flags):#x}, not hipMemAttachGlobal or ...Host")
    return (allocate(context, call, size, "managed", flags=low(flags)),)


@serve("hipHostMalloc", category=Category.ALLOC, describe=_sized)
def host_malloc(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """size, flags -> address."""
    size, flags = call.args
    if low(flags) & ~HOST_FLAGS:
        raise HipError("hipErrorInvalidValue", f"flags {low(flags):#x} are not known of pinned memory")
    return (allocate(context, call, size, "host", flags=low(flags)),)


@serve("hipMallocPitch", category=Category.ALLOC)
def malloc_pitch(context: Context, call: Call, _caller: Caller | None) -> tuple[int, int]:
    """width in bytes, height -> address, pitch."""
    width, height = call.args[:2]
    pitch = -(-width // PITCH_ALIGNMENT) * PITCH_ALIGNMENT
    context.entry(call).fields["bytes"] = pitch * height
    return allocate(context, call, pitch * height, "device"), pitch


@serve("hipFree", category=Category.FREE, after_fault="report", waits=True, describe=_freed)
def free(context: Context, call: Call, caller: Caller | None) -> None:
    """address. Waits for all queued work first, as HIP does."""
    _free(context, call, caller, ("device", "managed"))


@serve("hipHostFree", category=Category.FREE, after_fault="report", waits=True, describe=_freed)
def host_free(context: Context, call: Call, caller: Caller | None) -> None:
    """address. Waits for all queued work first."""
    _free(context, call, caller, ("host",))


def _free(context: Context, call: Call, caller: Caller | None, kinds: tuple[MemoryKind, ...]) -> None:
    address = call.args[0]
    if not address:
        return
    if context.allocations.get(address) is None:
        release(context, call, address, kinds)
    try:
        context.wait(None, call, caller, explicit=False)
    finally:
        free_now(context, release(context, call, address, kinds))


@serve("hipHostRegister", category=Category.ALLOC, describe=lambda _c, call: {"bytes": call.args[1]})
def host_register(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """address, size (whole pages), flags -> the offset in the shared file for the pages."""
    address, size, _flags = call.args
    if not address or not size or address % PAGE or size % PAGE:
        raise HipError("hipErrorInvalidValue", f"{size} bytes at {address:#x} are not whole pages")
    if any(context.backend.owns(edge) for edge in (address, address + size - 1)):
        raise HipError(
            "hipErrorHostMemoryAlreadyRegistered",
            f"{size} bytes at {address:#x} are device or pinned memory already: {explain(context, address)}",
        )
    with device_errors("hipErrorOutOfMemory"):
        return (context.backend.reserve_shared(size),)


@serve("rv_host_registered", traced=False)
def host_registered(context: Context, call: Call, _caller: Caller | None) -> None:
    """address, size, offset: the pages are there now."""
    address, size, offset = call.args[:3]
    flags = low(call.args[3]) if len(call.args) > 3 else 0
    with device_errors():
        context.backend.adopt(address, size, offset, f"hipHostRegister, site {call.site}")
    context.allocations[address] = Allocation(
        address, size, "host", "hipHostRegister", call.site, flags, registered=True
    )


@serve("rv_registered_range", traced=False)
def registered_range(context: Context, call: Call, _caller: Caller | None) -> None:
    """address, size: what the program has registered of whole pages; 0: it does so no more."""
    address, size = call.args[:2]
    if size:
        context.registered[address] = size
    else:
        context.registered.pop(address, None)


@serve("hipHostUnregister", category=Category.FREE, after_fault="report", waits=True, describe=_freed)
def host_unregister(context: Context, call: Call, caller: Caller | None) -> tuple[int]:
    """address -> size in bytes of what was registered there."""
    known = context.allocation_of(call.args[0])
    if known is None or not known.registered:
        raise HipError("hipErrorHostMemoryNotRegistered", f"{call.args[0]:#x} is not registered host memory")
    try:
        context.wait(None, call, caller, explicit=False)
    finally:
        del context.allocations[known.address]
        with device_errors():
            context.backend.free(known.address)
    return (known.size,)
