"""Turns what a failed compiler said into the error that tells kernel faults from broken tools."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rocverify.errors import CompileError, ToolchainError
from rocverify.toolchain.packages import DEVICE_LIBRARIES_PACKAGE, HEADERS_PACKAGE, install_hint

_AT_LINE = re.compile(
    r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+)(?::\d+)?: (?:fatal )?error: (?P<said>.*)$", re.M
)
_ANYWHERE = re.compile(r"^(?:[\w+./-]+: )?(?:fatal )?error: (?P<said>.*)$", re.M)
_NEXT = re.compile(r"^(?:\S.*: (?:fatal )?(?:error|warning): |\d+ errors? generated|\d+ warnings? )", re.M)
_CRASHED = re.compile(r"PLEASE submit a bug report|^Stack dump:", re.M)
_INCOMPLETE = {
    "cannot find ROCm device library": DEVICE_LIBRARIES_PACKAGE,
    "'hip/hip_runtime.h' file not found": HEADERS_PACKAGE,
}
_SIGNALLED = 128


def compile_error(
    log: str, returncode: int, *, source: str, target: str, root: Path, manifest_line: str
) -> ToolchainError:
    """CompileError if the compiler rejected the kernel; plain ToolchainError if the compiler itself is at
    fault (it crashed, or a part of the toolchain is missing). `log` is kept verbatim."""
    if returncode < 0 or returncode >= _SIGNALLED or _CRASHED.search(log):
        return ToolchainError(
            f"the compiler crashed on {source} for {target} (exit status {returncode}):\n{log.strip()}",
            where=source,
            hint="try another compiler (ROCVERIFY_CLANG=clang-15)",
        )
    for sign, package in _INCOMPLETE.items():
        if sign in log and _first_line(log, root) in (None, source):
            return ToolchainError(
                f"the toolchain is incomplete:\n{log.strip()}", where=source, hint=install_hint((package,))
            )
    located, anywhere = _AT_LINE.search(log), _ANYWHERE.search(log)
    if located:
        where = f"{_shown(located['file'], root)}:{located['line']}"
        hint = "correct the source"
    else:
        where = source
        hint = f"correct the source, or its flags in {manifest_line}"
    found = located or anywhere
    said = found["said"] if found else f"the compiler gave up with exit status {returncode}"
    return CompileError(f"does not compile for {target}: {said}", log=log, where=where, hint=hint)


def first_error(log: str) -> str:
    """The compiler's first error with the source line that it shows; the whole log if it names none."""
    located = _AT_LINE.search(log) or _ANYWHERE.search(log)
    if located is None:
        return log.strip()
    rest = log[located.end() :]
    end = _NEXT.search(rest)
    return (located[0] + (rest[: end.start()] if end else rest)).strip()


def _first_line(log: str, root: Path) -> str | None:
    located = _AT_LINE.search(log)
    return _shown(located["file"], root) if located else None


def _shown(file: str, root: Path) -> str:
    """A path as the user knows it: relative to the root if inside."""
    plain = os.path.normpath(root / file)
    return os.path.relpath(plain, root) if Path(plain).is_relative_to(root) else plain
