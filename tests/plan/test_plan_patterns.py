"""Regular expressions of a plan are judged when it is read; hostile ones neither hang nor crash."""

from __future__ import annotations

import pytest

from rocverify.plan.patterns import pattern_fault


@pytest.mark.parametrize(
    "pattern",
    [
        r"rope\.hip|position_embeddings\.hip",
        r"(?<!def )\bf\(",
        r"(?s)a.*b",
        r"[[a]",
        r"\p{Lu}\w+",
        r"(a+)+$",
        r"(?:x{1,500}){1,500}y",
    ],
)
def test_accepted(pattern: str) -> None:
    assert pattern_fault(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "no regular expression"),
        ("a**", "no regular expression"),
        ("[z-a]", "no regular expression"),
        ("(?P<n>a)(?P=m)", "no regular expression"),
        ("(?<=a", "no regular expression"),
        ("\\", "no regular expression"),
        ("", "empty text"),
        ("x*", "empty text"),
        ("a|", "empty text"),
        ("^", "empty text"),
        ("(?=)", "empty text"),
        ("a" * 2_001, "characters long"),
        ("(" * 2_000, "expression"),
        ("(" * 999 + "a" + ")" * 999, "complex"),
    ],
)
def test_refused(pattern: str, said: str) -> None:
    assert said in (pattern_fault(pattern) or "accepted")
