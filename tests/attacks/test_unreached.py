"""Code and variants that no compared case reaches, and results that the emulator only models: all of it
shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.attacks.conftest import RunFiles
from tests.attacks.project import CORRECT, PHASE, TRUTH, Ran, manifest_text, plan_text

pytestmark = pytest.mark.long

# Line 9 and 10 are wrong, and no shape of the contract has so many columns.
_KERNEL = """\
#include <hip/hip_runtime.h>

template <int WIDTH>
__device__ void affine(const float* x, const float* shift, float* out, unsigned rows, unsigned cols) {
  unsigned i = blockIdx.x * 64 + threadIdx.x;
  if (i >= rows * cols) return;
  float sum = 2.0f * x[i] + shift[i % cols];
  if (cols == 77777)
    for (unsigned k = 0; k < rows; ++k)
      sum -= out[k] * WIDTH;
  out[i] = exp2f(log2f(1.0f) * x[0]) * sum;
}

#define KERNEL(NAME, WIDTH)                                                                            \\
  extern "C" __global__ void NAME(const float* x, const float* shift, float* out, unsigned rows,       \\
                                  unsigned cols) {                                                     \\
    affine<WIDTH>(x, shift, out, rows, cols);                                                          \\
  }
KERNEL(affine_kernel, 1)
KERNEL(affine_kernel_w2, 2)
"""


def files() -> dict[str, str]:
    truths = [(TRUTH, CORRECT), ("What the w2 variant returns agrees with the reference", CORRECT)]
    return {
        "kernels/affine.hip": _KERNEL,
        "kernels/kernels.toml": manifest_text({"affine": ["affine_kernel", "affine_kernel_w2"]}),
        f"{PHASE}/01-01-PLAN.md": plan_text(truths),
    }


@pytest.fixture
def ran(run_files: RunFiles) -> Ran:
    return run_files("coverage", files())


def plan_of(ran: Ran) -> Mapping[str, Any]:
    assert ran.report is not None, ran.output
    (plan,) = ran.report["plans"]
    return dict(plan)


def test_code_that_no_compared_case_executed_is_not_verified(ran: Ran) -> None:
    rows = {row["kernel"]: row for row in plan_of(ran)["coverage"]}
    row = rows["affine_kernel"]
    assert row["executed_blocks"] < row["blocks"]
    assert row["missed_lines"] == ["kernels/affine.hip:9-10"]
    assert "not verified: Lines that no compared case executed: kernels/affine.hip:9-10" in ran.output


def test_a_variant_that_was_never_launched_is_not_verified(ran: Ran) -> None:
    assert ran.verdict("T1") == "verified", ran.said("T1")
    assert ran.verdict("T2") == "unverified"
    assert "never launched and compared in this run: affine_kernel_w2" in ran.said("T2")
    rows = {row["kernel"]: row for row in plan_of(ran)["coverage"]}
    row = rows["affine_kernel_w2"]
    assert (row["family"], row["variant"], row["launched"], row["compared"]) == (
        "affine_kernel",
        "w2",
        [],
        [],
    )


def test_kernels_by_type_and_variant_are_shown_everywhere(ran: Ran) -> None:
    rows = {(row["family"], row["variant"]): row for row in plan_of(ran)["coverage"]}
    assert set(rows) == {("affine_kernel", ""), ("affine_kernel", "w2")}
    (compared,) = rows["affine_kernel", ""]["cases_by_type"].items()
    assert compared[0] == "float32"
    assert compared[1] == rows["affine_kernel", ""]["cases"] > 0
    assert rows["affine_kernel", "w2"]["cases_by_type"] == {}
    assert "kernels   1 of 2 launched and compared, 1 sanitized" in ran.output
    assert "only compiled: affine_kernel_w2\n" in ran.output


def test_what_the_emulator_only_models_is_listed(ran: Ran) -> None:
    models = {model["instruction"]: model for model in plan_of(ran)["models"]}
    assert models["v_exp_f32"]["kernels"] == ["affine_kernel"]
    assert models["v_exp_f32"]["branches"] == models["v_exp_f32"]["addresses"] == []
    assert "v_exp_f32" in ran.output
