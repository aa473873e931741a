"""Comparison and tolerance: what passes, what fails, and what is reported of it."""

from __future__ import annotations

import numpy as np
import pytest

from rocverify.oracle.compare import as_json_number, compare, judge_of
from rocverify.oracle.dtypes import BF16, F16, F32, I32, DType
from rocverify.oracle.tolerance import Expected, Tolerance, tolerance_for

TYPES = pytest.mark.parametrize("dtype", [F32, F16, BF16], ids=str)


def exact(values: np.ndarray, dtype: DType, magnitude: np.ndarray | None = None) -> Expected:
    wide = np.asarray(values, np.float64)
    with np.errstate(all="ignore"):
        return Expected(wide, wide.astype(dtype.numpy), np.abs(wide) if magnitude is None else magnitude)


def strict(dtype: DType, rounding: float | None = 1.0) -> Tolerance:
    return Tolerance(dtype, F32, rounding, same_type_error=2.0, round_trip_error=0.5)


@TYPES
def test_the_correctly_rounded_result_passes(dtype: DType) -> None:
    rng = np.random.default_rng(3)
    values = rng.standard_normal((7, 11)) * 2.0 ** rng.integers(-8, 8, (7, 11))
    result = compare(values.astype(dtype.numpy), exact(values, dtype), strict(dtype, 0.0))
    assert result.matches
    assert result.elements == 77
    assert result.ulp is not None
    assert result.ulp.error <= 0.5


@TYPES
@pytest.mark.parametrize("steps", [2, -2])
def test_two_ulps_off_in_one_element_fails_and_is_located(dtype: DType, steps: int) -> None:
    values = np.linspace(1.1, 1.9, 30).reshape(5, 6)
    seen = values.astype(dtype.numpy)
    bits = seen.view(f"u{dtype.bits // 8}")
    bits[3, 4] += np.array(steps).astype(bits.dtype)
    result = compare(seen, exact(values, dtype), strict(dtype))
    assert result.mismatches == 1
    assert result.first is not None
    assert result.first.index == (3, 4)
    assert result.ulp is not None
    assert result.ulp.index == (3, 4)
    assert 1.5 <= result.ulp.error <= 2.5


def test_all_mismatches_are_counted() -> None:
    values = np.ones((100, 100))
    result = compare(np.zeros((100, 100), np.float32), exact(values, F32), strict(F32))
    assert result.mismatches == 10000
    assert result.abs is not None
    assert result.abs.error == 1.0
    assert result.rel is not None
    assert result.rel.error == 1.0


def test_cancellation_is_allowed_for_by_the_magnitude_of_the_terms() -> None:
    reference = np.array([1e-6])
    seen = np.array([1e-6 + 5e-8], np.float32)
    assert not compare(seen, exact(reference, F32), strict(F32)).matches
    assert compare(seen, exact(reference, F32, np.array([1.0])), strict(F32)).matches


def test_small_elements_are_held_to_their_own_size_beside_large_ones() -> None:
    reference = np.array([1e30, 1.0])
    seen = np.array([1e30, 1.001], np.float32)
    assert compare(seen, exact(reference, F32), strict(F32)).mismatches == 1


@pytest.mark.parametrize(
    ("seen", "reference", "good"),
    [
        (np.nan, np.nan, True),
        (np.nan, 1.0, False),
        (1.0, np.nan, False),
        (np.inf, np.inf, True),
        (-np.inf, np.inf, False),
        (np.inf, 1e30, False),
        (1e30, np.inf, False),
        (np.inf, 1e39, True),
        (-np.inf, -1e39, True),
        (-np.inf, 1e39, False),
        (0.0, -0.0, True),
        (1e-45, 1.4e-45, True),
        (0.0, 1e-40, False),
    ],
)
def test_non_finite_and_tiny_values(seen: float, reference: float, good: bool) -> None:
    with np.errstate(all="ignore"):
        result = compare(np.array([seen], np.float32), exact(np.array([reference]), F32), strict(F32))
    assert result.matches is good


@pytest.mark.parametrize(
    ("seen", "reference", "magnitude", "good"),
    [
        (-np.inf, 3e38, 4e38, True),
        (np.nan, 3e38, 4e38, True),
        (np.inf, 1.0, 4e38, True),
        (1.0, 1.0, 4e38, True),
        (1e38, 1.0, 4e38, False),
        (np.nan, 1.0, 3e38, False),
        (np.inf, 1.0, 3e38, False),
        (-np.inf, 4e38, 4e38, False),
        (np.nan, 4e38, 4e38, False),
        (np.nan, np.inf, np.inf, False),
        (-np.inf, np.inf, np.inf, False),
    ],
)
def test_a_sum_whose_terms_overflow_may_be_anything_that_is_not_finite(
    seen: float, reference: float, magnitude: float, good: bool
) -> None:
    expected = exact(np.array([reference]), F32, np.array([magnitude]))
    observed = np.array([seen], np.float32)
    assert compare(observed, expected, strict(F32)).matches is good
    assert judge_of(expected, strict(F32)).accepts(observed) is good


def test_float16_results_of_float32_sums_overflow_by_the_type_computed_in() -> None:
    expected = exact(np.array([1.0]), F16, np.array([1e6]))
    assert not compare(np.array([np.inf], np.float16), expected, strict(F16)).matches


def test_float16_overflow_to_infinity_is_right_where_the_reference_rounds_to_it() -> None:
    seen = np.array([np.inf, np.inf, 65504], np.float16)
    reference = np.array([65520.0, 60000.0, 65519.0])
    result = compare(seen, exact(reference, F16), strict(F16))
    np.testing.assert_array_equal(result.bad, [False, True, False])


def test_both_rules_bind() -> None:
    reference = np.full(4, 1.5)
    loose = Tolerance(F32, F32, 100.0, same_type_error=0.6, round_trip_error=0.0)
    assert loose.two_reference_limit == 1.2
    seen = (reference + 3 * 2.0**-23).astype(np.float32)
    assert not compare(seen, exact(reference, F32), loose).matches
    wide = Tolerance(F32, F32, 100.0, same_type_error=2.0, round_trip_error=0.0)
    assert compare(seen, exact(reference, F32), wide).matches
    assert not compare(seen, exact(reference, F32), Tolerance(F32, F32, 1.0, 2.0, 0.0)).matches


def test_a_reference_that_is_only_rounded_says_nothing_of_what_the_type_costs() -> None:
    """A transform of sixteen points was off by just over one ULP at its magnitude, and was called wrong."""
    assert Tolerance(F32, F32, 24.0, same_type_error=0.5, round_trip_error=0.0).two_reference_limit == 4.0
    assert Tolerance(F16, F32, 24.0, same_type_error=0.5, round_trip_error=0.0).two_reference_limit == 1.0


def test_the_two_reference_limit_follows_the_error_of_the_same_type_reference() -> None:
    wide = np.full(8, 1.5)
    off_by_three = (wide + 3 * 2.0**-10).astype(np.float16)
    found = tolerance_for(F16, F32, None, [Expected(wide, off_by_three, wide)])
    assert found.same_type_error == pytest.approx(3.0)
    assert found.two_reference_limit >= 6.0
    assert compare(off_by_three, Expected(wide, off_by_three, wide), found).matches


def test_the_tolerance_pools_all_cases_and_ignores_what_is_not_finite() -> None:
    good, bad = np.array([1.0]), np.array([np.inf, np.nan])
    found = tolerance_for(F32, F32, 1.0, [exact(good, F32), exact(bad, F32)])
    assert np.isfinite(found.two_reference_limit)
    assert found.to_json()["compute"] == "float32"


def test_the_budget_is_that_of_the_arithmetic_beyond_the_last_rounding() -> None:
    # 1 + 2**-11 lies between two float16 numbers: whichever is stored is wrong by half a ULP.
    middle = np.array([1 + 2.0**-11])
    expected = Expected(middle, middle.astype(np.float16), middle)
    tolerance = Tolerance(F16, F32, 4.0, same_type_error=1.0, round_trip_error=1.0)
    rounded = compare(middle.astype(np.float16), expected, tolerance)
    assert rounded.matches
    assert rounded.budget == 0.0
    off = Expected(middle - 3 * 2.0**-23, expected.same_type, middle)
    nearly = compare(np.array([1 + 2.0**-10], np.float16), off, tolerance)
    assert nearly.matches
    assert nearly.budget == pytest.approx(3 / 4, rel=1e-2)
    beyond = Expected(middle - 5 * 2.0**-23, expected.same_type, middle)
    assert compare(np.array([1 + 2.0**-10], np.float16), beyond, tolerance).budget > 1.0


def test_nothing_to_compare_has_no_worst_element() -> None:
    result = compare(np.empty((0, 3), np.float32), exact(np.empty((0, 3)), F32), strict(F32))
    assert result.matches
    assert result.ulp is None
    assert result.budget == 0.0


def test_numbers_that_json_lacks_become_text() -> None:
    assert as_json_number(1.5) == 1.5
    assert as_json_number(float("nan")) == "nan"
    assert as_json_number(float("-inf")) == "-inf"


def test_what_a_contract_declares_is_not_judged_more_strictly_than_nothing() -> None:
    """Over few elements a reference may be lucky: then a sum of many terms is held to what is declared."""
    reference = np.full(4, 1.5)
    off_by_three = (reference + 3 * 2.0**-23).astype(np.float32)
    silent = Tolerance(F32, F32, None, same_type_error=0.1, round_trip_error=0.1, terms=16)
    assert silent.two_reference_limit == 16.0
    assert Tolerance(F32, F32, 4.0, 0.1, 0.1, terms=16).two_reference_limit == 16.0
    assert compare(off_by_three, exact(reference, F32), Tolerance(F32, F32, 4.0, 0.1, 0.1, terms=16)).matches
    assert not compare(
        off_by_three, exact(reference, F32), Tolerance(F32, F32, 2.0, 0.1, 0.1, terms=16)
    ).matches
    assert Tolerance(F16, F32, 4.0, 0.1, 0.1, terms=16).two_reference_limit == 1.0


def _normalised(x: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(x / np.sqrt((x * x).sum(axis=1, keepdims=True)))


def _shifted(x: np.ndarray) -> np.ndarray:
    """A norm of which the stored type leaves 0.5 where the squares overflow, and NaN where the sum does."""
    with np.errstate(all="ignore"):
        centred = x - x.sum(axis=1, keepdims=True) / x.dtype.type(x.shape[1])
        square = (centred * centred).sum(axis=1, keepdims=True)
        return np.asarray(centred / np.sqrt(square) + x.dtype.type(0.5))


def test_where_a_norm_overflows_and_something_is_added_to_it_no_limit_is_wider() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((6, 64)).astype(np.float32)
    x[1] *= np.float32(2.0**100)
    x[2] = np.float32(3e38)
    x[2, ::2] /= 2
    wide, same = _shifted(x.astype(np.float64)), _shifted(x)
    assert (same[1] == 0.5).all()
    assert np.isnan(same[2]).all()
    assert np.isfinite(wide).all()
    expected = Expected(wide, same, np.abs(wide) + 1, overflowed=True)
    found = tolerance_for(F32, F32, None, [expected])
    assert found.two_reference_limit < 200
    judge = judge_of(expected, found)
    for right in (same, wide.astype(np.float32)):
        assert compare(right, expected, found).matches
        assert judge.accepts(right)
    for row in (0, 1, 3):  # where nothing, or another thing, is right
        for value in (0.0, np.nan) if row != 1 else (0.0, 1.0):
            wrong = same.copy()
            wrong[row] = value
            assert judge.wrong(wrong)[row].sum() > 32, (row, value)
    plain = Expected(wide, same, np.abs(wide) + 1)
    assert not compare(same, plain, found).matches


def test_rows_that_overflow_in_the_stored_type_widen_no_limit_and_may_be_as_they_are_there() -> None:
    """A float32 norm that is infinite gives zeros, which no right kernel of float32 can do better."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((4, 8)).astype(np.float32)
    x[1] *= np.float32(2.0**100)
    wide, same = _normalised(x.astype(np.float64)), _normalised(x)
    assert not same[1].any()
    expected = Expected(wide, same, np.abs(wide), overflowed=True)
    found = tolerance_for(F32, F32, None, [expected])
    assert found.two_reference_limit < 100
    assert compare(same, expected, found).matches
    assert compare(wide.astype(np.float32), expected, found).matches
    judge = judge_of(expected, found)
    assert judge.accepts(same)
    assert not judge.accepts(np.zeros_like(same))
    assert judge.wrong(np.ones_like(same)).all()
    # What is computed in a wider type has no such excuse, nor has a case in which nothing overflowed.
    narrow = Expected(wide, same.astype(np.float16), np.abs(wide), overflowed=True)
    assert not compare(same.astype(np.float16), narrow, tolerance_for(F16, F32, None, [narrow])).matches


def test_elements_are_counted_by_their_error_at_the_magnitude() -> None:
    unit = 2.0**-23
    errors = [0, 0, 0.2, 0.25, 0.4, 0.5, 0.75, 1, 3, 3, 100, np.nan, np.inf]
    reference = np.array([1.25 - error * unit for error in errors])
    result = compare(np.full(len(errors), 1.25, np.float32), exact(reference, F32), strict(F32))
    #                           0  .25 .5  1  2  4  8  16 more
    assert result.ulp_counts == (2, 2, 2, 2, 0, 2, 0, 0, 1)
    # Where terms of 4 cancel, what was 4 units in the last place is one.
    wide = exact(reference, F32, np.full(len(errors), 4.0))
    assert compare(np.full(len(errors), 1.25, np.float32), wide, strict(F32)).ulp_counts == (
        *(2, 6, 0, 2, 0, 0, 0, 0, 1),
    )
    whole = Expected(np.arange(3), np.arange(3), np.arange(3.0))
    assert compare(np.arange(3), whole, Tolerance(I32, I32, None, 0, 0)).ulp_counts == ()


@TYPES
@pytest.mark.parametrize(
    ("value", "seen", "right"),
    [
        (1.5, 1.5, True),
        (1.5, 2.5, False),
        (np.nan, np.nan, True),
        (np.inf, np.inf, True),
        (np.inf, 1.0, False),
    ],
)
def test_a_single_number_is_compared_as_an_array_is(
    dtype: DType, value: float, seen: float, right: bool
) -> None:
    expected, given = exact(np.array(value), dtype), np.array(seen).astype(dtype.numpy)
    assert compare(given, expected, strict(dtype)).matches == right
    assert judge_of(expected, strict(dtype)).accepts(given) == right
