"""Undefined bits of CDNA's instructions on pairs: a dword is as defined as what it is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rocverify

SOURCE = """#include <hip/hip_runtime.h>
typedef float f2 __attribute__((ext_vector_type(2)));

extern "C" __global__ void pair(const float* x, float* y) {{
  f2 a = {{x[0], x[1]}}, result;
  asm volatile("{instruction}" : "=v"(result) : "v"(a), "v"(a));
  y[0] = result.{stored};
}}
"""
FUSED = "v_pk_fma_f32 %0, %1, %2, %1 op_sel:[0,0,0] op_sel_hi:[0,0,1]"
# x[0] is written, x[1] is not. What is stored, and whether it depends on x[1].
CASES = [
    (FUSED, "x", False),
    (FUSED, "y", True),
    ("v_pk_mul_f32 %0, %1, %2 op_sel_hi:[0,0]", "y", False),
    ("v_pk_add_f32 %0, %1, %2 op_sel:[0,1] op_sel_hi:[0,0]", "x", True),
    ("v_pk_add_f32 %0, %1, %2 op_sel:[0,1] op_sel_hi:[0,0]", "y", False),
    ("v_pk_mov_b32 %0, %1, %2 op_sel:[0,0]", "y", False),
    ("v_pk_mov_b32 %0, %1, %2 op_sel:[0,1]", "y", True),
    ("v_pk_mov_b32 %0, %1, %2 op_sel:[0,1]", "x", False),
]


@pytest.mark.parametrize(("instruction", "stored", "found"), CASES)
def test_a_dword_is_undefined_by_what_it_is_made_of(
    tmp_path: Path, instruction: str, stored: str, found: bool
) -> None:
    source = tmp_path / "pair.hip"
    source.write_text(SOURCE.format(instruction=instruction, stored=stored), encoding="utf-8")
    device = rocverify.Device(sanitize=True, target="gfx90a")
    pair = device.load(source)["pair"]
    x, y = device.empty((2,), np.float32), device.array(np.zeros(1, np.float32))
    fill = tmp_path / "fill.hip"
    fill.write_text(
        '#include <hip/hip_runtime.h>\nextern "C" __global__ void fill(float* x) { x[0] = 2; }\n',
        encoding="utf-8",
    )
    device.load(fill)["fill"][1, 1](x)
    pair[1, 1](x, y)
    assert [finding.kind for finding in device.findings] == (["uninitialized"] if found else [])
