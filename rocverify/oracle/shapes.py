"""Which shapes a run tries, in which order: one with all axes distinct, the smallest, the boundaries
of all dimensions at once, then random ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain

import numpy as np

from rocverify.oracle.dims import Dims

Size = Callable[[Mapping[str, int]], int]


def plan_shapes(
    dims: Dims, count: int, rng: np.random.Generator, *, size: Size, budget: int
) -> list[dict[str, int]]:
    """`count` shapes at most, without repetition, none larger than `budget` by `size` where the
    dimensions allow it. A sixth of them, and whatever the boundaries leave, are random."""
    wanted = max(1, count - count // 6)
    chosen = [distinct_shape(dims)]
    for shape in chain([smallest_shape(dims)], _boundary_shapes(dims, size, budget, rng)):
        if len(chosen) >= wanted:
            break
        chosen = _unique([*chosen, shape])
    for _ in range(8 * count):
        if len(chosen) >= count:
            break
        drawn = {name: dims[name].draw(rng) for name in _independent(dims)}
        chosen = _unique([*chosen, fitted(dims, _divided(dims, drawn, rng), size, budget)])
    return chosen


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
        yield fitted(dims, _divided(dims, shape, rng), size, budget)


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


def fitted(dims: Dims, shape: dict[str, int], size: Size, budget: int) -> dict[str, int]:
    """The shape with its longest dimensions shortened until it is within the budget, if it can be."""
    while size(shape) > budget:
        shorter = {
            name: [v for v in dims[name].boundaries() if v < shape[name]]
            for name in _independent(dims)
            if size(dims.complete({**shape, name: dims[name].first})) < size(shape)
        }
        movable = [name for name, values in shorter.items() if values]
        if not movable:
            return shape
        longest = max(movable, key=lambda name: shape[name])
        shape = dims.complete({**shape, longest: max(shorter[longest])})
    return shape


def _unique(shapes: list[dict[str, int]]) -> list[dict[str, int]]:
    return list({tuple(sorted(s.items())): s for s in shapes}.values())
