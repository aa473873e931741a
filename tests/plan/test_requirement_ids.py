"""Requirement ids are what stands in the parentheses at a text's end, and nothing else."""

from __future__ import annotations

import pytest

from rocverify.plan import is_requirement, trailing_requirements, without_requirements


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("compiled (ROPE-04)", ("ROPE-04",)),
        ("compiled (ROPE-04).", ("ROPE-04",)),
        ("compiled ( ROPE-04 ) ", ("ROPE-04",)),
        ("both (ROPE-04, ROPE-05)", ("ROPE-04", "ROPE-05")),
        ("both (ROPE-04, and ROPE-05)", ("ROPE-04", "ROPE-05")),
        ("both (ROPE-04 and KV-CACHE-1b)", ("ROPE-04", "KV-CACHE-1b")),
        ("twice (A-1/A-1; B-2)", ("A-1", "B-2")),
        ("compiled (ROPE-04) today", ()),
        ("compiled ROPE-04", ()),
        ("compiled (see ROPE-04)", ()),
        ("compiled (rope-04)", ()),
        ("compiled (ROPE-04", ()),
        ("f() (x) (ROPE-04)", ("ROPE-04",)),
        ("f()", ()),
        ("", ()),
    ],
)
def test_trailing(text: str, ids: tuple[str, ...]) -> None:
    assert trailing_requirements(text) == ids


def test_the_text_without_them() -> None:
    assert without_requirements("RoPE is compiled (ROPE-04, ROPE-05).") == "RoPE is compiled"
    assert without_requirements("f() is called") == "f() is called"


def test_alone() -> None:
    assert is_requirement("ROPE-04")
    assert not any(is_requirement(text) for text in ("ROPE", "rope-04", "T1", "ROPE-04 ", "(ROPE-04)"))
