"""`rocverify cache`: what is kept, and what goes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from rocverify.cli.main import main

OLD = 86_400.0


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, with an old entry in its cache and one in the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    root = tmp_path / "project"
    (root / ".planning").mkdir(parents=True)
    for path in (root / ".rocverify/cache/native/ab/abcd", tmp_path / "home/rocverify/runtime/cd/cdef"):
        path.parent.mkdir(parents=True)
        path.write_bytes(bytes(3 << 20))
        os.utime(path, (OLD, OLD))
    return root


def test_what_is_kept_is_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cache", "--root", str(project)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"project: {project / '.rocverify/cache'}, 3.0 MiB"
    assert lines[1].split() == ["native", "1", "3.0", "MiB", "oldest", "used", "1970-01-02"]
    assert lines[2].startswith("user: ")
    assert lines[3].split()[:4] == ["runtime", "1", "3.0", "MiB"]


def test_what_is_old_is_removed_when_asked(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = ["cache", "--prune", "--max-age", "100000", "--json", "--root", str(project)]
    assert main(kept) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "rocverify.cache/1"
    assert [one["removed"]["entries"] for one in found["caches"]] == [0, 0]
    assert main(["cache", "--prune", "--json", "--root", str(project)]) == 0
    mine, users = json.loads(capsys.readouterr().out)["caches"]
    assert (mine["cache"], mine["kinds"], mine["removed"]) == (
        "project",
        {},
        {"entries": 1, "bytes": 3 << 20},
    )
    assert (users["cache"], users["removed"]["entries"]) == ("user", 1)
    assert not (project / ".rocverify/cache/native/ab/abcd").exists()


def test_outside_any_project_there_is_the_users(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project.parent)
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.startswith("user: ")
