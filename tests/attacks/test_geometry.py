"""Launches that are right up to a limit of the geometry: sizes beyond it are tried."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import MakeProject
from tests.attacks.project import GPU, KERNEL, contract_text

_BODY = """\
  unsigned i = blockIdx.y * cols + threadIdx.x;
  if (threadIdx.x < cols) out[i] = 2.0f * x[i] + shift[threadIdx.x];
}
"""
_WRAPPER = """\
import ctypes

from kernels.gpu import launch, pointer


def affine(x, shift, out, rows, cols):
    sizes = ctypes.c_uint32(rows), ctypes.c_uint32(cols)
    launch("affine_kernel", rows, pointer(x), pointer(shift), pointer(out), *sizes)
"""


@pytest.mark.exhaustive  # 65,537 workgroups, over and over
@pytest.mark.parametrize(
    ("most", "code", "verdict"),
    [
        pytest.param(60_000, 0, "verified", id="within"),
        pytest.param(100_000, 1, "failed", id="beyond"),
    ],
)
def test_a_workgroup_along_y_for_each_row(
    most: int, code: int, verdict: str, make_project: MakeProject
) -> None:
    begin = KERNEL.index("  unsigned i")
    contract = contract_text().replace("rows=boundary(1, 300)", f"rows=boundary(1, {most})")
    files = {
        "kernels/gpu.py": GPU.replace("function, blocks, 1, 1, block", "function, 1, count, 1, block"),
        "kernels/affine.py": _WRAPPER,
        "kernels/affine.hip": KERNEL[:begin] + _BODY,
        "kernels/contracts/affine.py": contract.replace(
            "cols=choices(1, 5, 32, 33, 64)", "cols=choices(1, 5)"
        ),
    }
    ran = make_project(files).run()
    assert (ran.code, ran.verdict()) == (code, verdict), ran.said()
    if verdict == "failed":
        assert "rows=65537" in ran.said()
