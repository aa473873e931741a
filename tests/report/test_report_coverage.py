"""Coverage and models in the words of documents."""

from __future__ import annotations

from typing import Any

from rocverify.report.coverage import decided, kernel_rows, matrix, model_rows, models_line, not_executed
from rocverify.report.model import CoverageReport, ModelReport


def row(kernel: str, **more: Any) -> CoverageReport:
    known = {"source": "k.hip", "types": [], "cases": 0, "compared": [], "sanitized": [], **more}
    return CoverageReport.model_validate({"kernel": kernel, **known})


D64 = row(
    "f_d64", family="f", variant="d64", cases_by_type={"float32": 12}, compared=["01-01/T1/correctness"]
)
D64_HALF = row(
    "f_d64_f16", family="f", variant="d64", cases_by_type={"float16": 3}, compared=["01-01/T1/correctness"]
)
D128 = row("f_d128", family="f", variant="d128")


def test_the_matrix_has_a_row_for_each_variant_and_a_column_for_each_type() -> None:
    found = matrix([D64, D64_HALF, D128])
    assert found.types == ("float32", "float16")
    assert found.rows == (("`f`", "`d64`", "12", "3", ""), ("`f`", "`d128`", "none", "none", "`f_d128`"))


def test_checks_are_told_by_their_must_haves() -> None:
    ids = ["01-01/T1/correctness", "01-01/T1/correctness.2", "01-01/T2/layout", "01-02/T1/correctness"]
    (cells,) = kernel_rows([row("k", launched=ids, compared=ids[:1], blocks=4, executed_blocks=3)])
    assert cells == ("`k`", "01-01 T1 T2, 01-02 T1", "01-01 T1", "", "3 of 4")
    assert kernel_rows([row("k")])[0][-1] == ""


def test_lines_that_several_kernels_share_are_told_once() -> None:
    missed = {"compared": ["x"], "blocks": 9, "executed_blocks": 7, "missed_lines": ["k.hip:8-9"]}
    rows = [row(f"k{n}", **missed) for n in range(5)]
    whole = row("whole", compared=["x"], blocks=2, executed_blocks=2)
    not_compared = row("other", blocks=2, executed_blocks=1, missed_lines=["k.hip:1"])
    assert list(not_executed([*rows, whole, not_compared])) == [
        "Lines that no compared case executed: k.hip:8-9 (in k0, k1, k2 and 2 more)"
    ]


def test_blocks_of_lines_that_were_executed_elsewhere_are_counted_only() -> None:
    (line,) = not_executed([row("k", compared=["x"], blocks=4, executed_blocks=3)])
    assert line == "1 basic block of k that no compared case executed, of source lines that others did"


def test_models_in_words() -> None:
    exp = ModelReport(
        instruction="v_exp_f32", model="close | near", kernels=["a"], branches=["a at 0x8"], addresses=[]
    )
    rcp = ModelReport(instruction="v_rcp_f32", model="close", kernels=["a"], branches=[], addresses=[])
    assert (decided(exp), decided(rcp)) == ("a branch (a at 0x8)", "no branch or address")
    assert model_rows([exp]) == [("`v_exp_f32`", "close \\| near", "1", "a branch (a at 0x8)")]
    assert models_line([exp, rcp]).endswith(
        "(v_exp_f32, v_rcp_f32); v_exp_f32 may decide a branch or address"
    )
    assert models_line([rcp]).endswith("; none decides a branch or address")
