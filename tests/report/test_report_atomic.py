"""A file is the old text or the new one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rocverify.report import atomic


def test_writes_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.md"
    assert atomic.write_if_changed(path, "text\n")
    assert path.read_bytes() == b"text\n"


def test_the_same_text_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "c.md"
    atomic.write_if_changed(path, "text\n")
    before = path.stat()
    assert not atomic.write_if_changed(path, "text\n")
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
        atomic.write_if_changed(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["c.md"]


def test_mode_and_link_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "c.md", tmp_path / "link.md"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    link.symlink_to(path)
    assert atomic.write_if_changed(link, "new")
    assert link.is_symlink()
    assert path.read_text(encoding="utf-8") == "new"
    assert path.stat().st_mode & 0o777 == 0o640
