"""What looking at a file takes: of 36,000 instructions, and of a million, from templates.

    make bench

Each round is `rocverify inspect` in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry

pytestmark = pytest.mark.exhaustive

TEMPLATE = """#include <hip/hip_runtime.h>
template<int W, typename T, int C> __global__ void k(T* x, const T* y, int n, float a) {
    __shared__ T s[256];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    T kept[W];
    for (int j = 0; j < W; j++) kept[j] = i * W + j < n ? y[i * W + j] : T(0);
    for (int r = 0; r < 4; r++) {
        s[threadIdx.x] = kept[r % W];
        __syncthreads();
        for (int j = 0; j < W; j++) {
            float f = (float)kept[j] * (a + C * 0.37f) + (float)s[(threadIdx.x + j * 7) & 255];
            kept[j] = T(expf(f) + sinf(f) * W);
        }
        __syncthreads();
    }
    for (int j = 0; j < W; j++) if (i * W + j < n) x[i * W + j] = kept[j];
}
"""
TYPES = ("float", "double", "int", "unsigned", "short", "long")
WIDTHS = range(1, 13)
EACH = 35_000
"""Instructions of the instances of one constant, about."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("constants", "rounds"), [(1, 7), (28, 2)], ids=["36000", "million"])
def test_inspection_of_a_file_of_templates(
    benchmark: Any, toolchain: Toolchain, tmp_path: Path, constants: int, rounds: int
) -> None:
    lines = [
        f"template __global__ void k<{width}, {name}, {constant}>({name}*, const {name}*, int, float);"
        for constant in range(constants)
        for name in TYPES
        for width in WIDTHS
    ]
    (tmp_path / "k.hip").write_text(TEMPLATE + "\n".join(lines))
    entry = ManifestEntry("k.hip", (), "K", flags=("-O3", "-gline-tables-only"))
    code = Builder(tmp_path, toolchain, tmp_path / "cache").build(entry, "gfx1100").path
    command = [sys.executable, "-m", "rocverify", "inspect", str(code)]
    said: list[str] = []

    def once() -> None:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=True)
        said.append(done.stdout)

    benchmark.pedantic(once, rounds=rounds)
    reached = sum(int(line.split()[1]) for line in said[0].splitlines() if line.endswith(" reached"))
    assert reached > EACH * constants
    benchmark.extra_info.update(instructions=reached)
