"""Coverage: kernels that checks launched and compared, and truths that speak of those that none did."""

from __future__ import annotations

from typing import Any

import pytest

from rocverify.records import CheckResult, CheckVerdict
from rocverify.runner.coverage import kernel_rows, uncompared


def entry(symbol: str, dtype: str = "float32", source: str = "k.hip") -> dict[str, Any]:
    return {"source": source, "symbol": symbol, "dtype": dtype, "cases": 3}


def result(identity: str, verdict: CheckVerdict = CheckVerdict.PASSED, **coverage: Any) -> CheckResult:
    evidence = {"coverage": {"source": "k.hip", **coverage}} if coverage else {}
    return CheckResult(identity, "correctness", verdict, "", evidence=evidence)


BUILT = result("T1", compiled=["a", "b", "c"])
RAN = result(
    "T2", compiled=["a", "b", "c"], compared=[entry("a"), entry("a", "float16"), entry("d", source="o.hip")]
)
WATCHED = result("T3", compiled=["a"], sanitized=[entry("b")])


def test_a_kernel_counts_by_what_was_done_with_it() -> None:
    rows = {row.symbol: row for row in kernel_rows([BUILT, RAN, WATCHED, result("T4")])}
    assert list(rows) == ["a", "b", "c", "d"]
    assert (rows["a"].types, rows["a"].cases, rows["a"].compared) == ({"float32", "float16"}, 6, {"T2"})
    assert (rows["b"].compared, rows["b"].sanitized) == (set(), {"T3"})
    assert rows["d"].source == "o.hip"


def test_what_a_failed_check_launched_does_not_count() -> None:
    failed = result("T2", CheckVerdict.FAILED, compiled=["a"], compared=[entry("a")])
    assert [row.symbol for row in kernel_rows([failed]) if row.compared] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("All kernels compile", ["b", "c"]),
        ("they agree in each type that they store", ["b", "c"]),
        ("right for every tile of head_dim up to 256", ["b", "c"]),
        ("right for every head_dim", ["b", "c"]),
        ("the kernels compile", []),
        ("all heads are rotated; the kernel is there", []),
    ],
)
def test_words_that_take_in_every_kernel(text: str, expected: list[str]) -> None:
    assert uncompared(text, [BUILT], kernel_rows([BUILT, RAN, WATCHED])) == expected


def test_kernels_of_other_sources_are_none_of_a_truths() -> None:
    other = result("T9", source="x.hip", compiled=["z"])
    assert uncompared("all kernels", [other], kernel_rows([BUILT, other])) == ["z"]
    assert uncompared("all kernels", [result("T5")], kernel_rows([BUILT])) == []
