"""Patterns find code, tell comments apart, and can neither hang nor match everything."""

from __future__ import annotations

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
    "pattern",
    [
        r"rope\.hip|position_embeddings\.hip",
        "rope_gpu_kernel",
        r"def .*rope",
        "hip",
        r"\p{Lu}\w+_kernel",
        "[[ab]ox",
    ],
)
def test_telling_patterns_are_not_vacuous(pattern: str) -> None:
    search = PatternSearch(pattern)
    assert not search.literal.vacuous
    assert search.expression is not None
    assert not search.expression.vacuous


@pytest.mark.parametrize(
    "pattern",
    ["", ".*", ".", r"\w+", r"[a-z]+", "x?", "a|", "(?i)[A-Z]", r"\s", "^", r"\b", r"\w+\(", "="],
)
def test_patterns_that_match_anything_are_vacuous(pattern: str) -> None:
    expression = PatternSearch(pattern).expression
    assert expression is not None
    assert expression.vacuous


@pytest.mark.parametrize("pattern", ["(", "[", "*", "init(", "class Base(ABC):", "a[", "x{2,1}", "(" * 1000])
def test_what_is_no_expression_is_a_text(project: MakeIndex, pattern: str) -> None:
    index = project({"a.txt": f"one\nx {pattern} y\n", "b.txt": "one\n"})
    assert [h.line for h in index.search("a.txt", pattern).code] == [2]
    assert not index.search("b.txt", pattern).found


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(?<!def )rope", r"\(\?<"),
        (r"(a)\1", "escape"),
        ("(?:x{1,500}){1,500}y", "repetition"),
        ("x" * 5000, "4096"),
    ],
)
def test_what_only_another_dialect_knows_is_named_with_its_place(
    project: MakeIndex, pattern: str, said: str
) -> None:
    index = project({"a.txt": "def rope\n"})
    with pytest.raises(PlanError, match=said) as error:
        index.search("a.txt", pattern, where="plan.md:7")
    assert error.value.where == "plan.md:7"
    assert repr(pattern)[:20] in f"{error.value}"


def test_text_comes_before_expression(project: MakeIndex) -> None:
    index = project({"a.toml": "w = 1\n[workspace]\n", "b.toml": "w = 1\n"})
    literal, expression = (index.search(path, "[workspace]") for path in ("a.toml", "b.toml"))
    assert [h.line for h in literal.code] == [2]
    assert [h.line for h in expression.code] == [1]  # a set of characters


def test_several_texts_between_commas_must_all_be_there(project: MakeIndex) -> None:
    index = project({"a.rs": "pub fn b() {}\npub fn a() {}\n// pub fn c\n"})
    both = index.search("a.rs", "pub fn a, pub fn b")
    assert [h.line for h in both.code] == [1, 2]
    one = index.search("a.rs", "pub fn a, pub fn c")
    assert not one.found
    assert one.missing == ("pub fn c",)
    assert index.search("a.rs", "pub fn [ab], {0,3}pub fn x|fn b").found


def test_a_hostile_pattern_ends(project: MakeIndex) -> None:
    index = project({"a.txt": "a" * 1_000_000 + "\n"})
    assert not index.search("a.txt", r"(a|a|aa)+$b").found
    assert len(index.search("a.txt", r"a|b").code) == 1


def test_searching_an_absent_file_is_a_source_error(project: MakeIndex) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        project({}).search("none.py", "rope")


@pytest.mark.parametrize(
    "pattern",
    [
        "rope(q: u32, k: u32)",
        "HashMap<rope, launch>",
        "unwrap()",
        "ope()",
        ".*",
        r"\w+",
        "rope, soft",
    ],
)
def test_less_than_what_a_pattern_says_is_not_enough(project: MakeIndex, pattern: str) -> None:
    text = 'fn rope(q: u32) { launch(x.unwrap_or(0), ".*", r"\\w+") }\nfn z(k: u32) {}\n'
    result = project({"a.rs": text}).search("a.rs", pattern)
    assert not result.found or result.matcher.vacuous


@pytest.mark.parametrize("pattern", ["rope()", "launch(), rope()", "z(k: u32), rope", "fn rope, fn z"])
def test_a_name_with_parentheses_is_a_call_or_definition(project: MakeIndex, pattern: str) -> None:
    text = "fn rope (q: u32) { launch() }\nfn z(k: u32) { rope() }\nfn y() { rope(1) }\n"
    assert project({"a.rs": text}).search("a.rs", pattern).found
    assert project({"a.rs": "fn y() { rope(1) }"}).search("a.rs", "rope()").found


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("todo!, unimplemented!", True),
        ("unimplemented!, todo!", True),
        ("to(do|dont)!", True),
        ("unwrap()", False),
        (".cpu", False),
        ("[zero; 4]", False),
        ("f(), g()", True),
    ],
)
def test_of_several_texts_that_are_forbidden_none_may_be_there(
    project: MakeIndex, pattern: str, found: bool
) -> None:
    index = project({"a.rs": "fn f() { todo!() }\nfn y() { x.unwrap_or(0); to_cpu(); [0; 8] }\n"})
    assert any(result.code for result in index.forbidden("a.rs", pattern)) is found


def test_what_any_text_has_cannot_be_forbidden(project: MakeIndex) -> None:
    with pytest.raises(PlanError, match="found in any text"):
        project({"a.rs": "fn f() {}\n"}).forbidden("a.rs", ".*")
