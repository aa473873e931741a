"""A right kernel passes; every wrong one fails, with a message that says what is wrong and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rocverify.errors import DeviceFaultError
from rocverify.oracle.contract import BF16, F16, F32, InOut, contract
from rocverify.oracle.dims import Dims, choices
from rocverify.oracle.repeat import never
from rocverify.oracle.verify import DTypeReport, Plan, verify_dtype, verify_refusals
from tests.fakes.affine import AFFINE, WRAPPER, RowsError, affine, arrays_of, launch, right_kernel
from tests.fakes.hip_device import FakeSession

PLAN = Plan(seed=20, cases_per_dtype=18)
Make = Callable[..., FakeSession]


def report_of(make: Make, kernel: Any = right_kernel, wrapper: Any = affine, dtype: Any = F32) -> DTypeReport:
    session = make({"affine_kernel": kernel}, {WRAPPER: wrapper})
    return verify_dtype(AFFINE, session, dtype, PLAN)


def variant(change: Callable[[Any, Any, Any], None]) -> Any:
    """A kernel that does the right thing and then what `change(x, shift, out)` does."""

    def kernel(hip: Any, *arguments: int) -> None:
        right_kernel(hip, *arguments)
        with np.errstate(all="ignore"):
            change(*arrays_of(hip, *arguments))

    return kernel


@pytest.mark.parametrize("dtype", [F32, F16, BF16], ids=str)
def test_the_right_kernel_passes_and_every_control_is_rejected(make_session: Make, dtype: Any) -> None:
    report = report_of(make_session, dtype=dtype)
    assert report.failures == ()
    assert report.shortcomings == ()
    assert len(report.cases) == 18
    assert report.budget <= 1.0
    assert report.ghost is not None
    assert report.ghost.rejected
    assert {c.name for c in report.controls} == {
        "zeros",
        "a constant",
        "one right value everywhere",
        "untouched",
        "nan poison",
        "huge poison",
        "a copy of x",
        "a copy of shift",
    }
    assert {c.name for c in report.mistakes} == {"the shift taken away", "the shift added twice"}
    worst = report.worst("ulp")
    assert worst is not None
    assert worst[1] == "out"


def last_row_left(_x: Any, _shift: Any, out: Any) -> None:
    out[-1:] = np.nan


def last_column_zero(_x: Any, _shift: Any, out: Any) -> None:
    out[:, -1] = 0


def shift_subtracted(x: Any, shift: Any, out: Any) -> None:
    out[:] = (x.astype(np.float32) * 2 - shift).astype(out.dtype)


def one_ulp_and_a_half_off(_x: Any, _shift: Any, out: Any) -> None:
    out[0, 0] = np.float32(out[0, 0]) * np.float32(1 + 2.0**-20)


def past_the_first_thirty_two_columns(_x: Any, _shift: Any, out: Any) -> None:
    out[:, 32:] = 0


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (last_row_left, "(the last); they are NaN"),
        (last_column_zero, "cols index"),
        (shift_subtracted, "matches this mistake: the shift taken away"),
        (one_ulp_and_a_half_off, "rows index 0 and cols index 0"),
        (past_the_first_thirty_two_columns, "cols ind"),
    ],
)
def test_a_wrong_kernel_fails_and_the_hint_says_how(make_session: Make, change: Any, hint: str) -> None:
    report = report_of(make_session, variant(change))
    assert report.failures
    assert any(hint in (failure.hint or "") for failure in report.failures)
    assert all("elements of out are wrong, the first at [" in failure.message for failure in report.failures)


def test_a_kernel_that_writes_nothing_leaves_poison(make_session: Make) -> None:
    report = report_of(make_session, lambda *_: None)
    assert len(report.failures) == len(report.cases)
    assert any("what was there before the launch" in (f.hint or "") for f in report.failures)


def test_half_precision_arithmetic_is_told_from_float32_rounded_once(make_session: Make) -> None:
    def kernel(hip: Any, *arguments: int) -> None:
        x, shift, out = arrays_of(hip, *arguments)
        with np.errstate(all="ignore"):
            out[:] = x * np.float16(2) + shift.astype(np.float16)

    report = report_of(make_session, kernel, dtype=F16)
    assert report.failures


def test_a_stray_write_and_a_changed_input_fail_though_the_result_is_right(make_session: Make) -> None:
    def kernel(hip: Any, *arguments: int) -> None:
        right_kernel(hip, *arguments)
        arrays_of(hip, *arguments)[0][0] = 0

    report = report_of(make_session, kernel)
    assert any("changed its input x" in f.message for f in report.failures)


def test_a_wrapper_that_launches_nothing_fails(make_session: Make) -> None:
    report = report_of(make_session, wrapper=lambda *_: None)
    assert all("affine_kernel was not launched (launched: nothing)" in f.message for f in report.failures)


def test_a_result_computed_on_the_host_fails_the_ghost_replay(make_session: Make) -> None:
    session = make_session({"affine_kernel": lambda *_: None}, {})

    def wrapper(x: Any, shift: Any, out: Any, rows: int, cols: int, dtype: str) -> None:
        launch(x, shift, out, rows, cols, dtype)
        code = {"float32": 0, "float16": 1, "bfloat16": 2}[dtype]
        right_kernel(session.device.hip, int(x), int(shift), int(out), rows, cols, code)

    session.objects[WRAPPER] = wrapper
    report = verify_dtype(AFFINE, session, F32, PLAN)
    assert report.failures == ()
    assert report.shortcomings == ("float32: the result is right without affine_kernel being executed",)


def test_a_wrapper_that_raises_ends_the_run_of_its_type_with_the_case(make_session: Make) -> None:
    def wrapper(*_: Any) -> None:
        raise ValueError("boom")

    report = report_of(make_session, wrapper=wrapper)
    assert len(report.failures) == 1
    assert "raised ValueError: boom" in report.failures[0].message
    assert len(report.cases) == 1
    assert report.shortcomings == ()


def test_inputs_that_cannot_tell_right_from_wrong_are_a_shortcoming(make_session: Make) -> None:
    @contract(source="k.hip", symbol="affine_kernel", wrapper=WRAPPER)
    class Identity:
        x = InOut("n", F32)
        dims = Dims(n=choices(3, 4))
        rounding = {F32: 1.0}  # noqa: RUF012 - a declaration

        def call(self, wrapper: Any, arrays: Any) -> None:
            wrapper(arrays.x)

        def reference(self, x: Any) -> Any:
            return x

    def wrapper(x: Any) -> None:
        launch(x, x, x, 1, 1, "float32")

    session = make_session({"affine_kernel": lambda *_: None}, {WRAPPER: wrapper})
    report = verify_dtype(Identity, session, F32, PLAN)  # type: ignore[arg-type]
    assert report.failures == ()
    assert report.ghost is None
    assert any("no case rejects this wrong result: untouched" in text for text in report.shortcomings)


def test_limited_dimensions_are_used(make_session: Make) -> None:
    session = make_session({"affine_kernel": right_kernel}, {WRAPPER: affine})
    plan = Plan(1, 10, dims=AFFINE.dims.restricted({"cols": 33}))
    report = verify_dtype(AFFINE, session, F32, plan)
    assert {case.dims["cols"] for case in report.cases} == {33}


def test_the_refused_call_is_refused(make_session: Make) -> None:
    session = make_session({"affine_kernel": right_kernel}, {WRAPPER: affine})
    (call,) = verify_refusals(AFFINE, session, PLAN)
    assert call.problem is None
    assert call.to_json() == {"name": "no rows", "error": "RowsError", "refused": True}


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        (lambda *_: None, "returned as if nothing were wrong"),
        (lambda *a: launch(*a[:3], 1, *a[4:]), "launched affine_kernel before it returned"),
        (lambda *_: {}["x"], "raised KeyError"),
    ],
)
def test_a_call_that_is_not_refused_is_told(make_session: Make, behaviour: Any, problem: str) -> None:
    session = make_session({"affine_kernel": right_kernel}, {WRAPPER: behaviour})
    (call,) = verify_refusals(AFFINE, session, PLAN)
    assert call.problem is not None
    assert problem in call.problem


def test_refusing_after_a_launch_is_too_late(make_session: Make) -> None:
    def wrapper(*arguments: Any) -> None:
        launch(*arguments[:3], 1, *arguments[4:])
        affine(*arguments)

    session = make_session({"affine_kernel": right_kernel}, {WRAPPER: wrapper})
    (call,) = verify_refusals(AFFINE, session, PLAN)
    assert call.problem == "launched affine_kernel before it was refused"


def test_a_fault_is_a_failure_of_its_case(make_session: Make) -> None:
    def kernel(*_: Any) -> None:
        raise DeviceFaultError("load of 4 bytes outside any allocation")

    report = report_of(make_session, kernel)
    assert "outside any allocation" in report.failures[0].message


def test_a_dimension_with_one_shape_still_works(make_session: Make) -> None:
    session = make_session({"affine_kernel": right_kernel}, {WRAPPER: affine})
    plan = Plan(1, 10, dims=Dims(rows=choices(5), cols=choices(33)))
    report = verify_dtype(AFFINE, session, F32, plan)
    assert len(report.cases) == 1
    assert report.shortcomings == ()


def test_a_wrapper_that_launches_nothing_for_memory_that_it_has_seen_is_told(make_session: Make) -> None:
    seen: set[int] = set()

    def caching(x: Any, shift: Any, out: Any, rows: int, cols: int, dtype: str) -> None:
        if rows < 1 or int(out) not in seen:
            seen.add(int(out))
            affine(x, shift, out, rows, cols, dtype)

    report = report_of(make_session, wrapper=caching)
    assert "called a second time on the same memory, with other contents" in report.failures[-1].message
    assert report_of(make_session).failures == ()


def cut_the_second_time() -> Any:
    """A kernel that rounds to nearest, and what it has seen before towards zero: both are right."""
    seen: set[bytes] = set()

    def change(x: Any, shift: Any, out: Any) -> None:
        exact = x.astype(np.float64) * 2 + shift
        beyond = np.isfinite(out) & (np.abs(out) > np.abs(exact))
        if x.tobytes() in seen:
            out[beyond] = np.nextafter(out[beyond], np.float32(0))
        seen.add(x.tobytes())

    return variant(change)


def test_other_bits_in_a_repeat_fail_only_where_nothing_but_the_arguments_may_decide_them(
    make_session: Make,
) -> None:
    found = []
    for same_bits in (lambda _run: True, never):
        session = make_session({"affine_kernel": cut_the_second_time()}, {WRAPPER: affine})
        plan = Plan(seed=20, cases_per_dtype=18, same_bits=same_bits)
        found.append(verify_dtype(AFFINE, session, F32, plan))
    failed, told = found
    (failure,) = failed.failures
    assert failure.message.startswith(
        "gives other bits for the same case in the same order when it is called"
    )
    assert (failure.symbol, told.failures) == ("affine_kernel", ())
    assert told.repeat is not None
    assert told.repeat.to_json()["same"] is False
    assert (told.repeat.told or "").startswith("other bits, as right, for the same case when it is called")
    same = report_of(make_session).repeat
    assert same is not None
    assert (same.same, same.problem, same.told) == (True, None, None)


def test_the_kernel_that_was_launched_is_named_in_the_failure(make_session: Make) -> None:
    def wrapper(x: Any, shift: Any, out: Any, rows: int, cols: int, dtype: str) -> None:
        if rows < 1:
            raise RowsError
        launch(x, shift, out, rows, cols, dtype, "other_kernel")

    kernels = {"affine_kernel": right_kernel, "other_kernel": variant(shift_subtracted)}
    report = verify_dtype(AFFINE, make_session(kernels, {WRAPPER: wrapper}), F32, PLAN)
    assert {failure.symbol for failure in report.failures} == {"other_kernel"}
    assert any("affine_kernel was not launched" in failure.message for failure in report.failures)
