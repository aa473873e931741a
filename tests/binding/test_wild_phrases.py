"""Truths as GPU projects write them: each is decided by a kind, or asks for the check that would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.binding import BoundMustHave

LINES = (Path(__file__).parent / "wild_phrases.txt").read_text().splitlines()
MORE = {
    "Cargo.toml": '[package]\nname = "engine"\n[features]\nrocm = []\n',
    "src/params.h": "struct Params { int rows; };\n",
    "src/params.rs": "#[repr(C)]\npub struct Params { rows: i32 }\n",
}


@pytest.mark.parametrize("line", LINES)
def test_decided_or_asks(
    project: Path, bind_truth: Callable[..., BoundMustHave], links: str, line: str
) -> None:
    for name, text in MORE.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(text)
    expected, _, truth = line.partition(": ")
    bound = bind_truth(truth, links)
    word, _, kind = expected.partition(" ")
    if word == "asks":
        assert not bound.checks
        assert f"bind {kind} with" in bound.reason
    else:
        assert {spec.kind for spec in bound.checks} == {word}, bound.reason


def test_every_sort_of_phrase_is_there() -> None:
    assert len(LINES) == 28


@pytest.mark.parametrize(
    "truth",
    [
        "The frame rate is at least 2 times faster",
        "Constant brightness is 32",
        "The structure of the plugin is 16 bytes of glue",
        "Peak brightness is at most 2 GB",
        "Shadows run before the dispatch",
        "Sprites are replaced by shaders",
    ],
)
def test_near_misses_are_no_phrase(bind_truth: Callable[..., BoundMustHave], truth: str) -> None:
    assert bind_truth(truth).checks == ()
