"""Sabotage of what is measured: costs, baselines, resources, and matrices that shrink."""

from __future__ import annotations

from pathlib import Path

from tests.sabotage.attention_places import CAUSAL, COSTS, FLASH, FUSED, LAUNCH_CAUSAL, MATRIX, first, only
from tests.sabotage.sabotage import Delete, Edit, Sabotage, check, every

RATIO = only(first("T1", "performance"))
# Of the first target's figures; those of another one stand behind them.
KEY = 'seq_q={} seq_k=512 head_dim=64 batch=1 heads=1 kv_heads=1":'
BYTES = '"global_bytes": {},\n    "global_segments": 11264,\n    "wave_instructions": 984576'
# Rows of a tile lie as close as they can, for those that write them and those that read them.
UNPADDED = (
    Edit(FUSED, "tile + first * (kTileDim + kTilePad) + column", "tile + first * kTileDim + column"),
    Edit(FUSED, "to += kAtOnce * (kTileDim + kTilePad);", "to += kAtOnce * kTileDim;"),
    Edit(FUSED, "kPitch = kTileDim + kTilePad;", "kPitch = kTileDim;"),
)
BOUNDS = "__launch_bounds__(flash_threads(64)) "
D64 = "void flash_attention_causal_kernel_d64("
STORED = """\
    from kernels.runtime import allocated

    with allocated(4 * config.seq_q * config.seq_k):
    """
MATRIX_PLAN = f"{MATRIX}/08-01-PLAN.md"
FOUR = (
    "    contract: kernels.contracts.attention:Pipeline\n    cases: 32\n"
    "    dtypes: [float32, float64, float16, bfloat16]\n"
)

SABOTAGES = (
    Sabotage(
        "the benchmark times nothing",
        (Edit(FLASH, LAUNCH_CAUSAL, ""),),
        failed={"06-04/T1": "performance", "06-04/T3": "performance", "06-04/T4": "performance*2"},
        says={
            "06-04/T1/performance": (
                "launched nothing that could be counted",
                "let kernels.flash:flash_attention_causal_gpu_kernel launch the kernel",
            ),
            "06-04/T4/performance": ("launched nothing",),
        },
        run="plan 06-04",
        options=only("performance"),
    ),
    Sabotage(
        "the baseline is missing",
        (Delete(COSTS),),
        failed={"06-04/T1": "performance"},
        says={"06-04/T1/performance": (COSTS, "does not exist")},
        run="plan 06-04",
        options=RATIO,
    ),
    Sabotage(
        "the baseline is of another shape",
        (Edit(COSTS, KEY.format(512), KEY.format(256)),),
        failed={"06-04/T1": "performance"},
        says={"06-04/T1/performance": (COSTS, "holds no figures for", "add what is measured now: {")},
        run="plan 06-04",
        options=RATIO,
    ),
    Sabotage(
        "more bytes are moved than the baseline has",
        (Edit(COSTS, BYTES.format(1441792), BYTES.format(720896)),),
        failed={"06-04/T1": "performance"},
        says={
            "06-04/T1/performance": ("global_bytes has grown by 100.0%", "1,441,792 instead of 720,896"),
        },
        run="plan 06-04",
        options=RATIO,
    ),
    Sabotage(
        "the baseline is far above what is measured",
        (Edit(COSTS, BYTES.format(1441792), BYTES.format(14417920)),),
        failed={"06-04/T1": "performance"},
        says={"06-04/T1/performance": ("would not notice growth", "write 1,441,792 into")},
        run="plan 06-04",
        options=RATIO,
    ),
    Sabotage(
        "the scores are stored",
        (Edit(FLASH, LAUNCH_CAUSAL, STORED + LAUNCH_CAUSAL),),
        failed={"06-04/T4": "performance"},
        says={"06-04/T4/performance": ("footprint_bytes grows with power 1.6", "at most 1.01 is allowed")},
        run="plan 06-04",
        options=only(first("T4", "performance")),
    ),
    Sabotage(
        "rows of LDS are not padded",
        UNPADDED,
        failed={"06-04/T3": "performance"},
        says={"06-04/T3/performance": ("lds_conflict_ratio is 0.", "pad LDS rows")},
        run="plan 06-04",
        options=only("T3"),
    ),
    Sabotage(
        "registers are spilled",
        (Edit(CAUSAL, BOUNDS + D64, BOUNDS + "__attribute__((amdgpu_num_vgpr(40))) " + D64),),
        failed={"06-04/T2": "resources.2"},
        says={
            "06-04/T2/resources.2": (
                "flash_attention_causal_kernel_d64 takes",
                "spilled registers on gfx1100, at most 0 are allowed",
                "use fewer registers",
            ),
        },
        run="plan 06-04",
        options=only("T2 and resources.2"),
    ),
    Sabotage(
        "the matrix has one type only",
        (Edit(MATRIX_PLAN, FOUR, FOUR.replace(", float64, float16, bfloat16", "")),),
        failed={"08-01/T1": "correctness"},
        says={"08-01/T1/correctness": ("150000",)},
        run="plan 08-01",
        options=only(first("T1", "correctness")),
    ),
)


@every(SABOTAGES)
def test_sabotaged_costs(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
