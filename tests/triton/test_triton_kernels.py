"""Kernels that Triton compiled for four GPUs, on the emulator, against NumPy and under the sanitizer."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from triton_cases import CASES, Case

import rocverify
from rocverify.device.emulator.isa.targets import TARGETS

WANTED = ("gfx1100", "gfx1201", "gfx942", "gfx950")
FAST = ("add", "softmax", "sort", "histogram", "matmul_f16", "matmul_fp8_e4m3", "attention_f16")
"""What the fast suite has of gfx1100; of the other targets it has the first two."""


def _case(name: str, target: str) -> Any:
    fast = name in (FAST if target == "gfx1100" else FAST[:2])
    reason = f"the emulator does not run {target} yet"
    marks = [*([] if fast else [pytest.mark.long]), pytest.mark.skipif(target not in TARGETS, reason=reason)]
    return pytest.param(name, target, marks=marks, id=f"{name}-{target}")


@pytest.mark.parametrize(("name", "target"), [_case(name, target) for target in WANTED for name in CASES])
def test_as_numpy_has_it(name: str, target: str, compile_case: Callable[[Case, str], Any]) -> None:
    case = CASES[name]
    module = rocverify.load(compile_case(case, target), sanitize=True)
    kernel = module[case.kernel]
    arguments, grid, expected = case.make(np.random.default_rng(zlib.crc32(name.encode())))
    kernel[tuple(grid)](*arguments)
    assert kernel.findings == []
    assert module.device.target == target
    for place, wanted in expected.items():
        found = np.asarray(arguments[place]).astype(np.float64)
        assert found.shape == np.shape(wanted)
        limit = case.close * np.abs(wanted).max()
        assert np.abs(found - wanted).max() <= limit, f"argument {place} of {case.kernel}"
