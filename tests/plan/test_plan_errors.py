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
    for text in ("# A plan\n\ntext", "", "\n\ntext\n"):
        line, message = fault(parse, text)
        assert line == 1
        assert "is not a plan" in message
        assert "starts with a line ---" in message


def test_frontmatter_not_closed(parse: Parse) -> None:
    line, message = fault(parse, "---\nphase: 07\n")
    assert line == 1
    assert "not closed" in message


def test_frontmatter_that_is_no_mapping(parse: Parse) -> None:
    assert "not a mapping" in fault(parse, "---\n- a\n---\n")[1]


def test_two_texts_under_one_key_name_both_lines(parse: Parse, with_front: WithFront) -> None:
    text = "must_haves:\n  artifacts:\n    - path: a\n      contains: b\n      contains: c"
    line, message = fault(parse, with_front(text))
    assert line == 8
    assert "must_haves.artifacts[0].contains" in message
    assert "line 7" in message


def test_duplicate_top_level_key(parse: Parse, with_front: WithFront) -> None:
    assert fault(parse, with_front("wave: 1\nphase: 08-other"))[0] == 5


@pytest.mark.parametrize(
    ("front", "column", "mended"),
    [
        (
            'must_haves:\n  key_links:\n    - via: a\n      pattern: "a\\.t"',
            19,
            "      pattern: 'a\\.t'",
        ),
        ("must_haves:\n  truths:\n    - Result is: correct", 16, '    - "Result is: correct"'),
        ("must_haves:\n  truths:\n    - Kernel: it: runs", 17, '    - "Kernel: it: runs"'),
        ("must_haves:\n  truths:\n    - `f` runs", 7, '    - "`f` runs"'),
        ("must_haves:\n  truths:\n    - @x is read", 7, '    - "@x is read"'),
        ('must_haves:\n  truths:\n    - "f" runs', 11, "    - '\"f\" runs'"),
        ("must_haves:\n  truths:\n    - 'it's red'", 11, '    - "it\'s red"'),
        ("must_haves:\n  truths:\n    - *all* rows", 11, '    - "*all* rows"'),
        ("must_haves:\n\ttruths: [a]", 1, "  truths: [a]"),
    ],
)
def test_yaml_that_cannot_be_read_comes_with_the_line_to_paste(
    parse: Parse, with_front: WithFront, front: str, column: int, mended: str
) -> None:
    text = with_front(front)
    line, message = fault(parse, text)
    assert f"column {column}" in message
    assert message.endswith(f"write the line as\n{mended}")
    lines = text.split("\n")
    lines[line - 1] = mended
    parse("\n".join(lines))


@pytest.mark.parametrize(
    ("front", "line", "said"),
    [
        ("must_haves:\n  truths:\n    - Kernel: compiled", 6, "truths[0]: must be text; the colon"),
        ("must_haves:\n  artifacts:\n    - {path: a, contains: b}\n      contains: c", 7, "YAML"),
        ("rocverify:\n  - check: artifact", 5, "rocverify[0].proves: is missing"),
        ("rocverify:\n  - proves: T1", 5, "rocverify[0].check: is missing"),
        ("rocverify:\n  - proves: T1\n    check: [a]", 6, "rocverify[0].check"),
        ("rocverify: artifact", 4, "rocverify"),
        ("rocverfy: artifact", 4, "rocverify"),
        ("wave: [1", 5, "YAML"),
        ("a: &x [*x]", 4, "alias"),
        ("a: !!python/object:os.system {}", 4, "not allowed"),
        ("a: !!binary aGk=", 4, "not allowed"),
        ("a: &x {b: 1}\nc:\n  <<: *x", 6, "key must be plain text"),
        ("? [a]\n: b", 4, "key must be plain text"),
        ('a: "\\ud800"', 4, "U+D800"),
        ('a: "\\0"', 4, "U+0000"),
        ("a: \x01", 4, "U+0001"),
        ("a: 0x_", 4, "not a number"),
        ("\ta: 1", 4, "YAML"),
    ],
)
def test_frontmatter_faults(parse: Parse, with_front: WithFront, front: str, line: int, said: str) -> None:
    found, message = fault(parse, with_front(front))
    assert said in message
    assert found == line


def test_a_document_made_to_explode(parse: Parse, with_front: WithFront) -> None:
    levels = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "too many values" in fault(parse, with_front("\n".join(["l0: &l0 [x]", *levels])))[1]


def test_a_document_nested_without_end(parse: Parse, with_front: WithFront) -> None:
    assert "nested too deeply" in fault(parse, with_front("a: " + "[" * 20_000))[1]


def test_ordinary_aliases_are_fine(parse: Parse, with_front: WithFront) -> None:
    plan = parse(with_front("must_haves:\n  truths: [&a 'one thing', *a]"))
    assert [t.text for t in plan.truths] == ["one thing", "one thing"]


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


def test_a_plan_whose_phase_nothing_tells(parse: Parse) -> None:
    with pytest.raises(PlanError, match="no phase number"):
        parse("---\nplan: 1\n---\n", "anywhere/PLAN.md")
