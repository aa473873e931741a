"""What `inspect` and `emulate` share: the file, the tools, and their exit codes."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rocverify.cli.options import find_root
from rocverify.errors import (
    CodeObjectError,
    DeviceError,
    DeviceUnavailableError,
    RocverifyError,
    ToolchainError,
    UnsupportedInstructionError,
    UsageError,
)

if TYPE_CHECKING:
    from rocverify.settings import Settings


class Exit(IntEnum):
    """Exit codes of the two commands; beside them 4 for a bug and 130 for an interruption."""

    FINE = 0
    FOUND = 1
    WRONG = 2
    UNDECIDED = 3


def exit_code_of(work: Callable[[], int]) -> int:
    """Does the work; errors are shown and give the exit code that these commands document."""
    try:
        return work()
    except (CodeObjectError, UsageError) as error:
        return _shown(error, Exit.WRONG)
    except (UnsupportedInstructionError, DeviceUnavailableError, ToolchainError) as error:
        return _shown(error, Exit.UNDECIDED)
    except DeviceError as error:
        return _shown(error, Exit.WRONG)


def _shown(error: RocverifyError, code: Exit) -> Exit:
    click.echo(f"error: {error}", err=True)
    return code


def read_file(path: Path) -> bytes:
    """The bytes of a file that the user named; UsageError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(path)) from None


def project_settings() -> tuple[Settings, Path | None]:
    """The settings of the project around the working folder, with a cache folder that can be written to.

    Both commands also work outside any project; the cache then is the user's.
    """
    from rocverify.settings import Settings, load_settings

    try:
        root = find_root(None)
    except UsageError:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        return Settings(), _writable(Path(base) / "rocverify")
    settings = load_settings(root)
    return settings, _writable(root / settings.cache_dir)


def _writable(folder: Path) -> Path | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None
