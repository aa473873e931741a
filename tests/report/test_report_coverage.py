"""Coverage and models in the words of documents."""

from __future__ import annotations

from typing import Any

from rocverify.report.coverage import decided, models_line, not_executed
from rocverify.report.model import CorrectnessReport, CoverageReport, ModelReport, PlanReport
from rocverify.report.overview import error_rows, matrix, shapes


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
    assert found.rows == (
        ("`f`", "`d64`", "12 compared, not sanitized", "3 compared, not sanitized", ""),
        ("`f`", "`d128`", "none", "none", "`f_d128` compiled"),
    )


def test_a_cell_says_how_far_a_kernel_was_taken() -> None:
    whole = row("k", cases_by_type={"float32": 4}, compared=["x"], sanitized=["x"])
    other = row("k_b", family="k", cases_by_type={"float32": 2}, compared=["x"])
    launched = row("k_c", family="k", launched=["x"])
    (cells,) = matrix([whole, other, launched]).rows
    assert cells == ("`k`", "", "6 compared, sanitized in part", "`k_c` launched")
    assert matrix([whole]).rows[0][2] == "4 compared, sanitized"


def compared(dtype: str, used: float | None, **more: Any) -> CorrectnessReport:
    known = {"check": "01-01/T1/c", "contract": "m:C", "symbol": "k", "cases": 2, "elements": 1000}
    return CorrectnessReport.model_validate({"dtype": dtype, "budget_used": used, **known, **more})


def plan(*rows: CorrectnessReport) -> PlanReport:
    return PlanReport.model_construct(correctness=list(rows), coverage=[row("k", family="f", variant="v")])


def test_the_worst_error_of_each_type_is_told_in_ulp_and_parts_of_the_tolerance() -> None:
    found = error_rows(
        plan(
            compared("float32", 0.1, max_ulp_at_magnitude=9.0),
            compared("float32", 0.5, max_ulp_at_magnitude=1.6, worst_index="x[1, 2]"),
            compared("int32", 0.0, max_abs=0.0),
        )
    )
    assert found.types == ("float32", "int32")
    assert found.rows == (("`f`", "`v`", "1.6 ULP, 50 %, at `x[1, 2]`", "exact, 0 %"),)


def test_shapes_are_told_as_spans() -> None:
    dims = {"seq": [1, 64], "heads": [4, 4]}
    rows = [compared("float32", 0.1, dims=dims, values=["plain"]), compared("float16", 0.1, values=["rows"])]
    (line,) = shapes(plan(*rows))
    assert line == "`C`: 4 cases, 2,000 elements; `seq` 1 to 64, `heads` 4; values: plain, rows"


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
    assert models_line([exp, rcp]).endswith(
        "(v_exp_f32, v_rcp_f32); v_exp_f32 may decide a branch or address"
    )
    assert models_line([rcp]).endswith("; none decides a branch or address")
