"""Calls that are written and that no run makes are never taken for made; those that are made still count.

The texts under calls_not_made/ have a function `apply` in which `launch` stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.records import CheckVerdict
from tests.checks.test_hidden_calls import Make, verdict

HEADS = {"rust": "use crate::b::launch;\n", "cpp": "", "python": "from kernels.b import launch\n"}


def cases(family: str) -> Iterator[object]:
    for language, head in HEADS.items():
        file = Path(__file__).parent / "calls_not_made" / f"{language}_{family}.txt"
        for part in re.split(r"^=== ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            name, _, body = part.partition("\n")
            yield pytest.param(language, head + body, id=f"{language}: {name}")


@pytest.mark.parametrize(("language", "text"), list(cases("not_made")))
def test_a_call_that_is_not_made_is_never_believed(project: Make, language: str, text: str) -> None:
    assert verdict(project, language, text) in (None, CheckVerdict.FAILED)


@pytest.mark.parametrize(("language", "text"), list(cases("made")))
def test_a_call_that_is_made_is(project: Make, language: str, text: str) -> None:
    assert verdict(project, language, text) is CheckVerdict.PASSED


def test_another_way_counts(project: Make) -> None:
    text = "pub fn apply() { let f = || launch(1); drop(f); other(); }\nfn other() { launch(2); }\n"
    assert verdict(project, "rust", HEADS["rust"] + text) is CheckVerdict.PASSED
