"""Launches that are too large to be executed whole: which workgroups run, and how much a wave may execute."""

from __future__ import annotations

import random
from dataclasses import dataclass

ENDS, STEPS, NEAR = 4, 24, 2
"""Workgroups at either end of a grid, parts of it of which each has one, and workgroups around a place."""

BUDGET = 1 << 28
"""Instructions of all waves of a launch together."""

FEWEST = 1 << 12
"""Instructions that a wave may execute in any case: a launch of more waves than that leaves is refused."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """How launches are executed. places: parts of the grid, from 0 to 1, whose workgroups run too, beside
    those at both ends and some between, which a seed draws; None: all workgroups run. until: none behind
    this part of it runs."""

    places: tuple[float, ...] | None = None
    until: float = 1.0
    seed: int = 0

    def chosen(self, count: int) -> tuple[int, ...] | None:
        """The workgroups of a grid of `count` that run, ascending; None if all do."""
        if self.places is None:
            return None
        ends = {*range(ENDS), *range(count - ENDS, count)}
        draw = random.Random(self.seed).random
        between = {int((step + draw()) * count / STEPS) for step in range(STEPS)}
        around = {int(place * count) + near for place in self.places for near in range(-NEAR, NEAR + 1)}
        return tuple(sorted(one for one in ends | between | around if 0 <= one < self.until * count))

    @staticmethod
    def limit(waves: int) -> int:
        """Instructions that each of so many waves may execute; 0 where there are too many."""
        return BUDGET // max(waves, 1) if waves * FEWEST <= BUDGET else 0
