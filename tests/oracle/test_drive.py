"""Running one case: what lies in the buffers before, what is read back, what is noticed around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rocverify.device.faults import FaultReport
from rocverify.device.trace.events import Category
from rocverify.errors import ContractError, DeviceFaultError, SubjectError
from rocverify.oracle.case import Case
from rocverify.oracle.contract import F16, F32
from rocverify.oracle.drive import checked, execute, run_case
from rocverify.oracle.inputs import Kind
from rocverify.oracle.poison import GUARD_BYTES, Placement, Poison
from tests.fakes.affine import AFFINE, WRAPPER, affine, arrays_of, right_kernel
from tests.fakes.hip_device import FakeSession

CASE = Case({"rows": 3, "cols": 5}, F32, Kind.PLAIN, seed=11)
Make = Callable[..., FakeSession]


def session_with(make: Make, kernel: Any = right_kernel, wrapper: Any = affine) -> FakeSession:
    return make({"affine_kernel": kernel}, {WRAPPER: wrapper})


@pytest.mark.parametrize("placement", list(Placement))
def test_a_run_gives_inputs_outputs_and_the_events_of_the_call_alone(
    make_session: Make, placement: Placement
) -> None:
    session = session_with(make_session)
    run = execute(AFFINE, session, replace(CASE, placement=placement))
    np.testing.assert_array_equal(run.outputs["out"], run.inputs["x"] * 2 + run.inputs["shift"])
    assert run.outputs["out"].dtype == np.float32
    assert run.launched("affine_kernel")
    assert {e.category for e in run.events} == {Category.MODULE, Category.LAUNCH}
    assert run.changed == ()
    assert run.damage == ()
    assert not session.device.hip.buffers, "everything is freed"


def test_looking_a_kernel_up_is_no_launch(make_session: Make) -> None:
    def looking(*_: Any) -> None:
        from rocm.bindings import hip

        _, module = hip.hipModuleLoadData(b"image")
        hip.hipModuleGetFunction(module, b"affine_kernel")

    run = execute(AFFINE, session_with(make_session, wrapper=looking), CASE)
    assert "affine_kernel" in {event.kernel for event in run.events}
    assert not run.launched("affine_kernel")
    assert run.launches == ()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(make_session: Make) -> None:
    session = session_with(make_session)
    first, again = execute(AFFINE, session, CASE), execute(AFFINE, session, CASE)
    other = execute(AFFINE, session, replace(CASE, seed=12))
    assert first.inputs["x"].tobytes() == again.inputs["x"].tobytes()
    assert first.inputs["x"].tobytes() != other.inputs["x"].tobytes()


@pytest.mark.parametrize("poison", list(Poison))
def test_outputs_are_poisoned_before_the_call(make_session: Make, poison: Poison) -> None:
    run = execute(AFFINE, session_with(make_session), replace(CASE, poison=poison), ghost=True)
    left = run.outputs["out"]
    assert np.isnan(left).all() if poison is Poison.NAN else (left == np.finfo(np.float32).max).all()
    assert all(e.ghost for e in run.events if e.category is Category.LAUNCH)


@pytest.mark.parametrize(
    ("offset", "words"),
    [
        (15 * 4, "4 bytes after it, the nearest 0 bytes past its end"),
        (-4, "4 bytes before it, the nearest 0 bytes from its start"),
        (15 * 4 + GUARD_BYTES - 4, f"nearest {GUARD_BYTES - 4} bytes past its end"),
    ],
)
def test_a_write_outside_a_buffer_is_described(make_session: Make, offset: int, words: str) -> None:
    def kernel(hip: Any, *arguments: int) -> None:
        right_kernel(hip, *arguments)
        hip.array(arguments[2] + offset, (1,), np.float32)[:] = 1.0

    run = execute(AFFINE, session_with(make_session, kernel), CASE)
    assert len(run.damage) == 1
    assert run.damage[0].startswith("out: ")
    assert words in run.damage[0]


def test_a_changed_input_is_named(make_session: Make) -> None:
    def kernel(hip: Any, *arguments: int) -> None:
        right_kernel(hip, *arguments)
        arrays_of(hip, *arguments)[1][-1] += 1

    assert execute(AFFINE, session_with(make_session, kernel), CASE).changed == ("shift",)


def test_tight_buffers_leave_no_room_for_a_stray_access(make_session: Make) -> None:
    def kernel(hip: Any, *arguments: int) -> None:
        hip.array(arguments[2], (16,), np.float32)[:] = 0

    session = session_with(make_session, kernel)
    with pytest.raises(SubjectError, match="not allocated"):
        execute(AFFINE, session, replace(CASE, placement=Placement.TIGHT))


def test_what_the_wrapper_raises_is_told_with_its_class(make_session: Make) -> None:
    def wrapper(*_: Any) -> None:
        raise KeyError("cols")

    with pytest.raises(SubjectError, match="raised KeyError: 'cols'") as caught:
        execute(AFFINE, session_with(make_session, wrapper=wrapper), CASE)
    assert caught.value.kind == "KeyError"
    assert caught.value.where == WRAPPER


def test_the_line_of_the_subject_that_raised_is_named(make_session: Make) -> None:
    session = session_with(make_session)
    source = session.root / "subject.py"
    source.write_text("def affine(*arguments):\n    return arguments[99]\n")
    scope: dict[str, Any] = {}
    exec(compile(source.read_text(), str(source), "exec"), scope)
    session.objects[WRAPPER] = scope["affine"]
    with pytest.raises(SubjectError) as caught:
        execute(AFFINE, session, CASE)
    assert caught.value.where == "subject.py:2"


def test_a_wrapper_called_with_too_few_arguments_is_the_subjects_error(make_session: Make) -> None:
    with pytest.raises(SubjectError, match="TypeError"):
        execute(AFFINE, session_with(make_session, wrapper=lambda _x: None), CASE)


def test_an_interrupt_passes(make_session: Make) -> None:
    def wrapper(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute(AFFINE, session_with(make_session, wrapper=wrapper), CASE)


def test_a_fault_of_the_device_wins_over_what_the_wrapper_made_of_it(make_session: Make) -> None:
    report = FaultReport("global", "affine_kernel", "store of 4 bytes outside any allocation")
    session = session_with(make_session)

    def faulting(*_: Any) -> None:
        session.device.fault = report
        raise RuntimeError("hipErrorIllegalAddress")

    session.objects[WRAPPER] = faulting
    with pytest.raises(DeviceFaultError, match="outside any allocation") as caught:
        execute(AFFINE, session, CASE)
    assert caught.value.report == report
    assert session.device.fault is None, "the next case starts on a usable device"
    session.objects[WRAPPER] = affine
    assert execute(AFFINE, session, CASE).launched("affine_kernel")


def test_a_stale_fault_is_not_blamed_on_the_next_call(make_session: Make) -> None:
    session = session_with(make_session)
    session.device.fault = FaultReport("global", "other", "earlier")
    assert execute(AFFINE, session, CASE).launched("affine_kernel")


def test_an_inadmissible_shape_is_refused_before_anything_runs(make_session: Make) -> None:
    session = session_with(make_session)
    with pytest.raises(ContractError, match="cols=6"):
        run_case(AFFINE, session, {"rows": 3, "cols": 6}, F32, 1)
    assert session.device.hip.calls == []


def test_run_case_takes_a_shape_and_an_element_type(make_session: Make) -> None:
    run = run_case(AFFINE, session_with(make_session), {"rows": 2, "cols": 5}, F16, 1)
    assert run.outputs["out"].dtype == np.float16


def test_an_argument_that_the_wrapper_frees_is_named(make_session: Make) -> None:
    def wrapper(*_: Any) -> None:
        session.device.hip.buffers.clear()

    session = session_with(make_session, wrapper=wrapper)
    with pytest.raises(SubjectError, match="given up the memory of its argument") as caught:
        execute(AFFINE, session, CASE)
    assert caught.value.kind == "ArgumentFreed"


def test_checked_returns_the_value_beside_success() -> None:
    assert checked("hipX", (0, 7)) == 7
    assert checked("hipX", (0,)) is None
