"""Coverage: kernels that checks launched and compared, and truths that speak of those that none did."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocverify.records import CheckResult, CheckVerdict
from rocverify.runner.coverage import executed_models, kernel_rows, line_ranges, uncompared


def ran(symbol: str, blocks: int = 0, missed: str = "", lines: str = "", **model: Any) -> dict[str, Any]:
    """What a check's launches executed of a kernel: blocks and lines that they missed, by blanks."""
    return {
        "source": "k.hip",
        "symbol": symbol,
        "blocks": blocks,
        "missed_blocks": missed.split(),
        "missed_lines": lines.split(),
        "models": [{"model": "close", "branches": [], "addresses": [], **model}] if model else [],
    }


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
    assert (rows["a"].types, rows["a"].cases, rows["a"].compared) == ({"float32": 3, "float16": 3}, 6, {"T2"})
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


def test_a_variant_that_is_named_must_have_been_compared() -> None:
    names = ["flash_kernel_d64", "flash_kernel_d128", "flash_kernel_d128_f16", "_Z4gemmIfLi64EEvPT_"]
    built = result("T1", compiled=names)
    compared = result("T2", compiled=names, compared=[entry("flash_kernel_d64")])
    rows = kernel_rows([built, compared])

    def missing(text: str) -> list[str]:
        return uncompared(text, [compared], rows)

    assert missing("what the d64 tile returns agrees with the reference") == []
    assert missing("what the d128 tile returns agrees") == ["flash_kernel_d128", "flash_kernel_d128_f16"]
    assert missing("the d128 tile agrees in float16") == ["flash_kernel_d128_f16"]
    assert missing("flash_kernel_d128 agrees") == ["flash_kernel_d128"]
    assert missing("gemm<float, 64> agrees") == ["_Z4gemmIfLi64EEvPT_"]
    assert missing("it agrees") == []
    assert uncompared("flash_kernel_d128 compiles", [built], rows) == []


def test_what_launched_a_kernel_is_told_even_of_a_check_that_failed() -> None:
    failed = result("T1", CheckVerdict.FAILED, launched=[ran("a", 3, "0x10")], compared=[entry("a")])
    (row,) = kernel_rows([failed, result("T2", launched=[ran("a", 3)])])
    assert (row.launched, row.compared, row.code) == ({"T1", "T2"}, set(), None)


def test_code_counts_as_executed_where_a_compared_case_of_any_check_did() -> None:
    one = result("T1", compared=[entry("a")], launched=[ran("a", 4, "0x10 0x20", "k.hip:7 k.hip:9")])
    other = result("T2", compared=[entry("a")], launched=[ran("a", 4, "0x20 0x30", "k.hip:9 k.hip:8")])
    launched_only = result("T3", launched=[ran("a", 4)])
    (row,) = kernel_rows([one, other, launched_only])
    assert row.code is not None
    assert (row.code.blocks, row.code.missed_blocks, row.code.missed_lines) == (4, {"0x20"}, {"k.hip:9"})


def test_a_device_that_cannot_tell_says_nothing_of_the_code() -> None:
    (row,) = kernel_rows([result("T1", compared=[entry("a")], launched=[ran("a")])])
    assert (row.compared, row.code) == ({"T1"}, None)


def test_models_are_told_once_with_what_they_may_decide() -> None:
    exp = {"instruction": "v_exp_f32", "branches": ["0x8"]}
    rows = kernel_rows(
        [
            result("T1", launched=[ran("a", **exp)]),
            result("T2", launched=[ran("b", instruction="v_exp_f32", addresses=["0x4"]), ran("a", **exp)]),
        ]
    )
    assert executed_models(rows) == [
        {
            "instruction": "v_exp_f32",
            "model": "close",
            "kernels": ["a", "b"],
            "branches": ["a at 0x8"],
            "addresses": ["b at 0x4"],
        }
    ]


@given(st.sets(st.tuples(st.sampled_from(["a.hip", "b.hip"]), st.integers(1, 40))))
def test_ranges_of_lines_have_each_line_once(places: set[tuple[str, int]]) -> None:
    found = []
    for text in line_ranges(f"{name}:{number}" for name, number in places):
        name, _, numbers = text.partition(":")
        first, _, last = numbers.partition("-")
        found += [(name, number) for number in range(int(first), int(last or first) + 1)]
        assert (name, int(first) - 1) not in places
        assert (name, int(last or first) + 1) not in places
    assert found == sorted(places)
