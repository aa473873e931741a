"""One output held against its reference: every element, with true counts and the worst place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.oracle.dtypes import DType, to_float64
from rocverify.oracle.tolerance import Expected, Tolerance
from rocverify.oracle.ulp import Array64, ulp_error, ulp_of

Index = tuple[int, ...]
ULP_STEPS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
"""Up to which errors, in ULPs at the magnitude of the terms, elements are counted together."""


@dataclass(frozen=True, slots=True)
class Worst:
    """The largest error of one sort, the element that has it, and what was expected and found there."""

    error: float
    index: Index
    expected: float
    observed: float

    def to_json(self) -> dict[str, Any]:
        """The element as JSON data."""
        return {
            "error": as_json_number(self.error),
            "index": list(self.index),
            "expected": as_json_number(self.expected),
            "observed": as_json_number(self.observed),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result for one output. Errors are over elements where both sides are finite.

    bad marks every mismatch. ulp is in ULPs at the reference, scaled_ulp in ULPs at the magnitude of the
    terms: the first grows without bound where terms cancel. rel leaves out references below the smallest
    normal number, where it says nothing. budget is the largest error of the arithmetic as a part of what was
    allowed it: half a ULP of the stored type at the reference is left out of both, since the last rounding
    alone costs that much sooner or later, however good the arithmetic. ulp_counts has the finite elements by
    scaled_ulp: how many are at most at each of ULP_STEPS and above the one before, and last those beyond all;
    empty for integers. share: the error of each element as a part of what was allowed, as budget
    has it; None for integers.
    """

    elements: int
    bad: NDArray[np.bool_]
    ulp: Worst | None
    scaled_ulp: Worst | None
    abs: Worst | None
    rel: Worst | None
    budget: float
    first: Worst | None
    ulp_counts: tuple[int, ...] = ()
    share: Array64 | None = None

    @property
    def mismatches(self) -> int:
        """How many elements are wrong."""
        return int(self.bad.sum())

    @property
    def matches(self) -> bool:
        """Whether no element is wrong."""
        return self.mismatches == 0


def compare(observed: NDArray[Any], expected: Expected, tolerance: Tolerance) -> Comparison:
    """Compares every element. A NaN matches a NaN, an infinity the same infinity, and a finite result an
    infinite reference (or the reverse) only where the tolerance reaches beyond the largest number. Where the
    terms overflow, whatever is not finite is right. Integers are equal or wrong."""
    dtype = tolerance.dtype
    if not dtype.is_float:
        return _compare_integers(observed, expected.exact)
    seen = to_float64(observed)
    exact, allowed = expected.exact, tolerance.allowed(expected)
    bad = _mismatches(seen, exact, allowed, dtype, tolerance.overflowing(expected))
    bad &= ~_is_other(tolerance.other(expected), seen, allowed)
    error = _distance(seen, exact)
    finite = np.isfinite(seen) & np.isfinite(exact)
    normal = finite & (np.abs(exact) >= dtype.smallest_normal)
    with np.errstate(all="ignore"):
        relative = error / np.abs(exact)
        last_rounding = 0.5 * ulp_of(exact, dtype)
        share = np.maximum(error - last_rounding, 0) / np.maximum(allowed - last_rounding, 0)
    scaled = error / tolerance.units_at_magnitude(expected)
    return Comparison(
        elements=seen.size,
        bad=bad,
        ulp=_worst(ulp_error(seen, exact, dtype), finite, seen, exact),
        scaled_ulp=_worst(scaled, finite, seen, exact),
        abs=_worst(error, finite, seen, exact),
        rel=_worst(relative, normal, seen, exact),
        budget=float(np.fmax.reduce(share[finite], initial=0.0)),
        first=_first(bad, error, seen, exact),
        ulp_counts=_counts(scaled[finite]),
        share=share,
    )


def _counts(errors: Array64) -> tuple[int, ...]:
    """How many of the errors are within each of ULP_STEPS and not within the one before, and beyond them."""
    within = [0, *(int(np.count_nonzero(errors <= step)) for step in ULP_STEPS), errors.size]
    return tuple(after - before for before, after in pairwise(within))


def _compare_integers(seen: NDArray[Any], exact: NDArray[Any]) -> Comparison:
    bad = seen != exact
    # The larger less the smaller, as unsigned numbers, cannot wrap around.
    unsigned = f"u{seen.itemsize}"
    high, low = np.maximum(seen, exact).view(unsigned), np.minimum(seen, exact).view(unsigned)
    error = (high - low).astype(np.float64)
    return Comparison(
        elements=seen.size,
        bad=bad,
        ulp=None,
        scaled_ulp=None,
        abs=_worst(error, np.ones(seen.shape, bool), seen, exact) if seen.size else None,
        rel=None,
        budget=0.0,
        first=_first(bad, error, seen, exact),
    )


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides on one output over and over: what is allowed is computed once."""

    exact: NDArray[Any]
    allowed: Array64
    dtype: DType
    overflowing: NDArray[np.bool_]
    other: Array64

    def accepts(self, observed: NDArray[Any]) -> bool:
        """Whether every element of `observed` would pass."""
        return not self.wrong(observed).any()

    def wrong(self, observed: NDArray[Any]) -> NDArray[np.bool_]:
        """The elements of `observed` that would not pass."""
        if not self.dtype.is_float:
            return np.asarray(observed != self.exact)
        seen = to_float64(observed)
        bad = _mismatches(seen, self.exact, self.allowed, self.dtype, self.overflowing)
        return bad & ~_is_other(self.other, seen, self.allowed)


def judge_of(expected: Expected, tolerance: Tolerance) -> Judge:
    """The judge for one output of one case."""
    if not tolerance.dtype.is_float:
        nothing = np.zeros(np.shape(expected.exact), bool)
        return Judge(expected.exact, expected.magnitude, tolerance.dtype, nothing, expected.magnitude)
    overflowing, other = tolerance.overflowing(expected), tolerance.other(expected)
    return Judge(expected.exact, tolerance.allowed(expected), tolerance.dtype, overflowing, other)


def _distance(seen: Array64, exact: Array64) -> Array64:
    with np.errstate(all="ignore"):
        distance: Array64 = np.abs(seen - exact)
    return distance


def _is_other(other: Array64, seen: Array64, allowed: Array64) -> NDArray[np.bool_]:
    """Where the result is the other one that is right; nowhere where that is NaN."""
    with np.errstate(all="ignore"):
        found: NDArray[np.bool_] = np.abs(seen - other) <= allowed
    return found


def _mismatches(
    seen: Array64, exact: Array64, allowed: Array64, dtype: DType, overflowing: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    bad = np.asarray(~(_distance(seen, exact) <= allowed))
    # What is not finite needs a closer look; it is rare.
    odd = np.asarray(bad & ~(np.isfinite(seen) & np.isfinite(exact)))
    if odd.any():
        here, there = seen[odd], exact[odd]
        both_nan = np.isnan(here) & np.isnan(there)
        lost = overflowing[odd] & ~np.isfinite(here)
        bad[odd] = ~(both_nan | lost | _overflowed(here, there, allowed[odd], dtype))
    return bad


def _overflowed(seen: Array64, exact: Array64, allowed: Array64, dtype: DType) -> NDArray[np.bool_]:
    """Infinite results of the right sign where the reference, within tolerance, rounds to infinity."""
    # Rounding to nearest gives infinity from half an ULP beyond the largest number on.
    edge = dtype.largest + 0.5 * float(ulp_of(dtype.largest, dtype))
    infinite = np.isinf(seen) & (np.sign(seen) == np.sign(exact))
    beyond = np.abs(exact) + np.where(np.isfinite(exact), allowed, 0) >= edge
    found: NDArray[np.bool_] = infinite & beyond
    return found


def _worst(
    errors: Array64, where: NDArray[np.bool_], seen: NDArray[Any], exact: NDArray[Any]
) -> Worst | None:
    if not where.any():
        return None
    masked = np.where(where & ~np.isnan(errors), errors, -1.0)
    return _at(np.unravel_index(int(np.argmax(masked)), masked.shape), masked, seen, exact)


def _first(bad: NDArray[np.bool_], error: Array64, seen: NDArray[Any], exact: NDArray[Any]) -> Worst | None:
    if not bad.any():
        return None
    return _at(np.unravel_index(int(np.argmax(bad)), bad.shape), error, seen, exact)


def _at(index: Any, error: Array64, seen: NDArray[Any], exact: NDArray[Any]) -> Worst:
    place = tuple(int(i) for i in index)
    number: Callable[[Any], float] = int if exact.dtype.kind in "iu" else float
    return Worst(float(error[place]), place, number(exact[place]), number(seen[place]))


def as_json_number(value: float) -> float | str:
    """JSON has no NaN and no infinity: those become text."""
    return value if np.isfinite(value) else str(value)
