"""Whether waves of a kernel may meet, by its machine code."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.device.emulator.isa.meeting import waves_may_meet
from tests.device.emulator.compiling import compiled

KERNELS = """\
#include <hip/hip_runtime.h>
extern "C" __global__ void k(float* x, volatile float* v, int* n) {
  __shared__ float tile[64];
  int i = threadIdx.x;
  %s
}
"""


@pytest.mark.parametrize(
    ("code", "meet"),
    [
        ("tile[i] = x[i]; __syncthreads(); x[i] = tile[63 - i] + __shfl_xor(x[i], 1);", False),
        ("atomicAdd(&x[0], x[i]);", True),
        ("tile[i] = 0; __syncthreads(); atomicAdd(&tile[0], x[i]); __syncthreads(); x[i] = tile[0];", True),
        ("atomicMax(n, i);", True),
        ("x[i] = v[0];", True),
        ("while (!__atomic_load_n(n, __ATOMIC_ACQUIRE)); x[i] = 1;", True),
    ],
)
def test_what_may_depend_on_how_far_another_wave_is(code: str, meet: bool, tmp_path: Path) -> None:
    source = tmp_path / "k.hip"
    source.write_text(KERNELS % code)
    assert waves_may_meet(compiled(tmp_path, source, "clang-19", "-O3"), "gfx1100") is meet


def test_where_code_cannot_be_decoded_nothing_is_promised() -> None:
    assert waves_may_meet(b"no code object", "gfx1100")
    assert waves_may_meet(b"", "gfx90a")
