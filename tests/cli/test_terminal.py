"""Lines on a terminal: never over the width, commands that can be pasted, no colour where none is wanted."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.cli.terminal import command_lines, cut, wrapped
from tests.runner.demo import COMMAND, REPOSITORY, Demo

WORDS = st.lists(st.text("abc/=,.-_0", min_size=1, max_size=90), min_size=1, max_size=8)


@settings(max_examples=20)
@given(WORDS, st.integers(20, 130))
def test_a_command_over_several_lines_is_the_same_command(words: list[str], width: int) -> None:
    lines = command_lines(" ".join(["printf", "'%s\\n'", *words]), width, "  ")
    assert max(map(len, lines)) <= width
    done = subprocess.run(["sh", "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == words


@given(st.text("ab \n", max_size=300), st.integers(20, 100))
def test_no_wrapped_line_is_over_the_width(text: str, width: int) -> None:
    lines = wrapped(text, width, "label     ")
    assert max(map(len, lines)) <= width
    assert "".join("".join(lines).split()) == "label" + "".join(text.split())


def test_wrapped_text_keeps_its_indentation() -> None:
    assert wrapped("one two three", 70, "  to do     ") == ["  to do     one two three"]
    text = "word " * 30
    first, *more = wrapped(text, 70, "  to do     ")
    assert first.startswith("  to do     word")
    assert all(line.startswith("            word") for line in more)
    assert all(line.startswith("  word") for line in wrapped(text, 40, "  to do     ")[1:])


def test_what_is_cut_says_so() -> None:
    assert cut("a short line", 12) == "a short line"
    assert cut("a longer\nline", 10) == "a longer…"


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("options", [(), ("-v",)])
def test_a_run_keeps_to_the_width(demo: Demo, columns: int, options: tuple[str, ...]) -> None:
    text = "the sum of all the elements in every row is off by far more than the tolerance " * 3
    demo.plan({text: [{"does": "failed", "text": text}], "B": [{"does": "compile_error", "text": text}]})
    done = demo.process("run", "phase", "16", *options, COLUMNS=str(columns))
    assert done.returncode == 1, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= columns


@pytest.mark.parametrize("no_color", [True, False])
def test_no_colour_where_none_is_wanted(demo: Demo, no_color: bool) -> None:
    """On a terminal: `script` gives the command one."""
    demo.does("passed", "failed")
    variables = {"PYTHONPATH": str(REPOSITORY), "TERM": "xterm", "PATH": "/usr/bin:/bin", "CI": "1"}
    variables |= {"NO_COLOR": "1"} if no_color else {}
    words = " ".join(f"'{word}'" for word in (*COMMAND, "run", "phase", "16"))
    done = subprocess.run(
        ["script", "-qec", words, "/dev/null"],
        cwd=demo.root,
        env=variables,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert ("\x1b[" in done.stdout) is not no_color
