"""What streams do beside launches and copies: functions of the host, waiting for values and writing them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rocverify.device.hip.calls import Call, Caller, low, serve
from rocverify.device.hip.errors import HipError, device_errors
from rocverify.device.hip.items import Access, Item, Kind, nothing
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context

HOST_FUNCTION, STREAM_CALLBACK = 0, 1
"""RV_HOST_FUNCTION and RV_STREAM_CALLBACK of protocol.h."""

_CONDITIONS: dict[int, Callable[[int, int], bool]] = {
    0: lambda found, value: found >= value,
    1: lambda found, value: found == value,
    2: lambda found, value: bool(found & value),
}
"""By hipStreamWaitValue's flags: Gte, Eq, And; Nor is 3."""

_NOR = 3


def host_function(function: int, user: int, site: int = 0) -> Item:
    """An item that has the client call `void f(void *user)`."""

    def run(caller: Caller | None) -> None:
        assert caller is not None
        caller.callback(HOST_FUNCTION, function, user, 0, 0)

    return Item(run, "host function", needs_caller=True, site=site, kind=Kind.HOST)


@serve("hipLaunchHostFunc", category=Category.STREAM, waits=True)
def launch_host_function(context: Context, call: Call, caller: Caller | None) -> None:
    """Serves hipLaunchHostFunc: queues a function of the host behind the work of a stream."""
    stream, function, user = call.args
    if not function:
        raise HipError("hipErrorInvalidValue", "no function")
    context.streams.submit(stream, call.slot, host_function(function, user, call.site), caller)


@serve("hipStreamAddCallback", category=Category.STREAM, waits=True)
def add_callback(context: Context, call: Call, caller: Caller | None) -> None:
    """Serves hipStreamAddCallback: queues a callback of the host behind the work of a stream."""
    stream, function, user, flags = call.args
    if not function or flags:
        raise HipError("hipErrorInvalidValue", "no function, or flags other than 0")

    def run(on_behalf_of: Caller | None) -> None:
        assert on_behalf_of is not None
        code = context.sticky.code if context.sticky is not None else 0
        on_behalf_of.callback(STREAM_CALLBACK, function, user, stream, code)

    item = Item(run, "stream callback", needs_caller=True, site=call.site, kind=Kind.HOST)
    context.streams.submit(stream, call.slot, item, caller)


def _word(context: Context, address: int, size: int) -> None:
    found = context.backend.find(address)
    if found is None or address % size or address + size > found.base + found.size:
        raise HipError(
            "hipErrorInvalidValue",
            f"{address:#x} is not {size} aligned bytes of an allocation: {context.backend.explain(address)}",
        )


@serve("hipStreamWaitValue32", "hipStreamWaitValue64", category=Category.STREAM)
def wait_value(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipStreamWaitValue32 and 64: later work of the stream waits for a value in memory."""
    stream, address, value, flags, *rest = call.args
    size = 4 if call.name.endswith("32") else 8
    all_bits = (1 << 8 * size) - 1
    mask = (rest[0] if rest else all_bits) & all_bits
    _word(context, address, size)
    if low(flags) not in (*_CONDITIONS, _NOR):
        raise HipError("hipErrorInvalidValue", f"hipStreamWaitValue has no flags {flags:#x}")
    condition, wanted = _CONDITIONS.get(low(flags)), value & all_bits & mask

    def ready() -> bool:
        found = int.from_bytes(context.backend.read(address, size), "little") & mask
        return bool(~(found | wanted) & mask) if condition is None else condition(found, wanted)

    label = f"wait for a value at {address:#x}"
    item = Item(nothing, label, site=call.site, kind=Kind.WAIT_VALUE, ready=ready)
    item.accesses = (Access(address, size, write=False),)
    context.streams.submit(stream, call.slot, item)


@serve("hipStreamWriteValue32", "hipStreamWriteValue64", category=Category.STREAM)
def write_value(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipStreamWriteValue32 and 64: queues the writing of a value to memory."""
    stream, address, value = call.args[:3]
    size = 4 if call.name.endswith("32") else 8
    _word(context, address, size)
    data = (value & (1 << 8 * size) - 1).to_bytes(size, "little")

    def run(_caller: Caller | None) -> None:
        if context.host_traffic is not None:
            context.host_traffic.wrote(data)
        with device_errors():
            context.backend.write(address, data)

    item = Item(run, f"write of a value to {address:#x}", site=call.site, kind=Kind.WRITE_VALUE)
    item.accesses = (Access(address, size, write=True),)
    context.streams.submit(stream, call.slot, item)
