"""Caches lose what is old, then what is too much; what was used lately stays, whoever works meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from rocverify.store import pruning
from rocverify.store.content_cache import ContentCache
from rocverify.store.pruning import entries, prune, prune_seldom

DAY = 24 * 3600


def put(folder: Path, name: str, days: float, size: int = 100) -> Path:
    """An entry that was last used so many days ago."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    used = time.time() - days * DAY
    os.utime(path, (used, used))
    for above in path.relative_to(folder).parents[:-1]:
        os.utime(folder / above, (used, used))
    return path


def left(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_old_goes_and_what_was_used_stays(tmp_path: Path) -> None:
    put(tmp_path, "native/ab/old", 31)
    put(tmp_path, "native/ab/young", 29)
    gone = prune(tmp_path, max_age_s=30 * DAY)
    assert [(entry.path.name, entry.kind, entry.size) for entry in gone] == [("old", "native", 100)]
    assert left(tmp_path) == {"native/ab/young"}


def test_what_is_too_much_goes_from_the_oldest_on(tmp_path: Path) -> None:
    for days in (5, 2, 4, 3):
        put(tmp_path, f"objects/{days}.co", days)
    prune(tmp_path, max_bytes=250)
    assert left(tmp_path) == {"objects/2.co", "objects/3.co"}


def test_what_was_used_within_a_day_stays_whatever_the_limits(tmp_path: Path) -> None:
    put(tmp_path, "objects/now.co", 0.9)
    put(tmp_path, "objects/then.co", 1.1)
    prune(tmp_path, max_age_s=0, max_bytes=0)
    assert left(tmp_path) == {"objects/now.co"}


def test_folders_that_are_one_entry_go_whole(tmp_path: Path) -> None:
    put(tmp_path, "device-libs/gfx1100/ocml.bc", 40)
    put(tmp_path, "device-libs/gfx1100/ockl.bc", 2)
    put(tmp_path, "device-libs/gfx906/ocml.bc", 40)
    prune(tmp_path, max_age_s=30 * DAY)
    assert left(tmp_path) == {"device-libs/gfx1100/ocml.bc", "device-libs/gfx1100/ockl.bc"}


def test_an_entry_that_is_asked_for_is_used(tmp_path: Path) -> None:
    cache = ContentCache(tmp_path / "native")
    cache.get("abcd", lambda: b"code")
    cache.get("cdef", lambda: b"more")
    for path in (tmp_path / "native").rglob("*"):
        os.utime(path, (0, 0))
    assert cache.get("abcd", lambda: b"made again") == b"code"
    assert [entry.path.name for entry in prune(tmp_path)] == ["cdef"]
    assert cache.get("cdef", lambda: b"made again") == b"made again"


def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere", "mine/of/the/user", 50)
    (tmp_path / "cache/native").mkdir(parents=True)
    (tmp_path / "cache/native/link").symlink_to(elsewhere.parent)
    (tmp_path / "cache/kind").symlink_to(tmp_path / "elsewhere/mine")
    prune(tmp_path / "cache", max_age_s=0, max_bytes=0)
    assert elsewhere.exists()


def test_a_cache_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert entries(tmp_path / "none") == []
    assert prune(tmp_path / "none") == []


def test_caches_are_looked_through_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []
    monkeypatch.setattr(pruning, "prune", looked.append)
    (tmp_path / "native").mkdir()
    prune_seldom([tmp_path, tmp_path / "none"])
    prune_seldom([tmp_path])
    assert looked == [tmp_path]
    os.utime(tmp_path / ".pruned", (0, 0))
    prune_seldom([tmp_path])
    assert looked == [tmp_path, tmp_path]
    assert not (tmp_path / "none").exists()


WORKER = """
import sys
from pathlib import Path
from rocverify.store.content_cache import ContentCache
cache = ContentCache(Path(sys.argv[1]) / "native")
for turn in range(300):
    for key in ("abcd", "abce", "cdef"):
        assert cache.get(key, lambda: key.encode() * 100) == key.encode() * 100
"""


def test_processes_that_work_with_a_cache_are_not_disturbed(tmp_path: Path) -> None:
    """Entries vanish under their hands all the time."""
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    workers = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    while any(worker.poll() is None for worker in workers):
        for path in tmp_path.rglob("*/*/[!.]*"):
            with suppress(FileNotFoundError):
                os.utime(path, (0, 0))
        prune(tmp_path, max_age_s=0, max_bytes=0)
    said = [worker.communicate()[1] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
