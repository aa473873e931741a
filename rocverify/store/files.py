"""Files that are either the old bytes or the new ones, whatever interrupts the writing."""

from __future__ import annotations

import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

_SETTLED_S = 60.0
"""No draft that is being written is older than this."""


def write_if_changed(path: Path, text: str) -> bool:
    """Makes `path` hold `text` (UTF-8, line ends as given); False if it already did.

    The new text is complete on the disk before it takes the old one's place. A link is followed, so
    that it stays a link; the mode of an existing file is kept. Drafts of this file that a killed run left
    beside it are removed.
    """
    data = text.encode("utf-8")
    target = Path(os.path.realpath(path))
    sweep_drafts(target)
    try:
        if target.read_bytes() == data:
            return False
        mode = target.stat().st_mode & 0o777
    except FileNotFoundError:
        mode = 0o666 & ~_umask()
    replace_file(target, data, mode=mode, durable=True)
    return True


def replace_file(path: Path, data: bytes, *, mode: int = 0o644, durable: bool = False) -> None:
    """Puts `data` at `path`, there whole or not at all, whoever else writes the same; makes its folder.

    durable: on the disk, name and all, before this returns.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def sweep_drafts(path: Path) -> None:
    """Removes drafts of `path` that a killed process left in its folder."""
    draft = re.compile(re.escape(f".{path.name}.") + r"[\w-]+\.tmp")
    with suppress(OSError):  # no folder yet; or not ours to tidy
        for name in os.listdir(path.parent):
            left = path.parent / name
            if draft.fullmatch(name) and time.time() - left.lstat().st_mtime > _SETTLED_S:
                left.unlink()


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    # The only portable way to read it is to set it.
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
