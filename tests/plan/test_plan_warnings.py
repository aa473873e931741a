"""What is not as the workflow writes it is a warning with its line; the must-haves are judged anyway."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.plan import Plan

Parse = Callable[..., Plan]
WithFront = Callable[..., str]


def warned(plan: Plan) -> list[tuple[int, str]]:
    """Line and text of each warning."""
    return [(warning.source.line, str(warning)) for warning in plan.warnings]


def only(plan: Plan) -> tuple[int, str]:
    (one,) = warned(plan)
    return one


@pytest.mark.parametrize(
    ("front", "line", "said", "must_haves"),
    [
        ("must_haves:\n  truths:\n    - a\n    - yes", 7, "not text: put it in quotes", ["T1", "T2"]),
        ("must_haves:\n  truths:\n    - ''\n    - b", 6, "is empty", ["T2"]),
        ("must_haves:\n  truth: [a]", 5, "read as truths", ["T1"]),
        ("must_haves: [a, b]", 4, "read as truths", ["T1", "T2"]),
        ("must_haves:\n  truths: [a]\n  deferred: [b]", 6, "deferred: is not a known key", ["T1"]),
        ("must_haves:\n  artifacts:\n    - path: a\n      contain: b", 7, "read as contains", ["A1"]),
        ("must_haves:\n  artifacts:\n    - path: a\n      action: b", 7, "the keys are: path", ["A1"]),
        ("must_haves:\n  artifacts:\n    - provides: b", 6, "has no path", ["A1"]),
        ("must_haves:\n  artifacts:\n    - path: a\n      min_lines: many", 7, "not a number of", ["A1"]),
        ("must_haves:\n  artifacts:\n    - path: a\n      min_lines: 0", 7, "not a number of", ["A1"]),
        ("must_haves:\n  artifacts:\n    - path: a\n      min_lines: ~40+", 7, "read as 40", ["A1"]),
        ("must_haves:\n  artifacts:\n    - path: a\n      contains: [b, c]", 7, "read as 'b, c'", ["A1"]),
        ("must_haves:\n  artifacts:\n    - k.hip exists and is long", 6, "is a sentence", ["A1"]),
        ("must_haves:\n  key_links:\n    - from: a\n      via: b", 6, "has no to", ["L1"]),
        ("must_haves:\n  key_links:\n    - a to b", 6, "is a sentence", ["L1"]),
        ("must_haves:\n  truths: [a]\n  truths: [b]", 6, "appears twice, first on line 5", ["T1", "T2"]),
        ("musthaves:\n  truths: [a]", 4, "read as must_haves", ["T1"]),
        ("must-haves:\n  truths: [a]", 4, "read as must_haves", ["T1"]),
        ("must_haves:\n  artifacts:\n    - path: a\n      min_lines: '< 50'", 7, "not checked", ["A1"]),
        ("truths: [a]", 4, "stands outside must_haves", ["T1"]),
        ("must_haves:\ntruths:\n  - a", 5, "stands outside must_haves", ["T1"]),
        ("must_haves:\n  truths: [a]\nmust-haves:\n  truths: [b]", 6, "read as must_haves", ["T1", "T2"]),
        ("must_haves:\n  truths: [a]\n  truth: [b]", 6, "read as truths", ["T1", "T2"]),
        ("rocverfy: []", 4, "read as rocverify", []),
        ("wave: soon", 4, "wave", []),
        ("autonomous: perhaps", 4, "autonomous", []),
    ],
)
def test_frontmatter(
    parse: Parse, with_front: WithFront, front: str, line: int, said: str, must_haves: list[str]
) -> None:
    plan = parse(with_front(front))
    at, message = only(plan)
    assert said in message
    assert at == line
    assert [m.tail for m in plan.must_haves] == must_haves


def test_what_a_misspelled_key_asks_for_is_kept(parse: Parse, with_front: WithFront) -> None:
    front = "must_haves:\n  artifact:\n    - path: a\n      contain: b\n      min-lines: 12"
    plan = parse(with_front(front))
    (artifact,) = plan.artifacts
    assert (artifact.contains, artifact.min_lines) == ("b", 12)
    assert artifact.source.line == 6
    assert len(plan.warnings) == 3


@pytest.mark.parametrize(
    ("entry", "why"),
    [("artifacts:\n    - provides: b", "has no path"), ("key_links:\n    - f uses g", "is a sentence")],
)
def test_what_cannot_be_read_is_a_must_have_that_says_so(
    parse: Parse, with_front: WithFront, entry: str, why: str
) -> None:
    (must_have,) = parse(with_front(f"must_haves:\n  {entry}")).must_haves
    assert why in must_have.unread
    assert must_have.text


def test_every_fault_is_told_with_its_line(parse: Parse, with_front: WithFront) -> None:
    plan = parse(with_front("wave: soon\nautonomous: perhaps"))
    assert [line for line, _ in warned(plan)] == [4, 5]
    assert (plan.wave, plan.autonomous) == (None, True)


@pytest.mark.parametrize(
    ("body", "line", "said", "tasks"),
    [
        ("<objective>\ntext\n", 6, "<objective> is not closed before the end of the file", []),
        ("<tasks>\n<task type='auto'>\n<name>a</name>\n</tasks>", 7, "not closed before </tasks>", ["a"]),
        ("<tasks>\n<task>\n<name>a</name>\n<action>\ngo\n</task>\n</tasks>", 9, "<action> is not", ["a"]),
        (
            "<tasks>\n<task>\n<name>a</name>\n<task>\n<name>b</name></task></tasks>",
            7,
            "before <task> on line 9",
            ["a", "b"],
        ),
        ("<tasks>\n</task>\n</tasks>", 7, "</task> closes nothing", []),
        ("\n</tasks>", 7, "</tasks> closes nothing", []),
        ("<task>\n<name>a</name></task></tasks>", 6, "outside <tasks>", ["a"]),
        ('<tasks>\n<task type="auto>\n<name>a</name></task></tasks>', 7, "malformed", ["a"]),
        ("<tasks>\n<task><action>a</action></task></tasks>", 7, "without <name>", [""]),
        ("<tasks>\n<task title='T'></task></tasks>", 7, "read as 'T'", ["T"]),
        ("<tasks>\n<task><name>a</name>\n<name>b</name></task></tasks>", 8, "second <name>", ["a"]),
        (
            "<tasks><task><name>a</name></task></tasks>\n\n<tasks><task><name>b</name></task></tasks>",
            8,
            "second <tasks>, the first is on line 6: both are read",
            ["a", "b"],
        ),
        ("text\n```python\n<tasks><task><name>a</name></task></tasks>\n", 7, "``` is not closed", ["a"]),
        (
            "```md\n```py\nx\n```\nend\n```\n<tasks><task><name>a</name></task></tasks>",
            11,
            "``` is not closed",
            ["a"],
        ),
        ("<tasks>\n<verification>\n</verification>", 6, "<tasks> is not closed", []),
        (
            "<execution_context>\n@x.md\n<tasks><task><name>a</name></task></tasks>",
            6,
            "<execution_context> is not closed before <tasks>",
            ["a"],
        ),
    ],
)
def test_body(parse: Parse, with_front: WithFront, body: str, line: int, said: str, tasks: list[str]) -> None:
    plan = parse(with_front("must_haves: {truths: [a]}", body))
    at, message = only(plan)
    assert said in message
    assert at == line
    assert [task.name for task in plan.tasks] == tasks
    assert [truth.text for truth in plan.truths] == ["a"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\nphase: 08-other\nplan: 02\n---\n", "is phase 08, but the folder says 07"),
        ("---\nphase: 07\nplan: 3\n---\n", "is plan 03, but"),
        ("---\nphase: seven\nplan: 02\n---\n", "no phase number"),
        ("---\nphase: 07\nplan: two\n---\n", "not a plan number"),
    ],
)
def test_frontmatter_that_contradicts_the_file_name(parse: Parse, text: str, said: str) -> None:
    plan = parse(text)
    assert said in only(plan)[1]
    assert (plan.phase, plan.number) == ("07-gpu-softmax", "07-02")


def test_a_name_and_folder_that_disagree(parse: Parse) -> None:
    plan = parse("---\n---\n", ".planning/phases/07-gpu-softmax/08-01-PLAN.md")
    assert "name says phase 08, its folder 07" in only(plan)[1]
    assert (plan.phase_number, plan.number) == ("07", "07-01")
    assert Path(plan.output_path).name == "08-01-SUMMARY.md"


def test_a_sound_plan_has_no_warnings(parse: Parse, with_front: WithFront) -> None:
    assert parse(with_front("must_haves: {truths: [a]}", "<objective>x</objective>")).warnings == ()


def test_two_keys_of_which_one_is_meant_leave_their_entry_unread(parse: Parse, with_front: WithFront) -> None:
    front = "must_haves:\n  artifacts:\n    - path: a\n      contains: b\n      contain: c"
    plan = parse(with_front(front))
    assert "may be meant as contains" in only(plan)[1]
    assert "keep one of them" in plan.artifacts[0].unread


def test_numbers_in_place_of_paths_are_texts(parse: Parse, with_front: WithFront) -> None:
    front = "must_haves:\n  artifacts: [{path: 12}]\n  key_links: [{from: 01, to: 1.50, pattern: 7}]"
    plan = parse(with_front(front))
    (link,) = plan.key_links
    assert (plan.artifacts[0].path, link.from_path, link.to_path, link.pattern) == ("12", "01", "1.50", "7")
