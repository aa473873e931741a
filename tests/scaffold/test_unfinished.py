"""Contracts that `init` and `contract new` begin: what is not finished proves nothing and blames nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.scaffold.conftest import Run


@pytest.mark.long
def test_a_later_kernel_by_contract_new(project: Path, rocverify: Run) -> None:
    """Until its contract is finished the new truth is unverified."""
    (project / "kernels").mkdir()
    text = '#include <hip/hip_runtime.h>\nextern "C" __global__ void one(float* y) { y[threadIdx.x] = 1; }\n'
    (project / "kernels/one.hip").write_text(text, encoding="utf-8")
    assert rocverify("init")[0] == 0
    (project / "kernels/later.hip").write_text(text.replace("one(", "later("), encoding="utf-8")
    assert rocverify("contract", "new", "kernels/later.hip")[0] == 0
    plan = project / ".planning/phases/01-kernels/01-01-PLAN.md"
    lines = plan.read_text(encoding="utf-8").replace('"`one` is memory safe"', '"`later` is memory safe"')
    plan.write_text(lines.replace("contracts.one:One", "contracts.later:Later"), encoding="utf-8")
    code, said = rocverify("run", "plan", "01-01", "--no-write")
    assert code == 3, said
    assert "unverified  01-01/T3" in said
    assert "kernels.contracts.later:Later: is not finished: reference() on line" in said


@pytest.mark.long
def test_a_launch_that_is_not_written_is_an_error_and_no_failure(project: Path, rocverify: Run) -> None:
    """Its begun launch has no dynamic LDS: the kernel would fault, and be blamed for it."""
    (project / "kernels").mkdir()
    text = """#include <hip/hip_runtime.h>
    template <int N> __global__ void turned_kernel(float* y) {
      extern __shared__ float part[];
      part[threadIdx.x] = N;
      y[threadIdx.x] = part[threadIdx.x];
    }
    template __global__ void turned_kernel<2>(float*);
    """
    (project / "kernels/turned.hip").write_text(text, encoding="utf-8")
    assert rocverify("init")[0] == 0
    assert "less than" not in rocverify("explain", "01")[1]
    place = project / "kernels/contracts/turned.py"
    begun = place.read_text(encoding="utf-8")
    for method, body in {"reference": "return 2 + 0 * y", "wrong": 'return {"one": 1 + 0 * y}'}.items():
        begun = re.sub(rf"(def {method}\(.*\n)( *)raise .*\n", rf"\1\2{body}\n", begun)
    place.write_text(begun, encoding="utf-8")
    code, said = rocverify("run", "plan", "01-01", "--no-write")
    assert code == 3, said
    assert "is not finished: launch() on line" in said
    assert "reference()" not in said
