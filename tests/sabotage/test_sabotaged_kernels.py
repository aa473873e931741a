"""Sabotage of what the kernels compute and where they write."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.sabotage.places import GUARD, HIGH, HIP, LAYER_HIP, LOW, PAIR, ROTATE, STORAGE
from tests.sabotage.sabotage import HEADS, POSITIONS, RAW, Edit, Sabotage, check, copy_of, every, run

IN_HALF = """\
  if constexpr (sizeof(T) == 2 && !__is_same(T, Bf16)) {
    const _Float16 c = cosine, s = sine, f = first, g = second;
    row[low] = f * c - g * s;
    row[high] = f * s + g * c;
    return;
  }
"""

SABOTAGES = (
    Sabotage(
        "the rotation goes the other way",
        (
            Edit(PAIR, LOW, LOW.replace(" - ", " + ")),
            Edit(PAIR, HIGH, "  store_rounded(row + high, second * cosine - first * sine);\n"),
        ),
        failed={
            "16-02/T1": "correctness*2",
            "16-02/T2": "correctness*2",
            "16-02/T3": "correctness*6",
        },
        says={
            "16-02/T3/correctness": (
                "kernels.rope:rope_gpu_kernel is wrong",
                "rope_kernel",
                "the result matches this mistake: the sine negated",
                "replay with --seed 2016",
            ),
            "16-02/T3/correctness.4": (
                "kernels.position_embeddings:position_embeddings_gpu_kernel is wrong",
                "the sine negated",
            ),
        },
        exhaustive=True,
    ),
    Sabotage(
        "one sign is flipped",
        (Edit(PAIR, LOW, LOW.replace(" - ", " + ")),),
        failed={"16-02/T3": "correctness"},
        says={"16-02/T3/correctness": ("the wrong elements of x all have head_dim indices 0 to 4 of 10",)},
        run="plan 16-02",
        options=RAW,
        fast=True,
    ),
    Sabotage(
        "cos and sin are swapped",
        (Edit(HIP, "cos[angle], sin[angle]", "sin[angle], cos[angle]"),),
        failed={"16-02/T1": "correctness"},
        says={
            "16-02/T1/correctness": (
                "kernels.rope:apply_rope_device is wrong",
                "the result matches this mistake: cos and sin swapped",
            )
        },
        run="plan 16-02",
        options=HEADS,
    ),
    Sabotage(
        "pairs are taken as interleaved",
        (Edit(HIP, "  rope<float, PairLayout::kHalfSplit>", "  rope<float, PairLayout::kInterleaved>"),),
        failed={"16-02/T2": "correctness"},
        says={
            "16-02/T2/correctness": (
                "kernels.rope:apply_rope_device is wrong",
                "(rope_kernel)",
                "the result matches this mistake: the other pair layout",
            )
        },
        run="plan 16-02",
        options=POSITIONS,
    ),
    Sabotage(
        "the last head is not rotated",
        (Edit(HIP, "head >= heads ||", "head + 1 >= heads ||"),),
        failed={"16-02/T1": "correctness"},
        says={
            "16-02/T1/correctness": (
                "kernels.rope:apply_rope_device is wrong",
                "the result matches this mistake: the last head not rotated",
            )
        },
        run="plan 16-02",
        options=HEADS,
    ),
    Sabotage(
        "the last key head is not rotated",
        (Edit(LAYER_HIP, "head >= q_heads + k_heads ||", "head + 1 >= q_heads + k_heads ||"),),
        failed={"16-02/T1": "correctness.2"},
        says={
            "16-02/T1/correctness.2": (
                "kernels.position_embeddings:apply_position_embeddings_device is wrong",
                "elements of k are wrong",
            )
        },
        run="plan 16-02",
        options=HEADS,
    ),
    Sabotage(
        "the last token is not rotated",
        (Edit(HIP, "token >= seq ||", "token + 1 >= seq ||"),),
        failed={"16-02/T2": "correctness"},
        says={
            "16-02/T2/correctness": (
                "the first at [4, 0, 0]",
                "the result matches this mistake: the last token not rotated",
            )
        },
        run="plan 16-02",
        options=POSITIONS,
    ),
    Sabotage(
        "the angle of the token before",
        (
            Edit(
                HIP,
                "static_cast<size_t>(token) * pairs + pair;",
                "static_cast<size_t>(token ? token - 1 : 0) * pairs + pair;",
            ),
        ),
        failed={"16-02/T3": "correctness"},
        says={"16-02/T3/correctness": ("the wrong elements of x all have seq indices 1 to 4 of 5",)},
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "one element past the buffer is written",
        (
            Edit(
                HIP,
                ROTATE,
                f"{ROTATE}  if (token + 1 == seq && head + 1 == heads && pair + 1 == pairs) {{\n"
                "    store_rounded(row + head_dim, 0.0f);\n  }\n",
            ),
        ),
        failed={
            "16-02/T1": "correctness",
            "16-02/T2": "correctness",
            "16-02/T3": "correctness*3",
        },
        says={
            "16-02/T1/correctness": (
                "store of 4 byte(s) outside every allocation",
                "1 byte(s) past the end of allocation",
                "kernel rope_kernel",
                "global_store_b32",
                "check the kernel's bounds test",
            )
        },
    ),
    Sabotage(
        "one element before the buffer is written",
        (Edit(HIP, ROTATE, f"{ROTATE}  if (token + head + pair == 0) store_rounded(row - 1, 0.0f);\n"),),
        failed={"16-02/T3": "correctness"},
        says={
            "16-02/T3/correctness": (
                "store of 4 byte(s) outside every allocation",
                "4 byte(s) before allocation",
                "kernel rope_kernel",
            )
        },
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "one angle past the table is read",
        (Edit(HIP, "cos[angle], sin[angle]", "cos[angle + 1], sin[angle]"),),
        failed={"16-02/T3": "correctness"},
        says={
            "16-02/T3/correctness": (
                "load of 4 byte(s) outside every allocation",
                "1 byte(s) past the end of allocation",
                "kernel rope_kernel",
            )
        },
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "heads beyond the last are rotated too",
        (Edit(HIP, " head >= heads ||", ""),),
        failed={"16-02/T3": "correctness"},
        says={
            "16-02/T3/correctness": ("outside every allocation", "past the end of", "array x of the caller")
        },
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "float16 accumulates in half",
        (Edit(PAIR, HIGH, IN_HALF + HIGH),),
        failed={"16-02/T3": "correctness"},
        says={"16-02/T3/correctness": ("(rope_kernel_f16)", "float16")},
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "bfloat16 is cut off instead of rounded",
        (Edit(STORAGE, "(is_nan ? quiet_nan : nearest_even) >> 16", "(is_nan ? quiet_nan : bits) >> 16"),),
        failed={"16-02/T3": "correctness"},
        says={"16-02/T3/correctness": ("(rope_kernel_bf16)", "bfloat16")},
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "odd sizes return early",
        (Edit(HIP, GUARD, f"{GUARD}  if (seq & 1) return;\n"),),
        failed={"16-02/T3": "correctness"},
        says={"16-02/T3/correctness": ("seq=5", "still what was there before the launch")},
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "only the first wave of a workgroup works",
        (Edit(HIP, GUARD, f"{GUARD}  if (threadIdx.x >= 32) return;\n"),),
        failed={"16-02/T3": "correctness"},
        says={"16-02/T3/correctness": ("they hold what was there before the launch",)},
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "NaN in one lane",
        (Edit(HIP, ROTATE, f'{ROTATE}  if (pair == 31) store_rounded(row + pair, __builtin_nanf(""));\n'),),
        failed={"16-02/T3": "correctness"},
        says={
            "16-02/T3/correctness": (
                "got nan",
                "the wrong elements of x all have head_dim index 31; they are NaN",
            )
        },
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "the kernel does nothing",
        (Edit(HIP, ROTATE, ""),),
        failed={"16-02/T3": "correctness"},
        says={"16-02/T3/correctness": ("x: still what was there before the launch",)},
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "the kernel never ends",
        (
            Edit(HIP, ROTATE, f"{ROTATE}  for (volatile unsigned i = 1; i != 0; i += 2) continue;\n"),
            Edit("pyproject.toml", 'gate = "strict"', 'gate = "strict"\nlaunch_timeout_s = 1'),
        ),
        error={"16-02/T3": "correctness"},
        exit_code=3,
        says={
            "16-02/T3/correctness": (
                "not finished after 1 s, the time limit",
                "kernel rope_kernel",
                "does the kernel end?",
                "launch_timeout_s",
            )
        },
        run="plan 16-02",
        options=RAW,
    ),
    Sabotage(
        "uninitialised LDS is read",
        (
            Edit(
                HIP,
                ROTATE,
                "  __shared__ volatile float tile[256];\n"
                "  if (seq > 4) tile[threadIdx.x] = cos[angle];\n"
                + ROTATE.replace("cos[angle]", "tile[threadIdx.x]"),
            ),
        ),
        failed={"16-02/T3": "correctness"},
        says={"16-02/T3/correctness": ("kernels.rope:rope_gpu_kernel is wrong", "they are NaN")},
        run="plan 16-02",
        options=RAW,
    ),
)


@every(SABOTAGES)
def test_sabotaged_kernels(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)


@pytest.mark.long
def test_one_flipped_sign_is_told_within_25_lines_of_80_columns(
    template: Path, kept: Path, tmp_path: Path
) -> None:
    root = copy_of(template, tmp_path, [Edit(PAIR, LOW, LOW.replace(" - ", " + "))])
    ran = run(root, "phase 16", ("--cache-dir", str(kept)), {"COLUMNS": "80"})
    assert ran.exit_code == 1, ran.output
    lines = [line for line in ran.output.splitlines() if not line.startswith("...")]  # on a slow machine
    assert len(lines) <= 25, ran.output
    assert max(map(len, lines)) <= 80, ran.output
    told = re.search(r"rocverify run (plan 16-02 .*?-k \S+)", ran.output.replace("\\\n", ""), re.DOTALL)
    assert told is not None, ran.output
    first, number, *options = shlex.split(told[1])
    again = run(root, f"{first} {number}", ("--cache-dir", str(kept), *options))
    replayed = again.checks()[options[-1]]
    assert (replayed["verdict"], replayed["evidence"]["cases"]) == ("failed", 1)
