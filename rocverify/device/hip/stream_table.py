"""The streams of a client by their handles, and which work the next of a stream comes after."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.event import EndedHandles
from rocverify.device.hip.items import Item, new_handle

if TYPE_CHECKING:
    from rocverify.device.hip.capture import Capture

LEGACY, PER_THREAD = 1, 2
NON_BLOCKING = 1


@dataclass(slots=True, eq=False)
class Stream:
    """A stream; `tail` is the last item queued, `component` its number in clocks."""

    handle: int
    flags: int = 0
    priority: int = 0
    site: int = 0
    component: int = 0
    tail: Item | None = None
    capture: Capture | None = None

    @property
    def blocking(self) -> bool:
        """Whether it and the legacy default stream wait for one another."""
        return not self.flags & NON_BLOCKING

    @property
    def name(self) -> str:
        """For people."""
        if self.handle == LEGACY:
            return "the default stream"
        return f"stream {self.handle:#x}"


class StreamTable:
    """Streams by number: 0 and 1 are the legacy default stream, 2 is the thread's, others are handles."""

    MOST_MADE = 4096

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.ended = EndedHandles()
        self.made: dict[int, int] = {}
        """Where streams were made, the latest."""
        self._components = itertools.count(1)
        self.forget_streams()

    def forget_streams(self) -> None:
        """Drops all streams but the built-in ones, which are as new."""
        self._streams: dict[int, Stream] = {}
        self._per_thread: dict[int, Stream] = {}
        self._draining: list[Stream] = []
        self.legacy = Stream(LEGACY, component=self.new_component())

    def create(self, flags: int = 0, priority: int = 0, site: int = 0) -> Stream:
        """A new stream."""
        with self.lock:
            stream = Stream(new_handle(), flags, priority, site, self.new_component())
            self._streams[stream.handle] = stream
            if len(self.made) >= self.MOST_MADE:
                del self.made[next(iter(self.made))]
            self.made[stream.handle] = site
            return stream

    def new_component(self) -> int:
        """A number for what has an order of its own."""
        return next(self._components)

    def find(self, number: int, slot: int) -> Stream:
        """The stream that a client's thread means; hipErrorInvalidHandle if there is none (any more)."""
        if number in (0, LEGACY):
            return self.legacy
        if number == PER_THREAD:
            with self.lock:
                if slot not in self._per_thread:
                    self._per_thread[slot] = Stream(PER_THREAD, component=self.new_component())
                return self._per_thread[slot]
        if number not in self._streams:
            raise self.ended.error("stream", number)
        return self._streams[number]

    def destroy(self, number: int, site: int = 0) -> None:
        """Ends a stream; what it has queued is done all the same."""
        if number in (0, LEGACY, PER_THREAD):
            raise HipError("hipErrorInvalidHandle", "the built-in streams cannot be destroyed")
        with self.lock:
            stream = self.find(number, 0)
            if stream.capture is not None:
                stream.capture.invalidate()
                raise HipError("hipErrorStreamCaptureUnsupported", "a stream is destroyed while it captures")
            del self._streams[number]
            self._draining = [one for one in (*self._draining, stream) if not self.drained(one)]
        self.ended.add(number, site)

    def drained(self, stream: Stream) -> bool:
        """Whether nothing has to come after what a stream has queued any more."""
        return stream.tail is None or stream.tail.done

    def discard(self, stream: Stream) -> None:
        """Ends a stream that no client has seen."""
        stream.capture = None
        del self._streams[stream.handle]

    def all(self) -> Iterator[Stream]:
        """Every stream, those destroyed with work queued too."""
        yield self.legacy
        yield from self._per_thread.values()
        yield from self._streams.values()
        yield from self._draining

    def before(self, stream: Stream) -> list[Item]:
        """What the next item of a stream comes after."""
        last = [stream.tail]
        if stream is self.legacy:
            last += [one.tail for one in self.all() if one.blocking and one is not stream]
        elif stream.blocking:
            last.append(self.legacy.tail)
        return [one for one in last if one is not None]
