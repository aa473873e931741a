"""memory_safety: an output holds nothing that a kernel may read before it has written it."""

from __future__ import annotations

import pytest

from rocverify.checks.base import Outcome
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

KERNEL = """\
#include <hip/hip_runtime.h>
extern "C" __global__ void doubled(const float* x, float* out, unsigned n) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i >= n) return;
  out[i] OPERATOR 2 * x[i];
}
"""
WRAPPER = """\
import ctypes
from kernels.runtime import Geometry, device_pointer, launch

def doubled(x, out, n):
    arguments = (device_pointer(x, "x"), device_pointer(out, "out"), ctypes.c_uint32(n))
    launch("DOUBLED_HSACO", "doubled", Geometry((-(-n // 64), 1, 1), (64, 1, 1)), arguments)
"""
CONTRACT = """\
from rocverify.oracle.contract import F32, Dims, In, InOut, Out, boundary, contract

@contract(source="kernels/doubled.hip", symbol="doubled", wrapper="kernels.doubled:doubled")
class Doubled:
    x = In("n", F32)
    out = ROLE("n", F32)
    dims = Dims(n=boundary(1, 130))
    rounding = {F32: 1.0}

    def call(self, wrapper, arrays, dims):
        wrapper(arrays.x, arrays.out, dims.n)

    def reference(self, x, out):
        return BEFORE + x + x
"""
MANIFEST = """\
[[kernel]]
source = "kernels/doubled.hip"
env = "DOUBLED_HSACO"
symbols = ["doubled"]
flags = ["-gline-tables-only"]
"""


def checked(project: Project, operator: str, role: str) -> Outcome:
    project.write("kernels/doubled.hip", KERNEL.replace("OPERATOR", operator))
    project.write("kernels/doubled.py", WRAPPER)
    project.write(
        "kernels/contracts/doubled.py",
        CONTRACT.replace("ROLE", role).replace("BEFORE", "0" if role == "Out" else "out"),
    )
    project.write("kernels/kernels.toml", MANIFEST)
    return project.check("memory_safety", contract="kernels.contracts.doubled:Doubled", cases=2)


@pytest.mark.long
def test_accumulating_into_an_output_is_an_uninitialised_read(rope: Project) -> None:
    outcome = checked(rope, "+=", "Out")
    assert outcome.verdict is CheckVerdict.FAILED
    found = outcome.findings[0]
    assert "uninitialized" in found.message
    assert "stored to global memory" in found.message
    line = 1 + KERNEL.splitlines().index("  out[i] OPERATOR 2 * x[i];")
    assert (found.location or "").endswith(f"doubled.hip:{line}")


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize(("operator", "role"), [("=", "Out"), ("+=", "InOut")])
def test_what_is_written_first_or_given_is_none(rope: Project, operator: str, role: str) -> None:
    assert checked(rope, operator, role).verdict is CheckVerdict.PASSED
