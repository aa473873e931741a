"""Which files a compilation may read, and what of a compiler's words may be shown.

A source of the project may include what lies in the project, the compiler's and the system's headers, and
what the user has allowed on the command line. Nothing else of this machine gets into a code object or a
report.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_LOCATED = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+)(:\d+)?: (?P<what>[a-z ]+): ")
_SUMMARY = re.compile(r"^(\d+ (errors?|warnings?)\b|In file included from |fatal error: |\S+: error: )")


@dataclass(frozen=True)
class Readable:
    """root: resolved; system: folders as the compiler searches them; allowed: the user's, resolved."""

    root: Path
    system: tuple[str, ...]
    allowed: tuple[Path, ...] = ()

    def refused(self, paths: Iterable[str]) -> str | None:
        """The first of the files (absolute, or relative to the root) that must not be read; None if none.

        Links of the project are followed to what they lead to, links of the system are its own business.
        """
        return next((path for path in paths if not self._may_read(path)), None)

    def _may_read(self, path: str) -> bool:
        root = str(self.root)
        if _of_system(root, self.system, path):
            return True
        place = os.path.join(root, path)
        real = os.path.realpath(place)  # not of `plain`: `..` after a link is the link's parent
        return _below(real, (str(self.root), *map(str, self.allowed), *self.system))

    def in_root(self, path: str) -> bool:
        """Whether a path names a file below the root; links are not followed."""
        return _below(os.path.normpath(os.path.join(self.root, path)), (str(self.root),))

    def shown(self, log: str) -> str:
        """The compiler's words, with lines of source only where the source is the project's own."""
        kept: list[str] = []
        hiding = False
        for line in log.splitlines():
            located = _LOCATED.match(line)
            if located:
                hiding = not self._own(located["file"])
                if hiding and self.refused([located["file"]]) is not None:
                    line = f"{located['file']}:{located['line']}: {located['what']}: (outside of the project)"
                kept.append(line)
            elif _SUMMARY.match(line):
                hiding = False
                kept.append(line)
            elif not hiding:
                kept.append(line)
        return "".join(f"{line}\n" for line in kept)

    def _own(self, file: str) -> bool:
        return self.in_root(file) and self.in_root(os.path.realpath(self.root / file))


@lru_cache(maxsize=1 << 14)
def _of_system(root: str, system: tuple[str, ...], path: str) -> bool:
    """Whether a path, as it is written, lies in a folder of the system's and not below the root. Each kernel
    has hundreds of headers, and most of them in common with the others."""
    plain = os.path.normpath(os.path.join(root, path))
    return _below(plain, system) and not _below(plain, (root,))


def _below(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def may_hold_assembly(source: bytes) -> bool:
    """Whether a source may have assembly in it: the word, or the means to put it together."""
    return b"asm" in source or b"##" in source


_TEXT = re.compile(r"\s*(\.(ascii|asciz|string|file|ident|section)\b|;)")
_READING = re.compile(r"\.(incbin|include|macro|irpc?|altmacro)\b")


def reading_directive(assembly: str) -> str | None:
    """The first directive in a compiler's assembly by which files are read, or that could hide one: the
    assembler names no such file in the list of what was read."""
    for line in assembly.splitlines():
        found = None if _TEXT.match(line) else _READING.search(line.partition(";")[0])
        if found:
            return found[0]
    return None


def system_folders(invocation_folders: Sequence[str], rocm_path: Path, root: Path) -> tuple[str, ...]:
    """Of the folders that a compiler searches, those that are not the project's: its own and the system's."""
    folders = [str(rocm_path / "include"), *invocation_folders]
    plain = [os.path.normpath(root / folder) for folder in folders]
    outside = [folder for folder in plain if not Path(folder).is_relative_to(root)]
    return tuple(dict.fromkeys([*outside, *map(os.path.realpath, outside)]))
