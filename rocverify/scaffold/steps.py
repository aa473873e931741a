"""What `init` does, file by file: each step says what became of one file, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from rocverify.errors import UsageError
from rocverify.store.gate import place


class State(StrEnum):
    """Of a dry run, `written` and `added` are what would be."""

    WRITTEN = "written"
    ADDED = "added"
    KEPT = "kept"
    LEFT = "left"


@dataclass(frozen=True)
class Step:
    """What became of a file. note: how much of it, or why nothing was done; text: what was written."""

    path: str
    state: State
    note: str = ""
    text: str = ""


@dataclass(frozen=True)
class Writer:
    """Makes files below a root, and never changes what stands in one. dry: only says so."""

    root: Path
    dry: bool

    def new(self, name: str, text: str, note: str = "") -> Step:
        """A file that is not there yet; `kept` where it is. UsageError where it cannot be written."""
        path = place(self.root, name)
        if path.exists():
            return Step(name, State.KEPT, "is there already")
        if not self.dry:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("x", encoding="utf-8", newline="") as file:
                    file.write(text)
            except OSError as error:
                _refused(name, error)
        return Step(name, State.WRITTEN, note, text)

    def lines(self, name: str, lines: Iterable[str]) -> Step:
        """Lines behind what a file has; the file is made where it is not there."""
        path, text = place(self.root, name), "\n".join(lines)
        try:
            before = path.read_bytes() if path.exists() else b""
            end = b"\r\n" if b"\r\n" in before else b"\n"
            gap = end if before and not before.endswith(b"\n") else b""
            added = gap + text.encode().replace(b"\n", end) + end
            if not self.dry:
                with path.open("ab") as file:
                    file.write(added)
        except OSError as error:
            _refused(name, error)
        return Step(name, State.ADDED if before else State.WRITTEN, "", text)


def _refused(name: str, error: OSError) -> NoReturn:
    raise UsageError(
        f"cannot be written: {error.strerror or error}",
        where=name,
        hint="give this user the permission to, or name another --root",
    ) from None
