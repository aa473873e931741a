"""Mistakes in Triton kernels are told with the line of Python; other objects than of AMD GPUs are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from triton_cases import CASES, Case

import rocverify
from rocverify.errors import DeviceFaultError, UsageError, WrongTargetError

SOURCE = Path(__file__).parent / "kernels" / "sabotaged.py"
CompileCase = Callable[[Case, str], Any]


def line_of(mark: str) -> str:
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    return f"sabotaged.py:{next(n for n, text in enumerate(lines, 1) if mark in text)}"


def _case(kernel: str, kind: str) -> Case:
    signature = {"x": kind, "out": kind, "n": "i32"}
    return Case("sabotaged", kernel, signature, lambda _: ((), (), {}), constants={"BLOCK": 128})


def test_a_store_without_its_mask_is_a_fault_in_its_line(compile_case: CompileCase) -> None:
    kernel = rocverify.load(compile_case(_case("unmasked", "*fp32"), "gfx1100"))["unmasked"]
    x = np.ones(100, np.float32)
    with pytest.raises(DeviceFaultError) as caught:
        kernel[1](x, np.zeros_like(x), 100)
    assert line_of("beyond out") in str(caught.value)


def test_counting_without_atomics_is_a_race_in_its_line(compile_case: CompileCase) -> None:
    kernel = rocverify.load(compile_case(_case("racing", "*i32"), "gfx1100"), sanitize=True)["racing"]
    kernel[3](np.zeros(300, np.int32), np.zeros(4, np.int32), 300)
    assert {found.kind for found in kernel.findings} == {"race"}
    assert all(line_of("without atomics") in found.here.place for found in kernel.findings)


@pytest.mark.long
@pytest.mark.parametrize("target", ["gfx1100", "gfx1201", "gfx942"])
def test_products_of_what_was_never_written_are_found(target: str, compile_case: CompileCase) -> None:
    """By the whole way through LDS and matrix instructions."""
    module = rocverify.load(compile_case(CASES["matmul_f16"], target), sanitize=True)
    written = module.device.array(np.ones((32, 32), np.float16))
    unwritten = module.device.empty((32, 32), np.float16)
    kernel = module["matmul"]
    kernel[1, 1](written, written, np.zeros((32, 32), np.float32), 32, 32, 32)
    assert kernel.findings == []
    for factors in ((written, unwritten), (unwritten, written)):
        before = len(kernel.findings)
        kernel[1, 1](*factors, np.zeros((32, 32), np.float32), 32, 32, 32)
        found = kernel.findings[before:]
        assert {(one.kind, one.detail) for one in found} == {("uninitialized", "store")}


def test_what_triton_compiled_for_cuda_is_refused() -> None:
    compiled = SimpleNamespace(asm={"ptx": "//", "cubin": b"\x7fELF"}, metadata=SimpleNamespace(name="add"))
    with pytest.raises(UsageError, match="was compiled for an NVIDIA GPU") as caught:
        rocverify.load(compiled)
    assert "GPUTarget" in str(caught.value.hint)


def test_another_target_than_the_device_is_refused(compile_case: CompileCase) -> None:
    compiled = compile_case(_case("unmasked", "*fp32"), "gfx1100")
    with pytest.raises(WrongTargetError, match="gfx1201"):
        rocverify.load(compiled, target="gfx1201")
