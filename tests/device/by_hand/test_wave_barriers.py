"""Lanes of a wave in strict mode: barriers of the wave order them, wherever the source has one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rocverify
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.wave_barriers import wave_barriers, with_symbols

SUM = """\
#include <hip/hip_runtime.h>
#define ORDERED __builtin_amdgcn_fence(__ATOMIC_RELEASE, "wavefront"); __builtin_amdgcn_wave_barrier(); \\
  __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "wavefront")
extern "C" __global__ void sum(const float* x, float* y) {
  __shared__ float part[32];
  const int lane = threadIdx.x;
  part[lane] = x[lane];
  ORDERED;
  for (int step = 16; step > 0; step >>= 1) {
    float more = lane < step ? part[lane + step] : 0.0f;
    BETWEEN;
    part[lane] += more;
    BEHIND;
  }
  y[lane] = part[0];
}
"""
ASSEMBLY = """\
\t.text
\t; wave barrier
\ts_nop 0
\t;#ASMSTART
\t; wave barrier
\t;#ASMEND
\ts_endpgm
"""


def findings(folder: Path, between: str, behind: str) -> set[str]:
    source = folder / "sum.hip"
    source.write_text(SUM.replace("BETWEEN", between).replace("BEHIND", behind))
    kernel = rocverify.load(source, strict=True)["sum"]
    x, y = np.arange(32, dtype=np.float32), np.zeros(32, np.float32)
    kernel[(1, 1, 1), (32, 1, 1)](x, y)
    assert y[0] == 496.0
    return {f"{one.kind} {one.detail}" for one in kernel.findings}


@pytest.mark.parametrize(
    ("between", "behind", "found"),
    [
        ("ORDERED", "ORDERED", set()),
        ("ORDERED", "", {"lockstep RAW"}),
        ("", "ORDERED", {"lockstep WAR"}),
    ],
    ids=["right", "one behind is missing", "one between is missing"],
)
def test_each_barrier_of_a_loop_orders_what_lies_on_its_two_sides(
    between: str, behind: str, found: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert findings(tmp_path, between, behind) == found


def test_a_comment_in_inline_assembly_is_none(toolchain: Toolchain) -> None:
    marked = with_symbols(ASSEMBLY, "gfx1100", toolchain)
    assert marked is not None
    assert len(wave_barriers(marked)) == 1
    assert with_symbols("\ts_endpgm\n", "gfx1100", toolchain) is None
