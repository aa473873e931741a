"""Sabotage of fused attention: its kernels, what its wrappers pass, and layouts."""

from __future__ import annotations

from pathlib import Path

from tests.sabotage.attention_places import ATTENTION, FLASH, FUSED, POINTERS_CAUSAL, first, only
from tests.sabotage.sabotage import Edit, Sabotage, check, every

LAUNCHED = only("T2 and wrapper_present.2", first("T7", "correctness"))
LAYOUTS = only("T6")
DECODE = only(first("T1", "correctness"))

SABOTAGES = (
    Sabotage(
        "K and V are swapped",
        (Edit(FLASH, POINTERS_CAUSAL, POINTERS_CAUSAL.replace("k=k_ptr, v=v_ptr", "k=v_ptr, v=k_ptr")),),
        failed={"06-03/T2": "wrapper_present.2", "06-03/T7": "correctness"},
        says={
            "06-03/T2/wrapper_present.2": (
                "arguments 2 and 3 are swapped: k and v",
                "flash_attention_causal_gpu_kernel (kernels/flash.py:",
            ),
            "06-03/T7/correctness": (
                "the result matches this mistake: K and V swapped",
                "replay with --seed 2016",
            ),
        },
        run="plan 06-03",
        options=LAUNCHED,
    ),
    Sabotage(
        "the wrapper takes the other layout",
        (Edit(FLASH, "            config.seq_major,\n", "            not config.seq_major,\n"),),
        failed={"06-03/T6": "layout*2 correctness"},
        says={
            "06-03/T6/layout": ("is wrong already as declared", "check strides and the order of axes"),
            "06-03/T6/correctness": ("the result matches this mistake: the layouts swapped",),
        },
        run="plan 06-03",
        options=LAYOUTS,
    ),
    Sabotage(
        "the backend passes one layout for both",
        (Edit(ATTENTION, '"seq_major": config.seq_major', '"seq_major": False'),),
        failed={"06-03/T6": "layout.2 correctness"},
        says={
            "06-03/T6/layout.2": (
                "kernels.attention:attention_forward is wrong already as declared",
                "check strides and the order of axes",
            ),
            "06-03/T6/correctness": ("the result matches this mistake: the layouts swapped",),
        },
        run="plan 06-03",
        options=LAYOUTS,
    ),
    Sabotage(
        "the tile of weights has no room in dynamic LDS",
        (Edit(FLASH, "(tile + _TILE_PAD) + rows * _WEIGHT_PITCH)", "(tile + _TILE_PAD))"),),
        failed={"06-03/T2": "wrapper_present.2", "06-03/T7": "correctness"},
        says={
            "06-03/T2/wrapper_present.2": (
                "store of 4 byte(s) at LDS offset 13824, of 13824 that the launch has",
                "kernel flash_attention_causal_kernel_d32",
                "pass the dynamic LDS size that the kernel indexes",
            ),
            "06-03/T7/correctness": ("flash_attention_causal_kernel_d32_bf16", "at LDS offset"),
        },
        run="plan 06-03",
        options=LAUNCHED,
        exhaustive=True,
    ),
    Sabotage(
        "dynamic LDS is too small for sequences beyond 32",
        (
            Edit(
                FLASH,
                "(flash_threads(tile), 1, 1), flash_lds_bytes(tile))",
                "(flash_threads(tile), 1, 1), flash_lds_bytes(tile) // (1 if config.seq_k <= 32 else 2))",
            ),
        ),
        failed={"07-03/T1": "correctness"},
        says={
            "07-03/T1/correctness": (
                "of 12032 that the launch has",
                "pass the dynamic LDS size that the kernel indexes",
            )
        },
        run="plan 07-03",
        options=only(first("T1", "correctness"), first("T2", "correctness")),
    ),
    Sabotage(
        "the grid is one tile of queries short",
        (
            Edit(
                FLASH,
                "tiles = -(-config.seq_q // flash_rows(tile))",
                "tiles = max(config.seq_q // flash_rows(tile), 1)",
            ),
        ),
        failed={"06-03/T7": "correctness"},
        says={"06-03/T7/correctness": ("they hold what was there before the launch",)},
        run="plan 06-03",
        options=only(first("T7", "correctness")),
    ),
    Sabotage(
        "a cache with spare rows is read as if it were full",
        (Edit(ATTENTION, '"kv_capacity": config.kv_capacity', '"kv_capacity": config.seq_k'),),
        failed={"07-02/T1": "correctness"},
        says={
            "07-02/T1/correctness": ("the result matches this mistake: the cache read as if it were full",)
        },
        run="plan 07-02",
        options=DECODE,
    ),
    Sabotage(
        "heads are mapped by remainder",
        (Edit(FUSED, "kv_head = head / (a.heads / a.kv_heads)", "kv_head = head % a.kv_heads"),),
        failed={"07-02/T2": "correctness"},
        says={
            "07-02/T2/correctness": (
                "the result matches this mistake: heads mapped by remainder instead of by group",
            )
        },
        run="plan 07-02",
        options=only(first("T2", "correctness")),
        exhaustive=True,
    ),
    Sabotage(
        "the causal mask starts at the first key of a cache",
        (
            Edit(
                FUSED,
                "causal() ? causal_keys(row, a.seq_q, a.seq_k) : a.seq_k",
                "causal() ? min(row + 1, a.seq_k) : a.seq_k",
            ),
        ),
        failed={"07-02/T1": "correctness"},
        says={
            "07-02/T1/correctness": (
                "the result matches this mistake: the mask without the offset of the cache",
            )
        },
        run="plan 07-02",
        options=DECODE,
    ),
    Sabotage(
        "the last tile of keys is skipped by the fused kernel",
        (Edit(FUSED, "key < end; key += kFlashKeys", "key + kFlashKeys < end; key += kFlashKeys"),),
        failed={"07-03/T1": "correctness"},
        says={"07-03/T1/correctness": ("the result matches this mistake: the last tile of keys skipped",)},
        run="plan 07-03",
        options=only(first("T1", "correctness")),
        exhaustive=True,
    ),
    Sabotage(
        "the fused kernel subtracts no maximum",
        (
            Edit(FUSED, "base = now == -__builtin_inff() ? 0.0f : now;", "base = 0.0f;"),
            Edit(FUSED, "shrink = exp_of(largest[r] - base);", "shrink = 1.0f;"),
        ),
        failed={"07-03/T6": "numerical_stability"},
        says={"07-03/T6/numerical_stability": ("extreme scores",)},
        run="plan 07-03",
        options=only(first("T6", "numerical_stability")),
    ),
    Sabotage(
        "fully masked rows divide by zero",
        (Edit(FUSED, "all == 0 ? 1.0f : 1 / all", "1 / all"),),
        failed={"07-03/T6": "numerical_stability.2"},
        says={
            "07-03/T6/numerical_stability.2": (
                "new NaN in",
                "expected 0, got nan",
                "decide what a fully masked row gives",
            )
        },
        run="plan 07-03",
        options=only("T6 and numerical_stability.2"),
    ),
    Sabotage(
        "the fused kernel lacks a barrier",
        (Edit(FUSED, "      accumulate();\n      __syncthreads();\n", "      accumulate();\n"),),
        failed={"07-01/T2": "memory_safety.5"},
        says={"07-01/T2/memory_safety.5": ("WAR in LDS", "put __syncthreads() between")},
        run="plan 07-01",
        options=only("T2 and memory_safety.5"),
        exhaustive=True,
    ),
    Sabotage(
        "the fused kernel adds up in float16",
        (
            Edit(
                FUSED,
                "  sum.x += factor * value.x;",
                "  sum.x = static_cast<_Float16>(sum.x + factor * value.x);",
            ),
        ),
        failed={"07-03/T3": "correctness.2"},
        says={"07-03/T3/correctness.2": ("float32",)},
        run="plan 07-03",
        options=only("T3 and correctness.2"),
        exhaustive=True,
    ),
)


@every(SABOTAGES)
def test_sabotaged_flash(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
