"""The dimensions of a contract: which values are admissible, and which are worth trying first.

Tail bugs live at the boundaries of waves, workgroups and tiles. The shapes of a run therefore start at
those boundaries, every dimension at once (so that few cases cover all values and the axes differ in
length), and only then turn random.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2
from types import MappingProxyType

import numpy as np

from rocverify.errors import ContractError

Shape = Mapping[str, int]

# Lengths at which GPU code changes behaviour whatever its tiles: waves of 32 and 64, workgroups of 256.
_LANDMARKS = (32, 64, 128, 256)
_SMALL = (1, 2, 3, 7)


@dataclass(frozen=True, slots=True)
class Extent:
    """The admissible values of one dimension: `values` if given, else low..high in steps of `step`.

    tiles: lengths at which this kernel changes behaviour; their neighbours are tried.
    divides: the name of a dimension that this one must divide.
    """

    low: int
    high: int
    step: int = 1
    tiles: tuple[int, ...] = ()
    values: tuple[int, ...] | None = None
    divides: str | None = None

    def __post_init__(self) -> None:
        if self.values is not None and not self.values:
            raise ContractError("a dimension needs at least one value", hint="give choices(1, 2, ...)")
        if self.low < 1 or self.high < self.low or self.step < 1:
            raise ContractError(f"{self.low}..{self.high} in steps of {self.step} is not a range of lengths")

    def admits(self, value: int, others: Shape) -> bool:
        """Whether this dimension may have this value beside the others."""
        if self.divides is not None and others[self.divides] % value:
            return False
        if self.values is not None:
            return value in self.values
        return self.low <= value <= self.high and value % self.step == 0

    def boundaries(self) -> tuple[int, ...]:
        """The values to try, ascending: extremes, and each landmark and tile with its neighbours."""
        if self.values is not None:
            return tuple(sorted(self.values))
        near = {at + off for at in (*_LANDMARKS, *self.tiles) for off in (-self.step, 0, self.step)}
        every = near | set(_SMALL) | {self.first, self.last}
        return tuple(sorted(v for v in every if v % self.step == 0 and self.low <= v <= self.high))

    def lengths(self) -> Sequence[int]:
        """Every admissible value, ascending, whatever the other dimensions are."""
        return sorted(self.values) if self.values is not None else range(self.first, self.last + 1, self.step)

    def up_to(self, most: int) -> Extent:
        """The same extent without the values above `most`, which is one of them."""
        kept = None if self.values is None else tuple(v for v in self.values if v <= most)
        return replace(self, high=most, values=kept)

    def divisors(self, others: Shape) -> tuple[int, ...]:
        """The admissible values of a dimension that divides another, ascending."""
        assert self.divides is not None
        return tuple(v for v in range(1, others[self.divides] + 1) if self.admits(v, others))

    @property
    def first(self) -> int:
        """The smallest admissible value."""
        return min(self.values) if self.values is not None else -(-self.low // self.step) * self.step

    @property
    def last(self) -> int:
        """The largest admissible value."""
        return max(self.values) if self.values is not None else self.high // self.step * self.step

    def draw(self, rng: np.random.Generator) -> int:
        """A random value, log-uniform: short lengths are as likely as long ones.

        For a dimension that divides another, a wish that `Dims.complete` makes admissible.
        """
        if self.values is not None:
            return int(rng.choice(np.asarray(self.values)))
        value = int(2.0 ** rng.uniform(log2(self.low), log2(self.high + 1)))
        return min(max(value // self.step * self.step, self.first), self.last)


def boundary(low: int, high: int, *, tile: int | Sequence[int] = ()) -> Extent:
    """Every length from low to high; `tile` names lengths at which the kernel changes behaviour."""
    return Extent(low, high, tiles=(tile,) if isinstance(tile, int) else tuple(tile))


def even(low: int, high: int, *, tile: int | Sequence[int] = ()) -> Extent:
    """Every even length from low to high."""
    return replace(boundary(low, high, tile=tile), step=2)


def choices(*values: int) -> Extent:
    """Exactly these lengths."""
    return Extent(min(values, default=1), max(values, default=1), values=tuple(values))


def divisor_of(name: str, *, low: int = 1, high: int = 2**16) -> Extent:
    """Lengths that divide the dimension `name` (which stands on its own)."""
    return Extent(low, high, divides=name)


class Dims:
    """The dimensions of a contract by name, immutable. An int or a tuple stands for `choices`."""

    def __init__(self, **extents: Extent | int | tuple[int, ...]) -> None:
        self._extents = MappingProxyType({name: _extent(value) for name, value in extents.items()})
        for name, extent in self._extents.items():
            other = extent.divides
            if other is not None and (other not in self._extents or self._extents[other].divides):
                raise ContractError(
                    f"dimension {name} divides {other!r}, which must be an independent dimension"
                )

    def __iter__(self) -> Iterator[str]:
        return iter(self._extents)

    def __getitem__(self, name: str) -> Extent:
        return self._extents[name]

    def __contains__(self, name: object) -> bool:
        return name in self._extents

    def check(self, shape: Shape) -> None:
        """ContractError unless the shape gives every dimension an admissible value."""
        if set(shape) != set(self._extents):
            raise ContractError(f"the dimensions are {', '.join(self)}, not {', '.join(shape)}")
        for name, extent in self._extents.items():
            if not extent.admits(shape[name], shape):
                raise ContractError(f"{name}={shape[name]} is not admissible beside {dict(shape)}")

    def restricted(self, override: Mapping[str, int | str | Sequence[int | str]]) -> Dims:
        """The same dimensions with some of them limited to a value, to values or to "max" or "min".

        ContractError for an unknown dimension or a value outside its range.
        """
        extents: dict[str, Extent] = dict(self._extents)
        for name, given in override.items():
            if name not in extents:
                raise ContractError(f"there is no dimension {name!r}", hint=f"there are {', '.join(self)}")
            values = tuple(_named_value(extents[name], v) for v in _as_sequence(given))
            outside = [v for v in values if not replace(extents[name], divides=None).admits(v, {})]
            if outside:
                raise ContractError(f"{name}={outside[0]} is outside what the contract admits")
            extents[name] = replace(choices(*values), divides=extents[name].divides)
        return Dims(**extents)

    def complete(self, wanted: Shape) -> dict[str, int]:
        """The wanted shape with dividing dimensions moved to the nearest divisor at or below."""
        shape = dict(wanted)
        for name, extent in self._extents.items():
            if extent.divides is not None and not extent.admits(shape[name], shape):
                shape[name] = self._divisor_near(name, shape)
        return shape

    def _divisor_near(self, name: str, shape: Shape) -> int:
        extent = self._extents[name]
        candidates = extent.divisors(shape)
        if not candidates:
            assert extent.divides is not None
            raise ContractError(f"no value of {name} divides {extent.divides}={shape[extent.divides]}")
        below = [v for v in candidates if v <= shape[name]]
        return max(below) if below else min(candidates)


def _extent(value: Extent | int | tuple[int, ...]) -> Extent:
    if isinstance(value, Extent):
        return value
    return choices(*value) if isinstance(value, tuple) else choices(value)


def _as_sequence(given: int | str | Sequence[int | str]) -> Sequence[int | str]:
    return (given,) if isinstance(given, int | str) else given


def _named_value(extent: Extent, value: int | str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if value not in ("max", "min"):
        raise ContractError(f'{value!r} is not a length: give a number, "min" or "max"')
    return extent.last if value == "max" else extent.first
