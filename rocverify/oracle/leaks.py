"""Device memory that calls of a wrapper allocate and do not free.

What a first call keeps (a table, a workspace) may serve all later ones. A leak is what comes back with call
after call: more than half of the calls of a run keep something of the same place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rocverify.device.trace.events import Category, TraceEvent

_ENOUGH_CALLS = 4


@dataclass(frozen=True, slots=True)
class Leak:
    """What calls keep of one place. place: `path:line` of the allocation; calls: that kept something, of how
    many; bytes: all together."""

    place: str
    calls: int
    of: int
    bytes: int

    def __str__(self) -> str:
        return f"{self.calls} of {self.of} calls keep what they allocate at {self.place} ({self.bytes} bytes)"

    def to_json(self) -> dict[str, Any]:
        """The leak as JSON data."""
        return {"place": self.place, "calls": self.calls, "of": self.of, "bytes": self.bytes}


def leaks(calls: Sequence[Sequence[TraceEvent]]) -> list[Leak]:
    """The leaks of a run. calls: the events of each call in turn."""
    if len(calls) < _ENOUGH_CALLS:
        return []
    keeping: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for events in calls:
        kept = _kept(events)
        keeping.update({event.call_site or event.function for event in kept})
        for event in kept:
            size[event.call_site or event.function] += event.bytes or 0
    return [
        Leak(place, count, len(calls), size[place])
        for place, count in sorted(keeping.items())
        if 2 * count > len(calls)
    ]


def _kept(events: Sequence[TraceEvent]) -> list[TraceEvent]:
    """The allocations of one call that it did not free."""
    alive: dict[int, TraceEvent] = {}
    for event in events:
        if event.ok and event.category is Category.ALLOC and event.dst is not None:
            alive[event.dst] = event
        elif event.ok and event.category is Category.FREE and event.src is not None:
            alive.pop(event.src, None)
    return list(alive.values())
