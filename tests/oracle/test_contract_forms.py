# ruff: noqa: ARG001, ARG005, RUF012 - functions and declarations stand for methods and members
"""Contracts of integers, of free order, of several launches, of scratch and of device variables."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rocverify.device.process.tracer import Tracer
from rocverify.errors import ContractError
from rocverify.oracle.case import plan_cases
from rocverify.oracle.contract import (
    F32,
    F64,
    I32,
    U32,
    U64,
    ContractSpec,
    Dims,
    In,
    InOut,
    Launch,
    Out,
    Scalar,
    Scratch,
    choices,
    contract,
)  # fmt: skip
from rocverify.oracle.inputs import Kind
from rocverify.oracle.poison import Poison, poisoned
from rocverify.oracle.ulp import ulp_of
from rocverify.oracle.verify import DTypeReport, Plan, verify_dtype
from tests.devices import emulated
from tests.fakes.declaring import declare
from tests.fakes.hip_device import FakeSession
from tests.toolchain.support import find_toolchain

Make = Callable[..., FakeSession]
WRAPPER = "m:run"

SOURCE = """#include <hip/hip_runtime.h>
__constant__ unsigned factor;
extern "C" __global__ void partial(const unsigned *in, unsigned *sums, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) sums[i] = in[i] * factor;
}
extern "C" __global__ void total(const unsigned *sums, unsigned *out, int n) {
  unsigned sum = 0;
  for (int i = 0; i < n; i++) sum += sums[i];
  out[0] = sum;
}
"""


def wrapper_of(session_box: list[FakeSession], kernel: Any) -> Any:
    """A wrapper that launches `k` and hands the pointers to `kernel(hip, ...)`."""

    def run(*arguments: Any) -> None:
        hip = session_box[0].hip
        _, module = hip.hipModuleLoadData(b"code")
        _, function = hip.hipModuleGetFunction(module, b"k")
        pointers = tuple(ctypes.c_void_p(int(a)) for a in arguments)
        hip.hipModuleLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, None, None, pointers)

    return run


def verified(make_session: Make, spec: ContractSpec, kernel: Any) -> DTypeReport:
    box: list[FakeSession] = []
    session = make_session({"k": kernel}, {WRAPPER: wrapper_of(box, kernel)})
    box.append(session)
    return verify_dtype(spec, session, spec.dtypes[0], Plan(3, 6))


@contract(source="k.hip", symbol="k", wrapper=WRAPPER)
class Doubled:
    x = In("4", U64)
    out = Out("4", U64)
    dims = Dims()

    def prepare(self, rng: Any) -> dict[str, Any]:
        return {"x": rng.integers(2**62, 2**63, 4, dtype=np.uint64)}

    def call(self, wrapper: Any, arrays: Any) -> None:
        wrapper(arrays.x, arrays.out)

    def reference(self, x: Any) -> Any:
        return x * np.uint64(2)


def doubling(error: int) -> Any:
    def kernel(hip: Any, x: int, out: int) -> None:
        hip.array(out, (4,), np.uint64)[:] = hip.array(x, (4,), np.uint64) * np.uint64(2)
        hip.array(out, (4,), np.uint64)[3] += np.uint64(error)

    return kernel


def test_integers_of_64_bits_are_compared_without_rounding(make_session: Make) -> None:
    assert verified(make_session, Doubled, doubling(0)).failures == ()  # type: ignore[arg-type]
    report = verified(make_session, Doubled, doubling(1))  # type: ignore[arg-type]
    assert "1 of 4 elements of out are wrong, the first at [3]" in report.failures[0].message
    worst = report.worst("abs")
    assert worst is not None
    assert worst[0].error == 1.0
    assert report.worst("ulp") is None
    assert {c.name for c in report.controls if c.discriminates} >= {"zeros", "a constant", "untouched"}


def test_a_reference_outside_the_integer_type_is_the_contracts_error(make_session: Make) -> None:
    @contract(source="k.hip", symbol="k", wrapper=WRAPPER)
    class Wide:
        x = InOut("4", I32)
        dims = Dims()

        def prepare(self) -> dict[str, Any]:
            return {"x": np.arange(4)}

        def call(self, wrapper: Any, arrays: Any) -> None:
            wrapper(arrays.x)

        def reference(self, x: Any) -> Any:
            return x.astype(np.int64) + 2**40

    with pytest.raises(ContractError, match="values that are not int32"):
        verified(make_session, Wide, lambda *_: None)  # type: ignore[arg-type]


@contract(source="k.hip", symbol="k", wrapper=WRAPPER)
class AnyOrder:
    """The even elements of x, in any order, after their count."""

    x = In("n", I32)
    out = Out("n", I32)
    count = Out("1", I32)
    dims = Dims(n=choices(8, 32))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"x": rng.permutation(dims.n)}

    def call(self, wrapper: Any, arrays: Any) -> None:
        wrapper(arrays.x, arrays.out, arrays.count)

    def reference(self, x: Any) -> Any:
        even = x[x % 2 == 0]
        return np.concatenate([even, np.zeros(len(x) - len(even), int)]), [len(even)]

    def canonical(self, out: Any, count: Any, n: int) -> Any:
        held = out[: max(0, min(int(count[0]), n))]
        return np.concatenate([np.sort(held), np.zeros(n - len(held), out.dtype)]), count


def picking(change: Callable[[Any], Any]) -> Any:
    def kernel(hip: Any, x: int, out: int, count: int) -> None:
        size = hip.view(x, 8 * 4).size // 4
        size = next(n for n in (32, 8) if _holds(hip, x, n))
        given = hip.array(x, (size,), np.int32)
        found = change(given[given % 2 == 0])
        hip.array(out, (len(found),), np.int32)[:] = found
        hip.array(count, (1,), np.int32)[0] = len(found)

    return kernel


def _holds(hip: Any, address: int, count: int) -> bool:
    try:
        seen = hip.array(address, (count,), np.int32)
    except AssertionError:
        return False
    return sorted(seen.tolist()) == list(range(count))


def test_a_free_order_is_compared_in_its_canonical_form(make_session: Make) -> None:
    for order in (lambda a: a, lambda a: a[::-1], np.sort):
        report = verified(make_session, AnyOrder, picking(order))  # type: ignore[arg-type]
        assert report.failures == ()
        assert report.shortcomings == ()
        assert report.ghost is not None
        assert report.ghost.rejected
    for wrong in (lambda a: a[1:], lambda a: a + 1):
        assert verified(make_session, AnyOrder, picking(wrong)).failures  # type: ignore[arg-type]


def test_integer_poison_differs_from_small_numbers_and_between_its_kinds() -> None:
    for dtype in (I32, U32, U64):
        low, high = (int(poisoned((1,), dtype, poison)[0]) for poison in (Poison.NAN, Poison.HUGE))
        assert low != high
        assert min(abs(low), high) > 2**30


def test_an_array_may_have_the_name_of_a_mapping_method() -> None:
    seen: list[Any] = []
    spec = declare(keys=In("n", F32), call=lambda self, arrays: seen.append(arrays.keys))
    spec.call(None, {"x": 1, "keys": 2}, {"n": 3}, F32)
    assert seen == [2]


def test_a_contract_may_limit_the_kinds_of_values() -> None:
    spec = declare(kinds=(Kind.PLAIN, Kind.HEAVY))
    assert {case.kind for case in plan_cases(spec, F32, 8, 1)} == {Kind.PLAIN, Kind.HEAVY}
    assert len({case.kind for case in plan_cases(declare(), F32, 8, 1)}) == 6


@pytest.mark.parametrize(("value", "unit"), [(1.0, 2.0**-52), (5e-324, 5e-324), (2.0**1023, 2.0**971)])
def test_an_ulp_of_float64(value: float, unit: float) -> None:
    assert float(ulp_of(-value, F64)) == unit
    assert float(ulp_of(np.inf, F64)) == 2.0**971


@pytest.mark.parametrize(("ulps", "passes"), [(1, True), (4, False)])
def test_float64_outputs_are_held_to_the_declared_rounding(
    make_session: Make, ulps: int, passes: bool
) -> None:
    @contract(source="k.hip", symbol="k", wrapper=WRAPPER)
    class Negated:
        x = InOut("4", F64)
        dims = Dims()
        rounding = {F64: 1.0}
        compute = F64

        def call(self, wrapper: Any, arrays: Any) -> None:
            wrapper(arrays.x)

        def reference(self, x: Any) -> Any:
            return -x

    def kernel(hip: Any, x: int) -> None:
        values = hip.array(x, (4,), np.float64)
        with np.errstate(all="ignore"):
            values[:] = -(values + ulps * np.where(np.isfinite(values), np.spacing(values), 0))

    assert (verified(make_session, Negated, kernel).failures == ()) is passes  # type: ignore[arg-type]


@contract(source="sums.hip", symbol="total")
class Sums:
    """Two launches through scratch, scaled by a device variable."""

    x = In("n", U32)
    sums = Scratch("n", U32)
    out = Out("1", U32)
    dims = Dims(n=choices(1, 40, 70))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"x": rng.integers(1, 2**32, dims.n, dtype=np.uint32)}

    def launch(self, arrays: Any, dims: Any) -> tuple[Launch, ...]:
        n = ctypes.c_int32(dims.n)
        factor = {"factor": np.array(3, np.uint32)}
        grid = (-(-dims.n // 32), 1, 1)
        first = (arrays.x, arrays.sums, n)
        return (
            Launch(grid, (32, 1, 1), first, symbol="partial", variables=factor),
            Launch((1, 1, 1), (1, 1, 1), (arrays.sums, arrays.out, n)),
        )

    def reference(self, x: Any) -> Any:
        return [3 * int(x.astype(object).sum()) % 2**32]


@pytest.fixture
def emulator_session(tmp_path: Path) -> Iterator[Any]:
    toolchain = find_toolchain("clang-19")
    with emulated(toolchain, tmp_path / "translations", root=tmp_path, threads=1) as device:
        tracer = Tracer(device)
        with tracer.install():
            yield FakeSession(device, tracer, tmp_path, {})


@pytest.mark.long
def test_several_launches_share_scratch_and_device_variables(emulator_session: Any, tmp_path: Path) -> None:
    from rocverify.toolchain.build import Builder
    from rocverify.toolchain.manifest import ManifestEntry

    (tmp_path / "sums.hip").write_text(SOURCE)
    built = Builder(tmp_path, find_toolchain("clang-19"), tmp_path / "cache").build(
        ManifestEntry("sums.hip", (), "SUMS", flags=("-O1",)), "gfx1100"
    )
    report = verify_dtype(Sums, emulator_session, U32, Plan(1, 4, code_object=built.path))  # type: ignore[arg-type]
    assert report.failures == ()
    assert report.shortcomings == ()
    assert len(report.cases) == 3
    events = report.verdicts[0].judged.run.events
    kernels = [e.kernel for e in events if e.function == "hipModuleLaunchKernel"]
    assert kernels == ["partial", "total"]


@pytest.mark.parametrize(("more", "scale"), [({}, 3.0), ({"scale": Scalar(F32, 0.0, 9.0)}, 2.0)])
def test_what_has_a_default_need_not_be_among_the_arrays(more: dict[str, Any], scale: float) -> None:
    def reference(self: Any, x: Any, scale: float = 3.0) -> Any:
        return x * scale

    spec = declare(reference=reference, **more)
    values = {"x": np.ones(8, np.float32), **dict.fromkeys(more, np.float32(2.0))}
    assert spec.reference(values, {"n": 8})["x"].tolist() == [scale] * 8
