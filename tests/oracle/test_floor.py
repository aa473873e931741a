"""The floor: what must have been tried at least, and kernels that are right only where little is tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rocverify.oracle.case import Case, plan_cases
from rocverify.oracle.contract import BF16, F16, F32, InOut, contract
from rocverify.oracle.dims import Dims, boundary, choices
from rocverify.oracle.dtypes import DType
from rocverify.oracle.floor import shortfalls
from rocverify.oracle.verify import Plan, verify_dtype
from tests.fakes.affine import AFFINE, WRAPPER, affine, arrays_of, right_kernel
from tests.fakes.declaring import declare
from tests.fakes.hip_device import FakeSession

Make = Callable[..., FakeSession]


def cases_of(count: int = 8, dims: Dims | None = None) -> dict[DType, Sequence[Case]]:
    return {dtype: plan_cases(AFFINE, dtype, count, 3, dims=dims) for dtype in (F32, F16, BF16)}


def names(tried: dict[DType, Sequence[Case]], mistakes: int = 2) -> set[tuple[str, str]]:
    return {(s.what, s.name) for s in shortfalls(AFFINE, tried, mistakes=mistakes)}


def test_a_usual_run_is_above_the_floor() -> None:
    assert names(cases_of()) == set()


def test_what_a_plan_leaves_out_is_below_it() -> None:
    few = {("shapes", d) for d in ("float32", "float16", "bfloat16")}
    lengths = {("dims", "rows"), ("dims", "cols")}
    assert names(cases_of(1)) == few | lengths
    assert names(cases_of(8, AFFINE.dims.restricted({"rows": 7}))) == {("dims", "rows"), *few}
    one_type = {F32: cases_of()[F32]}
    assert names(one_type) == {("types", "float16"), ("types", "bfloat16")}
    plain = {d: [replace(c, kind="plain") for c in cases] for d, cases in cases_of().items()}  # type: ignore[arg-type]
    assert {what for what, _ in names(plain)} == {"kinds"}
    assert names(cases_of(), mistakes=0) == {("contract", "wrong")}


def test_a_contract_of_one_shape_is_below_the_floor_and_one_of_few_is_not() -> None:
    for dims, expected in ((Dims(n=choices(64)), {"dims"}), (Dims(n=choices(64, 65)), set())):
        spec = declare(dims=dims)
        tried = {dtype: plan_cases(spec, dtype, 8, 1) for dtype in (F32, F16)}
        assert {s.name for s in shortfalls(spec, tried, mistakes=1)} == expected


def test_sorts_of_values_that_are_mere_labels_do_not_count() -> None:
    def uniform(_: Any, rng: Any, dims: Any) -> dict[str, Any]:
        return {"x": rng.random(dims.n, np.float32)}

    def by_kind(_: Any, rng: Any, dims: Any, kind: str) -> dict[str, Any]:
        return {"x": rng.random(dims.n, np.float32) * (1e3 if kind == "extreme" else 1)}

    def found(prepare: Any, **more: Any) -> list[str]:
        spec = declare(dims=Dims(n=boundary(1, 9000)), prepare=prepare, **more)
        tried = {dtype: plan_cases(spec, dtype, 8, 1) for dtype in (F32, F16)}
        return [s.text for s in shortfalls(spec, tried, mistakes=1)]

    assert [text.partition(" ")[0] for text in found(uniform)] == ["prepare()"] * 2
    assert found(by_kind) == found(uniform, kinds=("plain",)) == []


@pytest.mark.parametrize("limit", [8192, 16_000])
def test_a_kernel_that_does_nothing_once_it_has_much_to_do_is_seen(make_session: Make, limit: int) -> None:
    def lazy(hip: Any, *arguments: int) -> None:
        if arguments[3] * arguments[4] <= limit:
            right_kernel(hip, *arguments)

    session = make_session({"affine_kernel": lazy}, {WRAPPER: affine})
    for seed in range(3):
        failures = verify_dtype(AFFINE, session, F32, Plan(seed=seed, cases_per_dtype=8)).failures
        assert failures
        assert all(np.prod(list(f.case.dims.values())) > limit for f in failures)


@pytest.mark.parametrize("limit", [1024, 4096, 100_000])
def test_a_kernel_that_stops_at_an_index_is_seen(make_session: Make, limit: int) -> None:
    @contract(source="kernels/affine.hip", symbol="affine_kernel", wrapper=WRAPPER)
    class Long(type(AFFINE.subject)):  # type: ignore[misc]
        dims = Dims(rows=boundary(1, 10**9), cols=1)

    def short(hip: Any, *arguments: int) -> None:
        _, _, out = arrays_of(hip, *arguments)
        before = out[limit:].copy()
        right_kernel(hip, *arguments)
        out[limit:] = before

    session = make_session({"affine_kernel": short}, {WRAPPER: affine})
    plan = Plan(seed=1, cases_per_dtype=8, thresholds=(limit,))
    failures = verify_dtype(Long, session, F32, plan).failures
    assert limit + 1 in {failure.case.dims["rows"] for failure in failures}


def test_every_kernel_that_a_length_selects_is_called() -> None:
    spec = declare(
        x=InOut("n m", F32),
        dims=Dims(n=boundary(1, 300), m=choices(16, 32, 64, 128)),
        kernel=lambda _, dims: f"k{dims.m}",
    )
    for seed in range(5):
        cases = plan_cases(spec, F32, 7, seed)
        assert {spec.symbol(F32, case.dims) for case in cases} == {"k16", "k32", "k64", "k128"}
        assert len(cases) == 7
