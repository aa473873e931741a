"""How far a result may lie from the float64 reference. Two rules, and an element must satisfy both.

Rounding rule. The last rounding costs half an ULP of the stored type at the result; the arithmetic before
it costs a number of ULPs, declared by the contract, of the type that the kernel computes in, at the
magnitude of the terms that were added up (so that cancellation is not held against the kernel):

    |out - ref| <= ulp_stored(ref) / 2 + rounding * ulp_compute(magnitude)

Two-reference rule (flash-attention's, made free of scale so that it binds small elements beside large
ones). With errors measured in ULPs of the stored type at the magnitude, and over all cases of a type:

    err(out) <= 2 * max err(reference computed in the stored type) + 2 * max err(ref + 0.3 m - 0.3 m)

A contract that declares no rounding for a type is held to the second rule alone. A reference that computes in
float64 whatever it is given is off by its last rounding alone, and says nothing of what a type costs: then as
much is allowed as where a few terms are added. NumPy adds in pairs, whose
error grows with the logarithm of how many terms there are; a kernel may well add one after the other, whose
error grows as the root of it. So that, four times (of 40,000 sums of 200 terms that were rescaled as they
went, the worst was off by 3.2 roots), is the least that the second rule allows where the type computed in is
the one stored: over few elements the largest error of a reference is small by chance. What the
contract declares binds beside it.
Outputs of float64 are held to the first rule alone: their reference has no better type to be computed in.
Where a number became too large while the reference was computed in the stored type, elements of which it left
nothing (a row that is divided by an infinite norm), or no more than what is added to that, say nothing of
how exact a kernel can be. A kernel that computes in that type may be as far off in such a case: what the
reference gives in it is as right as the exact result, and where it is lost, whatever is not finite.
Integers must be equal. Where the sum of the magnitudes exceeds the type computed in, any result that is not
finite is as right as the reference's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.oracle.dtypes import F64, DType, to_float64
from rocverify.oracle.ulp import Array64, ulp_of

# A result may always be off by one rounding of its own type.
_LEAST = 1.0
# ULPs that adding up one after the other may cost, in roots of the number of terms.
_ROOTS = 4
# ULPs at the magnitude by which arithmetic of a type may be off, but not more than half of its digits: beyond
# that, where a number became too large, this is the reason.
_GROSS = 64.0
# ULPs by which a reference is off that is exact but for its last rounding.
_ROUNDED = 0.5
# Relative width, in ULPs, that float64 references themselves may be wrong by.
_SLACK = 2.0**-20


@dataclass(frozen=True, slots=True)
class Expected:
    """What one output of one case must be. `exact` is float64, or integers of the output's own type;
    `same_type` the same formula computed in the stored type; `magnitude` the size of the terms added up.
    All have the output's shape. overflowed: whether a number was too large for the stored type meanwhile."""

    exact: NDArray[Any]
    same_type: NDArray[Any]
    magnitude: Array64
    overflowed: bool = False

    def lost(self, dtype: DType) -> NDArray[np.bool_]:
        """Elements of which the stored type leaves a wrong number or none: x / inf is 0, inf - inf NaN."""
        if not self.overflowed:
            return np.zeros(self.exact.shape, bool)
        same, scale = to_float64(self.same_type), _scale(self)
        with np.errstate(all="ignore"):
            unit = ulp_of(scale, dtype)
            gross = np.minimum(_GROSS * unit, np.sqrt(unit * scale))
            lost: NDArray[np.bool_] = ~(np.abs(same - self.exact) <= gross) & np.isfinite(self.exact)
        return lost


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The rules for one element type. `rounding` of None: the contract declares none. terms: how many of the
    largest input's elements go into one of the output."""

    dtype: DType
    compute: DType
    rounding: float | None
    same_type_error: float
    round_trip_error: float
    terms: int = 1

    @property
    def two_reference_limit(self) -> float:
        """The second rule's limit in ULPs of the stored type at the magnitude."""
        adds = self.terms > 1 or self.rounding is None or self.same_type_error <= _ROUNDED
        added = _ROOTS * math.sqrt(self.terms) if adds and self.compute == self.dtype else 0.0
        return max(_LEAST, added, 2 * self.same_type_error + 2 * self.round_trip_error)

    def allowed(self, expected: Expected) -> Array64:
        """The largest admissible |out - ref| of each element."""
        scale = _scale(expected)
        limit = self._second_rule(scale)
        if self.rounding is not None:
            arithmetic = self.rounding * ulp_of(scale, self.compute)
            limit = np.minimum(limit, 0.5 * ulp_of(expected.exact, self.dtype) + arithmetic)
        return limit + _SLACK * ulp_of(scale, self.dtype)

    def overflowing(self, expected: Expected) -> NDArray[np.bool_]:
        """Elements whose terms exceed the type computed in when their sizes are added up, or that are lost in
        it: what comes out depends on the order, and may be an infinity of either sign or a NaN. Infinite
        terms are none, nor are terms of one sign."""
        magnitude = expected.magnitude
        both_signs = magnitude > np.abs(expected.exact) * (1 + _SLACK)
        found: NDArray[np.bool_] = np.isfinite(magnitude) & (magnitude > self.compute.largest) & both_signs
        return found | expected.lost(self.dtype) if self.compute == self.dtype else found

    def other(self, expected: Expected) -> Array64:
        """What else is right where a number was too large for the type that is computed in; elsewhere NaN."""
        if not expected.overflowed or self.compute != self.dtype:
            return np.full(expected.exact.shape, np.nan)
        return to_float64(expected.same_type)

    def _second_rule(self, scale: Array64) -> Array64:
        if self.dtype == F64:
            return np.full(scale.shape, np.inf)
        limit: Array64 = self.two_reference_limit * ulp_of(scale, self.dtype)
        return limit

    def to_json(self) -> dict[str, Any]:
        """The limits as JSON data."""
        return {
            "rounding_ulps": self.rounding,
            "compute": self.compute.name,
            "same_dtype_reference_error_ulps": round(self.same_type_error, 4),
            "round_trip_error_ulps": round(self.round_trip_error, 4),
            "two_reference_limit_ulps": round(self.two_reference_limit, 4),
        }

    def units_at_magnitude(self, expected: Expected) -> Array64:
        """One ULP of the stored type at the magnitude of each element's terms."""
        return ulp_of(_scale(expected), self.dtype)


def tolerance_for(
    dtype: DType, compute: DType, rounding: float | None, expected: Sequence[Expected], terms: int = 1
) -> Tolerance:
    """The tolerance of one element type from the references of all its cases; see Tolerance."""
    errors = [_errors(e, dtype) for e in expected] if dtype.is_float else []
    return Tolerance(
        dtype,
        compute,
        rounding,
        same_type_error=max((same for same, _ in errors), default=0.0),
        round_trip_error=max((trip for _, trip in errors), default=0.0),
        terms=terms,
    )


def _errors(expected: Expected, dtype: DType) -> tuple[float, float]:
    """The largest error of the same-type reference, and of adding and taking away 0.3 magnitudes."""
    unit = ulp_of(_scale(expected), dtype)
    with np.errstate(all="ignore"):
        stored = expected.exact.astype(dtype.numpy)
        offset = (0.3 * _scale(expected)).astype(dtype.numpy)
        trip = ((stored + offset) - offset).astype(np.float64)
        same = np.where(expected.lost(dtype), np.nan, to_float64(expected.same_type))
        return _largest(np.abs(same - expected.exact) / unit), _largest(np.abs(trip - expected.exact) / unit)


def _scale(expected: Expected) -> Array64:
    scale: Array64 = np.fmax(np.abs(expected.exact), expected.magnitude)
    return scale


def _largest(errors: Array64) -> float:
    finite = errors[np.isfinite(errors)]
    return float(finite.max()) if finite.size else 0.0
