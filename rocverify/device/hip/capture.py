"""Capture: what is queued on streams becomes the nodes of a graph."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.graph import Graph, Node, Told
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.event import Event
    from rocverify.device.hip.items import Item
    from rocverify.device.hip.streams import Stream

GLOBAL, THREAD_LOCAL, RELAXED = 0, 1, 2
NONE, ACTIVE, INVALIDATED = 0, 1, 2

_numbers = itertools.count(1)


class Capture:
    """One capture: it begins on a stream, spreads to others by events and ends where it began. `tails` are
    the last nodes of each stream."""

    def __init__(
        self, origin: Stream, mode: int, slot: int, graph: Graph, tails: tuple[Node, ...] = ()
    ) -> None:
        self.number = next(_numbers)
        self.origin, self.mode, self.slot, self.graph = origin, mode, slot, graph
        self.tails: dict[Stream, tuple[Node, ...]] = {origin: tails}
        self.valid = True
        self.ended = False
        origin.capture = self

    @property
    def status(self) -> int:
        """hipStreamCaptureStatus."""
        return ACTIVE if self.valid else INVALIDATED

    def invalidate(self) -> None:
        """Something was done that cannot be captured: the graph is lost."""
        self.valid = False

    def add(self, stream: Stream, item: Item) -> Node:
        """A node in place of an item."""
        self._check()
        told = None if item.entry is None else Told.by(item.entry)
        if item.entry is not None:
            item.entry.category = Category.STREAM  # this call has done nothing yet
        node = self.graph.add(item.kind, self.tails[stream], item=item, told=told)
        self.tails[stream] = (node,)
        return node

    def extend(self, stream: Stream, node: Node) -> None:
        """Goes on after a node that was added by hand."""
        self.tails[stream] = (node,)

    def _check(self) -> None:
        if not self.valid:
            raise HipError("hipErrorStreamCaptureInvalidated", "something was done that cannot be captured")

    def join(self, stream: Stream, event: Event) -> None:
        """A stream waits for an event of this capture, and so becomes part of it."""
        if self.ended:
            raise HipError("hipErrorCapturedEvent", "the event was recorded in a capture that has ended")
        self._check()
        if stream.capture is None:
            stream.capture = self
            self.tails[stream] = event.nodes
            return
        if stream.capture is not self:
            stream.capture.invalidate()
            self.invalidate()
            raise HipError("hipErrorStreamCaptureMerge", "one capture's stream waits for another's event")
        self.tails[stream] = tuple(dict.fromkeys((*self.tails[stream], *event.nodes)))

    def end(self, stream: Stream, slot: int) -> Graph:
        """The graph; HipError, after which no stream captures any more, if it is incomplete."""
        if stream is not self.origin:
            raise HipError("hipErrorStreamCaptureUnmatched", "the capture did not begin on this stream")
        if self.mode != RELAXED and slot != self.slot:
            raise HipError("hipErrorStreamCaptureWrongThread", "another thread has begun this capture")
        for one in self.tails:
            one.capture = None
        self.ended = True
        self._check()
        if self._is_open():
            raise HipError(
                "hipErrorStreamCaptureUnjoined",
                "a stream that the capture has spread to was not joined: record an event there, and have the "
                "stream where the capture began wait for it",
            )
        return self.graph

    def _is_open(self) -> bool:
        known: set[Node] = set()
        stack = list(self.tails[self.origin])
        while stack:
            node = stack.pop()
            if node not in known:
                known.add(node)
                stack.extend(node.after)
        return any(node not in known for tails in self.tails.values() for node in tails)
