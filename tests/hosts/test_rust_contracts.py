"""The kernels of a Rust engine against references, without a Rust build: contracts in Python launch them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hosts.host import Sabotage, copied, each, judge, verify
from tests.sabotage.sabotage import Create, Edit

HOST = "rust_host"
SOFTMAX, ROPE = "kernels/softmax.hip", "kernels/rope.hip"
CONTRACTS = """
import ctypes
import numpy as np
from rocverify.oracle.contract import F32, Dims, In, InOut, Launch, boundary, choices, contract
from rocverify.references import rows


@contract(source="kernels/softmax.hip", symbol="softmax_kernel")
class Softmax:
    scores = InOut("rows columns", F32)
    dims = Dims(rows=choices(1, 2, 5), columns=boundary(1, 600))

    def launch(self, arrays, dims):
        return Launch((dims.rows, 1, 1), (256, 1, 1), (arrays.scores, ctypes.c_int32(dims.columns)))

    def reference(self, scores):
        return rows.softmax(scores)

    def wrong(self, scores):
        return rows.wrong_softmax(scores)


@contract(source="kernels/rope.hip", symbol="rope_kernel")
class Rope:
    x = InOut("seq heads dim", F32)
    cos = In("seq dim/2", F32)
    sin = In("seq dim/2", F32)
    dims = Dims(seq=boundary(1, 70), heads=choices(1, 2, 5), dim=choices(2, 8, 64))

    def launch(self, arrays, dims):
        numbers = [ctypes.c_int32(n) for n in (dims.seq, dims.heads, dims.dim)]
        blocks = -(-dims.seq * dims.heads * (dims.dim // 2) // 256)
        return Launch((blocks, 1, 1), (256, 1, 1), (arrays.x, arrays.cos, arrays.sin, *numbers))

    def reference(self, x, cos, sin):
        half = x.shape[2] // 2
        a, b = x[..., :half], x[..., half:]
        c, s = cos[:, None, :], sin[:, None, :]
        return np.concatenate([a * c - b * s, a * s + b * c], axis=2)

    def wrong(self, x, cos, sin):
        return {"turned back": self.reference(x, cos, -sin)}
"""
PLAN = """---
phase: 05-references
plan: 01
type: execute
wave: 1
depends_on: []
files_modified: []
autonomous: true
must_haves:
  truths:
    - "softmax_kernel matches the CPU reference"
    - "rope_kernel matches the CPU reference"
---

<objective>
What the kernels compute, seen without cargo.
</objective>
"""
ADDED = (
    Create("contracts/engine.py", CONTRACTS),
    Create("rocverify.toml", 'contract_globs = ["contracts/*.py"]\ncases_per_dtype = 8\n'),
    Create(".planning/phases/05-references/05-01-PLAN.md", PLAN),
)
FIRST_WAVE = Sabotage(
    "softmax that adds up lanes 0 to 31 of 256",
    "05-01",
    (
        *ADDED,
        Edit(
            SOFTMAX, "sum += expf(row[c] - largest);", "if (threadIdx.x < 32) sum += expf(row[c] - largest);"
        ),
    ),
    {"T1": "correctness"},
    ("softmax_kernel", "columns=33"),
    only="T1",
)
OTHER_LAYOUT = Sabotage(
    "[heads, seq, dim] where [seq, heads * dim] is fed",
    "05-01",
    (
        *ADDED,
        Edit(
            ROPE,
            "((size_t)position * heads + head) * head_dim",
            "((size_t)head * seq_len + position) * head_dim",
        ),
    ),
    {"T2": "correctness"},
    ("rope_kernel", "seq=2, heads=2"),
    only="T2",
)


@pytest.mark.long
def test_they_are_verified_as_they_are(tmp_path: Path, kept: Path) -> None:
    ran = verify(copied(HOST, tmp_path, ADDED), kept, "plan 05-01")
    assert not ran.not_passed(), ran.output
    assert {m["verdict"] for m in ran.must_haves().values()} == {"verified"}, ran.output
    assert {check["kind"] for check in ran.checks().values()} == {"correctness"}
    assert ran.exit_code == 0, ran.output


@each((FIRST_WAVE, OTHER_LAYOUT))
def test_wrong_kernels_are_noticed(sabotage: Sabotage, tmp_path: Path, kept: Path) -> None:
    judge(sabotage, HOST, tmp_path, kept)
