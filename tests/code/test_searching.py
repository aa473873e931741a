"""Patterns find code, tell comments apart, and can neither hang nor match everything."""

from __future__ import annotations

import time

import pytest

from rocverify.code.search import PatternSearch
from rocverify.errors import PlanError, SourceError
from tests.code.conftest import MakeIndex


def test_hits_in_code_comments_and_dead_code_are_told_apart(project: MakeIndex) -> None:
    index = project(
        {
            "kernels/a.py": """\
            '''rope here'''
            def f():
                rope(1)  # rope there
                return
                rope(2)
            # rope alone
            """
        }
    )
    result = index.search("kernels/a.py", r"rope")
    assert [(h.line, h.text) for h in result.code] == [(3, "rope(1)  # rope there")]
    assert [h.line for h in result.comments] == [1, 6]
    assert [h.line for h in result.dead] == [5]


def test_a_match_that_needs_a_comment_is_no_match_in_code(project: MakeIndex) -> None:
    index = project({"a.toml": 'source = "x"  # rope.hip\n'})
    result = index.search("a.toml", r'"x".*rope\.hip')
    assert not result.found
    assert [h.line for h in result.comments] == [1]


def test_anchors_work_on_lines(project: MakeIndex) -> None:
    index = project({"a.txt": "one\ntwo\n"})
    assert [h.line for h in index.search("a.txt", "^two$").code] == [2]


@pytest.mark.parametrize(
    "pattern", [r"rope\.hip|position_embeddings\.hip", "rope_gpu_kernel", r"def .*rope", "hip"]
)
def test_telling_patterns_are_not_vacuous(pattern: str) -> None:
    assert not PatternSearch(pattern, 1.0).vacuous


@pytest.mark.parametrize(
    "pattern",
    ["", ".*", ".", r"\w+", r"[a-z]+", "x?", "a|", "(?i)[A-Z]", r"\s", "^", r"\b", "(?!rope)", r"\w+\(", "="],
)
def test_patterns_that_match_anything_are_vacuous(pattern: str) -> None:
    assert PatternSearch(pattern, 1.0).vacuous


@pytest.mark.parametrize("pattern", ["(", "[", "(?P<n>a)(?P<n", "*", "x" * 5000, "(" * 1000])
def test_a_broken_pattern_is_named_with_its_place(pattern: str) -> None:
    with pytest.raises(PlanError) as error:
        PatternSearch(pattern, 1.0, where="plan.md:7")
    assert error.value.where == "plan.md:7"
    assert pattern[:20] in f"{error.value}"


def test_a_hostile_pattern_stops_and_is_named(project: MakeIndex) -> None:
    index = project({"a.txt": "a" * 4000 + "\n"})
    started = time.monotonic()
    with pytest.raises(PlanError, match=r"took longer than 0\.5 s") as error:
        index.search("a.txt", r"(a|a|aa)+$b", where="plan.md:9")
    assert time.monotonic() - started < 3
    assert "(a|a|aa)+$b" in str(error.value)
    assert error.value.where == "plan.md:9"


def test_searching_an_absent_file_is_a_source_error(project: MakeIndex) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        project({}).search("none.py", "rope")
