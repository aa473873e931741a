"""Help with examples that are valid, the manual page, and completion in a shell."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from rocverify.cli.examples import EXAMPLES
from rocverify.cli.main import cli, main
from tests.runner.demo import Demo

LINES = [(name, line) for name, lines in EXAMPLES.items() for line in lines]


def commands(group: click.Group) -> dict[str, click.Command]:
    """Every command by its last word, groups too."""
    context = click.Context(group)
    found: dict[str, click.Command] = {"rocverify": group}
    for name in group.list_commands(context):
        one = group.get_command(context, name)
        assert one is not None
        found[name] = one
        if isinstance(one, click.Group):
            found |= {k: v for k, v in commands(one).items() if k != "rocverify"}
    return found


def test_every_command_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    known = commands(cli)
    assert set(EXAMPLES) >= {name for name, one in known.items() if not isinstance(one, click.Group)} - {
        "new"
    }
    assert main(["run", "phase", "--help"]) == 0
    assert "Examples:\n    rocverify run phase 16\n" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "line"), LINES, ids=[line for _, line in LINES])
def test_examples_name_commands_and_options_that_there_are(name: str, line: str) -> None:
    words = shlex.split(line.replace('eval "$(', "").replace(')"', "").partition(" | ")[0])
    assert words.pop(0) == "rocverify"
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found is not None
        command = found
    options = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    own = words[: words.index("--")] if "--" in words else words
    assert {word.partition("=")[0] for word in own if word.startswith("-") and word != "-"} <= options
    assert name in (*line.split(), "rocverify")


def test_the_manual_page_has_every_command_and_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man"]) == 0
    page = capsys.readouterr().out
    for words in ("rocverify run phase", "rocverify exec", "rocverify contract new"):
        assert f"\n.SS {words}\n" in page
    assert r"\-\-baseline REF" in page
    assert r".B \-h, \-\-help" in page
    if shutil.which("groff") is None:
        pytest.skip("groff is not here to read it")
    read = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-z"], input=page, capture_output=True, text=True, check=True
    )
    assert read.stderr == ""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rocverify run plan 16", {"16-01", "16-02"}),
        ("rocverify run phase 1", {"16"}),
        ("rocverify exp", {"explain"}),
    ],
)
def test_a_shell_completes_commands_phases_and_plans(demo: Demo, words: str, expected: set[str]) -> None:
    demo.plan({"A": []})
    demo.plan({"B": []}, number="16-02")
    variables = {
        "COMP_WORDS": words,
        "COMP_CWORD": str(words.count(" ")),
        "_ROCVERIFY_COMPLETE": "bash_complete",
    }
    program = "import sys; sys.argv[0] = 'rocverify'; from rocverify.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=demo.root,
        env={**os.environ, **variables, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {line.partition(",")[2] for line in done.stdout.split()} == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_a_shell(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert f"_ROCVERIFY_COMPLETE={shell}_complete" in capsys.readouterr().out
