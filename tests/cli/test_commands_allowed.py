"""A plan's commands in a whole run: refused unless allowed, printed first, and then decided."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.cli.main import main
from rocverify.errors import ExitCode

PLAN = """---
phase: 01-build
plan: 01
must_haves:
  truths:
    - "`make check` passes"
---
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / ".planning/phases/01-build/01-01-PLAN.md"
    path.parent.mkdir(parents=True)
    path.write_text(PLAN)
    (tmp_path / "Makefile").write_text("check:\n\ttouch made\n")
    return tmp_path


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(root: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def execute(*options: str) -> tuple[int, str]:
        code = main(["run", "plan", "01-01", "--root", str(root), "--no-write", *options])
        return code, capsys.readouterr().out

    return execute


def test_refused(root: Path, run: Run) -> None:
    code, said = run()
    assert code == ExitCode.UNVERIFIED
    assert "not_run   01-01/T1/command" in said
    assert "give --allow-commands" in said
    assert not (root / "made").exists()


def test_allowed(root: Path, run: Run) -> None:
    code, said = run("--allow-commands", "-v")
    assert code == ExitCode.VERIFIED, said
    assert said.index("command   01-01/T1/command: make check") < said.index("passed    01-01/T1/command")
    assert not (root / "made").exists()


def test_allowed_and_failing(root: Path, run: Run) -> None:
    (root / "Makefile").write_text("check:\n\t@echo the reason: 3 is not 4; false\n")
    code, said = run("--allow-commands")
    assert code == ExitCode.GAPS_FOUND
    assert "ended with exit status 2, not 0" in said
    assert "| the reason: 3 is not 4" in said


def test_the_end_of_its_output_is_in_every_document(root: Path) -> None:
    (root / "Makefile").write_text("check:\n\t@seq 100; echo the reason: 3 is not 4; false\n")
    assert main(["run", "phase", "1", "--root", str(root), "--allow-commands"]) == ExitCode.GAPS_FOUND
    for name in ("01-01-SUMMARY.md", "01-VERIFICATION.md"):
        text = (root / ".planning/phases/01-build" / name).read_text()
        assert "\n100\nthe reason: 3 is not 4\n" in text
        assert "\n50\n" not in text
