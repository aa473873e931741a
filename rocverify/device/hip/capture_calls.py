"""hipStreamBeginCapture and its kin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.calls import Call, Caller, low, serve
from rocverify.device.hip.capture import NONE, RELAXED, Capture
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.graph import Graph
from rocverify.device.hip.streams import LEGACY, Stream, streams_of
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context


def _can_capture(context: Context, call: Call, mode: int) -> Stream:
    """The stream that is to capture; HipError if it cannot."""
    if mode > RELAXED:
        raise HipError("hipErrorInvalidValue", f"there is no capture mode {mode}")
    stream = streams_of(context).find(call.args[0], call.slot)
    if stream.handle == LEGACY:
        raise HipError(
            "hipErrorStreamCaptureUnsupported", "the default stream cannot capture: use a stream of your own"
        )
    if stream.capture is not None:
        raise HipError("hipErrorIllegalState", "the stream captures already")
    return stream


@serve("hipStreamBeginCapture", category=Category.STREAM)
def begin_capture(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipStreamBeginCapture: what is queued on the stream becomes a new graph."""
    mode = low(call.args[1])
    with streams_of(context).lock:
        Capture(_can_capture(context, call, mode), mode, call.slot, Graph(call.site))


@serve("hipStreamBeginCaptureToGraph", category=Category.STREAM)
def begin_capture_to_graph(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipStreamBeginCaptureToGraph: what is queued on the stream is added to a graph."""
    _, number, mode, count, *after = call.args
    streams = streams_of(context)
    with streams.lock:
        graph = streams.graphs.find(number)
        tails = tuple(streams.graphs.node(one) for one in after[:count])
        Capture(_can_capture(context, call, low(mode)), low(mode), call.slot, graph, tails)


@serve("hipStreamUpdateCaptureDependencies", category=Category.STREAM)
def update_dependencies(context: Context, call: Call, caller: Caller | None) -> None:  # noqa: ARG001
    """Serves hipStreamUpdateCaptureDependencies: what the next node of a capture comes after."""
    stream, flags, count, *after = call.args
    streams = streams_of(context)
    with streams.lock:
        found = streams.find(stream, call.slot)
        if found.capture is None:
            raise HipError("hipErrorIllegalState", "the stream does not capture")
        nodes = tuple(streams.graphs.node(one) for one in after[:count])
        if any(node.graph is not found.capture.graph for node in nodes):
            raise HipError("hipErrorInvalidValue", "a node is not of the graph that is captured")
        before = () if low(flags) else found.capture.tails[found]
        found.capture.tails[found] = tuple(dict.fromkeys((*before, *nodes)))


@serve("hipStreamEndCapture", category=Category.STREAM)
def end_capture(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipStreamEndCapture: ends a capture and returns its graph."""
    streams = streams_of(context)
    with streams.lock:
        stream = streams.find(call.args[0], call.slot)
        if stream.capture is None:
            raise HipError("hipErrorIllegalState", "the stream does not capture")
        return (streams.graphs.enter(stream.capture.end(stream, call.slot)).handle,)


def _capture_of(context: Context, call: Call) -> Capture | None:
    streams = streams_of(context)
    stream = streams.find(call.args[0], call.slot)
    streams.refuse_implicit(stream)
    return stream.capture


@serve("hipStreamIsCapturing", category=Category.STREAM)
def is_capturing(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipStreamIsCapturing: the status of the capture on a stream."""
    capture = _capture_of(context, call)
    return (NONE if capture is None else capture.status,)


@serve("hipStreamGetCaptureInfo", category=Category.STREAM)
def capture_info(context: Context, call: Call, caller: Caller | None) -> tuple[int, ...]:  # noqa: ARG001
    """Serves hipStreamGetCaptureInfo: status, number, graph and dependencies of a capture."""
    capture = _capture_of(context, call)
    if capture is None:
        return NONE, 0, 0
    stream = streams_of(context).find(call.args[0], call.slot)
    graph = streams_of(context).graphs.enter(capture.graph)
    return capture.status, capture.number, graph.handle, *(node.handle for node in capture.tails[stream])


@serve("hipThreadExchangeStreamCaptureMode", category=Category.STREAM)
def exchange_mode(context: Context, call: Call, caller: Caller | None) -> tuple[int]:  # noqa: ARG001
    """Serves hipThreadExchangeStreamCaptureMode: sets the thread's capture mode, and returns the one
    before."""
    modes, mode = streams_of(context).thread_modes, low(call.args[0])
    if mode > RELAXED:
        raise HipError("hipErrorInvalidValue", f"there is no capture mode {mode}")
    before, modes[call.slot] = modes.get(call.slot, 0), mode
    return (before,)
