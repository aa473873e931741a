"""HIP arrays as memory: rows of elements at a pitch. Textures over them are not served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.calls import Call, Caller, low, serve
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.memory import PITCH_ALIGNMENT, allocate, free_now, release
from rocverify.device.hip.state import ArrayState
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context

MAX_ELEMENT = 16


def array_of(context: Context, handle: int) -> ArrayState:
    """The array behind a handle; hipErrorInvalidHandle if there is none (any more)."""
    if handle not in context.arrays:
        raise HipError("hipErrorInvalidHandle", f"{handle:#x} is not an array, or one that was freed")
    return context.arrays[handle]


@serve("hipMallocArray", category=Category.ALLOC)
def malloc_array(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """element bytes, width, height, depth (elements), flags -> handle."""
    element, width, height, depth, flags = call.args
    if not width or element not in (1, 2, 4, 8, MAX_ELEMENT):
        raise HipError("hipErrorInvalidValue", f"an array of {width} elements of {element} bytes")
    pitch = width * element
    if height:
        pitch = -(-pitch // PITCH_ALIGNMENT) * PITCH_ALIGNMENT
    size = pitch * max(height, 1) * max(depth, 1)
    address = allocate(context, call, size, "device", flags=low(flags))
    handle = context.new_handle()
    context.arrays[handle] = ArrayState(address, element, width, height, depth, pitch, low(flags))
    context.entry(call).fields.update(bytes=size, dst=address)
    return (handle,)


@serve("hipFreeArray", category=Category.FREE, after_fault="report", waits=True)
def free_array(context: Context, call: Call, caller: Caller | None) -> None:
    """array. Waits for all queued work first."""
    if not call.args[0]:
        return
    array = array_of(context, call.args[0])
    context.entry(call).fields["src"] = array.address
    try:
        context.wait(None, call, caller, explicit=False)
    finally:
        del context.arrays[call.args[0]]
        free_now(context, release(context, call, array.address, ("device",)))


@serve("hipArrayGetInfo")
def array_info(context: Context, call: Call, _caller: Caller | None) -> tuple[int, ...]:
    """array -> element bytes, width, height, depth, pitch, address."""
    array = array_of(context, call.args[0])
    return (array.element, array.width, array.height, array.depth, array.pitch, array.address)
