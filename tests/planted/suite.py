"""Planted bugs: kernels with one mistake each, and their corrected twins.

A source KIND.hip holds pairs of kernels NAME and NAME_fixed. Before each pair a comment says how both are
launched, in the words of `rocverify emulate`:

    // launch NAME: --grid 2 --block 64 --shared 256 --arg f32[64]:random --arg f32[64]:out

with three words more: `--strict`, `--cooperative`, and `--free N`, which frees the array of argument N right
before the launch. Comments at the ends of lines of NAME, and of functions between the launch comment and
NAME, say what must be found there, and nothing else:

    x[i] = t[j]; // FINDS race RAW        a finding of the sanitizer: kind and detail
    x[i] = 0;    // FAULTS global         a fault of that kind
    y[i] = x[j]; // FINDS race RAW, ALSO uninitialized store     the second at some optimisation levels only

Several details may stand with a slash between (`race RAW/WAR`): which one is seen first is the schedule's.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
_LAUNCH = re.compile(r"// launch (?P<name>\w+): (?P<words>.*)")
_KERNEL = re.compile(r"__global__.*?\bvoid (?:__launch_bounds__\(\d+\) )?(?P<name>\w+)\(")
_COMMENT = re.compile(r"// (?P<marks>(?:FINDS|FAULTS|ALSO) .*)$")
_MARK = re.compile(r"(?P<word>FINDS|ALSO) (?P<kind>\w+) (?P<detail>[\w/]+)|FAULTS (?P<fault>\w+)")


@dataclass(frozen=True, slots=True)
class Mark:
    """What must be found at a line: a kind and its possible details; for a fault the kind is "fault"."""

    line: int
    kind: str
    details: frozenset[str]
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Planted:
    """One bug, with the words of its launch."""

    source: Path
    name: str
    words: tuple[str, ...]
    marks: tuple[Mark, ...]

    @property
    def twin(self) -> str:
        return f"{self.name}_fixed"

    def __str__(self) -> str:
        return f"{self.source.stem}-{self.name}"


def planted_bugs() -> list[Planted]:
    """All of the folder, file by file."""
    return [bug for source in sorted(FOLDER.glob("*.hip")) for bug in _bugs(source)]


def _bugs(source: Path) -> list[Planted]:
    launches: dict[str, tuple[str, ...]] = {}
    marks: dict[str, list[Mark]] = {}
    kernel = ""
    for number, line in enumerate(source.read_text().splitlines(), 1):
        if found := _LAUNCH.search(line):
            kernel = found["name"]
            launches[kernel] = tuple(shlex.split(found["words"]))
        elif found := _KERNEL.search(line):
            kernel = found["name"]
        if found := _COMMENT.search(line):
            marks.setdefault(kernel, []).extend(_marks(number, found["marks"]))
    return [Planted(source, name, words, tuple(marks.get(name, ()))) for name, words in launches.items()]


def _marks(number: int, text: str) -> Iterator[Mark]:
    for part in text.split(", "):
        found = _MARK.fullmatch(part)
        assert found, f"line {number}: {part!r} is no mark"
        if found["fault"]:
            yield Mark(number, "fault", frozenset([found["fault"]]))
        else:
            details = frozenset(found["detail"].split("/"))
            yield Mark(number, found["kind"], details, found["word"] == "FINDS")
