"""Streams: which work comes after which.

Work of one stream is done in its order. The legacy default stream waits for what all blocking streams have
queued, and they for it; streams made with hipStreamNonBlocking do neither. Every client thread has a
per-thread default stream, which is a blocking one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.event import Event, Events
from rocverify.device.hip.executor import Execute, Executor, Order
from rocverify.device.hip.graph import Graphs
from rocverify.device.hip.items import Item, Kind, nothing
from rocverify.device.hip.stream_table import LEGACY, NON_BLOCKING, PER_THREAD, Stream
from rocverify.device.hip.stream_waits import StreamWaits

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Caller
    from rocverify.device.hip.checks.host import HostChecks
    from rocverify.device.hip.context import Context

HIGHEST_PRIORITY, LOWEST_PRIORITY = -1, 1

__all__ = ["LEGACY", "NON_BLOCKING", "PER_THREAD", "Stream", "Streams", "streams_of"]


def _run(item: Item, caller: Caller | None) -> Any:
    return item.run(caller)


class Streams(StreamWaits):
    """The streams and events of one context (StreamQueues of items.py). `execute` runs an item,
    `interrupt` has one that runs come to its end."""

    def __init__(
        self,
        order: Order,
        seed: int = 0,
        *,
        clock: Callable[[], float],
        execute: Execute = _run,
        checks: HostChecks | None = None,
        interrupt: Callable[[], None] | None = None,
    ) -> None:
        run = execute if checks is None else checks.around(execute)
        super().__init__(Executor(order, seed, clock=clock, execute=run), checks)
        self._interrupt = interrupt
        self.events = Events(self)
        self.graphs = Graphs(self)
        self.thread_modes: dict[int, int] = {}

    @property
    def eager(self) -> bool:
        """Whether work is executed as soon as it comes."""
        return self.executor.order == "eager"

    def forget(self) -> None:
        """Drops all work that is queued."""
        self.executor.drop()

    def reorder(self, order: Order, seed: int) -> None:
        """Takes another order for queued work, and a seed for one that is drawn."""
        self.executor.reorder(order, seed)

    def drained(self, stream: Stream) -> bool:
        """Whether all work of a stream is done, and the host knows it where races are looked for."""
        done = super().drained(stream)
        if self.checks is None or stream.tail is None:
            return done
        return done and self.checks.races.host_knows(stream.tail)

    # ---- queues

    def submit(self, stream: int, slot: int, item: Item, caller: Caller | None = None) -> None:
        """Queues an item, or makes it a node of the graph that the stream captures."""
        if self.checks is not None:
            self.checks.uploads.submitting(item, caller)
        with self.lock:
            found = self.find(stream, slot)
            if found.capture is not None:
                found.capture.add(found, item)
                return
            self.refuse_implicit(found)
            self.queue(found, item)
        self.queued([item], caller)

    def captures(self, stream: int, slot: int) -> bool:
        """Whether what a stream is given becomes nodes of a graph."""
        return self.find(stream, slot).capture is not None

    def queued(self, items: Sequence[Item], caller: Caller | None) -> None:
        """After items were queued: in eager order, those that need the caller are executed now."""
        if caller is not None and self.eager and any(item.needs_caller for item in items):
            self.executor.run(items, caller)
            self.raise_failure()
        self.executor.early()

    def queue(self, stream: Stream, item: Item, also: Iterable[Item] = ()) -> None:
        """Puts an item at a stream's end; it comes after `also` too."""
        before = [*self.before(stream), *also]
        stream.tail = item
        self.queue_apart(item, stream, stream.component, before)

    def queue_apart(self, item: Item, stream: Stream, component: int, before: list[Item]) -> None:
        """Queues an item after exactly those before it: a node of a graph that a stream launches comes in the
        order of the graph, not of the stream."""
        item.stream = stream.handle
        if self.checks is None:
            self.executor.add(item, before)
            return
        with self.checks.races.lock:
            # A wait for a value that ends just now orders what is pending: nothing is between the two.
            self.checks.races.enter(item, component, before)
            self.executor.add(item, before)

    def refuse_implicit(self, stream: Stream) -> None:
        """Work of the legacy stream would wait for blocking streams, which cannot be while one captures."""
        if stream is not self.legacy:
            return
        hit = [one.capture for one in self.all() if one.capture is not None and one.blocking]
        for capture in hit:
            capture.invalidate()
        if hit:
            raise HipError(
                "hipErrorStreamCaptureImplicit",
                "the default stream is used while a blocking stream captures; capture on a stream made with "
                "hipStreamNonBlocking, or use no default stream meanwhile",
            )

    def wait_event(self, stream: int, slot: int, event: Event, site: int = 0) -> None:
        """Has what is queued on a stream from now on come after an event."""
        with self.lock:
            found = self.find(stream, slot)
            if event.captured is not None:
                event.captured.join(found, event)
                return
            if found.capture is not None:
                found.capture.invalidate()
                raise HipError(
                    "hipErrorStreamCaptureIsolation",
                    f"{found.name} captures, and is to wait for an event that is not of the capture",
                )
            if event.item is None:
                return
            marker = Item(nothing, "wait for an event", site=site, kind=Kind.WAIT_EVENT)
            self.queue(found, marker, (event.item,))

    def pending(self) -> bool:
        """Whether anything is queued."""
        return bool(self.executor)

    def left(self) -> list[tuple[str, int]]:
        """What is queued, and the number of the stream of each."""
        return [(item.label, item.stream) for item in self.executor.pending() if item.kind is not Kind.EMPTY]

    def idle(self) -> None:
        """No call has come for a while: does what needs no caller."""
        self.executor.run(self.executor.pending(), None)

    def reset(self) -> None:
        """Drops queued work, streams, events and graphs."""
        self.executor.drop()
        with self.lock:
            self.forget_streams()
            self.thread_modes.clear()
            self.events.clear()
            self.graphs.clear()

    def close(self) -> None:
        """Ends; what is queued is dropped, what runs is interrupted."""
        self.executor.close(self._interrupt)


def streams_of(context: Context) -> Streams:
    """The streams of a client; only a test's context has others."""
    streams = context.streams
    assert isinstance(streams, Streams)
    return streams
