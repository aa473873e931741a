"""What compilers say of themselves, remembered between processes: asking takes longer than much else.

A compiler is known by its path, and by the size and time of what the path leads to.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from rocverify.store.files import replace_file
from rocverify.store.user_folders import user_cache

_FOLDER = "compilers"
_MOST_BYTES = 4096


def remembered(compiler: Path) -> str | None:
    """The first line of `--version` as it was remembered; None where it was not."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        data = _entry(compiler).read_bytes()
        if len(data) <= _MOST_BYTES:
            return data.decode("utf-8") or None
    return None


def remember(compiler: Path, line: str) -> None:
    """Keeps a compiler's answer, where there is a cache folder that can be written to."""
    with contextlib.suppress(OSError):
        replace_file(_entry(compiler), line.encode("utf-8"))


def _entry(compiler: Path) -> Path:
    stat = compiler.resolve().stat()
    key = f"{compiler.absolute()} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
    return user_cache() / _FOLDER / hashlib.sha256(key.encode()).hexdigest()
