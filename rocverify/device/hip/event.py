"""Events: markers in streams, and the times at which they were reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.items import Item, Kind, new_handle, nothing

if TYPE_CHECKING:
    from rocverify.device.hip.capture import Capture
    from rocverify.device.hip.graph import Node
    from rocverify.device.hip.streams import Streams

DISABLE_TIMING = 2
_FLAGS = 0x1 | DISABLE_TIMING | 0x4 | 0x20000000 | 0x40000000 | 0x80000000 | 0x10000000
"""hipEventBlockingSync, DisableTiming, Interprocess, DisableSystemFence, the releases and ReleaseToSystem."""

_INTERPROCESS = 4


@dataclass(slots=True, eq=False)
class Event:
    """An event. `item` is its last marker; while it is recorded in a capture, `captured` says in which and
    `nodes` after which."""

    handle: int
    flags: int = 0
    site: int = 0
    item: Item | None = None
    captured: Capture | None = None
    nodes: tuple[Node, ...] = field(default=())


class EndedHandles:
    """Streams and events that were destroyed, and where: for what is said of who uses them still."""

    MOST = 4096

    def __init__(self) -> None:
        self._sites: dict[int, int] = {}

    def add(self, number: int, site: int) -> None:
        """A handle was destroyed."""
        while len(self._sites) >= self.MOST:
            del self._sites[next(iter(self._sites))]
        self._sites[number] = site

    def error(self, kind: str, number: int) -> HipError:
        """What a call fails with that names a handle which does not exist (any more)."""
        site = self._sites.get(number)
        if site is None:
            return HipError("hipErrorInvalidHandle", f"{number:#x} is not a {kind} of this device")
        text = f"the {kind} {number:#x} was destroyed: destroy it after its last use"
        return HipError("hipErrorInvalidHandle", text, finding=f"destroyed_{kind}", other=site)


class Events:
    """The events of one context."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._events: dict[int, Event] = {}

    def clear(self) -> None:
        """Forgets all."""
        self._events.clear()

    def create(self, flags: int = 0, site: int = 0) -> Event:
        """A new event; hipErrorInvalidValue for flags that do not exist or do not go together."""
        if flags & ~_FLAGS or (flags & _INTERPROCESS and not flags & DISABLE_TIMING):
            raise HipError("hipErrorInvalidValue", f"event flags {flags:#x}")
        event = Event(new_handle(), flags, site)
        self._events[event.handle] = event
        return event

    def find(self, number: int) -> Event:
        """The event; hipErrorInvalidHandle if there is none (any more)."""
        event = self._events.get(number)
        if event is None:
            raise self._streams.ended.error("event", number)
        return event

    def destroy(self, number: int, site: int = 0) -> None:
        """Ends an event; markers of it that are queued stay."""
        self.find(number)
        del self._events[number]
        self._streams.ended.add(number, site)

    def marker(self, event: Event, site: int = 0) -> Item:
        """An item that stands for the event from now on. `ended` is when it was reached."""
        item = Item(nothing, "event", site=site, kind=Kind.EVENT_RECORD)
        event.item, event.captured, event.nodes = item, None, ()
        return item

    def record(self, number: int, stream: int, slot: int, site: int = 0) -> None:
        """Queues a marker, or notes how far a capture has come."""
        streams, event = self._streams, self.find(number)
        with streams.lock:
            found = streams.find(stream, slot)
            if found.capture is not None:
                event.captured = found.capture
                event.nodes = found.capture.tails[found]
                return
        streams.submit(stream, slot, self.marker(event, site))

    def elapsed_ms(self, first: Event, last: Event) -> float:
        """Milliseconds between two markers that were reached."""
        for event in (first, last):
            if event.item is None or event.flags & DISABLE_TIMING:
                why = "was never recorded" if event.item is None else "was made with hipEventDisableTiming"
                raise HipError("hipErrorInvalidHandle", f"an event that {why} has no time")
        assert first.item is not None
        assert last.item is not None
        if not (first.item.done and last.item.done):
            raise HipError("hipErrorNotReady", "an event has not been reached yet")
        return (last.item.ended - first.item.ended) * 1e3
