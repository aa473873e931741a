"""Takes out of a cache what nobody has asked for in a long time, and the oldest of what is too much.

Anything in a cache can be made again, and whoever finds an entry gone makes it: processes that work with a
cache meanwhile are not disturbed. What was used within a day stays in any case, since a run hands out paths
of entries. Folders stay too: an entry of another process may be about to appear in one.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MAX_AGE_S = 30 * 24 * 3600
MAX_BYTES = 2 << 30
"""What a cache keeps unless it is told otherwise: by last use, and in all."""
RESTING_S = 24 * 3600
"""Since its last use an entry has to rest as long before it may go."""
OFTEN_S = 24 * 3600
"""How long after it was looked through a cache is looked through again by itself."""

WHOLE = frozenset({"device-libs", "hiplib", "aside"})
"""Kinds whose entries are folders: all of one or nothing."""
_MARK = ".pruned"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `kind` is the folder of the cache that it lies in, `used` when it was last asked for, in
    seconds of the epoch."""

    path: Path
    kind: str
    size: int
    used: float


def touch(path: Path) -> None:
    """An entry was asked for: the time of its last access tells, what it is stays as old as it was. Who may
    not say so has somebody else's, and leaves it."""
    with suppress(OSError):
        os.utime(path, ns=(time.time_ns(), path.stat().st_mtime_ns))


def entries(folder: Path) -> list[Entry]:
    """What a cache holds; nothing where it is not there."""
    return [entry for kind in _folders(folder) for entry in _of_kind(Path(kind.path), kind.name)]


def prune(folder: Path, *, max_age_s: float = MAX_AGE_S, max_bytes: int = MAX_BYTES) -> list[Entry]:
    """Removes what was last used more than `max_age_s` ago, then the entries that were longest not used until
    the rest has `max_bytes` at most; what rests less than RESTING_S stays. What was removed, oldest first."""
    now = time.time()
    found = sorted(entries(folder), key=lambda entry: entry.used)
    left, gone = sum(entry.size for entry in found), []
    for entry in found:
        age = now - entry.used
        if age < RESTING_S or (age <= max_age_s and left <= max_bytes):
            break
        if _removed(entry.path):
            gone.append(entry)
            left -= entry.size
    return gone


def prune_seldom(folders: Iterable[Path]) -> None:
    """Prunes caches that were not looked through for a day. What cannot be done is left."""
    for folder in folders:
        mark = folder / _MARK
        with suppress(OSError):
            if mark.exists() and time.time() - mark.stat().st_mtime < OFTEN_S:
                continue
            if folder.is_dir():
                mark.touch()
                prune(folder)


def _of_kind(folder: Path, kind: str) -> Iterator[Entry]:
    if kind not in WHOLE:
        yield from (Entry(path, kind, size, used) for path, size, used in _files(folder))
        return
    for one in _folders(folder):
        files = list(_files(Path(one.path)))
        used = max((used for _, _, used in files), default=0.0)
        made = Path(one.path).stat().st_mtime
        yield Entry(Path(one.path), kind, sum(size for _, size, _ in files), max(used, made))


def _files(folder: Path) -> Iterator[tuple[Path, int, float]]:
    """Plain files below a folder: path, bytes, last use. What vanishes meanwhile is not there."""
    for at, _, names in os.walk(folder):
        for name in names:
            path = Path(at) / name
            with suppress(FileNotFoundError):
                state = path.lstat()
                yield path, state.st_size, max(state.st_atime, state.st_mtime)


def _folders(folder: Path) -> list[os.DirEntry[str]]:
    with suppress(OSError), os.scandir(folder) as found:
        return [one for one in found if one.is_dir(follow_symlinks=False)]
    return []


def _removed(path: Path) -> bool:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
