"""Programs of the project's own that lines start: as far as their words and CTest's record tell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rocverify.commands.lines import segments

CTEST_LOG = "Testing/Temporary/LastTest.log"
"""What CTest writes below the folder of the build."""

_COMMAND = re.compile(r'^Command: "([^"\n]+)"', re.MULTILINE)
_COPY = re.compile(r"/rocverify-command-[^/]+/copy/(?P<path>.+)")
_BUILDING = frozenset({"cmake --build", "make", "ninja", "meson", "bazel", "scons", "xmake", "just"})
_HANDLING = frozenset(
    {
        "cd",
        "touch",
        "cp",
        "mv",
        "ln",
        "install",
        "rsync",
        "chmod",
        "rm",
        "mkdir",
        "strip",
        "objcopy",
        "patchelf",
    }
    | {
        "cat",
        "dd",
        "sed",
        "truncate",
        "echo",
        "printf",
        "true",
        ":",
        "test",
        "[",
        "sleep",
        "grep",
        "tee",
        "ctest",
    }
)
"""Tools that change or show files that are there."""


def named_programs(line: str, root: Path, folder: Path) -> Iterator[str]:
    """The programs that a line names by their path, relative to the root; it runs in a folder of the tree."""
    at = folder
    for part in segments(line):
        if part.words[:1] == ("cd",) and len(part.words) > 1:
            at = at / part.words[1]
            continue
        for word in part.words:
            found = own_program(str(at / word), root) if "/" in word else None
            if found is not None:
                yield found


def logged_programs(log: str, root: Path) -> Iterator[str]:
    """The programs that CTest's record names, relative to the root."""
    for match in _COMMAND.finditer(log):
        found = own_program(match[1], root)
        if found is not None:
            yield found


def own_program(path: str, root: Path) -> str | None:
    """A program's path relative to the root, where it is one of the tree (an executable or a library, as the
    linker writes it); None for what is not there before the lines run, and for the system's."""
    copied = _COPY.search(path)
    try:
        file = (root / copied["path"] if copied else Path(path)).resolve()
        if not file.is_relative_to(root) or not file.is_file() or _of_environment(file, root):
            return None
        with file.open("rb") as stream:
            head = stream.read(18)
    except OSError:
        return None
    linked = head[:4] == b"\x7fELF" and head[16:18] in (b"\2\0", b"\3\0")
    return file.relative_to(root).as_posix() if linked else None


def builds(line: str) -> bool:
    """Whether a line starts a tool that builds what is older than its sources."""
    asked = [part for part in segments(line) if not part.asks]
    return any(part.tool in _BUILDING or part.tool.startswith("cargo") for part in asked)


def makes_nothing(line: str, root: Path, folder: Path) -> bool:
    """Whether what a line starts makes no program of sources: it only handles files, asks, or runs programs
    of the tree. It runs in a folder of the tree."""
    parts = [part for part in segments(line) if part.words]
    own = {Path(path).name for path in named_programs(line, root, folder)}
    return bool(parts) and all(
        part.asks or part.tool in _HANDLING or ("/" in part.words[0] and Path(part.words[0]).name in own)
        for part in parts
    )


def _of_environment(file: Path, root: Path) -> bool:
    """Whether it is installed in a Python environment that stands in the tree."""
    inside = (folder for folder in file.parents if folder != root and folder.is_relative_to(root))
    return any((at / "pyvenv.cfg").exists() or (at / "conda-meta").exists() for at in inside)
