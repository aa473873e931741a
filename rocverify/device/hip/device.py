"""What can be asked about the device as a whole, and done to it: counts, names, versions, limits, waits,
resets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip import properties
from rocverify.device.hip.calls import Answer, Call, Caller, low, serve, signed
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.properties import DeviceFacts
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context


def facts_of(context: Context) -> DeviceFacts:
    """What properties and attributes are told from."""
    info, runtime = context.backend.info, context.backend.properties_r0600()
    total = context.backend.memory_info()[1]
    product = "" if info.kind == "emulator" else info.name
    return DeviceFacts(info.arch, total, context.control.ordinal, product=product, runtime=runtime)


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
    return (properties.HIP_VERSION,)


@serve("hipDeviceGetName", after_fault="allow")
def device_name(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """length, device -> payload: the name, cut to the length less the NUL."""
    *length, device = call.args
    context.check_device(signed(device, 32))
    name = facts_of(context).name.encode()
    if not length:
        return Answer(payload=name)
    if signed(length[0], 32) <= 0:
        raise HipError("hipErrorInvalidValue", f"a name of {signed(length[0], 32)} characters was asked for")
    return Answer(payload=name[: signed(length[0], 32) - 1])


@serve("hipDeviceGetUuid", after_fault="allow")
def device_uuid(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """device -> payload: 16 bytes, the same for the same device."""
    context.check_device(signed(call.args[-1], 32))
    return Answer(payload=properties.device_uuid(facts_of(context)))


@serve("hipDeviceGetPCIBusId", after_fault="allow")
def device_bus_id(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """length, device -> payload: domain:bus:device.function."""
    context.check_device(signed(call.args[-1], 32))
    return Answer(payload=properties.pci_bus_id(facts_of(context)).encode())


@serve("hipGetDevicePropertiesR0000", after_fault="allow")
def properties_r0000(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """device -> payload: the structure as ROCm 5 has it."""
    context.check_device(signed(call.args[-1], 32))
    return Answer(payload=properties.properties_r0000(facts_of(context)))


@serve("hipGetDevicePropertiesR0600", after_fault="allow")
def properties_r0600(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """device -> payload: the structure as ROCm 6 and 7 have it."""
    context.check_device(signed(call.args[-1], 32))
    return Answer(payload=properties.properties_r0600(facts_of(context)))


@serve("hipDeviceGetAttribute", after_fault="allow")
def device_attribute(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """attribute, device -> value."""
    number, device = (signed(value, 32) for value in call.args)
    context.check_device(device)
    value = context.backend.attribute(number) if properties.told_by_runtime(number) else None
    if value is None:
        value = properties.attribute(facts_of(context), number)
    if value is None:
        raise HipError("hipErrorInvalidValue", f"attribute {number} is not known of this device")
    return (value,)


@serve("hipDeviceTotalMem", after_fault="allow")
def total_memory(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """device -> bytes."""
    context.check_device(signed(call.args[0], 32))
    return (context.backend.memory_info()[1],)


@serve("hipMemGetInfo", after_fault="allow")
def memory_info(context: Context, _call: Call, _caller: Caller | None) -> tuple[int, int]:
    """-> free, total bytes."""
    return context.backend.memory_info()


def _limit(context: Context, number: int) -> int:
    value = properties.limit(number)
    if value is None:
        raise HipError("hipErrorUnsupportedLimit", f"limit {number} is not known of this device")
    return context.device_limits.get(number, value)


@serve("hipDeviceGetLimit", after_fault="allow")
def get_limit(context: Context, call: Call, _caller: Caller | None) -> tuple[int]:
    """limit -> value."""
    return (_limit(context, low(call.args[0])),)


@serve("hipDeviceSetLimit")
def set_limit(context: Context, call: Call, _caller: Caller | None) -> None:
    """limit, value: noted, and told when asked for; kernels have what they need anyway."""
    _limit(context, low(call.args[0]))
    context.device_limits[low(call.args[0])] = call.args[1]


@serve("hipDeviceSynchronize", "hipCtxSynchronize", category=Category.SYNC, waits=True)
def synchronize(context: Context, call: Call, caller: Caller | None) -> None:
    """Waits for all queued work."""
    context.wait(None, call, caller)


@serve("rv_device_synchronize_quietly", category=Category.SYNC, waits=True, traced=False)
def synchronize_quietly(context: Context, call: Call, caller: Caller | None) -> None:
    """The same, in no trace, and as if the program had not asked for it."""
    context.wait(None, call, caller, explicit=False)


@serve("rv_call_returned", category=Category.SYNC, waits=True, traced=False)
def call_returned(context: Context, call: Call, caller: Caller | None) -> None:
    """stream: waits for what the caller's next work on it would come after, has whoever placed arrays look at
    them if there is more, and waits for the rest."""
    try:
        context.wait(call.args[0], call, caller, explicit=False)
        if context.streams.pending():
            context.returned()
    finally:
        context.wait(None, call, caller, explicit=False)


@serve("hipDeviceReset", category=Category.SYNC, after_fault="allow", waits=True)
def reset(context: Context, call: Call, caller: Caller | None) -> None:
    """Gives up every allocation, module, stream and event, and the error of a fault."""
    if context.sticky is None:
        context.streams.wait(None, call.slot, caller, explicit=False, site=call.site)
    context.reset()
