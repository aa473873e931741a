"""The command line in a temporary project."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.cli.main import main

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is the working folder."""
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def rocverify(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; its exit code, and all that it said."""

    def ran(*words: str) -> tuple[int, str]:
        code = main(words)
        shown = capsys.readouterr()
        return code, shown.out + shown.err

    return ran
