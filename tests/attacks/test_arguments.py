"""What a right wrapper may pass to its kernel beside the arrays of the contract."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import RunFiles
from tests.attacks.project import PHASE, contract_text, manifest_text, plan_text

_KERNELS = """\
#include <hip/hip_runtime.h>

__device__ float one[64] = {1.0f};

extern "C" __global__ void affine_kernel(const float* x, const float* shift, float* out, const float* bias,
                                         unsigned rows, unsigned cols) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols] + (bias ? bias[i % cols] : 0.0f);
}

extern "C" __global__ void scaled_kernel(const float* x, const float* shift, float* out, const float* scale,
                                         unsigned rows, unsigned cols) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i < rows * cols) out[i] = 2.0f * x[i] + shift[i % cols] * scale[0];
}
"""
_HEAD = """\
import ctypes
import os

import numpy as np
from rocm.bindings import hip

from kernels import gpu
from kernels.gpu import checked, launch, pointer

_kept = []


def passes(symbol, x, shift, out, more, rows, cols):
    arrays = pointer(x), pointer(shift), pointer(out), ctypes.c_void_p(more)
    launch(symbol, rows * cols, *arrays, ctypes.c_uint32(rows), ctypes.c_uint32(cols))


def module():
    path = os.environ["AFFINE_HSACO"]
    if path not in gpu._modules:
        with open(path, "rb") as file:
            gpu._modules[path] = checked(hip.hipModuleLoadData(file.read()))
    return gpu._modules[path]


def affine(x, shift, out, rows, cols):
"""
_ONE = """\
    if not _kept:
        _kept.append(int(checked({0})))
        one = np.ones(1, np.float32)
        checked(hip.hipMemcpy(_kept[0], one, 4, hip.hipMemcpyKind.hipMemcpyHostToDevice))
"""
_STYLES = {
    "nothing_for_an_optional_array": ("affine_kernel", "0", ""),
    "memory_of_an_earlier_call": ("scaled_kernel", "_kept[0]", _ONE.format("hip.hipMalloc(4)")),
    "pinned_memory_of_an_earlier_call": (
        "scaled_kernel",
        "_kept[0]",
        _ONE.format("hip.hipHostMalloc(4, 0)"),
    ),
    "a_variable_of_the_device": (
        "scaled_kernel",
        "_kept[0]",
        "    if not _kept:\n"
        '        _kept.append(int(checked(hip.hipModuleGetGlobal(module(), b"one"))[0]))\n',
    ),
}
"""The kernel, what is passed beside the arrays, and what is done before."""


def _files() -> dict[str, str]:
    truths, files = [], {}
    for name, (symbol, more, before) in _STYLES.items():
        call = f'    passes("{symbol}", x, shift, out, {more}, rows, cols)\n'
        files[f"kernels/{name}.py"] = _HEAD + before + call
        files[f"kernels/contracts/{name}.py"] = contract_text(name, symbol)
        wrapper = {"wrapper": f"kernels.{name}:affine", "source": "kernels/affine.hip", "symbol": symbol}
        contract = {"contract": f"kernels.contracts.{name}:Affine"}
        truths += [
            (f"What {name} returns agrees with the reference", {"check": "correctness", **contract}),
            (f"affine launches {symbol}", {"check": "wrapper_present", **wrapper}),
        ]
    return {
        **files,
        "kernels/affine.hip": _KERNELS,
        "kernels/kernels.toml": manifest_text({"affine": ["affine_kernel", "scaled_kernel"]}),
        f"{PHASE}/01-01-PLAN.md": plan_text(truths),
    }


@pytest.mark.long
@pytest.mark.parametrize("name", _STYLES)
def test_what_else_is_passed_is_no_fault(name: str, run_files: RunFiles) -> None:
    ran = run_files("arguments", _files())
    place = 2 * list(_STYLES).index(name) + 1
    for tail in (f"T{place}", f"T{place + 1}"):
        assert ran.verdict(tail) == "verified", ran.said(tail)
