"""A cache beside the tree: it has what the tree's has, and nothing comes back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rocverify.store import cache_aside as aside
from rocverify.store.cache_aside import cache_aside


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(aside, "user_cache", lambda: tmp_path / "user")
    root = tmp_path / "project"
    (root / "cache/native/ab").mkdir(parents=True)
    (root / "cache/native/ab/abcd").write_text("code")
    return root


def test_what_the_project_has_is_there_and_what_is_made_stays_aside(project: Path) -> None:
    folder = cache_aside(project, "cache")
    assert (folder / "native/ab/abcd").read_text() == "code"
    (folder / "native/cd").mkdir()
    (folder / "native/cd/cdef").write_text("more")
    (project / "cache/sources").write_text("late")
    assert cache_aside(project, "cache") == folder
    assert (folder / "native/cd/cdef").read_text() == "more"
    assert (folder / "sources").read_text() == "late"
    assert {path.name for path in (project / "cache").rglob("*") if path.is_file()} == {"sources", "abcd"}


def test_a_project_without_a_cache_has_an_empty_one(project: Path) -> None:
    assert list(cache_aside(project, "elsewhere").iterdir()) == []


def test_entries_are_copied_where_they_cannot_be_linked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    assert (cache_aside(project, "cache") / "native/ab/abcd").read_text() == "code"
