"""Which shapes a run tries, in which order: one with all axes distinct, the smallest, a large one, those just
above the thresholds of the code, the boundaries of all dimensions at once, then random ones. Every dimension
is at its largest in one of them; where that costs too much, it is clipped, never left out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from rocverify.oracle.dims import Dims, Extent

Size = Callable[[Mapping[str, int]], int]
# What shapes just above thresholds may take of a run beside its first two shapes, as a part of the count.
_THRESHOLD_PART = 4
# How much more work than the large shape such may be.
_LONGER = 8


@dataclass(frozen=True, slots=True)
class Budget:
    """How large shapes may be. size: elements of the results; work: what is computed for them, by the lengths
    of all axes. usual: elements of most cases; large: elements of the large one, most_work: its work;
    longest: elements of a case with a single long axis."""

    size: Size
    work: Size
    usual: int
    large: int
    most_work: int
    longest: int

    def is_usual(self, shape: Mapping[str, int]) -> bool:
        """Whether the arrays of a shape are no larger than those of an ordinary case."""
        return self.size(shape) <= self.usual

    def is_affordable(self, shape: Mapping[str, int]) -> bool:
        """Whether a shape is within the largest size and the most work of one case."""
        return self.size(shape) <= self.large and self.work(shape) <= self.most_work

    def longer(self) -> Budget:
        """For shapes that have a single long axis, of which there are few."""
        return replace(self, large=self.longest, most_work=_LONGER * self.most_work)


def plan_shapes(
    dims: Dims, count: int, rng: np.random.Generator, *, budget: Budget, thresholds: Sequence[int] = ()
) -> list[dict[str, int]]:
    """`count` shapes at most, without repetition, of the usual size where the dimensions allow it, but for a
    large one, those above `thresholds` (elements, or a length), and each dimension's largest. One has
    two dimensions of one length; the rest, a sixth at most beside what the boundaries leave, is random."""
    limited = clipped(dims, budget.longer())
    ends = [*_above(limited, budget.longer(), thresholds, max(1, count // _THRESHOLD_PART))]
    wanted = max(1, count - count // 6)
    chosen = [distinct_shape(dims), smallest_shape(dims)]
    boundaries = _boundary_shapes(limited, budget.size, budget.usual, rng)
    for shape in chain([large_shape(limited, budget, rng)], ends, boundaries):
        if len(_unique(chosen)) >= wanted:
            break
        chosen.append(shape)
    chosen = _with_largest(_unique(chosen)[:count], limited, count)
    square = square_shape(limited, budget)
    if square is not None and len(chosen) < count and not any(map(_is_square, chosen)):
        chosen = _unique([*chosen, square])
    for _ in range(8 * count):
        if len(chosen) >= count:
            break
        drawn = {name: limited[name].draw(rng) for name in _independent(limited)}
        shape = fitted(limited, _divided(limited, drawn, rng), budget.is_usual, budget.size)
        chosen = _unique([*chosen, shape])
    return chosen


def clipped(dims: Dims, budget: Budget) -> Dims:
    """The dimensions with each limited to what can be afforded while all others are at their smallest."""
    least = smallest_shape(dims)

    def affordable(name: str, value: int) -> bool:
        return budget.is_affordable(dims.complete({**least, name: value}))

    extents: dict[str, Extent] = {}
    for name in dims:
        extent = dims[name]
        if extent.divides is None:
            lengths = extent.lengths()
            fitting = bisect_left(lengths, True, key=lambda v, name=name: not affordable(name, v))  # type: ignore[misc]
            extent = extent.up_to(lengths[max(0, fitting - 1)])
        extents[name] = extent
    return Dims(**extents)


def large_shape(dims: Dims, budget: Budget, rng: np.random.Generator) -> dict[str, int]:
    """All dimensions as large as can be afforded together; those that cost nothing are random."""
    whole = dims.complete({name: dims[name].last for name in dims})
    costly = _lengthening(dims, whole, budget.work)
    drawn = {name: dims[name].draw(rng) for name in _independent(dims) if name not in costly}
    shape = _divided(dims, {**whole, **drawn}, rng)
    return fitted(dims, shape, budget.is_affordable, lambda s: budget.size(s) * budget.work(s))


def _lengthening(dims: Dims, shape: Mapping[str, int], cost: Size) -> set[str]:
    """The dimensions whose length counts in `cost` for a shape whose dimensions are all at their largest."""
    return {
        name
        for name in _independent(dims)
        if cost(dims.complete({**shape, name: dims[name].first})) < cost(shape)
    }


def shape_above(dims: Dims, budget: Budget, threshold: int) -> dict[str, int] | None:
    """A shape whose results have just more than `threshold` elements, made by lengthening few dimensions;
    None where there is none, or none that is affordable."""
    shape = smallest_shape(dims)
    growing = _lengthening(dims, dims.complete({name: dims[name].last for name in dims}), budget.size)
    for name in sorted(growing, key=lambda n: (-dims[n].last, n)):
        lengths = dims[name].lengths()

        def exceeds(value: int, name: str = name, shape: dict[str, int] = shape) -> bool:
            return budget.size(dims.complete({**shape, name: value})) > threshold

        least = bisect_left(lengths, True, key=exceeds)
        if least < len(lengths):
            found = dims.complete({**shape, name: lengths[least]})
            return found if budget.is_affordable(found) else None
        shape = dims.complete({**shape, name: lengths[-1]})
    return None


def _above(dims: Dims, budget: Budget, thresholds: Sequence[int], count: int) -> Iterator[dict[str, int]]:
    """Shapes just above the thresholds, `count` at most: the highest that can be reached come first, since
    they are above the others too."""
    found = 0
    for threshold in sorted(set(thresholds), reverse=True):
        shape = shape_above(dims, budget, threshold)
        if shape is not None and found < count:
            found += 1
            yield shape


def _with_largest(shapes: list[dict[str, int]], dims: Dims, count: int) -> list[dict[str, int]]:
    """The shapes, with one more for each dimension that is at its largest in none of them. Where they would
    be too many, as few of the last ones as that takes are left out; the first two stay."""
    for kept in range(len(shapes), 1, -1):
        added = _at_largest(shapes[:kept], dims)
        if kept + len(added) <= count:
            return [*shapes[:kept], *added]
    return _unique([*shapes[:2], *_at_largest(shapes[:2], dims)])[:count]


def _at_largest(shapes: Sequence[Mapping[str, int]], dims: Dims) -> list[dict[str, int]]:
    """For each dimension that is at its largest in none of the shapes, the smallest shape in which it is."""
    missing = [n for n in _independent(dims) if all(shape[n] != dims[n].last for shape in shapes)]
    return _unique([dims.complete({**smallest_shape(dims), name: dims[name].last}) for name in missing])


def smallest_shape(dims: Dims) -> dict[str, int]:
    """Every dimension at its smallest value."""
    return dims.complete({name: dims[name].first for name in dims})


def distinct_shape(dims: Dims) -> dict[str, int]:
    """A small shape whose dimensions differ pairwise where they can, so that swapped axes show."""
    shape: dict[str, int] = {}
    for name in dims:
        extent = dims[name]
        if extent.divides is not None:
            candidates: Sequence[int] = extent.divisors(shape)[:-1][::-1] or extent.divisors(shape)
        elif extent.values is not None:
            candidates = sorted(extent.values, key=lambda v: (v < 4, v))
        else:
            odd = [n * extent.step for n in (5, 3, 7, 11)]
            candidates = [v for v in odd if extent.first <= v <= extent.last] or extent.boundaries()
        shape[name] = next((v for v in candidates if v not in shape.values()), candidates[0])
    return shape


def square_shape(dims: Dims, budget: Budget) -> dict[str, int] | None:
    """The largest shape of the usual size two of whose dimensions are of one length, as many as can be: code
    that takes square matrices another way shows. None where no two can be longer than 1 and equal."""
    independent = _independent(dims)
    least = smallest_shape(dims)
    tried = sorted({value for name in independent for value in dims[name].boundaries() if value > 1})
    found = None
    for value in tried:
        alike = [name for name in independent if dims[name].admits(value, least)]
        shape = dims.complete({**least, **dict.fromkeys(alike, value)})
        if len(alike) > 1 and budget.is_usual(shape):
            found = shape
    return found


def _is_square(shape: Mapping[str, int]) -> bool:
    """Whether two dimensions have one length, longer than 1."""
    long = [value for value in shape.values() if value > 1]
    return len(set(long)) < len(long)


def _boundary_shapes(
    dims: Dims, size: Size, budget: int, rng: np.random.Generator
) -> Iterator[dict[str, int]]:
    """Shapes that between them take every boundary value of every dimension, as far as these fit.

    Each shape takes a value not yet taken in as many dimensions as the budget allows, extremes first
    and the rest in random order: over several runs and dtypes different values meet.
    """
    left = {name: _extremes_first(dims[name].boundaries(), rng) for name in _independent(dims)}
    while any(left.values()):
        shape = smallest_shape(dims)
        for name in sorted(left, key=lambda n: -len(left[n])):
            wanted = [*left[name], *rng.permutation(np.asarray(dims[name].boundaries())).tolist()]
            fitting = (v for v in wanted if size(dims.complete({**shape, name: v})) <= budget)
            shape = dims.complete({**shape, name: next(fitting, dims[name].first)})
        taken = [name for name in left if shape[name] in left[name]]
        if not taken:
            return
        for name in taken:
            left[name].remove(shape[name])
        yield fitted(dims, _divided(dims, shape, rng), lambda s: size(s) <= budget, size)


def _extremes_first(values: Sequence[int], rng: np.random.Generator) -> list[int]:
    shuffled = rng.permutation(np.asarray(values)).tolist()
    return sorted(shuffled, key=lambda v: v not in (values[0], values[-1]))


def _independent(dims: Dims) -> list[str]:
    return [name for name in dims if dims[name].divides is None]


def _divided(dims: Dims, shape: Mapping[str, int], rng: np.random.Generator) -> dict[str, int]:
    """The shape with a random admissible value for each dimension that divides another."""
    full = dict(shape)
    for name in dims:
        if dims[name].divides is not None:
            full[name] = int(rng.choice(np.asarray(dims[name].divisors(full) or [dims[name].first])))
    return dims.complete(full)


def fitted(
    dims: Dims, shape: dict[str, int], fits: Callable[[Mapping[str, int]], bool], cost: Size
) -> dict[str, int]:
    """The shape with its longest dimensions shortened until it fits, if it can be. Only those are shortened
    whose length counts in `cost`."""
    while not fits(shape):
        shorter = {
            name: [v for v in dims[name].boundaries() if v < shape[name]]
            for name in _independent(dims)
            if cost(dims.complete({**shape, name: dims[name].first})) < cost(shape)
        }
        movable = [name for name, values in shorter.items() if values]
        if not movable:
            return shape
        longest = max(movable, key=lambda name: shape[name])
        shape = dims.complete({**shape, longest: max(shorter[longest])})
    return shape


def _unique(shapes: list[dict[str, int]]) -> list[dict[str, int]]:
    return list({tuple(sorted(s.items())): s for s in shapes}.values())
