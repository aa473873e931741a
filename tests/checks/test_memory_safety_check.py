"""memory_safety: clean kernels pass under the sanitizer; races, uninitialised reads and faults do not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rocverify.errors import SubjectError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

# Each workgroup of 64 sums neighbours through LDS.
KERNEL = """\
#include <hip/hip_runtime.h>
extern "C" __global__ void neighbours(const float* x, float* out, unsigned n) {
  __shared__ float tile[64];
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  FILL
  BARRIER
  if (i < n) out[i] = tile[threadIdx.x] + tile[(threadIdx.x + 1) % 64];
}
"""
FILL = "tile[threadIdx.x] = i < n ? x[i] : 0.0f;"
BARRIER = "__syncthreads();"
WRAPPER = """\
import ctypes
from kernels.runtime import Geometry, device_pointer, launch

def neighbours(x, out, n):
    arguments = (device_pointer(x, "x"), device_pointer(out, "out"), ctypes.c_uint32(n))
    launch("NEIGHBOURS_HSACO", "neighbours", Geometry((-(-n // 64), 1, 1), (64, 1, 1)), arguments)
"""
CONTRACT = """\
import numpy as np
from rocverify.oracle.contract import F32, Dims, In, Out, boundary, contract

@contract(source="kernels/neighbours.hip", symbol="neighbours", wrapper="kernels.neighbours:neighbours")
class Neighbours:
    x = In("n", F32)
    out = Out("n", F32)
    dims = Dims(n=boundary(1, 130))
    rounding = {F32: 1.0}

    def call(self, wrapper, arrays, dims):
        wrapper(arrays.x, arrays.out, dims.n)

    def reference(self, x):
        padded = np.concatenate([x, np.zeros(-len(x) % 64, x.dtype)]).reshape(-1, 64)
        return (padded + np.roll(padded, -1, 1)).ravel()[: len(x)]
"""
PARAMS: dict[str, Any] = {"contract": "kernels.contracts.neighbours:Neighbours", "cases": 3}


@pytest.fixture
def neighbours(rope: Project) -> Project:
    rope.write("kernels/neighbours.py", WRAPPER)
    rope.write("kernels/contracts/neighbours.py", CONTRACT)
    entry = (
        '[[kernel]]\nsource = "kernels/neighbours.hip"\nenv = "NEIGHBOURS_HSACO"\nsymbols = ["neighbours"]\n'
    )
    rope.write("kernels/kernels.toml", entry)
    rewrite(rope)
    return rope


def rewrite(project: Project, fill: str = FILL, barrier: str = BARRIER) -> None:
    project.write("kernels/neighbours.hip", KERNEL.replace("FILL", fill).replace("BARRIER", barrier))


def line_of(text: str) -> int:
    written = KERNEL.replace("FILL", FILL).splitlines()
    return next(i for i, line in enumerate(written, 1) if text in line)


def failing(project: Project) -> str:
    outcome = project.check("memory_safety", **PARAMS)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "emulate --sanitize" in str(outcome.hint)
    return "\n".join(f.message for f in outcome.findings)


@pytest.mark.long
def test_a_clean_kernel_passes(neighbours: Project) -> None:
    outcome = neighbours.check("memory_safety", **PARAMS)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert outcome.evidence["dtypes"]["float32"]["launches"] == 3


def test_rotation_is_safe_in_every_type(rope: Project) -> None:
    outcome = rope.check("memory_safety", contract="kernels.contracts.rope:Rope", cases=2)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert "found nothing in 6 launches of 6 cases (float32, float16, bfloat16)" in outcome.message


def test_a_missing_barrier_is_a_race(neighbours: Project) -> None:
    rewrite(neighbours, barrier="")
    found = failing(neighbours)
    assert "race" in found
    # The launched code object has no line tables: the lines are those of a twin that has them.
    stored, read = (line_of(text) for text in ("tile[threadIdx.x] =", "out[i] ="))
    assert f"kernels/neighbours.hip:{stored}" in found
    assert f"kernels/neighbours.hip:{read}" in found


def test_a_race_is_told_once_however_many_cases_have_it(neighbours: Project) -> None:
    rewrite(neighbours, barrier="")
    outcome = neighbours.check("memory_safety", **{**PARAMS, "cases": 4})
    races = [f for f in outcome.findings if ": race: " in f.message]
    assert len(races) == 1
    assert re.search(r"; and in \d more cases?\)\Z", races[0].message)
    assert outcome.message == outcome.findings[0].message


@pytest.mark.long
def test_lds_that_nobody_filled_is_an_uninitialised_read(neighbours: Project) -> None:
    rewrite(neighbours, fill="if (threadIdx.x != 63) tile[threadIdx.x] = i < n ? x[i] : 0.0f;")
    assert "uninitialized" in failing(neighbours)


@pytest.mark.long
def test_an_access_beyond_the_array_is_a_fault(neighbours: Project) -> None:
    rewrite(neighbours, fill="tile[threadIdx.x] = x[i + 100000000];")
    assert f"kernels/neighbours.hip:{line_of('tile[threadIdx.x] =')}" in failing(neighbours)


def test_what_launches_nothing_is_not_watched(neighbours: Project) -> None:
    neighbours.edit("kernels/neighbours.py", "    launch(", "    (lambda *_: None)(")
    with pytest.raises(SubjectError, match="launched nothing that could be watched"):
        neighbours.check("memory_safety", **PARAMS)
