"""What can be asked about the device as a whole, and done to it: counts, names, versions, limits, waits,
resets. Properties and attributes are in properties.py."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rocverify.device.hip.calls import Answer, Call, Caller, low, serve, signed
from rocverify.device.hip.errors import HipError
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context

HIP_VERSION = 60_443_483
"""What the interface follows, in HIP's numbering (major * 10**7 + minor * 10**5 + patch)."""

LIMITS = {0: 1024, 1: 1 << 20, 2: 8 << 20}
"""hipLimit_t (stack of a work-item, buffer of printf, heap of malloc) and what each is until it is set."""


@serve("hipInit", after_fault="allow")
def init(_context: Context, call: Call, _caller: Caller | None) -> None:
    """flags."""
    if call.args and low(call.args[0]):
        raise HipError("hipErrorInvalidValue", "hipInit takes no flags")


@serve("hipGetDeviceCount", after_fault="allow")
def device_count(context: Context, _call: Call, _caller: Caller | None) -> tuple[int]:
    """-> count."""
    return (context.control.devices,)


@serve("hipDriverGetVersion", "hipRuntimeGetVersion", after_fault="allow")
def version(_context: Context, _call: Call, _caller: Caller | None) -> tuple[int]:
    """-> version."""
    return (HIP_VERSION,)


@serve("hipDeviceGetName", after_fault="allow")
def device_name(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """length, device -> payload: the name, cut to the length less the NUL."""
    *length, device = call.args
    context.check_device(signed(device, 32))
    name = context.backend.info.name.encode()
    if not length:
        return Answer(payload=name)
    if signed(length[0], 32) <= 0:
        raise HipError("hipErrorInvalidValue", f"a name of {signed(length[0], 32)} characters was asked for")
    return Answer(payload=name[: signed(length[0], 32) - 1])


@serve("hipDeviceGetUuid", after_fault="allow")
def device_uuid(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """device -> payload: 16 bytes, the same for the same device."""
    context.check_device(signed(call.args[-1], 32))
    facts = f"{context.backend.info.name} {context.control.ordinal}".encode()
    return Answer(payload=hashlib.sha256(facts).hexdigest()[:16].encode())


@serve("hipDeviceGetPCIBusId", after_fault="allow")
def device_bus_id(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """length, device -> payload: domain:bus:device.function."""
    context.check_device(signed(call.args[-1], 32))
    return Answer(payload=f"0000:{context.control.ordinal + 3:02x}:00.0".encode())


@serve("hipDeviceTotalMem", after_fault="allow")
def total_memory(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """device -> bytes."""
    context.check_device(signed(call.args[0], 32))
    return (context.backend.memory_info()[1],)


@serve("hipMemGetInfo", after_fault="allow")
def memory_info(context: Context, _call: Call, _caller: Caller | None) -> tuple[int, int]:
    """-> free, total bytes."""
    return context.backend.memory_info()


@serve("hipDeviceGetLimit", after_fault="allow")
def get_limit(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """limit -> value."""
    number = low(call.args[0])
    if number not in LIMITS:
        raise HipError("hipErrorUnsupportedLimit", f"limit {number} is not known of this device")
    return (context.device_limits.get(number, LIMITS[number]),)


@serve("hipDeviceSetLimit")
def set_limit(context: Context, call: Call, _caller: Caller | None) -> None:
    """limit, value: noted, and told when asked for; kernels have what they need anyway."""
    number = low(call.args[0])
    if number not in LIMITS:
        raise HipError("hipErrorUnsupportedLimit", f"limit {number} is not known of this device")
    context.device_limits[number] = call.args[1]


@serve("hipDeviceSynchronize", "hipCtxSynchronize", category=Category.SYNC, waits=True)
def synchronize(context: Context, call: Call, caller: Caller | None) -> None:
    """Waits for all queued work."""
    context.wait(None, call, caller)


@serve("rv_device_synchronize_quietly", category=Category.SYNC, waits=True, traced=False)
def synchronize_quietly(context: Context, call: Call, caller: Caller | None) -> None:
    """The same, in no trace, and as if the program had not asked for it."""
    context.wait(None, call, caller, explicit=False)


@serve("hipDeviceReset", category=Category.SYNC, after_fault="allow", waits=True)
def reset(context: Context, call: Call, caller: Caller | None) -> None:
    """Gives up every allocation, module, stream and event, and the error of a fault."""
    if context.sticky is None:
        context.streams.wait(None, call.slot, caller, explicit=False, site=call.site)
    context.reset()
