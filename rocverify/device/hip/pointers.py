"""What can be asked about pointers, and what managed memory can be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.addresses import Side, side_of
from rocverify.device.hip.calls import Call, Caller, low, serve, signed
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.words import explain
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context
    from rocverify.device.hip.state import Allocation

HOST, DEVICE, UNREGISTERED, MANAGED = range(4)
"""The types in the answer to hipPointerGetAttributes."""

_TYPES = {Side.PINNED: HOST, Side.DEVICE: DEVICE, Side.MANAGED: MANAGED}
READ_MOSTLY, PREFERRED_LOCATION, ACCESSED_BY, LAST_PREFETCH, COHERENCY = 1, 2, 3, 4, 100
"""hipMemRangeAttribute."""
_ADVICE = {
    1: (READ_MOSTLY, True),
    2: (READ_MOSTLY, False),
    3: (PREFERRED_LOCATION, True),
    4: (PREFERRED_LOCATION, False),
    5: (ACCESSED_BY, True),
    6: (ACCESSED_BY, False),
    100: (COHERENCY, True),
    101: (COHERENCY, False),
}
"""hipMemoryAdvise: the attribute, and whether it is set or taken back."""
CPU_DEVICE, INVALID_DEVICE = -1, -2


@serve("hipPointerGetAttributes")
def pointer_attributes(context: Context, call: Call, _caller: Caller | None) -> tuple[int, ...]:
    """address -> type, device, device pointer, host pointer, is managed, flags, base, size. Host memory that
    HIP does not know is no error."""
    address = call.args[0]
    if not address:
        raise HipError("hipErrorInvalidValue", "a null pointer has no attributes")
    side = side_of(context, address)
    found = context.backend.find(address)
    if side is Side.PAGEABLE or found is None:
        if side is not Side.PAGEABLE:
            raise HipError("hipErrorInvalidValue", f"not a live allocation: {explain(context, address)}")
        return (UNREGISTERED, 0, 0, 0, 0, 0, 0, 0)
    known = context.allocation_of(address)
    host = 0 if side is Side.DEVICE else address
    flags = 0 if known is None else known.flags
    managed = int(side is Side.MANAGED)
    return (_TYPES[side], context.control.ordinal, address, host, managed, flags, found.base, found.size)


@serve("hipMemGetAddressRange")
def address_range(context: Context, call: Call, _caller: Caller | None) -> tuple[int, int]:
    """address -> base, size of its allocation."""
    found = context.backend.find(call.args[0])
    if found is None:
        raise HipError("hipErrorNotFound", f"not in an allocation: {explain(context, call.args[0])}")
    return found.base, found.size


@serve("hipHostGetDevicePointer")
def host_device_pointer(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """address, flags -> the same address: pinned memory lies at one address in client and device."""
    if side_of(context, call.args[0]) not in (Side.PINNED, Side.MANAGED):
        raise HipError("hipErrorInvalidValue", f"{call.args[0]:#x} is not pinned host memory")
    return (call.args[0],)


@serve("hipHostGetFlags")
def host_flags(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """address -> the flags that it was allocated with."""
    known = context.allocation_of(call.args[0])
    if known is None or known.kind != "host":
        raise HipError("hipErrorInvalidValue", f"{call.args[0]:#x} is not pinned host memory")
    return (known.flags,)


def _managed(context: Context, address: int, size: int, name: str) -> Allocation:
    known = context.allocation_of(address)
    if known is None or known.kind == "device":
        raise HipError(
            "hipErrorInvalidValue", f"{name} is for managed memory: {explain(context, address)} is not"
        )
    if address + size > known.address + known.size:
        raise HipError("hipErrorInvalidValue", f"{name} of {size} bytes leaves {explain(context, address)}")
    return known


@serve("hipMemAdvise")
def advise(context: Context, call: Call, _caller: Caller | None) -> None:
    """address, bytes, advice, device."""
    address, size, advice, device = call.args
    if low(advice) not in _ADVICE or not size:
        raise HipError("hipErrorInvalidValue", f"{low(advice)} is not a hipMemoryAdvise")
    known = _managed(context, address, size, call.name)
    attribute, is_set = _ADVICE[low(advice)]
    ordinal = signed(device, 32)
    if ordinal != CPU_DEVICE and attribute in (PREFERRED_LOCATION, ACCESSED_BY):
        context.check_device(ordinal)
    if is_set:
        known.advice[attribute] = ordinal if attribute in (PREFERRED_LOCATION, ACCESSED_BY) else 1
    else:
        known.advice.pop(attribute, None)


@serve("hipMemPrefetchAsync", category=Category.OTHER)
def prefetch(context: Context, call: Call, _caller: Caller | None) -> None:
    """address, bytes, device, stream: managed memory lies where both can reach it, so nothing moves."""
    address, size, device = call.args[:3]
    known = _managed(context, address, size, call.name)
    ordinal = signed(device, 32)
    if ordinal != CPU_DEVICE:
        context.check_device(ordinal)
    known.advice[LAST_PREFETCH] = ordinal


@serve("hipMemRangeGetAttribute")
def range_attribute(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """bytes of the result, attribute, address, bytes -> value."""
    size, attribute, address, count = call.args
    number = low(attribute)
    if number not in (READ_MOSTLY, PREFERRED_LOCATION, ACCESSED_BY, LAST_PREFETCH, COHERENCY) or size % 4:
        raise HipError("hipErrorInvalidValue", f"attribute {number} in {size} bytes")
    known = _managed(context, address, count, call.name)
    default = INVALID_DEVICE if number in (PREFERRED_LOCATION, ACCESSED_BY, LAST_PREFETCH) else 0
    return (known.advice.get(number, default),)
