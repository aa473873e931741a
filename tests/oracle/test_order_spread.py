"""Results that depend on the order of waves and workgroups: what differs, and which case is run again."""

from __future__ import annotations

import numpy as np
import pytest

from rocverify.oracle.case import Case
from rocverify.oracle.drive import CaseRun
from rocverify.oracle.dtypes import F32
from rocverify.oracle.inputs import Kind
from rocverify.oracle.orders import LARGEST, spreads, to_repeat

CASE = Case({"n": 3}, F32, Kind.PLAIN, 0)


def run(**outputs: object) -> CaseRun:
    return CaseRun(CASE, {}, {name: np.array(value, np.float32) for name, value in outputs.items()})


def test_the_same_bytes_spread_nothing() -> None:
    assert spreads(run(y=[1, np.nan, -0.0]), run(y=[1, np.nan, -0.0])) == ()


def test_the_largest_difference_is_told_in_absolute_terms_and_by_the_larger_value() -> None:
    (one,) = spreads(run(y=[1, 8, 3], z=[5]), run(y=[1, 10, 2], z=[5]))
    assert (one.case, one.output, one.elements) == (CASE, "y", 2)
    assert (one.absolute, one.relative) == pytest.approx((2, 1 / 3))
    assert one.to_json()["absolute"] == 2


def test_what_is_no_number_is_counted_and_spreads_nothing() -> None:
    (one,) = spreads(run(y=[1, np.nan]), run(y=[1, 2]))
    assert (one.elements, one.absolute, one.relative) == (1, None, None)


def test_the_largest_case_that_is_not_too_large_is_run_again() -> None:
    assert to_repeat([run(y=[1]), run(y=[1, 2, 3]), run(y=[1, 2])]) == 1
    assert to_repeat([run(y=np.zeros(LARGEST + 1)), run(y=[1])]) == 1
    assert to_repeat([run(y=np.zeros(LARGEST + 2)), run(y=np.zeros(LARGEST + 1))]) == 1
