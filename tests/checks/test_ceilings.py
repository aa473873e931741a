"""Ceilings: the kernels do exactly the work that is divided by their time; calls are held against them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from rocverify.checks.context import CheckContext
from rocverify.checks.kinds.performance import Timing
from rocverify.checks.registry import CHECKS
from rocverify.checks.support.attained import Attained
from rocverify.checks.support.ceilings import (
    ARITHMETIC,
    CHAINS,
    COPY,
    FACTOR,
    TERM,
    THREADS,
    Ceilings,
    Workload,
    built_for,
    ceilings_of,
    measure_ceilings,
    workload_for,
)
from rocverify.checks.support.measuring import Timed
from rocverify.device.base import DeviceInfo
from rocverify.errors import DeviceError
from rocverify.records import CheckVerdict
from rocverify.settings import Settings
from rocverify.subject.launch_session import LaunchSession
from rocverify.subject.session import Subject
from tests.checks.conftest import Project

SMALL = Workload(copy_bytes=3 * 4096 + 16, workgroups=2, rounds=32, repeats=3)
ITEMS = SMALL.workgroups * THREADS


@pytest.fixture
def context(repo_root: Path, own_cache: Path) -> Iterator[CheckContext]:
    made = CheckContext(repo_root, Settings(device="emulator", cache_dir=str(own_cache)), seed=1)
    yield made
    made.close()


WRAPPED = "rope_kernel"
"""What a wrapper launches through hip-python itself, past the harness."""


class Clocked:
    """An emulator as a GPU whose events tell, for each kernel, the milliseconds that a test decides."""

    kind = "amd"
    name = "a GPU of the test's"

    def __init__(self, device: Any, milliseconds: Mapping[str, float]) -> None:
        self._device, self._milliseconds, self._last = device, milliseconds, WRAPPED
        details = {"multiprocessors": 3, "global_memory_bytes": 8 * 8192}
        self.info = DeviceInfo("amd", self.name, device.target, device.target, "test", details=details)
        self.hip = self

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__["_device"]
        return getattr(own if hasattr(own, name) else own.hip, name)

    def hipModuleLaunchKernel(self, function: Any, *rest: Any) -> Any:  # noqa: N802 - HIP's name
        self._last = str(self._device.hip.hipKernelNameRef(function)[1])
        return self._device.hip.hipModuleLaunchKernel(function, *rest)

    def hipEventElapsedTime(self, *_: Any) -> Any:  # noqa: N802 - HIP's name
        last, self._last = self._last, WRAPPED
        return self._device.hip.hipError_t.hipSuccess, self._milliseconds.get(last, 1.0)


@pytest.mark.long
def test_every_kernel_does_exactly_the_work_that_is_counted_for_it(context: CheckContext) -> None:
    with context.launching("counters") as session:
        measured = measure_ceilings(session.device, built_for(context), SMALL)
        log = session.device.take_counters()
        by_kernel = dict(log)
    assert set(by_kernel) == {COPY, *ARITHMETIC}
    assert len(log) == len(by_kernel) * (2 + SMALL.repeats)
    assert by_kernel[COPY].global_bytes == 2 * SMALL.copy_bytes
    for name, one in ARITHMETIC.items():
        flops = {kind: n for kind, n in by_kernel[name].to_json()["flops"].items() if n}
        assert flops == {one.dtype: ITEMS * SMALL.rounds * one.operations}, name
        assert by_kernel[name].global_bytes == ITEMS * one.stored_bytes
    # gfx11 issues two float32 operations at once: half of that would be no ceiling.
    pairs = ITEMS // 32 * SMALL.rounds * CHAINS // 2
    assert by_kernel["ceiling_f32"].to_json()["instructions"]["vopd"] == pairs
    assert measured.copy_gb_per_s > 0
    assert set(measured.gflop_per_s) == set(ARITHMETIC)


def launched(session: LaunchSession, image: bytes, symbol: str, size: int, *arguments: Any) -> bytes:
    """What a kernel leaves in `size` bytes of memory, its first argument."""
    hip = session.device.hip
    _, module = hip.hipModuleLoadData(image)
    _, function = hip.hipModuleGetFunction(module, symbol.encode())
    _, memory = hip.hipMalloc(size)
    given = (ctypes.c_void_p(int(memory)), *arguments)
    grid = (SMALL.workgroups, 1, 1)
    (code,) = hip.hipModuleLaunchKernel(function, *grid, THREADS, 1, 1, 0, None, None, given)
    assert int(code) == 0
    left = np.empty(size, np.uint8)
    hip.hipMemcpy(left, memory, size, hip.hipMemcpyKind.hipMemcpyDeviceToHost)
    hip.hipFree(memory)
    return left.tobytes()


@pytest.mark.drawn(2, fast=2)
@pytest.mark.parametrize("symbol", list(ARITHMETIC))
def test_the_chains_compute_what_they_say(context: CheckContext, symbol: str) -> None:
    """Nothing was left out by the compiler: each round shows in the end of each chain."""
    one, rounds = ARITHMETIC[symbol], ctypes.c_uint32(SMALL.rounds)
    given: list[Any] = [ctypes.c_float(FACTOR), ctypes.c_float(TERM)]
    if one.matrix is not None:
        given = [ctypes.c_uint32(one.matrix)]
    with context.launching() as session:
        image = built_for(context).path.read_bytes()
        left = launched(session, image, symbol, ITEMS * one.stored_bytes, *given, rounds)
    start = np.tile(np.arange(THREADS * CHAINS), SMALL.workgroups)
    if one.matrix is not None:
        ends = np.frombuffer(left, np.float32)
        np.testing.assert_array_equal(ends, np.full(ends.size, 16.0 * SMALL.rounds, np.float32))
    elif symbol == "ceiling_f16":
        chain = np.repeat(start, 2).astype(np.float16)
        for _ in range(SMALL.rounds):
            chain = chain * np.float16(FACTOR) + np.float16(TERM)
        np.testing.assert_array_equal(np.frombuffer(left, np.float16), chain)
    else:
        ends = np.frombuffer(left, np.float32 if symbol == "ceiling_f32" else np.float64)
        np.testing.assert_array_equal(ends, start + SMALL.rounds * FACTOR * TERM)


def test_the_copy_copies_every_byte(context: CheckContext) -> None:
    source = np.random.default_rng(2).integers(0, 256, SMALL.copy_bytes, np.uint8)
    with context.launching() as session:
        hip = session.device.hip
        _, memory = hip.hipMalloc(source.nbytes)
        hip.hipMemcpy(memory, source, source.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)
        image = built_for(context).path.read_bytes()
        _, module = hip.hipModuleLoadData(image)
        _, function = hip.hipModuleGetFunction(module, COPY.encode())
        _, target = hip.hipMalloc(source.nbytes)
        pointers = (ctypes.c_void_p(int(memory)), ctypes.c_void_p(int(target)))
        given = (*pointers, ctypes.c_uint64(source.nbytes // 16))
        (code,) = hip.hipModuleLaunchKernel(function, 2, 1, 1, THREADS, 1, 1, 0, None, None, given)
        assert int(code) == 0
        copied = np.empty_like(source)
        hip.hipMemcpy(copied, target, source.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost)
    np.testing.assert_array_equal(copied, source)


def test_ceilings_are_medians_of_event_times_measured_once_a_device(context: CheckContext) -> None:
    times = {COPY: 2.0, "ceiling_f32": 4.0, "ceiling_f16": 4.0, "ceiling_matrix_f16": 8.0}
    clocked = Clocked(context.device, times)
    context.__dict__["device"] = clocked
    work = workload_for(clocked)  # type: ignore[arg-type]
    assert (work.copy_bytes, work.workgroups, work.rounds % 16) == (8192, 96, 0)
    found = measure_ceilings(clocked, built_for(context), SMALL)  # type: ignore[arg-type]
    assert found.device == clocked.name
    assert found.copy_gb_per_s == pytest.approx(2 * SMALL.copy_bytes / 2e-3 / 1e9)
    operations = ITEMS * SMALL.rounds * 2 * CHAINS
    assert found.of("f32") == pytest.approx(operations / 4e-3 / 1e9)
    assert found.of("f64") == pytest.approx(operations / 1e-3 / 1e9)
    # The faster of the two kernels that there are for float16.
    assert found.of("f16") == pytest.approx(ITEMS * SMALL.rounds * 1024 / 8e-3 / 1e9)
    context.__dict__["device"] = Clocked(clocked._device, dict.fromkeys((COPY, *ARITHMETIC), 0.0))
    with pytest.raises(DeviceError, match="ceiling_copy took no time"):
        measure_ceilings(context.device, built_for(context), SMALL)


def test_a_type_without_a_kernel_is_computed_in_float32() -> None:
    found = Ceilings("old GPU", 500.0, {"ceiling_f32": 1000.0, "ceiling_f64": 500.0, "ceiling_f16": 2000.0})
    assert (found.of("f16"), found.of("bf16"), found.of("f64")) == (2000.0, 1000.0, 500.0)
    assert found.seconds({"f16": 2e12, "f64": 1e12}) == pytest.approx(1.0 + 2.0)


def test_what_is_attained_in_parts_of_the_ceilings() -> None:
    timed = Timed(1000.0, 990.0, 1010.0, 250.0, 5)
    one = Attained(
        timed,
        {"f32": 3e8, "f16": 4e8},
        Ceilings("GPU", 1000.0, {"ceiling_f32": 1000.0, "ceiling_f16": 2000.0}),
    )
    assert one.bandwidth_part == pytest.approx(0.25)
    assert one.compute_part == pytest.approx(0.3 + 0.2)
    assert one.gflop_per_s == pytest.approx(700)
    assert list(one.beyond(0.25, 0.5)) == []
    assert [text.split(" is attained")[0] for text in one.beyond(0.3, 0.6)] == [
        "0.25 of the bandwidth of a copy",
        "0.5 of the rate of multiply-adds",
    ]
    assert one.to_json()["ceilings"]["copy_gb_per_s"] == 1000.0


def test_a_performance_check_on_a_gpu_tells_what_is_attained(
    rope: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The device is the emulator with the clock of this test; counts, launches and results are real."""
    dims = {"seq": 6, "heads": 4, "head_dim": 64}
    arrays = 6 * 4 * 64 * 4 + 2 * 6 * 32 * 4
    made = CheckContext(rope.root, rope.settings, seed=11)
    rope._contexts.append(made)
    made.__dict__["device"] = Clocked(made.device, {COPY: 0.5, "ceiling_f32": 2.0})
    monkeypatch.setattr("rocverify.checks.support.ceilings.workload_for", lambda _: SMALL)
    timed = Subject.timed

    def with_the_clock(subject: Subject, *call: Any) -> list[float]:
        found = timed(subject, *call)
        assert all(one > 0 for one in found)
        return [0.25] * len(found)

    monkeypatch.setattr(Subject, "timed", with_the_clock)
    ceilings = ceilings_of(made)
    assert ceilings_of(made) is ceilings
    check = CHECKS["performance"]

    def outcome(**time: Any) -> Any:
        params = {"contract": "kernels.contracts.rope:Rope", "dims": dims, "time": {"repeats": 5, **time}}
        return check.run(check.params(**params), made)

    passed = outcome(min_compute_part=1e-9)
    assert passed.verdict is CheckVerdict.PASSED, passed.message
    told = passed.evidence["attained"]
    # Two products and a sum for each of the two numbers of a pair, as fused operations or not.
    assert told["flops"] == {"f32": pytest.approx(6 * 4 * 32 * 6)}
    assert told["gb_per_s"] == pytest.approx(arrays / 0.25e-3 / 1e9)
    assert told["bandwidth_part"] == pytest.approx(told["gb_per_s"] / ceilings.copy_gb_per_s)
    assert told["ceilings"]["device"] == "a GPU of the test's"
    assert "that a copy reaches" in passed.message
    failed = outcome(min_bandwidth_part=1.0, min_compute_part=1.0, flops={"f32": 1e3})
    assert failed.verdict is CheckVerdict.FAILED
    assert [f.message.split(" is attained")[0].split(" of ", 1)[1] for f in failed.findings] == [
        "the bandwidth of a copy",
        "the rate of multiply-adds",
    ]
    assert failed.evidence["attained"]["flops"] == {"f32": 1e3}


@pytest.mark.parametrize(
    "limits", [{"min_compute_part": 1.5}, {"min_bandwidth_part": 0}, {"flops": {"int8": 4}}, {"flops": {}}]
)
def test_limits_that_no_device_meets_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Timing(**limits)


def test_a_time_that_is_not_required_is_said_not_to_be_taken_without_a_gpu(rope: Project) -> None:
    limits = {"max": {"launches": 1}, "time": {"required": False, "max_median_us": 1e-9}}
    outcome = rope.check("performance", contract="kernels.contracts.rope:Rope", **limits)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert "no device time: the run has the emulator" in outcome.message
    assert "emulator" in outcome.evidence["time_not_taken"]
    assert "time" not in outcome.evidence
    with pytest.raises(ValidationError, match="nothing is decided"):
        CHECKS["performance"].params(contract="kernels.contracts.rope:Rope", time={"required": False})
