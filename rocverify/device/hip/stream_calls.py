"""hipStream*: making, waiting for, asking and ending streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.calls import Call, Caller, low, serve, signed
from rocverify.device.hip.errors import CODES, HipError
from rocverify.device.hip.streams import HIGHEST_PRIORITY, LOWEST_PRIORITY, NON_BLOCKING, streams_of
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context


@serve("hipStreamCreate", "hipStreamCreateWithFlags", "hipStreamCreateWithPriority", category=Category.STREAM)
def create_stream(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipStreamCreate, with flags and priority too: returns the handle of a new stream."""
    flags = low(call.args[0]) if call.args else 0
    priority = signed(call.args[1], 32) if len(call.args) > 1 else 0
    if flags & ~NON_BLOCKING:
        raise HipError("hipErrorInvalidValue", f"stream flags {flags:#x}")
    priority = max(HIGHEST_PRIORITY, min(priority, LOWEST_PRIORITY))
    return (streams_of(context).create(flags, priority, call.site).handle,)


@serve("hipStreamDestroy", category=Category.STREAM, after_fault="report")
def destroy_stream(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipStreamDestroy."""
    streams_of(context).destroy(call.args[0], call.site)


@serve("hipStreamSynchronize", category=Category.SYNC, waits=True)
def synchronize_stream(context: Context, call: Call, caller: Caller | None) -> None:
    """Serves hipStreamSynchronize: waits for all work of a stream."""
    context.wait(call.args[0], call, caller)


@serve("hipStreamQuery", category=Category.STREAM, waits=True)
def query_stream(context: Context, call: Call, caller: Caller | None) -> int:
    """Serves hipStreamQuery: 0 if all work of the stream is done, else hipErrorNotReady."""
    done = streams_of(context).query(call.args[0], call.slot, caller)
    return 0 if done else CODES["hipErrorNotReady"]


@serve("hipStreamWaitEvent", category=Category.STREAM)
def stream_wait_event(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipStreamWaitEvent: later work of the stream comes after what the event stands for."""
    stream, event, *flags = call.args
    if flags and low(flags[0]) > 1:
        raise HipError("hipErrorInvalidValue", f"hipStreamWaitEvent has no flags {flags[0]:#x}")
    streams = streams_of(context)
    streams.wait_event(stream, call.slot, streams.events.find(event), call.site)


@serve("hipStreamGetFlags", category=Category.STREAM)
def stream_flags(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipStreamGetFlags."""
    return (streams_of(context).find(call.args[0], call.slot).flags,)


@serve("hipStreamGetPriority", category=Category.STREAM)
def stream_priority(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipStreamGetPriority."""
    return (streams_of(context).find(call.args[0], call.slot).priority,)


@serve("hipStreamGetDevice", category=Category.STREAM)
def stream_device(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipStreamGetDevice: 0, the only device."""
    streams_of(context).find(call.args[0], call.slot)
    return (0,)


@serve("hipDeviceGetStreamPriorityRange", category=Category.QUERY)
def priority_range(context: Context, call: Call, caller: Caller | None) -> tuple[int, int]:  # noqa: ARG001
    """Serves hipDeviceGetStreamPriorityRange: the least and the greatest priority."""
    return LOWEST_PRIORITY, HIGHEST_PRIORITY
