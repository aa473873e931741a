"""The README's examples: its files are written, its commands and scripts run, in their order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

SECTIONS = ("Run a program", "Run a kernel by hand", "From Python", "From pytest")
_FILE = re.compile(r"(?://|#) ([\w.]+\.\w+)$")


def blocks(readme: str, heading: str) -> Iterator[str]:
    """The indented blocks of a section; empty lines within one belong to it."""
    section = readme.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert section, heading
    for found in re.finditer(r"(?:^    .*\n|^\n(?=    ))+", section, re.MULTILINE):
        yield re.sub(r"^    ", "", found[0], flags=re.MULTILINE).strip("\n") + "\n"


def pieces(readme: str) -> Iterator[tuple[str, str]]:
    """(name, text) of each file, and ("", command) of each command, in order."""
    for heading in SECTIONS:
        for block in blocks(readme, heading):
            first = _FILE.match(block.partition("\n")[0])
            if first:
                text, commands = block, ""
                if "\nrocverify " in block:  # commands that follow a file with nothing said between
                    text, _, commands = block.partition("\n\nrocverify ")
                    commands = f"rocverify {commands}"
                yield first[1], text.rstrip("\n") + "\n"
                block = commands
            yield from (("", line) for line in block.splitlines() if line.startswith("rocverify "))


def run(words: Sequence[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=250
    )
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.long
def test_the_examples_of_the_readme(
    repo_root: Path, tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/rocverify").symlink_to(kept)
    folder = tmp_path / "examples"
    folder.mkdir()
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    environment = {**os.environ, "PYTHONPATH": str(repo_root), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    said: dict[str, str] = {}
    for name, text in pieces((repo_root / "README.md").read_text(encoding="utf-8")):
        words = shlex.split(text) if not name else []
        if name:
            (folder / name).write_text(text, encoding="utf-8")
        if name.startswith("test_"):
            words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", name]
        elif name.endswith(".py"):
            words = [sys.executable, name]
        elif not name:
            words = [sys.executable, "-m", "rocverify", *words[1:]]
        if words:
            said[name or text] = run(words, folder, environment)
    assert set(said) >= {"softmax.py", "chain.py", "test_softmax.py"}
    assert "PASS\nrocverify: 1 launch (saxpy); 3 copies" in said["rocverify exec ./saxpy 1024"]
    assert "3 passed" in said["test_softmax.py"]
    assert sum(line.startswith("rocverify ") for line in said) == 7
