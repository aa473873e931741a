"""Temporary projects for the checks: small ones made of text, and copies of this repository's kernels."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from rocverify.checks.base import Outcome
from rocverify.checks.context import CheckContext
from rocverify.checks.registry import CHECKS
from rocverify.settings import Settings
from tests.devices import lend_process


@dataclass
class Project:
    """A project in a folder of its own, and the checks on it."""

    root: Path
    settings: Settings
    _contexts: list[CheckContext] = field(default_factory=list)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        """Replaces text that must be there exactly once."""
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    def check(self, kind: str, **params: Any) -> Outcome:
        """Runs one check on the project as it stands now."""
        context = CheckContext(self.root, self.settings, seed=11)
        self._contexts.append(context)
        return CHECKS[kind].run(CHECKS[kind].params(**params), context)

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture(autouse=True)
def lent_process(monkeypatch: pytest.MonkeyPatch) -> None:
    lend_process(monkeypatch)


@pytest.fixture
def project(tmp_path: Path) -> Callable[[Mapping[str, str]], Project]:
    """A project made of the given files."""

    def make(files: Mapping[str, str]) -> Project:
        made = Project(tmp_path, Settings())
        for path, text in files.items():
            made.write(path, text)
        return made

    return make


@pytest.fixture
def rope(tmp_path: Path, repo_root: Path, own_cache: Path) -> Iterator[Project]:
    """A copy of this repository's kernels, on the emulator."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repo_root / "kernels", tmp_path / "kernels", ignore=ignored)
    project = Project(tmp_path, Settings(device="emulator", cache_dir=str(own_cache)))
    yield project
    project.close()
