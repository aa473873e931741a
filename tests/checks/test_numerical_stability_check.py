"""numerical_stability: NaN and infinities where they belong, on right kernels and on careless ones."""

from __future__ import annotations

from typing import Any

import pytest

from rocverify.errors import ContractError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

RAW: dict[str, Any] = {"contract": "kernels.contracts.rope:Rope", "dtypes": ["float32"]}
CONTRACT = "kernels/contracts/rope.py"
PREPARE = "    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:\n        return random_tables("
# Softmax over the last axis, with the mistakes of a first attempt left to be made.
SOFTMAX = """\
#include <hip/hip_runtime.h>
extern "C" __global__ void row_softmax(const float* x, float* out, unsigned rows, unsigned cols) {
  unsigned row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) return;
  const float* in = x + row * cols;
  float most = MOST;
  float sum = 0.0f;
  for (unsigned i = 0; i < cols; ++i) sum += expf(in[i] - most);
  for (unsigned i = 0; i < cols; ++i) out[row * cols + i] = RESULT;
}
"""
MOST = (
    "-INFINITY;\n  for (unsigned i = 0; i < cols; ++i) most = (in[i] > most || in[i] != in[i]) ? in[i] : most"
)
RESULT = "expf(in[i] - most) / sum"
WRAPPER = """\
import ctypes
from kernels.runtime import Geometry, device_pointer, launch

def softmax(x, out, rows, cols):
    sizes = (ctypes.c_uint32(rows), ctypes.c_uint32(cols))
    arguments = (device_pointer(x, "x"), device_pointer(out, "out"), *sizes)
    launch("SOFTMAX_HSACO", "row_softmax", Geometry((1, 1, 1), (64, 1, 1)), arguments)
"""
SOFTMAX_CONTRACT = """\
import numpy as np
from rocverify.oracle.contract import F32, Dims, In, Out, boundary, contract

@contract(source="kernels/softmax.hip", symbol="row_softmax", wrapper="kernels.softmax:softmax")
class Softmax:
    x = In("rows cols", F32)
    out = Out("rows cols", F32)
    dims = Dims(rows=boundary(1, 40), cols=boundary(1, 40))
    rounding = {F32: 64.0}
    kinds = ("plain", "special")

    def call(self, wrapper, arrays, dims):
        wrapper(arrays.x, arrays.out, dims.rows, dims.cols)

    def reference(self, x):
        weights = np.exp(x - x.max(axis=-1, keepdims=True))
        return weights / weights.sum(axis=-1, keepdims=True)

    def magnitude(self, x):
        return np.ones_like(x)

    def situations(self, rng, dims, x):
        masked = x.copy()
        masked[0] = -np.inf
        return {"extreme scores": {"x": x * 1e4}, "a fully masked row": {"x": masked}}
"""
PLAIN: dict[str, Any] = {"contract": "kernels.contracts.softmax:Softmax"}


@pytest.fixture
def softmax(rope: Project) -> Project:
    """A project with a row softmax as it should be."""
    rope.write("kernels/softmax.hip", SOFTMAX.replace("MOST", MOST).replace("RESULT", RESULT))
    rope.write("kernels/softmax.py", WRAPPER)
    rope.write("kernels/contracts/softmax.py", SOFTMAX_CONTRACT)
    manifest = (
        '\n[[kernel]]\nsource = "kernels/softmax.hip"\nenv = "SOFTMAX_HSACO"\nsymbols = ["row_softmax"]\n'
    )
    rope.write("kernels/kernels.toml", manifest)
    return rope


def rewrite(softmax: Project, most: str = MOST, result: str = RESULT) -> None:
    softmax.write("kernels/softmax.hip", SOFTMAX.replace("MOST", most).replace("RESULT", result))


def failing(project: Project, **params: Any) -> str:
    outcome = project.check("numerical_stability", **{**PLAIN, **params})
    assert outcome.verdict is CheckVerdict.FAILED
    assert "subtract the maximum" in str(outcome.hint)
    return "\n".join(f.message for f in outcome.findings)


def test_rotation_passes_in_every_type(rope: Project) -> None:
    outcome = rope.check("numerical_stability", contract="kernels.contracts.rope:Rope")
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    for row in outcome.evidence["dtypes"].values():
        names = " ".join(row["situations"])
        assert all(
            f"{value} in {array}[" in names for value in ("a NaN", "-infinity") for array in ("x", "cos")
        )
        assert row["expected_nan"] > 0
        assert row["expected_infinite"] > 0


@pytest.mark.long
def test_a_stable_softmax_passes(softmax: Project) -> None:
    outcome = softmax.check("numerical_stability", **PLAIN)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    situations = outcome.evidence["dtypes"]["float32"]["situations"]
    assert {"extreme scores", "a fully masked row", "subnormal x"} <= set(situations)


def test_softmax_without_the_maximum_overflows(softmax: Project) -> None:
    rewrite(softmax, most="0.0f")
    text = failing(softmax)
    assert "float32, extreme scores: new NaN in" in text


@pytest.mark.long
def test_a_fully_masked_row_that_gives_zeros_is_told(softmax: Project) -> None:
    rewrite(softmax, result="most == -INFINITY ? 0.0f : expf(in[i] - most) / sum")
    assert "a fully masked row: a NaN was lost in" in failing(softmax)


@pytest.mark.long
def test_a_nan_that_spreads_is_told(softmax: Project) -> None:
    rewrite(softmax, result="expf(in[i] - most) / sum + 0.0f * x[0]")
    assert "new NaN in" in failing(softmax)


def test_subnormal_values_flushed_to_zero_are_told(rope: Project) -> None:
    header = rope.root / "kernels/rope_pair.h"
    text = header.read_text()
    assert "first * cosine - second * sine" in text
    flushed = "(fabsf(first) < 1e-37f ? 0.0f : first) * cosine - second * sine"
    header.write_text(text.replace("first * cosine - second * sine", flushed))
    outcome = rope.check("numerical_stability", **RAW)
    assert outcome.verdict is CheckVerdict.FAILED
    assert any("subnormal x: wrong finite values" in f.message for f in outcome.findings)


@pytest.mark.long
def test_results_that_the_contract_leaves_open_do_not_count(softmax: Project) -> None:
    rewrite(softmax, result="most == -INFINITY ? 0.0f : expf(in[i] - most) / sum")
    open_rows = """
    def unspecified(self, x):
        return {'out': np.isneginf(x).all(-1, keepdims=True) | np.zeros(x.shape, bool)}
"""
    softmax.write("kernels/contracts/softmax.py", SOFTMAX_CONTRACT + open_rows)
    outcome = softmax.check("numerical_stability", **PLAIN)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message


@pytest.mark.long
def test_a_run_that_could_not_tell_fails(softmax: Project) -> None:
    """With one row, every special value makes all of the result NaN."""
    assert "no situation has NaN and finite results side by side" in failing(
        softmax, dims={"rows": 1, "cols": 3}
    )


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("situations(self, x):\n        return {'odd': {'x': x[:1]}}", "must have its array's shape"),
        ("situations(self, x):\n        return {'odd': {'y': x}}", "there is no such input"),
        ("situations(self, y):\n        return {}", "asks for 'y'"),
        ("situations(self, x):\n        return {'odd': x[9999]}", "raised IndexError"),
        ("unspecified(self, x):\n        return {'out': np.ones_like(x, bool)}", "leaves all of out open"),
        ("unspecified(self, x):\n        return {'y': np.ones_like(x, bool)}", "a mask of y's shape"),
    ],
)
def test_hooks_that_contradict_the_contract_decide_nothing(softmax: Project, method: str, said: str) -> None:
    head, _, _ = SOFTMAX_CONTRACT.partition("    def situations")
    softmax.write("kernels/contracts/softmax.py", f"{head}    def {method}\n")
    with pytest.raises(ContractError, match=said):
        softmax.check("numerical_stability", **PLAIN)


SENTINEL = MOST.replace("-INFINITY;", "-5e4f;")


@pytest.mark.long
def test_a_maximum_that_starts_at_a_finite_number_is_told(softmax: Project) -> None:
    softmax.write(
        "kernels/contracts/softmax.py", SOFTMAX_CONTRACT.replace('    kinds = ("plain", "special")\n', "")
    )
    rewrite(softmax, most=SENTINEL, result="sum == 0.0f ? 0.0f : expf(in[i] - most) / sum")
    assert "all of x large and negative: wrong finite values in" in failing(softmax)
