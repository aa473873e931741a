"""Padding of structs that are copied: bytes that nobody writes go along and decide nothing."""

from __future__ import annotations

import numpy as np
import pytest

import rocverify
from rocverify.device.by_hand.device import Module

SOURCE = """\
#include <hip/hip_runtime.h>
struct Hit { unsigned char kind; int index; float distance; };
extern "C" __global__ void right(const float* x, Hit* y) {
  __shared__ Hit hits[32];
  const int lane = threadIdx.x;
  hits[lane].kind = 1, hits[lane].index = lane, hits[lane].distance = x[lane];
  __syncthreads();
  y[lane] = hits[31 - lane];
}
extern "C" __global__ void lacks_a_field(const float* x, Hit* y) {
  __shared__ Hit hits[32];
  const int lane = threadIdx.x;
  hits[lane].kind = 1, hits[lane].distance = x[lane];
  __syncthreads();
  y[lane] = hits[31 - lane];
}
extern "C" __global__ void computes(const float* x, int* y) {
  __shared__ uchar4 parts[32];
  const int lane = threadIdx.x;
  parts[lane].x = 1, parts[lane].z = x[lane];
  __syncthreads();
  y[lane] = *reinterpret_cast<int*>(&parts[31 - lane]) + 1;
}
extern "C" __global__ void moves_on(const Hit* x, Hit* y) { y[threadIdx.x] = x[31 - threadIdx.x]; }
extern "C" __global__ void looks(const int* x, int* y) { y[threadIdx.x] = x[3 * threadIdx.x] > 0; }
"""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Module:
    source = tmp_path_factory.mktemp("padding") / "hits.hip"
    source.write_text(SOURCE)
    return rocverify.load(source, sanitize=True)


@pytest.mark.parametrize(("name", "found"), [("right", 0), ("lacks_a_field", 1), ("computes", 1)])
def test_padding_is_no_field(name: str, found: int, kernels: Module) -> None:
    kernel, x = kernels[name], np.arange(32, dtype=np.float32)
    kernel[(1, 1, 1), (32, 1, 1)](x, kernels.device.empty(96, np.int32))
    assert [one.kind for one in kernel.findings] == ["uninitialized"] * found


def test_padding_in_global_memory_is_copied_on_and_found_where_it_decides(kernels: Module) -> None:
    x, hits, others = np.arange(32, dtype=np.float32), *(kernels.device.empty(96, np.int32) for _ in range(2))
    kernels["right"][(1, 1, 1), (32, 1, 1)](x, hits)
    kernels["moves_on"][(1, 1, 1), (32, 1, 1)](hits, others)
    assert kernels["moves_on"].findings == []
    kernels["looks"][(1, 1, 1), (32, 1, 1)](others, kernels.device.empty(32, np.int32))
    assert [one.kind for one in kernels["looks"].findings] == ["uninitialized"]
