"""The names that a library exports, as its data file has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rocverify.errors import ToolchainError

UNVERSIONED = "-"


@dataclass(frozen=True, slots=True)
class Export:
    """One name. `version` is its symbol version ("-": none), `since` the first major release that has it, and
    `returns` what a call of it gives back (error, status, string, pointer, int, bool, void, struct, half)."""

    name: str
    version: str
    since: int
    returns: str


def read_exports(path: Path) -> tuple[Export, ...]:
    """The lines of a data file: name, version, release, what it returns; `#` begins a comment.

    Raises ToolchainError for a line that is none of these.
    """
    exports = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 4 or not words[2].isdigit():
            raise ToolchainError(
                f"expected name, version, release and what it returns; found {line!r}",
                where=f"{path.name}:{number}",
                hint="the comment at the top of the file says what each means",
            )
        exports.append(Export(words[0], words[1], int(words[2]), words[3]))
    return tuple(exports)


def version_order(version: str) -> tuple[int, ...]:
    """hip_4.2 before hip_5.0: the numbers of a symbol version."""
    return tuple(int(part) for part in version.rpartition("_")[2].split("."))


def version_nodes(exports: Sequence[Export]) -> tuple[str, ...]:
    """All symbol versions that occur, oldest first."""
    return tuple(sorted({e.version for e in exports} - {UNVERSIONED}, key=version_order))
