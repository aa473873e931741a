"""Figures of `performance` checks as benchmarks of pytest-benchmark, so that its tables, its JSON files and
`--benchmark-compare` work on them.

On a GPU a round is one repeat, with its device time. The emulator has no time worth comparing: there a
benchmark has one round, and its time is the exact count of wave instructions, a nanosecond each. The other
counts are in `extra_info`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from pytest_benchmark.utils import NameWrapper

DEVICE_TIME = "device time"
WAVE_INSTRUCTIONS = "wave instructions, 1 ns each"


def add_benchmark(item: pytest.Item, evidence: Mapping[str, Any]) -> None:
    """Adds what a check's evidence has measured to pytest-benchmark's session; nothing where that plugin does
    not run (it does with any `--benchmark-...` option), or nothing was measured."""
    session = getattr(item.config, "_benchmarksession", None)
    if session is None or session.disabled or session.skip:
        return
    timed, measured = evidence.get("time"), evidence.get("measured")
    if timed:
        _add(item, session, DEVICE_TIME, [us / 1e6 for us in timed["times_us"]], timed)
    elif measured:
        _add(item, session, WAVE_INSTRUCTIONS, [measured["wave_instructions"] / 1e9], measured)


def _add(
    item: pytest.Item, session: Any, group: str, seconds: list[float], figures: Mapping[str, Any]
) -> None:
    options = {**session.options, "timer": NameWrapper(_clock(seconds)), "group": group}
    fixture = BenchmarkFixture(
        item,
        add_stats=session.benchmarks.append,
        logger=session.logger,
        warner=item.warn,
        disabled=False,
        **options,
    )
    fixture.extra_info.update({name: value for name, value in figures.items() if name != "times_us"})
    fixture.pedantic(_nothing, rounds=len(seconds))


def _clock(seconds: Iterable[float]) -> Any:
    """A timer which, asked before and after each round, gives the next duration."""
    readings = chain.from_iterable((0.0, duration) for duration in seconds)
    return lambda: next(readings)


def _nothing() -> None:
    """The rounds have been run already."""
