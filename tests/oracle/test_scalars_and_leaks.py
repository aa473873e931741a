"""Numbers that wrappers take by value, and device memory that calls keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rocverify.device.trace.events import Category, TraceEvent
from rocverify.errors import ContractError
from rocverify.oracle.contract import BF16, F16, F32, I32, In, InOut, Out, Scalar, contract
from rocverify.oracle.dims import Dims, boundary
from rocverify.oracle.inputs import Kind, draw_inputs
from rocverify.oracle.leaks import leaks
from rocverify.oracle.verify import Plan, verify_dtype
from tests.fakes.affine import WRAPPER, affine, arrays_of, right_kernel
from tests.fakes.declaring import declare
from tests.fakes.hip_device import FakeSession


@contract(source="kernels/affine.hip", symbol="affine_kernel", wrapper=WRAPPER)
class Scaled:
    """out = alpha * (2 x + shift), or without the shift where the flag says so."""

    x = In("rows cols", F32)
    shift = In("cols", F32)
    out = Out("rows cols", F32)
    alpha = Scalar(F32, low=0.5, high=2.0)
    shifted = Scalar(I32, 0, 1)
    dims = Dims(rows=boundary(1, 40), cols=boundary(1, 40))
    rounding = {F32: 4.0}  # noqa: RUF012 - a declaration

    def call(self, wrapper: Any, arrays: Any, dims: Any) -> None:
        assert type(arrays.alpha) is float
        assert type(arrays.shifted) is int
        wrapper(arrays.x, arrays.shift, arrays.out, dims.rows, dims.cols, arrays.alpha, arrays.shifted)

    def reference(self, x: Any, shift: Any, alpha: Any, shifted: Any) -> Any:
        return alpha * (2 * x + shift * shifted)

    def magnitude(self, x: Any, shift: Any, alpha: Any) -> Any:
        return abs(alpha) * (2 * abs(x) + abs(shift))


def scaling(*, ignored: str = "") -> Any:
    """A wrapper whose kernel knows the scalars, but for one."""
    given: list[Any] = []

    def wrapper(x: Any, shift: Any, out: Any, rows: int, cols: int, alpha: float, shifted: int) -> None:
        given[:] = [1.0 if ignored == "alpha" else alpha, 1 if ignored == "shifted" else shifted]
        affine(x, shift, out, rows, cols, "float32")

    def kernel(hip: Any, *arguments: int) -> None:
        right_kernel(hip, *arguments)
        x, shift, out = arrays_of(hip, *arguments)
        with np.errstate(all="ignore"):
            out[:] = np.float32(given[0]) * (np.float32(2) * x + shift * np.float32(given[1]))

    return wrapper, kernel


@pytest.mark.parametrize(("ignored", "fails"), [("", False), ("alpha", True), ("shifted", True)])
def test_a_scalar_or_a_flag_that_is_ignored_is_seen(
    make_session: Callable[..., FakeSession], ignored: str, fails: bool
) -> None:
    wrapper, kernel = scaling(ignored=ignored)
    session = make_session({"affine_kernel": kernel}, {WRAPPER: wrapper})
    report = verify_dtype(Scaled, session, F32, Plan(seed=3, cases_per_dtype=10))
    assert bool(report.failures) == fails


def test_scalars_are_drawn_as_declared() -> None:
    spec = declare(
        x=InOut("n", F32 | F16 | BF16),
        a=Scalar(F32),
        b=Scalar(I32, 3, 5),
        c=Scalar(F32 | F16 | BF16, low=1, high=2),
    )
    drawn = [draw_inputs(spec, {"n": 2}, BF16, Kind.PLAIN, seed) for seed in range(40)]
    assert {one["b"].item() for one in drawn} == {3, 5}
    assert len({one["a"].item() for one in drawn}) == 40
    spread = {float(one["c"]) for one in drawn}
    assert {1.0, 2.0} < spread
    assert all(1 <= value <= 2 for value in spread)
    assert drawn[0]["c"].dtype == BF16.numpy
    for wrong in ({"low": 1.0}, {"low": 1.0, "high": 2.0, "values": (1.0,)}):
        with pytest.raises(ContractError):
            Scalar(F32, *wrong.pop("values", ()), **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrapper", "good"), [("m:C.f", True), ("m:C.D.f", True), ("m:f", True), ("m:C.", False)]
)
def test_a_wrapper_may_be_a_method(wrapper: str, good: bool) -> None:
    if good:
        assert declare(wrapper=wrapper).wrapper == wrapper
    else:
        with pytest.raises(ContractError, match=r"Class\.method"):
            declare(wrapper=wrapper)


def event(category: Category, address: int, place: str = "w.py:3") -> TraceEvent:
    side = {"dst": address} if category is Category.ALLOC else {"src": address}
    return TraceEvent(1, "hipMalloc", category, "hipSuccess", bytes=64, call_site=place, **side)


def test_what_call_after_call_keeps_is_a_leak() -> None:
    kept = (event(Category.ALLOC, 8), event(Category.ALLOC, 16), event(Category.FREE, 16))
    (found,) = leaks([kept] * 6)
    assert (found.place, found.calls, found.of, found.bytes) == ("w.py:3", 6, 6, 384)
    assert "6 of 6 calls keep" in str(found)


def test_what_one_call_keeps_for_the_others_is_none() -> None:
    clean = (event(Category.ALLOC, 16), event(Category.FREE, 16))
    assert leaks([(event(Category.ALLOC, 8), *clean), *([clean] * 5)]) == []
    assert leaks([(event(Category.ALLOC, 8),)] * 3) == []
