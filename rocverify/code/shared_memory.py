"""How far a kernel indexes the LDS that its launch gives it (`extern __shared__`): the record that a language
fills, and how large an index gets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

Extent = float | str | tuple[str, "Extent", "Extent"]
"""The largest value of an index: a number, a name, or a sum or product of two (`("+", a, b)`)."""


@dataclass(frozen=True, slots=True)
class SharedAccess:
    """One access. `text` is written so (`row[j]`), `why` what the names in it are bounded by (`j < n`).

    `extent` counts elements of `element` bytes from the beginning of the array, its names are parameters of
    the kernel and `threadIdx.x`. `parameters`: those of them.
    """

    text: str
    why: str
    line: int
    element: int
    extent: Extent
    parameters: frozenset[str]

    @property
    def shown(self) -> str:
        """The access as it is written, with the reason where there is one."""
        return f"`{self.text}`{f' ({self.why})' if self.why else ''}"

    def bytes_needed(self, most: Mapping[str, float]) -> float:
        """The bytes up to the end of the furthest element, infinite where nothing bounds a name; `most` has
        the largest value of each."""
        return (largest(self.extent, most) + 1) * self.element


def largest(extent: Extent, most: Mapping[str, float]) -> float:
    """The value of an extent. KeyError for a name that `most` lacks."""
    if isinstance(extent, str):
        return most[extent]
    if isinstance(extent, tuple):
        sign, first, second = extent
        a, b = largest(first, most), largest(second, most)
        if sign == "+":
            return a + b
        return 0.0 if 0 in (a, b) else a * b
    return extent


def names_in(extent: Extent) -> frozenset[str]:
    """The names of which an extent is made."""
    if isinstance(extent, str):
        return frozenset({extent})
    if isinstance(extent, tuple):
        return names_in(extent[1]) | names_in(extent[2])
    return frozenset()


UNBOUNDED = math.inf
