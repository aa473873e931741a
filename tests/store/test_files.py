"""A file is the old text or the new one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rocverify.store import files


def test_writes_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.md"
    assert files.write_if_changed(path, "text\n")
    assert path.read_bytes() == b"text\n"


def test_the_same_text_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "c.md"
    files.write_if_changed(path, "text\n")
    before = path.stat()
    assert not files.write_if_changed(path, "text\n")
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failure_leaves_the_old_text_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "c.md"
    path.write_text("old", encoding="utf-8")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(*((os, "fsync") if failing == "fsync" else (Path, "replace")), fail)
    with pytest.raises(KeyboardInterrupt):
        files.write_if_changed(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["c.md"]


def test_mode_and_link_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "c.md", tmp_path / "link.md"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    link.symlink_to(path)
    assert files.write_if_changed(link, "new")
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_drafts_that_a_killed_run_left_are_swept(tmp_path: Path) -> None:
    old, young, others = (tmp_path / f".{n}.tmp" for n in ("c.md.abcd1234", "c.md.now_here", "d.md.abcd1234"))
    for path in (old, young, others):
        path.write_text("draft", encoding="utf-8")
    os.utime(old, (1, 1))
    os.utime(others, (1, 1))
    files.write_if_changed(tmp_path / "c.md", "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([young.name, others.name, "c.md"])
