"""ULPs: exhaustive over the 16-bit types, against NumPy's and ml_dtypes' own neighbours."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocverify.oracle.dtypes import BF16, F16, F32, F64, DType
from rocverify.oracle.ulp import ordinal, ulp_distance, ulp_error, ulp_of

ALL_BITS = np.arange(2**16, dtype=np.uint16)
SIXTEEN = pytest.mark.parametrize("dtype", [F16, BF16], ids=str)


def finite_values(dtype: DType) -> np.ndarray:
    values = ALL_BITS.view(dtype.numpy)
    with np.errstate(invalid="ignore"):
        return values[np.isfinite(values.astype(np.float64))]


@SIXTEEN
def test_every_finite_value_has_the_distance_to_its_outer_neighbour_as_ulp(dtype: DType) -> None:
    values = np.abs(finite_values(dtype).astype(np.float64)).astype(dtype.numpy)
    inner = values[values.astype(np.float64) < dtype.largest]
    outer = np.nextafter(inner, np.array(np.inf, dtype.numpy))
    gaps = outer.astype(np.float64) - inner.astype(np.float64)
    np.testing.assert_array_equal(ulp_of(inner.astype(np.float64), dtype), gaps)


@SIXTEEN
def test_ordinals_of_all_values_count_up_without_gap(dtype: DType) -> None:
    values = finite_values(dtype)
    order = np.argsort(values.astype(np.float64), kind="stable")
    steps = np.diff(ordinal(values[order], dtype))
    # The two zeros share an ordinal.
    assert sorted(np.unique(steps)) == [0, 1]
    assert (steps == 0).sum() == 1


@SIXTEEN
def test_every_value_is_one_step_from_its_neighbour_and_has_error_zero_to_itself(dtype: DType) -> None:
    values = finite_values(dtype)
    inner = values[values.astype(np.float64) < dtype.largest]
    up = np.nextafter(inner, np.array(np.inf, dtype.numpy))
    distance = ulp_distance(inner, up, dtype)
    assert set(np.unique(distance)) <= {0, 1}
    assert not ulp_error(values, values.astype(np.float64), dtype).any()


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_float32_ulp_is_numpys_spacing(value: float) -> None:
    size = min(abs(value), F32.largest)
    expected = np.spacing(np.float32(size)) if size < F32.largest else 2.0**104
    assert ulp_of(size, F32) == expected


@given(
    st.floats(min_value=-(2.0**100), max_value=2.0**100, width=32),
    st.floats(min_value=-(2.0**100), max_value=2.0**100),
)
def test_float32_error_is_the_exact_quotient(observed: float, reference: float) -> None:
    error = float(ulp_error(np.array([observed], np.float32), np.array([reference]), F32)[0])
    exact = abs(Fraction(observed) - Fraction(reference)) / Fraction(float(ulp_of(reference, F32)))
    assert error == pytest.approx(float(exact), rel=1e-12, abs=1e-12)


@given(st.floats(width=32, allow_nan=False), st.floats(width=32, allow_nan=False))
def test_float32_distance_agrees_with_counting_on_the_bits(first: float, second: float) -> None:
    def place(value: float) -> int:
        bits = struct.unpack("<I", struct.pack("<f", value))[0]
        return bits if bits < 2**31 else -(bits - 2**31)

    arrays = np.array([first], np.float32), np.array([second], np.float32)
    assert int(ulp_distance(*arrays, F32)[0]) == abs(place(first) - place(second))


@pytest.mark.parametrize("dtype", [F16, BF16, F32, F64], ids=str)
def test_the_type_facts_are_numpys(dtype: DType) -> None:
    import ml_dtypes

    info = ml_dtypes.finfo(dtype.numpy)
    assert dtype.largest == float(info.max)
    assert dtype.smallest_normal == float(info.tiny)
    assert dtype.smallest_subnormal == float(info.smallest_subnormal)


def test_non_finite_pairs() -> None:
    seen = np.array([np.nan, np.inf, -np.inf, np.inf, 1.0, np.nan])
    reference = np.array([np.nan, np.inf, np.inf, 1.0, np.nan, 1.0])
    np.testing.assert_array_equal(ulp_error(seen, reference, F32), [0.0, 0.0, np.inf, np.inf, np.inf, np.inf])
