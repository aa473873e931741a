"""Times that are taken in turns, since a machine's speed changes from second to second."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any


def in_turns(calls: Sequence[Callable[[], Any]], rounds: int) -> list[list[float]]:
    """Wall seconds of each call, `rounds` of each, one after the other."""
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, taken in zip(calls, times, strict=True):
            begun = time.perf_counter()
            call()
            taken.append(time.perf_counter() - begun)
    return times


def ratio_of_medians(first: Sequence[float], second: Sequence[float]) -> float:
    """How many times as long the second takes."""
    return statistics.median(second) / statistics.median(first)


def ratio_of_minima(first: Sequence[float], second: Sequence[float]) -> float:
    """The same of the fastest, which other processes disturb least."""
    return min(second) / min(first)
