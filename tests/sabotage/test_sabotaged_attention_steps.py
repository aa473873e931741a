"""Sabotage of the attention pipeline: its kernels, and the order and arguments of its steps."""

from __future__ import annotations

from pathlib import Path

from tests.sabotage.attention_places import (
    ATTENTION,
    MASK,
    MASKING,
    NORMALISING,
    QKT,
    SOFTMAX,
    STEPS,
    WEIGHTED,
    first,
    only,
)
from tests.sabotage.sabotage import Edit, Sabotage, check, every

SCORES = only(first("T1", "correctness"))
SOFTMAX_ONLY = only("T1 and correctness.4")
WEIGHTED_ONLY = only("T1 and correctness.5")
ROUNDED = """\
    for (auto& row : part) {
      for (auto& one : row) one = static_cast<_Float16>(one);
    }
"""
UNWRITTEN = "  if (threadIdx.x < columns) partials[threadIdx.x] = mine;"
SAFETY = only(first("T2", "memory_safety"))

SABOTAGES = (
    Sabotage(
        "the scale is omitted",
        (Edit(STEPS, "_compute(config.dtype)(config.factor)", "_compute(config.dtype)(1.0)"),),
        failed={"06-01/T1": "correctness"},
        says={"06-01/T1/correctness": ("the result matches this mistake: the scale omitted",)},
        run="plan 06-01",
        options=SCORES,
    ),
    Sabotage(
        "the scale is applied twice",
        (Edit(STEPS, "_compute(config.dtype)(config.factor)", "_compute(config.dtype)(config.factor**2)"),),
        failed={"06-01/T1": "correctness"},
        says={"06-01/T1/correctness": ("the result matches this mistake: the scale applied twice",)},
        run="plan 06-01",
        options=SCORES,
    ),
    Sabotage(
        "the mask is off by one",
        (Edit(MASK, "key < causal_keys(query, seq_q, seq_k)", "key <= causal_keys(query, seq_q, seq_k)"),),
        failed={"07-03/T3": "correctness"},
        says={"07-03/T3/correctness": ("the result matches this mistake: one key too wide",)},
        run="plan 07-03",
        options=only(first("T3", "correctness")),
    ),
    Sabotage(
        "the mask is applied after the softmax",
        (
            Edit(ATTENTION, MASKING + NORMALISING, NORMALISING + MASKING),
            Edit(MASK, "-static_cast<Compute<T>>(__builtin_inff())", "Compute<T>(0)"),
        ),
        failed={"06-02/T1": "correctness"},
        says={
            "06-02/T1/correctness": ("the result matches this mistake: the mask applied after the softmax",)
        },
        run="plan 06-02",
        options=only(first("T1", "correctness")),
    ),
    Sabotage(
        "no maximum is subtracted",
        (Edit(SOFTMAX, "largest = larger(a.largest, b.largest)", "largest = 0"),),
        failed={"06-01/T1": "correctness.4"},
        says={"06-01/T1/correctness.4": ("the result matches this mistake: no maximum subtracted",)},
        run="plan 06-01",
        options=SOFTMAX_ONLY,
    ),
    Sabotage(
        "32 of 256 lanes are reduced",
        (Edit(SOFTMAX, "width = kSoftmaxThreads / 2;", "width = 16;"),),
        failed={"06-01/T1": "correctness.4"},
        says={"06-01/T1/correctness.4": ("this mistake: only the first 32 columns reduced",)},
        run="plan 06-01",
        options=SOFTMAX_ONLY,
    ),
    Sabotage(
        "the softmax lacks a barrier",
        (Edit(SOFTMAX, "    __syncthreads();\n    if", "    if"),),
        failed={"07-01/T2": "memory_safety"},
        says={
            "07-01/T2/memory_safety": (
                "WAR in LDS",
                "in kernel softmax_kernel",
                "put __syncthreads() between the two",
            )
        },
        run="plan 07-01",
        options=SAFETY,
    ),
    Sabotage(
        "the end of the LDS is never written",
        (
            Edit(
                SOFTMAX,
                "  partials[threadIdx.x] = mine;",
                UNWRITTEN,
            ),
        ),
        failed={"07-01/T2": "memory_safety"},
        says={
            "07-01/T2/memory_safety": (
                "uninitialized",
                "came from LDS offset",
                "does a guard, a tail or an initialisation miss?",
            )
        },
        run="plan 07-01",
        options=SAFETY,
    ),
    Sabotage(
        "two workgroups work on each row",
        (Edit(STEPS, "(rows, 1, 1)", "(rows, 2, 1)"),),
        failed={"07-01/T2": "memory_safety"},
        says={
            "07-01/T2/memory_safety": (
                "race: RAW",
                "of two workgroups, which nothing orders",
            )
        },
        run="plan 07-01",
        options=SAFETY,
    ),
    Sabotage(
        "the product lacks a barrier",
        (Edit(QKT, "    add_part(sum, part);\n    __syncthreads();\n", "    add_part(sum, part);\n"),),
        failed={"07-01/T2": "memory_safety.2"},
        says={
            "07-01/T2/memory_safety.2": (
                "WAR in LDS",
                "in kernel qkt_matmul_kernel",
                "put __syncthreads() between the two",
            )
        },
        run="plan 07-01",
        options=only("T2 and memory_safety.2"),
    ),
    Sabotage(
        "rows behind the last key are read",
        (Edit(QKT, "k_rows.stride, key, seq_k, d", "k_rows.stride, key, key + kTileSide, d"),),
        failed={"07-01/T2": "memory_safety.2"},
        says={
            "07-01/T2/memory_safety.2": (
                "kernels.attention_steps:qkt_matmul_gpu_kernel",
                "outside every allocation",
                "past the end of allocation",
            )
        },
        run="plan 07-01",
        options=only("T2 and memory_safety.2"),
    ),
    Sabotage(
        "heads are mapped by remainder in the pipeline",
        (Edit(WEIGHTED, "head / (heads / kv_heads)", "head % kv_heads"),),
        failed={"06-01/T1": "correctness.5"},
        says={"06-01/T1/correctness.5": ("this mistake: heads mapped by remainder instead of by group",)},
        run="plan 06-01",
        options=WEIGHTED_ONLY,
    ),
    Sabotage(
        "the last tile of keys is skipped",
        (Edit(WEIGHTED, "key < seq_k; key += kTileSide", "key + kTileSide < seq_k; key += kTileSide"),),
        failed={"06-01/T1": "correctness.5"},
        says={"06-01/T1/correctness.5": ("the result matches this mistake: the last tile of keys skipped",)},
        run="plan 06-01",
        options=WEIGHTED_ONLY,
    ),
    Sabotage(
        "products are added up in float16",
        (
            Edit(
                WEIGHTED,
                "    add_part(sum, part);",
                ROUNDED + "    add_part(sum, part);",
            ),
        ),
        failed={"06-01/T1": "correctness.5"},
        says={
            "06-01/T1/correctness.5": (
                "weighted_matmul_gpu_kernel is wrong in",
                "float32",
                "replay with --seed",
            )
        },
        run="plan 06-01",
        options=WEIGHTED_ONLY,
    ),
)


@every(SABOTAGES)
def test_sabotaged_attention_steps(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
