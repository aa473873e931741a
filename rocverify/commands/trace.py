"""What the trace of a program says: transfers, allocations, memory at its peak, and what one function did."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rocverify.device.trace.events import Category, TraceEvent
from rocverify.kernel_names import same_kernel

_DIRECTIONS = {Category.H2D: "to_device", Category.D2H: "to_host", Category.D2D: "on_device"}


@dataclass(frozen=True, slots=True)
class Totals:
    """Copies and copied bytes by direction (`to_device`, `to_host`, `on_device`), allocations, and bytes that
    were allocated at the same time."""

    copies: Mapping[str, int]
    bytes: Mapping[str, int]
    allocations: int
    peak_bytes: int


def totals(events: Sequence[TraceEvent]) -> Totals:
    """Sums over the calls that succeeded."""
    copies: Counter[str] = Counter()
    moved: Counter[str] = Counter()
    live: dict[int, int] = {}
    allocations = held = peak = 0
    for event in events:
        if not event.ok:
            continue
        if event.category in _DIRECTIONS:
            copies[_DIRECTIONS[event.category]] += 1
            moved[_DIRECTIONS[event.category]] += event.bytes or 0
        elif event.category is Category.ALLOC:
            allocations += 1
            held += event.bytes or 0
            peak = max(peak, held)
            if event.dst is not None:
                live[event.dst] = event.bytes or 0
        elif event.category is Category.FREE and event.src is not None:
            held -= live.pop(event.src, 0)
    return Totals(dict(copies), dict(moved), allocations, peak)


def launches(events: Sequence[TraceEvent], symbol: str | None = None) -> list[TraceEvent]:
    """The launches that ran, of one kernel or of all."""
    ran = (e for e in events if e.category is Category.LAUNCH and e.ok and not e.ghost)
    return [event for event in ran if symbol is None or same_kernel(event.kernel or "", symbol)]


def allocated_between(events: Sequence[TraceEvent], symbol: str) -> tuple[int, list[TraceEvent]]:
    """How often a kernel was launched, and the allocations between its first and its last launch."""
    runs = launches(events, symbol)
    if len(runs) < 2:
        return len(runs), []
    first, last = runs[0].seq, runs[-1].seq
    made = (e for e in events if e.category is Category.ALLOC and e.ok)
    return len(runs), [event for event in made if first < event.seq < last]


def under(events: Sequence[TraceEvent], function: str) -> list[TraceEvent]:
    """The calls that a function made, itself or by what it calls, as far as stacks tell."""
    name = re.split(r"::|\.", function)[-1]
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    frames = ((event, [event.host_function or "", *event.callers]) for event in events)
    return [event for event, texts in frames if any(word.search(_function(text)) for text in texts)]


def _function(text: str) -> str:
    """Of `path:line function`, the function."""
    return text.partition(" ")[2] if re.match(r"\S+:\d+ ", text) else text
