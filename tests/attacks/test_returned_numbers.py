"""Calls that return a number: the kernel computes parts of it, or nothing."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import RunFiles
from tests.attacks.project import PHASE, manifest_text, plan_text

_KERNELS = """\
#include <hip/hip_runtime.h>

extern "C" __global__ void parts_kernel(const float* x, float* parts, unsigned count) {
  __shared__ float held[64];
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  held[threadIdx.x] = i < count ? x[i] : 0.0f;
  __syncthreads();
  if (threadIdx.x == 0) {
    float sum = 0;
    for (int k = 0; k < 64; ++k) sum += held[k];
    parts[blockIdx.x] = sum;
  }
}

extern "C" __global__ void copy_kernel(const float* x, float* parts, unsigned count) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < count) parts[i] = x[i];
}
"""
_WRAPPER = """\
import ctypes

import numpy as np
from rocm.bindings import hip

from kernels.gpu import checked, launch, pointer


def total(x, count):
    parts = np.empty({length}, np.float32)
    made = checked(hip.hipMalloc(parts.nbytes))
    launch("{symbol}", count, pointer(x), pointer(made), ctypes.c_uint32(count))
    checked(hip.hipMemcpy(parts, made, parts.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost))
    checked(hip.hipFree(made))
    return {result}
"""
_CONTRACT = """\
from rocverify.oracle.contract import F32, Dims, In, Returned, boundary, contract


@contract(source="kernels/affine.hip", symbol="{symbol}", wrapper="kernels.{name}:total")
class Total:
    x = In("count", F32)
    total = Returned("", F32)
    dims = Dims(count=boundary(1, 3000))

    def call(self, wrapper, arrays, dims):
        return wrapper(arrays.x, dims.count)

    def reference(self, x):
        return x.sum()

    def magnitude(self, x):
        return abs(x).sum()

    def wrong(self, x):
        return {{"the first left out": x[1:].sum(), "the last left out": x[:-1].sum()}}
"""
_SUM = "float(parts.astype(np.float64).sum())"
_CASES = {
    "parts_of_blocks": (
        "parts_kernel",
        "-(-count // 64)",
        _SUM,
        "verified",
        "agrees with the float64 reference",
    ),
    "twice_the_sum": (
        "parts_kernel",
        "-(-count // 64)",
        f"2 * {_SUM}",
        "failed",
        "elements of total are wrong",
    ),
    "summed_by_the_host": ("copy_kernel", "count", _SUM, "failed", "no kernel has computed them"),
}
"""The kernel, how much is read, what is returned; the verdict, and its words."""


def _files() -> dict[str, str]:
    files = {"kernels/affine.hip": _KERNELS}
    truths = []
    for name, (symbol, length, result, *_) in _CASES.items():
        files[f"kernels/{name}.py"] = _WRAPPER.format(symbol=symbol, length=length, result=result)
        files[f"kernels/contracts/{name}.py"] = _CONTRACT.format(symbol=symbol, name=name)
        check = {"check": "correctness", "contract": f"kernels.contracts.{name}:Total"}
        truths.append((f"What {name} returns agrees with the reference", check))
    manifest = manifest_text({"affine": ["parts_kernel", "copy_kernel"]})
    return {**files, "kernels/kernels.toml": manifest, f"{PHASE}/01-01-PLAN.md": plan_text(truths)}


@pytest.mark.long
@pytest.mark.parametrize("name", _CASES)
def test_a_number_that_is_returned(name: str, run_files: RunFiles) -> None:
    *_, verdict, words = _CASES[name]
    ran = run_files("returned_numbers", _files())
    tail = f"T{list(_CASES).index(name) + 1}"
    said = ran.said(tail)
    assert ran.verdict(tail) == verdict, said
    assert words in said
