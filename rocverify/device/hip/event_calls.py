"""hipEvent*: making, recording, waiting for and ending events."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from rocverify.device.hip.calls import Call, Caller, low, serve
from rocverify.device.hip.errors import CODES, HipError
from rocverify.device.hip.event import Event
from rocverify.device.hip.streams import streams_of
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context


def _asked(context: Context, number: int) -> Event:
    event = streams_of(context).events.find(number)
    if event.captured is not None:
        raise HipError("hipErrorCapturedEvent", "an event that a capture has recorded cannot be waited for")
    return event


@serve("hipEventCreate", "hipEventCreateWithFlags", category=Category.EVENT)
def create_event(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipEventCreate and hipEventCreateWithFlags: returns the handle of a new event."""
    flags = low(call.args[0]) if call.args else 0
    return (streams_of(context).events.create(flags, call.site).handle,)


@serve("hipEventDestroy", category=Category.EVENT, after_fault="report")
def destroy_event(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipEventDestroy."""
    streams_of(context).events.destroy(call.args[0], call.site)


@serve("hipEventRecord", category=Category.EVENT)
def record_event(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipEventRecord: the event stands for the work that the stream has by now."""
    streams_of(context).events.record(call.args[0], call.args[1], call.slot, call.site)


@serve("hipEventSynchronize", category=Category.SYNC, waits=True)
def synchronize_event(context: Context, call: Call, caller: Caller | None) -> None:
    """Serves hipEventSynchronize: waits for the work that the event stands for."""
    event = _asked(context, call.args[0])
    if event.item is not None:
        streams_of(context).wait_for([event.item], caller)


@serve("hipEventQuery", category=Category.EVENT, waits=True)
def query_event(context: Context, call: Call, caller: Caller | None) -> int:
    """Serves hipEventQuery: 0 if that work is done, else hipErrorNotReady."""
    event = _asked(context, call.args[0])
    done = event.item is None or streams_of(context).ask([event.item], caller)
    return 0 if done else CODES["hipErrorNotReady"]


@serve("hipEventElapsedTime", category=Category.EVENT)
def elapsed_time(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipEventElapsedTime: milliseconds between two events, as the bits of a float."""
    events = streams_of(context).events
    elapsed = events.elapsed_ms(events.find(call.args[0]), events.find(call.args[1]))
    return (int.from_bytes(struct.pack("<f", elapsed), "little"),)
