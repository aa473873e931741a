"""Sabotage of the contracts: references, tolerances and calls that would let anything pass."""

from __future__ import annotations

from pathlib import Path

from tests.sabotage.places import CONTRACT, HIP, LOW, PAIR, ROTATE, ROTATION
from tests.sabotage.sabotage import HEADS, RAW, Edit, Sabotage, check, every

SABOTAGES = (
    Sabotage(
        "the reference returns its input",
        (
            Edit(
                ROTATION,
                "    c, s = cos[:, None, :], sin[:, None, :]\n    first, second = np.split(x, 2, axis=-1)\n",
                "    return x.copy()\n",
            ),
            Edit(HIP, ROTATE, ""),
        ),
        failed={"16-02/T3": "correctness"},
        says={
            "16-02/T3/correctness": (
                "the comparison cannot discriminate",
                "no case rejects this wrong result: untouched",
                "a kernel that computes nothing would pass too",
            )
        },
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "the tolerance is enormous",
        (
            Edit(
                ROTATION,
                "RAW_ROUNDING = {F32: 1.0, F16: 1.0, BF16: 1.0}",
                "RAW_ROUNDING = {F32: 1e30, F16: 1e30, BF16: 1e30}",
            ),
            Edit(PAIR, LOW, LOW.replace(" - ", " + ")),
        ),
        failed={"16-02/T3": "correctness"},
        says={
            "16-02/T3/correctness": ("kernels.rope:rope_gpu_kernel is wrong", "head_dim indices 0 to 4 of 10")
        },
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "the contract calls no wrapper",
        (
            Edit(
                CONTRACT,
                "wrapper(arrays.x, arrays.positions, max_seq_len=dims.max_seq_len, theta=float(dims.theta))",
                "assert wrapper",
            ),
        ),
        failed={"16-02/T1": "correctness"},
        says={"16-02/T1/correctness": ("rope_kernel was not launched (launched: nothing)",)},
        run="plan 16-02",
        options=HEADS,
    ),
    Sabotage(
        "tables that rotate nothing",
        (
            Edit(
                ROTATION,
                "angles = rng.uniform(-np.pi, np.pi, (seq, head_dim // 2))",
                "angles = np.zeros((seq, head_dim // 2))",
            ),
        ),
        failed={"16-02/T3": "correctness"},
        says={
            "16-02/T3/correctness": (
                "the comparison cannot discriminate",
                "no case rejects this wrong result: untouched",
            )
        },
        run="plan 16-02",
        options=RAW,
    ),
)


@every(SABOTAGES)
def test_sabotaged_contracts(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
