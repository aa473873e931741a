"""Units in the last place, exact: how far a stored value lies from a float64 reference.

An ULP of a type at a value is the distance of neighbouring numbers of that type in the value's binade;
below the smallest normal number it is that of the subnormals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.oracle.dtypes import F64, DType, to_float64

Array64 = NDArray[np.float64]

_BIAS = 1023


def ulp_of(value: NDArray[Any] | float, dtype: DType) -> Array64:
    """The size of one ULP of `dtype` at each |value|, as float64. What is not finite or beyond the largest
    number counts as that."""
    if dtype == F64:
        size = np.abs(np.asarray(value, np.float64))
        # Beyond the last binade's first number the unit stays the same, and the next number may not exist.
        last = 2.0**dtype.max_exponent
        spacing: Array64 = np.spacing(np.where(size <= last, size, last))
        return spacing
    # The exponent field of float64 is the binade; a power of two is an exponent field and nothing else.
    # Values above the largest, infinities and NaNs have larger fields and are cut down to the largest's.
    field = (np.asarray(value, np.float64).view(np.int64) >> 52) & 0x7FF
    # Twice as fast as np.clip, on the small arrays that there are many of.
    binade = np.minimum(np.maximum(field, _BIAS + dtype.min_exponent), _BIAS + dtype.max_exponent)
    unit: Array64 = ((binade - (dtype.precision - 1)) << 52).view(np.float64)
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
