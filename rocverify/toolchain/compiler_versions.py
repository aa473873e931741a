"""What compilers say of themselves, remembered between processes: asking takes longer than much else.

A compiler is known by its path, and by the size and time of what the path leads to.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

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
        path = _entry(compiler)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(line)
        Path(name).replace(path)


def _entry(compiler: Path) -> Path:
    import platformdirs

    stat = compiler.resolve().stat()
    key = f"{compiler.absolute()} {stat.st_size} {stat.st_mtime_ns} {stat.st_ino}"
    folder = platformdirs.user_cache_path("rocverify", appauthor=False) / _FOLDER
    return folder / hashlib.sha256(key.encode()).hexdigest()
