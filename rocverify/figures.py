"""Figures as data: what a check saw that is better drawn than told. The report draws them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a traced call. way: where a copy goes; `other` is work on the device, no launch."""

    way: Literal["h2d", "d2h", "d2d", "launch", "other"]
    name: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Copies and launches of one call, in their order."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Values over the rows and columns of an array, each the largest of the cells that it stands for.

    values: rows of numbers from 0; 1 is the limit, and what is no number is None. `rows` and `columns` are
    the lengths of the array, `label` what is shown of it.
    """

    title: str
    label: str
    rows: int
    columns: int
    values: tuple[tuple[float | None, ...], ...]


Figure = Timeline | HeatMap
