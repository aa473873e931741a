"""Digests of files, computed once for each state of a file within a process."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path

# A file written this recently may change again without its times showing it (their granularity is
# some milliseconds), so its digest is not remembered: git's "racy" rule.
_SETTLED_NS = 2_000_000_000

_State = tuple[int, int, int, int, int]
_known: dict[str, tuple[_State, str]] = {}


def digest_bytes(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def digest_of(*parts: bytes | str) -> str:
    """One digest over several parts, in order; no two different lists share it."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", errors="surrogateescape") if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "little") + data)
    return total.hexdigest()


def digest_texts(parts: Iterable[str]) -> str:
    """The same over however many texts there are."""
    return digest_of(*parts)


def shown_digest(digest: str) -> str:
    """The first 16 digits of a digest as people are shown them: in fours, so that no tool which looks
    for the hash of a commit takes it for one."""
    return "-".join(digest[at : at + 4] for at in range(0, min(len(digest), 16), 4))


def digest_file(path: Path | str) -> str:
    """SHA-256 of a file's bytes. Raises OSError if it cannot be read."""
    key = os.fspath(path)
    stat = os.stat(key)
    state = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    known = _known.get(key)
    if known is not None and known[0] == state:
        return known[1]
    digest = digest_bytes(Path(key).read_bytes())
    if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED_NS:
        _known[key] = (state, digest)
    return digest


def digest_if_file(path: Path) -> str | None:
    """The same; None for what is no file (to read a pipe may never end) or cannot be read."""
    try:
        return digest_file(path) if path.is_file() else None
    except OSError:
        return None
