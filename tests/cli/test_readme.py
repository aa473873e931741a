"""The README says what is there: every command, option, exit code, check, parameter, setting and file."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from rocverify.checks.registry import CHECKS
from rocverify.cli.main import cli, run
from rocverify.device.emulator.coverage import support
from rocverify.errors import ExitCode
from rocverify.settings import Settings, Transfers


@pytest.fixture(scope="module")
def readme(repo_root: Path) -> str:
    return (repo_root / "README.md").read_text(encoding="utf-8")


def rows(readme: str, heading: str) -> dict[str, str]:
    """First cell to the whole row, of the table below a heading."""
    section = readme.partition(f"{heading}\n")[2]
    found = {}
    for line in section.splitlines():
        if line.startswith("#"):
            break
        if line.startswith("| ") and not line.startswith("| ---"):
            found[line.split("|")[1].strip().strip("`")] = line
    return found


def test_every_setting_with_its_default(readme: str) -> None:
    table = rows(readme, "## Settings")
    assert set(table) - {"key"} == set(Settings.model_fields)
    for name, value in Settings().model_dump(mode="json").items():
        shown = table[name].split("|")[2]
        if isinstance(value, list):
            assert all(f'"{item}"' in shown for item in value), name
        elif isinstance(value, bool):
            assert str(value).lower() in shown, name
        elif isinstance(value, int | float | str):
            assert str(value) in shown, name
    assert all(f"`{name}`" in table["transfers"] for name in Transfers.model_fields)


def test_every_kind_of_check_with_its_parameters(readme: str) -> None:
    table = rows(readme, "### The kinds of check")
    assert set(table) - {"check"} == set(CHECKS)
    for name, kind in CHECKS.items():
        named = set(re.findall(r"`(\w+)`", table[name].split("|")[2]))
        assert named == set(kind.params.model_fields), name


def test_every_exit_code(readme: str) -> None:
    table = rows(readme, "### Exit codes")
    assert set(table) - {"code"} == {str(int(code)) for code in ExitCode}


def test_every_command_line_that_is_shown_parses(readme: str) -> None:
    shown = re.findall(r"(?m)^    (?:- run: )?(?:\.venv/bin/)?rocverify (\S.*)$", readme)
    lines = shown + re.findall(r"`rocverify (run [^`]*)`", readme)
    assert len(lines) >= 6
    for line in lines:
        words = shlex.split(re.split(r"\s{3,}", line)[0])
        group: click.Command = cli
        while isinstance(group, click.Group) and words:
            context = click.Context(group)
            command = group.get_command(context, words[0])
            assert command is not None, line
            group, words = command, words[1:]
        if not isinstance(group, click.Group):
            group.make_context(group.name, words, resilient_parsing=False)


def test_every_option_of_run_is_known_to_the_help_only_once() -> None:
    command = run.get_command(click.Context(run), "phase")
    assert command is not None
    names = [option for parameter in command.params for option in parameter.opts]
    assert len(names) == len(set(names))


def test_every_file_that_is_named_exists(readme: str, repo_root: Path) -> None:
    named = re.findall(r"`((?:rocverify|kernels|scripts|tests)/[\w./-]+\.\w+)`", readme)
    assert len(named) >= 4
    for name in named:
        assert (repo_root / name).is_file(), name


def test_the_table_of_targets_is_the_one_that_the_data_gives(readme: str) -> None:
    lines = [line.strip() for line in readme.splitlines()]
    expected = list(support.table())
    start = lines.index(expected[0])
    assert lines[start : start + len(expected)] == expected
