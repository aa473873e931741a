"""Small file systems for tests of what happens where there is no room."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache

import pytest

_WAYS = (("--mount",), ("--map-root-user", "--mount"))
"""As root, and as anybody whom the kernel lets be root among processes of their own."""


@cache
def _way() -> tuple[tuple[str, ...] | None, str]:
    """The options of `unshare` by which a file system can be mounted here; None, and why there are none."""
    said = ""
    for options in _WAYS:
        command = ["unshare", *options, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except OSError as error:
            return None, str(error)
        if done.returncode == 0:
            return options, ""
        said = done.stderr.strip()
    return None, said


def with_tmpfs(folder: str, size: str, command: Sequence[str]) -> list[str]:
    """The command line that runs a command where `folder` is a file system of this size, which nobody else
    sees. Skips the test where nothing may be mounted."""
    options, why = _way()
    if options is None:
        pytest.skip(f"no file system may be mounted here: {why}")
    script = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"'
    return ["unshare", *options, "sh", "-c", script, "sh", size, folder, *command]
