"""Modules and libraries that the code under verification needs and this machine lacks."""

from __future__ import annotations

import re
from pathlib import Path

from .python_path import source_folders

_LIBRARY = re.compile(r"(?P<name>\S+\.so[\w.]*): cannot open shared object file")


def missing_module(root: Path, error: BaseException | None, needed_by: str) -> tuple[str, str] | None:
    """What was missing where `error` says so, and what to do; None for any other error, and for a module that
    the project itself would have: that one was not delivered."""
    if isinstance(error, ImportError) and error.name and _is_foreign(root, error.name.partition(".")[0]):
        return (
            f"{needed_by} needs the module {error.name}, which is not on this machine ({error})",
            f"install {error.name.partition('.')[0]} beside rocverify, or run where it is",
        )
    library = _LIBRARY.search(str(error)) if isinstance(error, OSError | ImportError) else None
    if library:
        return (
            f"{needed_by} needs the library {library['name']}, which is not on this machine",
            "install it, or run where it is",
        )
    return None


def _is_foreign(root: Path, top: str) -> bool:
    """Whether no file or folder of the project has this name (an installed module that lacks a name has), and
    it is none of the judge's."""
    folders = (root, *(root / folder for folder in source_folders(root)))
    return top != "rocverify" and not any(
        (folder / name).exists() for folder in folders for name in (top, f"{top}.py")
    )
