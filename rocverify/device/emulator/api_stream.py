"""Streams and events. Everything the emulator does is done when the call returns, so that streams
order nothing and waiting takes no time; handles and states are checked as HIP checks them."""

# Names and parameters are HIP's interface, also those that mean nothing here.
# ruff: noqa: N802, ARG002
from __future__ import annotations

import ctypes
import time
from typing import Any

from rocverify.device.emulator.api_state import (
    EventEntry,
    HipCallError,
    HipCalls,
    HipState,
    StreamEntry,
    offered,
)
from rocverify.device.emulator.api_values import Event, Int, Stream, UInt
from rocverify.device.trace.proxy import real_hip

_BUILT_IN = frozenset({0, 1, 2})
"""The null stream, hipStreamLegacy and hipStreamPerThread."""

_DISABLE_TIMING = 2


def check_stream(state: HipState, stream: int) -> StreamEntry:
    """The stream's entry; hipErrorInvalidHandle for one that does not exist (any more)."""
    if stream in _BUILT_IN:
        return StreamEntry()
    if stream not in state.streams:
        raise HipCallError("hipErrorInvalidHandle", f"{stream:#x} is no stream of this device")
    return state.streams[stream]


def _check_event(state: HipState, event: int) -> EventEntry:
    if event not in state.events:
        raise HipCallError("hipErrorInvalidHandle", f"{event:#x} is no event of this device")
    return state.events[event]


class StreamCalls(HipCalls):
    """hip-python's stream functions."""

    def _new_stream(self, flags: int, priority: int = 0) -> Any:
        handle = self._state.new_handle()
        self._state.streams[handle] = StreamEntry(flags, priority)
        return real_hip().ihipStream_t(handle)

    @offered(None)
    def hipStreamCreate(self) -> Any:
        return self._new_stream(0)

    @offered(None)
    def hipStreamCreateWithFlags(self, flags: UInt) -> Any:
        if flags > 1:
            raise HipCallError("hipErrorInvalidValue", f"stream flags {flags:#x}")
        return self._new_stream(flags)

    @offered(None)
    def hipStreamCreateWithPriority(self, flags: UInt, priority: Int) -> Any:
        if flags > 1:
            raise HipCallError("hipErrorInvalidValue", f"stream flags {flags:#x}")
        return self._new_stream(flags, max(-1, min(priority, 0)))

    @offered(0, 0)
    def hipDeviceGetStreamPriorityRange(self) -> tuple[int, int]:
        return 0, -1

    @offered(faulted="report")
    def hipStreamDestroy(self, stream: Stream) -> None:
        if stream in _BUILT_IN:
            raise HipCallError("hipErrorInvalidHandle", "the built-in streams are not to be destroyed")
        check_stream(self._state, stream)
        del self._state.streams[stream]

    @offered()
    def hipStreamSynchronize(self, stream: Stream) -> None:
        check_stream(self._state, stream)

    @offered()
    def hipStreamQuery(self, stream: Stream) -> None:
        check_stream(self._state, stream)

    @offered()
    def hipStreamWaitEvent(self, stream: Stream, event: Event, flags: UInt) -> None:
        check_stream(self._state, stream)
        _check_event(self._state, event)

    @offered(0)
    def hipStreamGetFlags(self, stream: Stream) -> int:
        return check_stream(self._state, stream).flags

    @offered(0)
    def hipStreamGetPriority(self, stream: Stream) -> int:
        return check_stream(self._state, stream).priority

    @offered(0)
    def hipStreamGetDevice(self, stream: Stream) -> int:
        check_stream(self._state, stream)
        return 0


class EventCalls(HipCalls):
    """hip-python's event functions. Times are of the host's clock: they say how long the emulator
    took, nothing about a GPU."""

    def _new_event(self, flags: int) -> Any:
        handle = self._state.new_handle()
        self._state.events[handle] = EventEntry(flags)
        return real_hip().ihipEvent_t(handle)

    @offered(None)
    def hipEventCreate(self) -> Any:
        return self._new_event(0)

    @offered(None)
    def hipEventCreateWithFlags(self, flags: UInt) -> Any:
        return self._new_event(flags)

    @offered(faulted="report")
    def hipEventDestroy(self, event: Event) -> None:
        _check_event(self._state, event)
        del self._state.events[event]

    @offered()
    def hipEventRecord(self, event: Event, stream: Stream) -> None:
        check_stream(self._state, stream)
        _check_event(self._state, event).recorded = time.perf_counter()

    @offered()
    def hipEventSynchronize(self, event: Event) -> None:
        _check_event(self._state, event)

    @offered()
    def hipEventQuery(self, event: Event) -> None:
        _check_event(self._state, event)

    @offered(0.0)
    def hipEventElapsedTime(self, start: Event, stop: Event) -> float:
        first, last = _check_event(self._state, start), _check_event(self._state, stop)
        if first.recorded is None or last.recorded is None:
            raise HipCallError("hipErrorInvalidHandle", "an event that was never recorded has no time")
        if (first.flags | last.flags) & _DISABLE_TIMING:
            raise HipCallError(
                "hipErrorInvalidHandle", "an event made with hipEventDisableTiming has no time"
            )
        return float(ctypes.c_float((last.recorded - first.recorded) * 1e3).value)
