"""Units in the last place, exact: how far a stored value lies from a float64 reference.

An ULP of a type at a value is the distance of neighbouring numbers of that type in the value's binade;
below the smallest normal number it is that of the subnormals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.oracle.dtypes import DType, to_float64

Array64 = NDArray[np.float64]


def ulp_of(value: NDArray[Any] | float, dtype: DType) -> Array64:
    """The size of one ULP of `dtype` at each |value|, as float64. Not finite: that of the largest."""
    size = np.abs(np.asarray(value, np.float64))
    size = np.where(np.isfinite(size), np.minimum(size, dtype.largest), dtype.largest)
    _, exponent = np.frexp(size)
    # frexp gives size = m * 2**exponent with 0.5 <= m < 1: the binade starts at 2**(exponent - 1).
    binade = np.maximum(np.where(size > 0, exponent - 1, dtype.min_exponent), dtype.min_exponent)
    unit: Array64 = np.ldexp(1.0, binade - dtype.precision + 1)
    return unit


def ulp_error(observed: NDArray[Any], reference: NDArray[Any], dtype: DType) -> Array64:
    """|observed - reference| in ULPs of `dtype` at the reference; fractional, since the reference is
    exact to float64. Equal infinities and a pair of NaNs have error 0, other non-finite pairs inf."""
    seen, expected = to_float64(observed), to_float64(reference)
    with np.errstate(all="ignore"):
        error = np.abs(seen - expected) / ulp_of(expected, dtype)
    same = (seen == expected) | (np.isnan(seen) & np.isnan(expected))
    error = np.where(same, 0.0, error)
    return np.where(np.isnan(error), np.inf, error)


def ordinal(values: NDArray[Any], dtype: DType) -> NDArray[np.int64]:
    """The position of each value among all numbers of its type: neighbours differ by one, and both
    zeros are 0. NaNs have no place; they order after infinity by their bits."""
    unsigned: NDArray[Any] = np.ascontiguousarray(values, dtype.numpy).view(f"u{dtype.bits // 8}")
    bits = unsigned.astype(np.int64)
    sign = np.int64(1) << (dtype.bits - 1)
    return np.where(bits & sign, sign - bits, bits)


def ulp_distance(first: NDArray[Any], second: NDArray[Any], dtype: DType) -> NDArray[np.int64]:
    """How many steps between neighbouring numbers of `dtype` lie between two stored values."""
    steps: NDArray[np.int64] = np.abs(ordinal(first, dtype) - ordinal(second, dtype))
    return steps
