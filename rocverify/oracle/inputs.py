"""Input values: unpredictable, replayable, and spread over what the element type can hold.

Each case draws from a generator of its own, made from the case's seed, so that one case replays alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.errors import ContractError
from rocverify.oracle.contract import ContractSpec, Role
from rocverify.oracle.dtypes import DType


class Kind(StrEnum):
    """What the values of a case are like."""

    PLAIN = "plain"  # of order one, a few large
    HEAVY = "heavy"  # magnitudes over many binades in one tensor
    EXTREME = "extreme"  # near overflow, subnormal, zeros of both signs, beside ordinary ones
    SPECIAL = "special"  # ordinary ones with NaN and infinities among them


# A sum of a few terms of this part of the largest number does not overflow.
_HEADROOM = 1 / 16
_SPECIAL_PART = 0.02


def draw_inputs(
    spec: ContractSpec, dims: Mapping[str, int], dtype: DType, kind: Kind, seed: int
) -> dict[str, NDArray[Any]]:
    """All arrays of a case as the caller hands them over, outputs and plain scratch excepted, by name.

    What the contract prepares it prepares; every other floating-point array is random of `kind`.
    """
    rng = np.random.default_rng(seed)
    made = spec.prepare(rng, dims, dtype, str(kind))
    values: dict[str, NDArray[Any]] = {}
    for name, array in spec.arrays.items():
        if array.role is Role.OUT or (array.role is Role.SCRATCH and name not in made):
            continue
        element, shape = array.dtype(dtype), array.shape(dims)
        if name in made:
            values[name] = np.ascontiguousarray(made[name], element.numpy)
        elif element.is_float:
            values[name] = draw(rng, shape, element, kind)
        else:
            raise ContractError(f"prepare() must supply {name}: integers are never random", where=spec.where)
        if values[name].shape != shape:
            raise ContractError(f"prepare() gave {name} the shape {values[name].shape}, not {shape}")
    return values


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: DType, kind: Kind) -> NDArray[Any]:
    """Random values of one kind, rounded to the element type; all finite unless the kind is SPECIAL."""
    makers = {Kind.PLAIN: _plain, Kind.HEAVY: _heavy, Kind.EXTREME: _extreme, Kind.SPECIAL: _special}
    values = makers[kind](rng, shape, dtype)
    limit = dtype.largest * _HEADROOM
    bounded = np.where(np.isfinite(values), np.clip(values, -limit, limit), values)
    return np.ascontiguousarray(bounded.astype(dtype.numpy))


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
    # Multiplying zero by -1 gives the negative zero.
    values: NDArray[Any] = _signs(rng, shape) * size
    return values


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
