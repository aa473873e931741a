"""Results that agree with the reference, by a kernel that races: one case of each type is sanitized."""

from __future__ import annotations

import pytest

from tests.attacks.conftest import MakeProject
from tests.attacks.project import KERNEL

_RACE = """\
  __shared__ volatile int seen;
  if (threadIdx.x % 32 == 0) seen = 1;
"""


@pytest.mark.long
def test_right_results_of_a_kernel_that_races(make_project: MakeProject) -> None:
    begin = KERNEL.index("{\n") + 2
    ran = make_project({"kernels/affine.hip": KERNEL[:begin] + _RACE + KERNEL[begin:]}).run()
    assert (ran.code, ran.verdict()) == (1, "failed"), ran.said()
    assert "the results agree with the reference, but under the sanitizer" in ran.said()
    assert "race: WAW in LDS" in ran.said()
