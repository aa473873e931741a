"""The reference pages are those of the code, and say what there is: commands, checks, settings, codes."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import click
import pytest

from rocverify.checks.registry import CHECKS
from rocverify.cli.main import cli, run
from rocverify.errors import ExitCode
from rocverify.settings import COMMAND_LINE_ONLY, Settings, Transfers

_PATH = Path(__file__).resolve().parents[2] / "scripts/reference.py"
_SPEC = importlib.util.spec_from_file_location("reference_pages", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
reference = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(reference)


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return reference.pages()


def rows(page: str, heading: str) -> dict[str, str]:
    """First cell to the whole row, of the table below a heading."""
    found = {}
    for line in page.partition(f"\n{heading}\n")[2].splitlines():
        if line.startswith("#"):
            break
        if line.startswith("| ") and not line.startswith("| ---"):
            found[line.split("|")[1].strip().strip("`")] = line
    return found


def test_the_pages_are_up_to_date(made: dict[str, str], repo_root: Path) -> None:
    folder = repo_root / "docs/reference"
    old = [name for name, text in made.items() if (folder / name).read_text(encoding="utf-8") != text]
    assert not old, "run `python -m scripts.reference`"


def test_check_tells_what_is_not_up_to_date(
    made: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    monkeypatch.setattr(reference, "pages", lambda: made)
    assert reference.main(["--check"]) == 1
    assert not list(tmp_path.iterdir())
    assert reference.main([]) == 0
    (tmp_path / "checks.md").write_text("old\n", encoding="utf-8")
    capsys.readouterr()
    assert reference.main(["--check"]) == 1
    assert capsys.readouterr().out == "docs/reference/checks.md: not up to date\n"


def test_every_setting_with_its_default_and_meaning(made: dict[str, str]) -> None:
    table = rows(made["settings.md"], "# Settings")
    assert set(table) - {"key"} == set(Settings.model_fields)
    for name, value in Settings().model_dump(mode="json").items():
        shown, meaning = table[name].split("|")[3:5]
        assert meaning.strip(), name
        if isinstance(value, list):
            assert all(f'"{item}"' in shown for item in value), name
        elif isinstance(value, bool):
            assert str(value).lower() in shown, name
        elif isinstance(value, int | float | str):
            assert str(value) in shown, name
    assert set(rows(made["settings.md"], "## transfers")) - {"key"} == set(Transfers.model_fields)
    assert all(f"`{key}`" in made["settings.md"] for key in COMMAND_LINE_ONLY)


@pytest.mark.parametrize("name", CHECKS)
def test_every_kind_of_check_with_its_parameters(made: dict[str, str], name: str) -> None:
    table = rows(made["checks.md"], f"## {name}")
    fields = CHECKS[name].params.model_fields
    assert set(table) - {"parameter", "key"} >= {field.alias or key for key, field in fields.items()}
    said = made["checks.md"].partition(f"\n## {name}\n")[2].partition("\n## ")[0].partition("| parameter")[0]
    told = set(re.findall(r"`(\w+)", said))
    assert {key for key, field in fields.items() if not {key, field.alias} & told} == set()


def test_every_exit_code(made: dict[str, str]) -> None:
    table = rows(made["exit-codes.md"], "# Exit codes")
    assert set(table) - {"code"} == {str(int(code)) for code in ExitCode}
    assert "gaps found" in table["1"]


def test_every_command(made: dict[str, str]) -> None:
    headings = re.findall(r"(?m)^## rocverify ?(.*)$", made["commands.md"])
    assert {"", "run", "run phase", "contract new", *cli.list_commands(click.Context(cli))} <= set(headings)


def test_every_command_line_that_is_shown_parses(repo_root: Path) -> None:
    texts = [
        path.read_text(encoding="utf-8")
        for path in (repo_root / "README.md", *(repo_root / "docs").rglob("*.md"))
        if path.parent.name != "reference"
    ]
    shown = [
        line
        for text in texts
        for line in re.findall(r"(?m)^(?:    |\$ )(?:\.venv/bin/)?rocverify ([a-z].*)$", text)
        + re.findall(r"`rocverify ((?:run|init) [^`\n]*)`", text)
    ]
    assert len(shown) >= 30
    for line in shown:
        words = shlex.split(re.split(r"\s{3,}|  #| && |;", line)[0])
        group: click.Command = cli
        while isinstance(group, click.Group) and words:
            command = group.get_command(click.Context(group), words[0])
            assert command is not None, line
            group, words = command, words[1:]
        if not isinstance(group, click.Group):
            group.make_context(group.name, words, resilient_parsing=False)


def test_every_option_of_run_is_known_to_the_help_only_once() -> None:
    command = run.get_command(click.Context(run), "phase")
    assert command is not None
    names = [option for parameter in command.params for option in parameter.opts]
    assert len(names) == len(set(names))


def test_every_file_that_is_named_exists(repo_root: Path) -> None:
    named = [
        name
        for path in (
            repo_root / "README.md",
            repo_root / "CONTRIBUTING.md",
            repo_root / "docs/architecture.md",
        )
        for name in re.findall(
            r"`((?:rocverify|scripts|tests|examples)/[\w./-]+\.\w+)`", path.read_text(encoding="utf-8")
        )
        if not re.search(r"[A-Z]{4}", name)
    ]
    assert len(named) >= 4
    for name in named:
        assert (repo_root / name).is_file(), name
