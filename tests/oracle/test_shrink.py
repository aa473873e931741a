"""A failing case is made as small and as plain as it can be while it fails in the same way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.oracle.case import Case
from rocverify.oracle.contract import F32, InOut
from rocverify.oracle.dims import Dims, boundary, choices, divisor_of, even
from rocverify.oracle.inputs import Kind
from rocverify.oracle.poison import Placement, Poison
from rocverify.oracle.shrink import shrink
from rocverify.oracle.verify import Plan, shrink_failure, verify_dtype
from tests.fakes.affine import AFFINE, WRAPPER, affine, arrays_of, right_kernel
from tests.fakes.declaring import declare
from tests.fakes.hip_device import FakeSession

SPEC = declare(
    x=InOut("rows cols", F32),
    dims=Dims(rows=boundary(1, 500), cols=even(2, 300), heads=choices(1, 3, 6), groups=divisor_of("heads")),
)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 30), st.sampled_from([1, 3]))
def test_lengths_go_down_to_where_it_starts_to_fail(rows: int, half: int, heads: int) -> None:
    def attempt(case: Case) -> str | None:
        SPEC.dims.check(case.dims)
        d = case.dims
        return "wrong" if d["rows"] >= rows and d["cols"] >= 2 * half and d["heads"] >= heads else None

    dims = {"rows": 500, "cols": 300, "heads": 6, "groups": 6}
    case = Case(dims, F32, Kind.HEAVY, 1, Poison.HUGE, Placement.TIGHT)
    found = shrink(SPEC, case, "wrong", attempt)
    assert attempt(found.case) == "wrong"
    assert found.case.kind is Kind.PLAIN
    assert found.case.dims["heads"] == heads
    assert (found.case.dims["rows"], found.case.dims["cols"]) == (rows, 2 * half)
    assert found.runs <= 40


def test_what_fails_nowhere_else_stays_as_it_is() -> None:
    case = Case({"rows": 9, "cols": 4, "heads": 1, "groups": 1}, F32, Kind.SPECIAL, 1)
    found = shrink(SPEC, case, "wrong", lambda _: None)
    assert (found.case, found.problem) == (case, "wrong")


def test_a_kernel_that_is_wrong_from_a_column_on(make_session: Callable[..., FakeSession]) -> None:
    def kernel(hip: Any, *arguments: int) -> None:
        right_kernel(hip, *arguments)
        _, _, out = arrays_of(hip, *arguments)
        out[2:, 32:] = 0

    session = make_session({"affine_kernel": kernel}, {WRAPPER: affine})
    plan = Plan(seed=2, cases_per_dtype=12)
    report = verify_dtype(AFFINE, session, F32, plan)
    assert {failure.symbol for failure in report.failures} == {"affine_kernel"}
    largest = max(report.failures, key=lambda failure: AFFINE.size(failure.case.dims))
    found = shrink_failure(AFFINE, session, report, largest, plan)
    assert dict(found.case.dims) == {"rows": 3, "cols": 33}
    assert "wrong" in found.problem
