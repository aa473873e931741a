"""Processors of RDNA 3.5 that a compiler at hand knows, or does not know yet, run the same code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rocverify
from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry

SOURCE = """#include <hip/hip_runtime.h>
extern "C" __global__ void scale(float* x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] = x[i] * 3.0f + 0.5f;
}
"""
FLAGS_AT, NAME = 48, "gfx1152"


@pytest.mark.parametrize("target", [NAME, "gfx1153"])
def test_a_processor_of_rdna_35_runs(target: str, toolchain: Toolchain, tmp_path: Path) -> None:
    (tmp_path / "k.hip").write_text(SOURCE)
    built = Builder(tmp_path, toolchain, tmp_path / "cache").build(
        ManifestEntry("k.hip", ("scale",), "K"), NAME
    )
    code = bytearray(built.path.read_bytes())
    assert code[FLAGS_AT] == PROCESSORS[NAME].machine
    code[FLAGS_AT] = PROCESSORS[target].machine
    (tmp_path / "k.co").write_bytes(bytes(code).replace(NAME.encode(), target.encode()))
    x = np.arange(100, dtype=np.float32)
    kernel = rocverify.load(tmp_path / "k.co", target=target, sanitize=True)["scale"]
    kernel[2, 64](x, 100)
    assert np.array_equal(x, np.arange(100, dtype=np.float32) * 3 + np.float32(0.5))
    assert kernel.findings == []
