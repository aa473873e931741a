"""Sabotage of what the wrappers compute and refuse: positions, angles, shapes."""

from __future__ import annotations

from pathlib import Path

from tests.sabotage.places import LAYER, TABLES, TENSOR
from tests.sabotage.sabotage import HEADS, POSITIONS, RAW, Edit, Sabotage, check, every

SABOTAGES = (
    Sabotage(
        "an odd head_dim is no longer refused",
        (Edit(TENSOR, "if head_dim < 2 or head_dim % 2:", "if head_dim < 2:"),),
        failed={"16-02/T3": "correctness"},
        says={
            "16-02/T3/correctness": (
                "must refuse this call with ShapeError: odd head_dim",
                "it launched rope_kernel before",
                "let the wrapper raise ShapeError",
            )
        },
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "max_seq_len itself is no longer refused",
        (Edit(TABLES, "(given >= max_seq_len)", "(given > max_seq_len)"),),
        failed={"16-02/T2": "correctness*2"},
        says={
            "16-02/T2/correctness": (
                "must refuse this call with PositionError: position max_seq_len",
                "it launched rope_kernel before",
            )
        },
        run="plan 16-02",
        options=POSITIONS,
    ),
    Sabotage(
        "off by one at the last position",
        (
            Edit(
                TABLES,
                "return given.astype(np.int64)",
                "return np.minimum(given.astype(np.int64), max(max_seq_len - 2, 0))",
            ),
        ),
        failed={"16-02/T2": "correctness*2"},
        says={
            "16-02/T2/correctness": (
                "kernels.rope:apply_rope_device is wrong",
                "the wrong elements of x all have seq index 4 (the last)",
            )
        },
        run="plan 16-02",
        options=POSITIONS,
    ),
    Sabotage(
        "positions are ignored",
        (Edit(TABLES, "return given.astype(np.int64)", "return np.arange(seq)"),),
        failed={"16-02/T2": "correctness*2"},
        says={"16-02/T2/correctness": ("the result matches this mistake: positions ignored",)},
        run="plan 16-02",
        options=POSITIONS,
    ),
    Sabotage(
        "angles in float32",
        (
            Edit(
                TABLES,
                "angles = positions[:, None].astype(np.float64) * frequencies",
                "angles = positions[:, None].astype(np.float32) * frequencies.astype(np.float32)",
            ),
        ),
        failed={"16-02/T2": "correctness*2"},
        says={"16-02/T2/correctness": ("max_seq_len=131072", "kernels.rope:apply_rope_device is wrong")},
        run="plan 16-02",
        options=POSITIONS,
    ),
    Sabotage(
        "tables of an earlier call are reused",
        (
            Edit(TABLES, "import numpy as np\n", "import numpy as np\n\n_TABLES = {}\n"),
            Edit(
                TABLES,
                "    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)",
                "    tables = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)\n"
                "    return _TABLES.setdefault(angles.shape, tables)",
            ),
        ),
        failed={"16-02/T2": "correctness*2"},
        says={"16-02/T2/correctness": ("kernels.rope:apply_rope_device is wrong",)},
        run="plan 16-02",
        options=POSITIONS,
    ),
    Sabotage(
        "the keys are not rotated",
        (
            Edit(
                LAYER,
                "rotary_geometry(seq, q_heads + k_heads, head_dim)",
                "rotary_geometry(seq, q_heads, head_dim)",
            ),
        ),
        failed={"16-02/T1": "correctness.2"},
        says={
            "16-02/T1/correctness.2": (
                "elements of k are wrong",
                "the result matches this mistake: the keys not rotated",
            )
        },
        run="plan 16-02",
        options=HEADS,
    ),
)


@every(SABOTAGES)
def test_sabotaged_values(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
