"""Whatever is wrong with a plan is a PlanError that names the line and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.errors import ExitCode, PlanError
from rocverify.plan import Plan, parse_plan

Parse = Callable[..., Plan]
WithFront = Callable[..., str]


def fault(parse: Parse, text: str | bytes) -> tuple[int | None, str]:
    """Line and message of the error that a text gives."""
    with pytest.raises(PlanError) as caught:
        parse(text)
    path, _, line = (caught.value.where or "").rpartition(":")
    assert path.endswith("07-02-PLAN.md")
    assert caught.value.exit_code is ExitCode.USAGE
    return int(line), str(caught.value)


def test_no_frontmatter(parse: Parse) -> None:
    assert fault(parse, "# A plan\n\ntext") == (1, fault(parse, "# A plan")[1])
    assert "no frontmatter" in fault(parse, "")[1]
    assert fault(parse, "\n\ntext\n")[0] == 3


def test_frontmatter_not_closed(parse: Parse) -> None:
    line, message = fault(parse, "---\nphase: 07\n")
    assert line == 1
    assert "not closed" in message


def test_frontmatter_that_is_no_mapping(parse: Parse) -> None:
    assert "not a mapping" in fault(parse, "---\n- a\n---\n")[1]


def test_duplicate_keys_name_both_lines(parse: Parse, with_front: WithFront) -> None:
    line, message = fault(parse, with_front("must_haves:\n  truths: []\n  artifacts: []\n  truths: [a]"))
    assert line == 7
    assert "must_haves.truths" in message
    assert "line 5" in message


def test_duplicate_top_level_key(parse: Parse, with_front: WithFront) -> None:
    assert fault(parse, with_front("wave: 1\nphase: 08-other"))[0] == 5


@pytest.mark.parametrize(
    ("front", "line", "said"),
    [
        ("must_haves:\n  truths:\n    - Kernel: compiled", 6, "truths[0]: must be text; a colon"),
        ("must_haves:\n  truths:\n    - a\n    - yes", 7, "truths[1]: must be text; put it in quotes"),
        ("must_haves:\n  truths:\n    - ''", 6, "truths[0]"),
        ("must_haves:\n  truth: [a]", 5, "did you mean truths"),
        ("must_haves:\n  artifacts:\n    - path: a\n      contain: b", 7, "did you mean contains"),
        ("must_haves:\n  artifacts:\n    - provides: b", 6, "artifacts[0].path: is missing"),
        ("must_haves:\n  artifacts:\n    - path: a\n      min_lines: many", 7, "artifacts[0].min_lines"),
        ("must_haves:\n  artifacts:\n    - path: a\n      min_lines: 0", 7, "artifacts[0].min_lines"),
        ("must_haves:\n  key_links:\n    - from: a\n      via: b", 6, "key_links[0].to: is missing"),
        ("must_haves:\n  key_links:\n    - a to b", 6, "key_links[0]: must be a mapping"),
        (
            "must_haves:\n  artifacts:\n    - k.hip exists and is long",
            6,
            "artifacts[0]: is a sentence; write",
        ),
        ("must_haves:\n  artifacts:\n    - path: a\n      contains: '('", 7, "no regular expression"),
        ("must_haves:\n  key_links:\n    - {from: a, to: b, pattern: 'x*'}", 6, "matches the empty text"),
        ("musthaves:\n  truths: [a]", 4, "did you mean must_haves"),
        ("must-haves:\n  truths: [a]", 4, "did you mean must_haves"),
        ("rocverfy: []", 4, "did you mean rocverify"),
        ("rocverify:\n  - check: artifact", 5, "rocverify[0].proves: is missing"),
        ("rocverify:\n  - proves: T1", 5, "rocverify[0].check: is missing"),
        ("rocverify:\n  - proves: T1\n    check: [a]", 6, "rocverify[0].check"),
        ("rocverify: artifact", 4, "rocverify"),
        ("wave: soon", 4, "wave"),
        ("autonomous: perhaps", 4, "autonomous"),
        ("wave: [1", 5, "YAML"),
        ("a: &x [*x]", 4, "alias"),
        ("a: !!python/object:os.system {}", 4, "not allowed"),
        ("a: !!binary aGk=", 4, "not allowed"),
        ("a: &x {b: 1}\nc:\n  <<: *x", 6, "key must be plain text"),
        ("? [a]\n: b", 4, "key must be plain text"),
        ('a: "\\ud800"', 4, "U+D800"),
        ('a: "\\0"', 4, "U+0000"),
        ("a: \x01", 4, "U+0001"),
        ("a: 0x_", 4, "no number"),
        ("\ta: 1", 4, "YAML"),
    ],
)
def test_frontmatter_faults(parse: Parse, with_front: WithFront, front: str, line: int, said: str) -> None:
    found, message = fault(parse, with_front(front))
    assert said in message
    assert found == line


def test_every_schema_fault_is_told_with_its_line(parse: Parse, with_front: WithFront) -> None:
    _, message = fault(parse, with_front("wave: soon\nautonomous: perhaps"))
    assert "PLAN.md:4: wave" in message
    assert "PLAN.md:5: autonomous" in message


def test_a_document_made_to_explode(parse: Parse, with_front: WithFront) -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "too many values" in fault(parse, with_front("\n".join(["l0: &l0 [x]", *levels])))[1]


def test_a_document_nested_without_end(parse: Parse, with_front: WithFront) -> None:
    assert "nested too deeply" in fault(parse, with_front("a: " + "[" * 20_000))[1]


def test_ordinary_aliases_are_fine(parse: Parse, with_front: WithFront) -> None:
    plan = parse(with_front("must_haves:\n  truths: [&a 'one thing', *a]"))
    assert [t.text for t in plan.truths] == ["one thing", "one thing"]


@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("<objective>\ntext\n", 6, "<objective> is not closed before the end of the file"),
        ("<tasks>\n<task type='auto'>\n<name>a</name>\n</tasks>", 7, "<task> is not closed before </tasks>"),
        ("<tasks>\n<task>\n<name>a</name>\n<action>\ngo\n</task>\n</tasks>", 9, "<action> is not closed"),
        ("<tasks>\n<task>\n<name>a</name>\n<task>\n</task></tasks>", 7, "before <task> on line 9"),
        ("<tasks>\n</task>\n</tasks>", 7, "</task> closes nothing"),
        ("\n</tasks>", 7, "</tasks> closes nothing"),
        ("<task>\n</task>", 6, "outside <tasks>"),
        ('<tasks>\n<task type="auto>\n<name>a</name></task></tasks>', 7, "malformed"),
        ("<tasks>\n<task><action>a</action></task></tasks>", 7, "without <name>"),
        ("<tasks>\n<task><name>a</name>\n<name>b</name></task></tasks>", 8, "second <name>"),
        ("<tasks></tasks>\n\n<tasks></tasks>", 8, "second <tasks>, the first is on line 6"),
        ("text\n```python\n<tasks>\n", 7, "fence ``` is not closed"),
        ("<tasks>\n<verification>\n</verification>\n</tasks>", 6, "<tasks> is not closed"),
    ],
)
def test_body_faults(parse: Parse, with_front: WithFront, body: str, line: int, said: str) -> None:
    found, message = fault(parse, with_front("wave: 1", body))
    assert said in message
    assert found == line


@pytest.mark.parametrize(
    ("data", "line", "said"),
    [
        (b"---\nphase: 07\n---\n\xff\n", 4, "byte 0xff"),
        (b"\xef\xbb\xbf---\r\nphase: 07\r\n---\r\n\xe4\r\n", 4, "byte 0xe4"),
        ("---\n".encode("utf-16"), 1, "UTF-16"),
    ],
)
def test_what_is_not_utf8(parse: Parse, data: bytes, line: int, said: str) -> None:
    found, message = fault(parse, data)
    assert (found, said in message) == (line, True)


def test_a_file_too_large_to_be_a_plan(write_plan: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="bytes, a plan at most"):
        parse_plan(write_plan("---\n" + "x" * (1 << 20)), tmp_path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot be read"):
        parse_plan(tmp_path / "07-02-PLAN.md", tmp_path)


def test_a_plan_outside_the_root(write_plan: Callable[..., Path], tmp_path: Path) -> None:
    path = write_plan("---\n---\n")
    (tmp_path / "inner").mkdir()
    with pytest.raises(PlanError, match="outside the root"):
        parse_plan(path, tmp_path / "inner")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\nphase: 08-other\nplan: 02\n---\n", "is phase 08, but"),
        ("---\nphase: 07\nplan: 3\n---\n", "is plan 03, but"),
        ("---\nphase: seven\nplan: 02\n---\n", "no phase number"),
        ("---\nphase: 07\nplan: two\n---\n", "no plan number"),
    ],
)
def test_frontmatter_that_contradicts_the_file_name(parse: Parse, text: str, said: str) -> None:
    assert said in fault(parse, text)[1]


def test_a_name_and_folder_that_disagree(parse: Parse) -> None:
    with pytest.raises(PlanError, match="name says phase 08, its folder 07"):
        parse("---\n---\n", ".planning/phases/07-gpu-softmax/08-01-PLAN.md")


def test_a_plan_whose_phase_nothing_tells(parse: Parse) -> None:
    with pytest.raises(PlanError, match="no phase number"):
        parse("---\nplan: 1\n---\n", "anywhere/PLAN.md")
