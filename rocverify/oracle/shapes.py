"""Which shapes a run tries, in which order: the smallest, one with all axes distinct, the boundaries
of all dimensions at once, then random ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from rocverify.oracle.dims import Dims

Size = Callable[[Mapping[str, int]], int]


def plan_shapes(
    dims: Dims, count: int, rng: np.random.Generator, *, size: Size, budget: int
) -> list[dict[str, int]]:
    """`count` shapes at most, without repetition, none larger than `budget` by `size` where the
    dimensions allow it. A fifth of them, and whatever the boundaries leave, are random."""
    random_part = max(1, count // 5)
    planned = [distinct_shape(dims), smallest_shape(dims), *_boundary_shapes(dims, size, budget, rng)]
    chosen = _unique(planned)[: max(1, count - random_part)]
    attempts = 8 * count
    while len(chosen) < count and attempts:
        attempts -= 1
        shape = fitted(dims, {name: dims[name].draw(rng) for name in dims}, size, budget)
        chosen = _unique([*chosen, shape])
    return chosen


def smallest_shape(dims: Dims) -> dict[str, int]:
    """Every dimension at its smallest value."""
    return dims.complete({name: dims[name].first for name in dims})


def distinct_shape(dims: Dims) -> dict[str, int]:
    """A small shape whose dimensions differ pairwise where they can, so that swapped axes show."""
    shape: dict[str, int] = {}
    for name in dims:
        candidates = [v for v in dims[name].boundaries() if v > 1] or [dims[name].first]
        if dims[name].values is None:
            low, high, step = dims[name].first, dims[name].last, dims[name].step
            candidates = [
                v for v in (5 * step, 3 * step, 7 * step, 11 * step) if low <= v <= high
            ] + candidates
        fresh = [v for v in candidates if v not in shape.values()]
        shape[name] = (fresh or candidates)[0]
    return dims.complete(shape)


def _boundary_shapes(dims: Dims, size: Size, budget: int, rng: np.random.Generator) -> list[dict[str, int]]:
    """Shapes that between them take every boundary value of every dimension, as far as these fit.

    Dimensions run in opposite directions, so that long meets short; the start of the shorter lists
    is random, so that over several runs (and dtypes) different pairs meet.
    """
    lists = {name: list(dims[name].boundaries()) for name in dims}
    longest = max(len(values) for values in lists.values())
    shapes = []
    for row in range(longest):
        shape = {}
        for column, (name, values) in enumerate(lists.items()):
            ordered = values if column % 2 == 0 else values[::-1]
            shape[name] = ordered[row % len(ordered)]
        shapes.append(fitted(dims, shape, size, budget, keep=_longest_list(lists)))
    return [shapes[i] for i in rng.permutation(len(shapes))]


def _longest_list(lists: Mapping[str, list[int]]) -> str:
    return max(lists, key=lambda name: len(lists[name]))


def fitted(
    dims: Dims, shape: dict[str, int], size: Size, budget: int, *, keep: str | None = None
) -> dict[str, int]:
    """The shape with its longest dimensions (`keep` last) shortened until it is within the budget."""
    shape = dims.complete(shape)
    while size(shape) > budget:
        shorter = {
            name: [v for v in dims[name].boundaries() if v < shape[name]]
            for name in dims
            if size({**shape, name: dims[name].first}) < size(shape)
        }
        movable = [name for name, values in shorter.items() if values]
        if not movable:
            return shape
        name = max(movable, key=lambda n: (n != keep, shape[n]))
        shape = dims.complete({**shape, name: max(shorter[name])})
    return shape


def _unique(shapes: list[dict[str, int]]) -> list[dict[str, int]]:
    return list({tuple(sorted(s.items())): s for s in shapes}.values())
