"""Which shortfalls of checks remain with a must-have: its other checks and its words are looked at."""

from __future__ import annotations

from typing import Any

import pytest

from rocverify.records import CheckResult, CheckVerdict
from rocverify.runner.floor import below_floor

TYPES = {"what": "types", "name": "float16", "text": "no case of float16", "tried": []}


def dims(name: str, *tried: int) -> dict[str, Any]:
    return {"what": "dims", "name": name, "text": f"{name} is fixed", "tried": list(tried)}


def result(*below: dict[str, Any], contract: str = "c:Rope") -> CheckResult:
    evidence = {"contract": contract, "below_floor": list(below)}
    return CheckResult("1", "correctness", CheckVerdict.PASSED, "fine", evidence=evidence)


@pytest.mark.parametrize(
    ("text", "below", "remain"),
    [
        ("it agrees", [TYPES], True),
        ("it agrees in float32", [TYPES], False),
        ("it agrees in fp32", [TYPES], False),
        ("it agrees for f's", [TYPES], True),
        ("each position up to max_seq_len - 1", [dims("max_seq_len", 4096)], False),
        ("each position", [dims("max_seq_len", 4096)], True),
        ("at 4,096 tokens", [dims("seq", 4096)], False),
        ("at 16 tokens", [dims("seq", 4096)], True),
        ("attention of a single token", [dims("seq", 1)], False),
        (
            "all of it, in float32",
            [{"what": "shapes", "name": "float32", "text": "1 shape", "tried": []}],
            True,
        ),
    ],
)
def test_the_words_may_ask_for_less(text: str, below: list[dict[str, Any]], remain: bool) -> None:
    assert bool(below_floor(text, [result(*below)])) == remain


def test_checks_of_one_contract_complete_each_other_and_those_of_others_do_not() -> None:
    assert below_floor("x", [result(TYPES), result()]) == []
    assert below_floor("x", [result(TYPES), result(contract="c:Other")]) == ["Rope: no case of float16"]
    assert below_floor("x", [result(dims("seq", 1)), result(dims("seq", 7))]) == []


@pytest.mark.parametrize(
    ("text", "remains"),
    [
        ("rope is right for any sequence length", True),
        ("copies of all sizes are right", True),
        ("large tensors are summed", True),
        ("arrays of more than 2^31 elements are right", True),
        ("rope agrees with the reference", False),
        ("every sequence length from 1 to 32 is right", False),
        ("all lengths up to 4,096 are right", False),
        ("rope is right for every row", False),
    ],
)
def test_sizes_that_no_case_reached_stay_open_where_the_words_claim_them(text: str, remains: bool) -> None:
    evidence = {
        "contract": "c:Rope",
        "below_floor": [],
        "sizes_not_tried": ["x with more than 2**31 elements"],
    }
    seen = CheckResult("1", "correctness", CheckVerdict.PASSED, "fine", evidence=evidence)
    assert below_floor(text, [seen]) == (["x with more than 2**31 elements"] if remains else [])


def test_what_says_nothing_of_a_floor_is_above_it() -> None:
    assert below_floor("x", [CheckResult("1", "artifact", CheckVerdict.PASSED, "there")]) == []
