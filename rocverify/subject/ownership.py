"""Whose launches a call made: the wrapper's that was asked for, or the contract's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rocverify.device.trace.events import Category, TraceEvent
from rocverify.device.trace.sites import MAX_CALLERS

if TYPE_CHECKING:
    from rocverify.oracle.contract import ContractSpec
    from rocverify.subject.contracts import Origin


def launched_by_contract(spec: ContractSpec, events: Sequence[TraceEvent]) -> frozenset[int]:
    """The launches, by their number in the trace, on whose stack the contract's `call` stands and the wrapper
    does not. A stack that is not known to its end, and a wrapper that is no Python code, tell nothing."""
    origin: Origin | None = getattr(spec.subject, "origin", None)
    if spec.wrapper is None or origin is None or not origin.wrapper or not origin.call:
        return frozenset()
    found = []
    for event in events:
        if event.category is not Category.LAUNCH or len(event.callers) >= MAX_CALLERS:
            continue
        frames = set(_frames(event))
        if frames.intersection(origin.call) and not frames.intersection(origin.wrapper):
            found.append(event.seq)
    return frozenset(found)


def _frames(event: TraceEvent) -> list[tuple[str, str]]:
    """File and function of each frame of the project."""
    places = [f"{event.call_site} {event.host_function}", *event.callers]
    split = (place.partition(" ") for place in places)
    return [(place.rpartition(":")[0], function) for place, _, function in split]
