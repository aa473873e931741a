"""Sabotage of the plans: claims that prove nothing, and documents that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sabotage.places import ERRORS, FLOW, HEADS_ENTRY, ONE, TRUTH, TWO
from tests.sabotage.sabotage import (
    ARTIFACTS,
    HEADS,
    PHASE,
    TEXTS,
    At,
    Create,
    Cut,
    Edit,
    Link,
    Sabotage,
    check,
    copy_of,
    every,
    run,
)

SABOTAGES = (
    Sabotage(
        "a truth that nothing can decide",
        (Edit(ONE, TRUTH, f'{TRUTH}    - "Users find the rotation pleasant"\n'),),
        undecided=("16-01/T4",),
        says={"16-01/T4": ("no phrase of the catalogue fits", "rocverify: [{proves: T4")},
        exit_code=3,
    ),
    Sabotage(
        "a truth about a kernel that does not exist",
        (Edit(ONE, TRUTH, f'{TRUTH}    - "The argmax kernel is compiled and loaded"\n'),),
        undecided=("16-01/T4",),
        says={"16-01/T4": ("it does not say which kernel", "nothing known is called argmax")},
        exit_code=3,
        run="plan 16-01",
        options=TEXTS,
    ),
    Sabotage(
        "a truth about a function that does not exist",
        (Edit(ONE, TRUTH, f'{TRUTH}    - "No hipMemcpyDtoH in apply_softmax_device()"\n'),),
        undecided=("16-01/T4",),
        says={"16-01/T4": ("nothing known is called apply_softmax_device",)},
        exit_code=3,
        run="plan 16-01",
        options=TEXTS,
    ),
    Sabotage(
        "a pattern that matches only a comment",
        (
            Edit(
                ONE,
                'pattern: "source\\\\s*=\\\\s*\\"kernels/rope\\\\.hip\\""',
                'pattern: "which kernels there are"',
            ),
        ),
        failed={"16-01/L1": "key_link"},
        says={
            "16-01/L1/key_link": (
                "the pattern 'which kernels there are' matches only comments or docstrings",
                "kernels/kernels.toml:1",
                "or correct the plan",
            )
        },
        run="plan 16-01",
        options=TEXTS,
    ),
    Sabotage(
        "contains matches only a docstring",
        (Edit(TWO, ERRORS, f'{ERRORS}      contains: "What the host functions of this package raise"\n'),),
        failed={"16-02/A3": "artifact"},
        says={"16-02/A3/artifact": ("matches only comments or docstrings", "kernels/errors.py:1")},
        run="plan 16-02",
        options=ARTIFACTS,
    ),
    Sabotage(
        "a pattern that stands only in the target",
        (
            Edit(
                ONE,
                '"\\\\blaunch\\\\(CODE_OBJECT"\n    - from: "kernels/rope.py"',
                '"hipModuleLaunchKernel"\n    - from: "kernels/rope.py"',
            ),
        ),
        failed={"16-01/L3": "key_link"},
        says={
            "16-01/L3/key_link": ("the pattern 'hipModuleLaunchKernel' matches nothing in kernels/rope.py",)
        },
        run="plan 16-01",
        options=TEXTS,
        fast=True,
    ),
    Sabotage(
        "a duplicate key",
        (Edit(ONE, "wave: 1\n", "wave: 1\nwave: 2\n"),),
        shows=(f"{ONE}:6: wave: the key appears twice, first on line 5",),
        exit_code=2,
        run="plan 16-01",
        fast=True,
    ),
    Sabotage(
        "a pattern of another dialect",
        (Edit(TWO, ERRORS, f'{ERRORS}      contains: "(?<!x)class KernelTrouble"\n'),),
        error={"16-02/A3": "artifact"},
        says={
            "16-02/A3/artifact": (
                "is not a regular expression of RE2",
                At(TWO, "kernels/errors.py"),
                "without look-around",
            )
        },
        exit_code=2,
        run="plan 16-02",
        options=ARTIFACTS,
    ),
    Sabotage(
        "a text that is not a regular expression either",
        (Edit(TWO, ERRORS, f'{ERRORS}      contains: "(unclosed"\n'),),
        failed={"16-02/A3": "artifact"},
        says={"16-02/A3/artifact": ("the pattern '(unclosed' matches nothing in kernels/errors.py",)},
        run="plan 16-02",
        options=ARTIFACTS,
    ),
    Sabotage(
        "an artifact above the root",
        (
            Create(
                "../errors.py",
                "ShapeError = DTypeError = PositionError = PointerError = OSError\n",
            ),
            Edit(TWO, '"kernels/errors.py"', '"../errors.py"'),
        ),
        failed={"16-02/A3": "artifact"},
        says={"16-02/A3/artifact": ("../errors.py: lies outside the root", "only files of the repository")},
        run="plan 16-02",
        options=ARTIFACTS,
    ),
    Sabotage(
        "an artifact by a way out of the root and back",
        (Edit(TWO, '"kernels/errors.py"', '"../repository/kernels/errors.py"'),),
        failed={"16-02/A3": "artifact"},
        says={"16-02/A3/artifact": ("../repository/kernels/errors.py: lies outside the root",)},
        run="plan 16-02",
        options=ARTIFACTS,
    ),
    Sabotage(
        "an artifact by an absolute path",
        (Edit(TWO, '"kernels/errors.py"', '"/etc/passwd"'),),
        failed={"16-02/A3": "artifact"},
        says={"16-02/A3/artifact": ("/etc/passwd: lies outside the root",)},
        run="plan 16-02",
        options=ARTIFACTS,
    ),
    Sabotage(
        "an artifact that a symbolic link takes outside",
        (Link("kernels/errors.py"),),
        failed={"16-02/A3": "artifact"},
        says={
            "16-02/A3/artifact": (
                "kernels/errors.py: lies outside the root",
                "not through links that leave it",
            )
        },
        run="plan 16-02",
        options=ARTIFACTS,
    ),
    Sabotage(
        "a check of an unknown kind",
        (
            Edit(
                ONE,
                FLOW,
                FLOW.replace("documented", "documentet"),
            ),
        ),
        shows=(
            f"{ONE}:71: rocverify[0].check: there is no check kind 'documentet'",
            "did you mean documented?",
        ),
        exit_code=2,
        run="plan 16-01",
    ),
    Sabotage(
        "an unknown parameter",
        (Edit(TWO, "dims: { heads: [2, 7, 32] }", "shapes: { heads: [2, 7, 32] }"),),
        shows=(
            f"{TWO}:53: rocverify[0].shapes: is not a parameter of correctness",
            "contract, cases, dtypes, dims",
        ),
        exit_code=2,
        run="plan 16-02",
    ),
    Sabotage(
        "a dimension that the contract does not have",
        (Edit(TWO, "dims: { heads: [2, 7, 32] }", "dims: { head: [2, 7, 32] }"),),
        error={"16-02/T1": "correctness"},
        says={"16-02/T1/correctness": ("there is no dimension 'head'", "there are seq, heads, head_dim")},
        exit_code=3,
        run="plan 16-02",
        options=HEADS,
    ),
    Sabotage(
        "an entry that proves nothing in the plan",
        (
            Edit(
                TWO,
                HEADS_ENTRY,
                HEADS_ENTRY.replace("ROPE-02", "ROPE-09"),
            ),
        ),
        shows=(f"{TWO}:50: rocverify[0].proves: 'ROPE-09' names no must-have of this plan",),
        exit_code=2,
        run="plan 16-02",
    ),
    Sabotage(
        "a contract that does not exist",
        (
            Edit(
                TWO,
                "contract: kernels.contracts.rope:RopeDevice\n    dims: { heads",
                "contract: kernels.contracts.rope:RopeHost\n    dims: { heads",
            ),
        ),
        failed={"16-02/T1": "correctness"},
        says={
            "16-02/T1/correctness": (
                "kernels/contracts/rope.py",
                "'RopeHost' does not exist",
                "did you mean Rope",
            )
        },
        run="plan 16-02",
        options=HEADS,
    ),
    Sabotage(
        "dimensions that tell nothing",
        (
            Edit(
                TWO, "dims: { heads: [2, 7, 32] }", "dims: { heads: 1, seq: 1, head_dim: 2, max_seq_len: 1 }"
            ),
        ),
        failed={"16-02/T1": "correctness"},
        says={"16-02/T1/correctness": ("the comparison cannot discriminate", "widen dims")},
        run="plan 16-02",
        options=HEADS,
    ),
    Sabotage(
        "more lines than there are",
        (
            Edit(
                ONE,
                '      min_lines: 30\n    - path: "kernels/position',
                '      min_lines: 3000\n    - path: "kernels/position',
            ),
        ),
        failed={"16-01/A2": "artifact"},
        says={"16-01/A2/artifact": ("lines, the plan asks for 3000", "kernels/rope.hip:")},
        run="plan 16-01",
        options=TEXTS,
    ),
    Sabotage(
        "an export that is only imported",
        (
            Edit(
                ONE,
                "exports: [rope_gpu_kernel, apply_rope_device]",
                "exports: [rope_gpu_kernel, apply_rope_device, launch]",
            ),
        ),
        failed={"16-01/A4": "artifact"},
        says={"16-01/A4/artifact": ("kernels/rope.py does not define launch; it only uses the name",)},
        run="plan 16-01",
        options=TEXTS,
    ),
    Sabotage(
        "the frontmatter is not closed",
        (Edit(ONE, "---\n\n<objective>", "\n<objective>"),),
        shows=(f"{ONE}:1: the frontmatter is not closed", "end it with a line ---"),
        exit_code=2,
        run="plan 16-01",
    ),
    Sabotage(
        "an ambiguous phase",
        (Create(".planning/phases/16-other/16-01-PLAN.md", "---\nphase: 16-other\n---\n"),),
        shows=("phase '16' is ambiguous: ", ".planning/phases/16-other", "give the folder's whole name"),
        exit_code=2,
    ),
)


NO_MUST_HAVES = "must_haves:\n  truths: []\n  artifacts: []\n  key_links: []\n"


@pytest.mark.long
@pytest.mark.parametrize("must_haves", ["", NO_MUST_HAVES, "must_haves:\n"], ids=["none", "empty", "null"])
@pytest.mark.parametrize(("gate", "code"), [("strict", 3), ("lenient", 0)])
def test_a_plan_without_must_haves_is_no_pass(
    template: Path, kept: Path, tmp_path: Path, must_haves: str, gate: str, code: int
) -> None:
    root = copy_of(template, tmp_path, [Cut(ONE, "must_haves:\n", "---\n", must_haves)])
    ran = run(root, "plan 16-01", ("--cache-dir", str(kept), "--gate", gate))
    assert ran.exit_code == code, ran.output
    assert ran.report is not None
    assert ran.report["status"] == "human_needed"
    offered = ran.must_haves()  # by verification, success criteria, done and verify
    assert {name.partition("/")[2][0] for name in offered} >= {"V", "D"}
    assert {entry["verdict"] for entry in offered.values()} == {"unverified"}
    assert ran.report["score"] == {"verified": 0, "total": len(offered)}
    summary = (root / f"{PHASE}/16-01-SUMMARY.md").read_text(encoding="utf-8")
    assert "human_needed" in summary
    assert "verdict: passed" not in summary


@pytest.mark.long
def test_a_lenient_gate_lets_through_what_the_report_still_calls_unverified(
    template: Path, kept: Path, tmp_path: Path
) -> None:
    undecidable = Edit(ONE, TRUTH, f'{TRUTH}    - "Users find the rotation pleasant"\n')
    root = copy_of(template, tmp_path, [undecidable])
    ran = run(root, "plan 16-01", ("--cache-dir", str(kept), "--gate", "lenient"))
    assert (ran.exit_code, ran.not_passed()) == (0, {}), ran.output
    assert ran.report is not None
    assert ran.report["status"] == "human_needed"
    assert ran.must_haves()["16-01/T4"]["verdict"] == "unverified"


@every(SABOTAGES)
def test_sabotaged_plans(sabotage: Sabotage, template: Path, kept: Path, tmp_path: Path) -> None:
    check(sabotage, template, kept, tmp_path)
