"""Warnings of a plan are shown once: on the terminal, and in its SUMMARY."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rocverify.cli.main import main

CASE = Path(__file__).parents[1] / "binding/wild/p04-unknown-artifact-key"


def test_an_unknown_key_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "project"
    shutil.copytree(CASE, root)
    main(["run", "phase", "01", "--root", str(root)])
    shown = capsys.readouterr()
    lines = (shown.out + shown.err).splitlines()
    assert sum("action: is not a known key" in line for line in lines) == 1
    (summary,) = root.rglob("*-SUMMARY.md")
    assert summary.read_text(encoding="utf-8").count("action: is not a known key") == 1
