"""Sums, extrema, scans and sorting, along the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def total(x: Array) -> Array:
    """Sum along the last axis; the result lacks that axis."""
    result: Array = x.sum(axis=-1)
    return result


def total_magnitude(x: Array) -> Array:
    """The absolute values of the terms of `total`, added up: a contract's `magnitude`."""
    return total(np.abs(x))


def mean(x: Array) -> Array:
    """Mean along the last axis."""
    result: Array = x.mean(axis=-1)
    return result


def mean_magnitude(x: Array) -> Array:
    """The same for `mean`."""
    return mean(np.abs(x))


def maximum(x: Array) -> Array:
    """Largest element along the last axis; NaN where there is one."""
    result: Array = x.max(axis=-1)
    return result


def argmax(x: Array) -> Array:
    """Index of the first largest element along the last axis, int32."""
    result: Array = x.argmax(axis=-1).astype(np.int32)
    return result


def inclusive_scan(x: Array) -> Array:
    """Running sum along the last axis: y[i] = x[0] + ... + x[i]."""
    result: Array = x.cumsum(axis=-1, dtype=x.dtype)
    return result


def exclusive_scan(x: Array) -> Array:
    """Running sum of what comes before: y[i] = x[0] + ... + x[i - 1], y[0] = 0."""
    before = np.zeros_like(x)
    before[..., 1:] = inclusive_scan(x)[..., :-1]
    return before


def ascending(x: Array) -> Array:
    """Sorted along the last axis, smallest first, NaN last."""
    return np.sort(x, axis=-1, kind="stable")


def wrong_total(x: Array) -> dict[str, Array]:
    """Mistakes of a reduction: elements that are left out."""
    return {
        "the last element left out": x[..., :-1].sum(axis=-1),
        "only the first wave's 32": x[..., :32].sum(axis=-1),
        "only the first workgroup's 256": x[..., :256].sum(axis=-1),
    }


def wrong_scan(x: Array) -> dict[str, Array]:
    """Mistakes of an inclusive scan; exchange the first for an exclusive one."""
    blocks = np.concatenate(
        [inclusive_scan(x[..., at : at + 256]) for at in range(0, max(x.shape[-1], 1), 256)], axis=-1
    )
    return {"the other sort of scan": exclusive_scan(x), "no carry between blocks of 256": blocks}


def wrong_ascending(x: Array) -> dict[str, Array]:
    """Mistakes of a sort."""
    return {"not sorted": x, "descending": ascending(x)[..., ::-1], "by magnitude": _by_magnitude(x)}


def _by_magnitude(x: Array) -> Array:
    return np.take_along_axis(x, np.argsort(np.abs(x), axis=-1, kind="stable"), axis=-1)
