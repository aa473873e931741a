"""Which arrays a kernel has in LDS, read from debug information."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.device.emulator.load.lds_arrays import LdsArray, lds_arrays
from rocverify.store.content_cache import ContentCache
from rocverify.toolchain.build import Builder
from rocverify.toolchain.codeobject import read_code_object
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry

SOURCE = """
#include <hip/hip_runtime.h>
struct pair { float first, second; };
extern "C" __global__ void three(const float* x, float* y) {
  __shared__ pair small[3];
  __shared__ double grid[4][8];
  __shared__ char one;
  const int t = threadIdx.x;
  if (t < 3) small[t] = {x[t], x[t + 1]};
  if (t < 32) grid[t / 8][t % 8] = x[t];
  if (t == 0) one = 5;
  __syncthreads();
  y[t] = small[t % 3].second + (float)grid[t % 4][t % 8] + one;
}
extern "C" __global__ void gap(const float* x, float* y) {
  __shared__ float first[5], second[5], one[3];
  const int t = threadIdx.x;
  first[t % 5] = x[t];
  second[t % 5] = x[t + 1];
  one[t % 3] = 3;
  __syncthreads();
  y[t] = first[(t + 1) % 5] + second[(t + 2) % 5] + one[t % 2];
}
extern "C" __global__ void drawn(float* y) {
  extern __shared__ float any[];
  any[threadIdx.x] = y[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = any[31 - threadIdx.x];
}
"""


def compiled(folder: Path, toolchain: Toolchain, flag: str) -> bytes:
    (folder / "k.hip").write_text(SOURCE, encoding="utf-8")
    entry = ManifestEntry("k.hip", (), "K", flags=("-O3", flag))
    return Builder(folder, toolchain, folder / "cache").build(entry, "gfx1100").path.read_bytes()


@pytest.fixture(scope="module")
def code(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return compiled(tmp_path_factory.mktemp("arrays"), toolchain, "-g")


def arrays(code: bytes, kernel: str) -> tuple[LdsArray, ...]:
    return lds_arrays(code, kernel, read_code_object(code, "k").kernels[kernel].lds_bytes)


def test_arrays_of_all_sorts_lie_where_the_compiler_puts_them(code: bytes) -> None:
    assert arrays(code, "three") == (
        LdsArray("grid", 0, 256),
        LdsArray("small", 256, 24),
        LdsArray("one", 280, 1),
    )


def test_of_dynamic_lds_nothing_is_known(code: bytes) -> None:
    assert arrays(code, "drawn") == ()


def test_of_what_may_lie_in_a_gap_nothing_is_said(code: bytes) -> None:
    assert arrays(code, "gap") == ()


def test_another_sum_than_the_kernels_says_nothing(code: bytes) -> None:
    assert lds_arrays(code, "three", 512) == ()


@pytest.mark.long
def test_line_tables_alone_tell_nothing(tmp_path: Path, toolchain: Toolchain) -> None:
    assert arrays(compiled(tmp_path, toolchain, "-gline-tables-only"), "three") == ()


def test_what_debug_information_tells_is_kept(code: bytes, tmp_path: Path) -> None:
    size = read_code_object(code, "k").kernels["three"].lds_bytes
    wanted, kept = arrays(code, "three"), ContentCache(tmp_path)
    assert lds_arrays(code, "three", size, kept) == wanted
    assert [one for one in tmp_path.rglob("*") if one.is_file()]
    assert lds_arrays(code, "three", size, ContentCache(tmp_path)) == wanted
