"""Input values: unpredictable, replayable, and spread over what the element type can hold.

Each case draws from a generator of its own, made from the case's seed, so that one case replays alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.errors import ContractError
from rocverify.oracle.contract import Array, ContractSpec, Role
from rocverify.oracle.dtypes import DType
from rocverify.oracle.tiled import LARGE, PERIOD, Tiled


class Kind(StrEnum):
    """What the values of a case are like."""

    PLAIN = "plain"  # of order one, a few large
    HEAVY = "heavy"  # magnitudes over many binades in one tensor
    EXTREME = (
        "extreme"  # near overflow, subnormal, zeros of both signs, beside ordinary ones; rows of subnormals
    )
    ROWS = (
        "rows"  # each row of a sort: all large negative, all large positive, shifted, one outlier, all equal
    )
    MASKED = "masked"  # ordinary ones, many of each row replaced by a large negative number, never all
    SPECIAL = "special"  # ordinary ones with NaN and infinities among them

    @property
    def is_finite(self) -> bool:
        """Whether all values are."""
        return self is not Kind.SPECIAL


# A sum of a few terms of this part of the largest number does not overflow.
_HEADROOM = 1 / 16
_SPECIAL_PART = 0.02
# Part of the rows of extreme values that hold subnormal numbers and zeros alone.
_SMALL_ROWS = 0.2
# The size of rows that are large on one side, as an exponent of two.
_LARGE = (4.0, 17.0)
# What masks add to hide an element, where they are not infinite.
_MASK = -(2.0**30)


def draw_inputs(
    spec: ContractSpec, dims: Mapping[str, int], dtype: DType, kind: Kind, seed: int
) -> dict[str, Any]:
    """All arrays of a case as the caller hands them over, outputs and plain scratch excepted, by name; Tiled
    where they are large.

    What the contract prepares it prepares; every other floating-point array is random of `kind`.
    """
    rng = np.random.default_rng(seed)
    made = spec.prepare(rng, dims, dtype, str(kind))
    _complete(spec, made, dims, dtype)
    values: dict[str, Any] = {}
    for name, array in spec.arrays.items():
        if array.only_written or (array.role is Role.SCRATCH and name not in made):
            continue
        element, shape = array.dtype(dtype), array.shape(dims)
        if name in made:
            given: Any = made[name]
            is_tiled = isinstance(given, Tiled) and given.dtype == element.numpy
            values[name] = given if is_tiled else np.ascontiguousarray(given, element.numpy)
        elif array.values or array.span is not None:
            values[name] = np.asarray(_limited(rng, array), element.numpy)
        elif element.is_float and prod(shape) >= LARGE:
            values[name] = Tiled(draw(rng, (PERIOD,), element, kind), shape)
        else:
            values[name] = draw(rng, shape, element, kind)
        if values[name].shape != shape:
            raise ContractError(f"prepare() gave {name} the shape {values[name].shape}, not {shape}")
    return values


def _complete(spec: ContractSpec, made: Mapping[str, Any], dims: Mapping[str, int], dtype: DType) -> None:
    """ContractError naming all arrays of integers that the contract does not make."""
    missing = [
        name
        for name, array in spec.arrays.items()
        if name not in made and not array.only_written and array.role is not Role.SCRATCH
        if not (array.values or array.span is not None or array.dtype(dtype).is_float)
    ]
    if missing:
        name = missing[0]
        shape, element = spec.arrays[name].shape(dims), spec.arrays[name].dtype(dtype).numpy
        example = f'{{"{name}": rng.integers(0, 9, {shape}, dtype="{element}"), ...}}'
        raise ContractError(
            f"prepare() must supply {', '.join(missing)}: integers are never random",
            where=spec.where,
            hint=f"def prepare(self, rng, dims): return {example}  # the shape made of dims",
        )


def drawn_freely(spec: ContractSpec, dims: Mapping[str, int], dtype: DType, kind: Kind) -> list[str]:
    """The inputs of which every element may have any value that its type holds, whatever the others are."""
    made = spec.prepare(np.random.default_rng(0), dims, dtype, str(kind))
    return [
        name
        for name, array in spec.arrays.items()
        if array.is_given and name not in made and array.axes and array.dtype(dtype).is_float
    ]


def _limited(rng: np.random.Generator, array: Array) -> float:
    """A scalar of those that its declaration admits; the ends of a span are as likely as all the rest."""
    if array.span is None:
        return float(rng.choice(np.asarray(array.values)))
    low, high = array.span
    return float(rng.choice((low, high, rng.uniform(low, high), rng.uniform(low, high))))


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType, kind: Kind) -> NDArray[Any]:
    """Random values of one kind, rounded to the element type; all finite unless the kind is not."""
    makers = {
        Kind.PLAIN: _plain,
        Kind.HEAVY: _heavy,
        Kind.EXTREME: _extreme,
        Kind.ROWS: _rows,
        Kind.MASKED: _masked,
        Kind.SPECIAL: _special,
    }
    # A single number has no row.
    values = makers[kind](rng, shape or (1,), dtype).reshape(shape)
    return _rounded(values, dtype)


def one_sided(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType, sign: int) -> NDArray[Any]:
    """Values that are all large, and all of one sign."""
    return _rounded(sign * 2.0 ** _LARGE[1] * rng.uniform(1, 2, shape), dtype)


def _rounded(values: NDArray[Any], dtype: DType) -> NDArray[Any]:
    limit = dtype.largest * _HEADROOM
    bounded = np.where(np.isfinite(values), np.clip(values, -limit, limit), values)
    return np.asarray(bounded.astype(dtype.numpy), order="C")


def _plain(rng: np.random.Generator, shape: tuple[int, ...], _: DType) -> NDArray[Any]:
    values: NDArray[Any] = np.asarray(rng.standard_t(3, shape))
    return values


def _heavy(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType) -> NDArray[Any]:
    reach = min(20, -dtype.min_exponent - 2)
    values: NDArray[Any] = _signs(rng, shape) * np.exp2(rng.uniform(-reach, reach, shape))
    return values


def _extreme(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType) -> NDArray[Any]:
    huge = dtype.largest * _HEADROOM * rng.uniform(0.5, 1, shape)
    subnormal = dtype.smallest_normal * rng.uniform(0, 1, shape)
    tiny = dtype.smallest_normal * rng.uniform(1, 64, shape)
    which = rng.integers(0, 5, shape)
    size = np.select([which == 0, which == 1, which == 2, which == 3], [huge, subnormal, tiny, 0.0], 1.0)
    # Among others a subnormal number decides nothing: what is reduced over a row sees it in a row of its own.
    if len(shape) > 1 and size.size:
        small = rng.random((*shape[:-1], 1)) < _SMALL_ROWS
        if small.size > 1:
            small.flat[rng.integers(small.size)] = True
        size = np.where(small, np.where(which == 3, 0.0, subnormal), size)
    # Multiplying zero by -1 gives the negative zero.
    values: NDArray[Any] = _signs(rng, shape) * size
    return values


def _rows(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType) -> NDArray[Any]:
    """Rows along the last axis, each of one sort."""
    plain = _plain(rng, shape, dtype)
    per_row = (*shape[:-1], 1)
    large = np.exp2(rng.uniform(*_LARGE, per_row)) * rng.uniform(1, 2, shape)
    # A constant that leaves two thirds of the bits to what is added to it.
    shift = _signs(rng, per_row) * np.exp2(rng.uniform(1, dtype.precision / 3, per_row))
    outlier = np.arange(shape[-1]) == rng.integers(shape[-1], size=per_row)
    alone = np.where(outlier, plain * np.exp2(rng.uniform(6, 14, per_row)), plain)
    which = rng.integers(0, 5, per_row)
    values: NDArray[Any] = np.select(
        [which == sort for sort in range(4)], [-large, large, plain + shift, alone], plain[..., :1]
    )
    return values


def _masked(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType) -> NDArray[Any]:
    """Some rows lose their end, as with padding, some what chance takes; one element at least stays."""
    places = np.arange(shape[-1])
    per_row = (*shape[:-1], 1)
    end = places >= rng.integers(1, shape[-1] + 1, per_row)
    hidden = np.where(rng.random(per_row) < 0.5, end, rng.random(shape) < 0.5)
    kept = places == rng.integers(shape[-1], size=per_row)
    return np.where(hidden & ~kept, _MASK, _plain(rng, shape, dtype))


def _special(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType) -> NDArray[Any]:
    values = _plain(rng, shape, dtype)
    chosen = rng.random(shape) < _SPECIAL_PART
    if chosen.size:
        chosen.flat[rng.integers(chosen.size)] = True
    specials = rng.choice(np.array([np.nan, np.inf, -np.inf]), shape)
    return np.where(chosen, specials, values)


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    values: NDArray[Any] = rng.choice(np.array([-1.0, 1.0]), shape)
    return values
