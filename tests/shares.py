"""Which of many parametrizations the long suite has: a share that each run draws.

`@pytest.mark.drawn(4)` stands for `long` on one of every four parametrizations of a test in a row, which each
run draws, and for `exhaustive` on the others: neighbours are of one kind, and every kind is represented. All
workers of a run draw the same, by SEED_VARIABLE, which the head of its output tells; the same value draws the
same again. A parametrization that the command line names alone is always drawn. With `fast=1` the first is
not drawn: it stays in the fast suite.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable, Sequence
from itertools import groupby

import pytest

SEED_VARIABLE = "TESTS_SEED"
MARK = "drawn"


def seed() -> str:
    """What this run draws by. Workers are started with the environment of the process that begins the run."""
    return os.environ.setdefault(SEED_VARIABLE, str(random.SystemRandom().randrange(10_000)))


def mark_drawn(items: Iterable[pytest.Item], by: str) -> None:
    """Marks every item that has the mark `drawn` as `long` or as `exhaustive`.

    by: the seed. Two tests with the same number of parametrizations draw differently.
    """
    for test, group in groupby(items, lambda item: item.nodeid.partition("[")[0]):
        marked = [(item, mark) for item in group if (mark := item.get_closest_marker(MARK)) is not None]
        if marked:
            ((shares, fast),) = {(mark.args[0], mark.kwargs.get("fast", 0)) for _, mark in marked}
            slow = marked[fast:]
            taken = drawn(len(slow), shares, f"{by} {test}")
            for number, (item, _) in enumerate(slow):
                item.add_marker(pytest.mark.long if number in taken else pytest.mark.exhaustive)


def drawn(count: int, shares: int, by: str) -> Sequence[int]:
    """One of every `shares` numbers in a row below `count`."""
    rng = random.Random(by)
    return [rng.randrange(start, min(start + shares, count)) for start in range(0, count, shares)]
