"""Where phases lie: active ones, quick tasks, and those of milestones that are archived.

`.planning/phases/NN-slug/`, `.planning/quick/NN-slug/`, `.planning/milestones/v1.0-phases/NN-slug/` and
`.planning/milestones/v1.0/phases/NN-slug/`. In a folder: `NN-MM-PLAN.md`, `NN-MM-slug-PLAN.md`, `NN-PLAN.md`,
`PLAN.md`, or a folder `MM-slug` or `NN-MM-slug` with a `PLAN.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import islice
from pathlib import Path

from rocverify.plan.numbers import (
    Number,
    split_phase,
    split_plan,
    split_two_number_phase,
    split_two_number_plan,
)

PLANNING = Path(".planning")
PHASES = PLANNING / "phases"
QUICK = "quick"
_PLAN_KEY = re.compile(r"""plan:\s*["']?(\d{1,6}(?:\.\d{1,6})?[A-Za-z]?)["']?\s*(?:#.*)?$""", re.ASCII)


class Home(IntEnum):
    """Which folders a number is looked up in, in this order."""

    ACTIVE = 0
    ARCHIVED = 1
    QUICK = 2


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of a phase: an archived one's number has its milestone as prefix."""

    number: Number
    slug: str
    path: Path
    home: Home


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan file and the number that its name gives it; None for a bare `PLAN.md`."""

    phase: Number | None
    plan: Number | None
    path: Path


def folders(root: Path) -> list[Folder]:
    """Every folder of a phase, the active ones first, by number."""
    planning = root / PLANNING
    found = [*_in(planning / "phases", Home.ACTIVE), *_in(planning / QUICK, Home.QUICK)]
    milestones = planning / "milestones"
    for milestone in milestones.iterdir() if milestones.is_dir() else ():
        for home in (milestone, milestone / "phases"):
            prefix = milestone.name.removesuffix("-phases")
            found += (_of_milestone(folder, prefix) for folder in _in(home, Home.ARCHIVED))
    return sorted(found, key=lambda folder: (folder.home, folder.number, folder.path.as_posix()))


def _of_milestone(folder: Folder, prefix: str) -> Folder:
    return folder if folder.number.prefix else replace(folder, number=replace(folder.number, prefix=prefix))


def _in(home: Path, kind: Home) -> Iterator[Folder]:
    for entry in home.iterdir() if home.is_dir() else ():
        named = _named(entry) if entry.is_dir() else None
        if named:
            yield Folder(*named, entry, kind)


def _named(folder: Path) -> tuple[Number, str] | None:
    """Number and slug that a folder's name gives it."""
    two = split_two_number_phase(folder.name)
    if two and any(_two_number(path, two[0]) for path in folder.glob("*-PLAN.md")):
        return two
    named = split_phase(folder.name)
    if named and folder.parent.name == QUICK:
        return replace(named[0], prefix=QUICK), named[1]
    return named


def _two_number(path: Path, phase: Number) -> bool:
    split = split_two_number_plan(_stem(path))
    return split is not None and split[0] == phase


def _stem(path: Path) -> str:
    return path.name.removesuffix("PLAN.md").removesuffix("-")


def plan_file_of(path: Path) -> PlanFile:
    """What the name of a plan file, or of the folder around a nested `PLAN.md`, says of its number."""
    folder = _named(path.parent) if path.parent.is_dir() else split_phase(path.parent.name)
    two = split_two_number_plan(_stem(path))
    if two and folder and two[0] == folder[0]:
        return PlanFile(two[0], two[1], path)
    numbers = split_plan(_stem(path))
    if numbers:
        return PlanFile(numbers[0], numbers[1], path)
    outer = split_phase(path.parent.parent.name)
    if path.name != "PLAN.md" or outer is None:
        return PlanFile(None, None, path)
    both, alone = split_plan(path.parent.name), split_phase(path.parent.name)
    if both and both[0] == outer[0]:
        return PlanFile(outer[0], both[1], path)
    return PlanFile(outer[0], alone[0] if alone else None, path)


def phase_folder_of(path: Path) -> tuple[Number, str] | None:
    """Number and name of the phase folder that a plan file is in, else None."""
    nested = path.name == "PLAN.md" and split_phase(path.parent.parent.name) is not None
    folder = path.parent.parent if nested else path.parent
    found = _named(folder)
    return (found[0], folder.name) if found else None


def plan_files(folder: Path) -> list[PlanFile]:
    """The plans in a phase's folder, in the order of their numbers."""
    flat = [p for p in folder.glob("*PLAN.md") if p.name == "PLAN.md" or p.name.endswith("-PLAN.md")]
    nested = [p for p in folder.glob("*/PLAN.md") if split_phase(p.parent.name)]
    files = [plan_file_of(path) for path in (*flat, *nested) if path.is_file()]
    return sorted(files, key=lambda p: (number_in(p), p.path.as_posix()))


def number_in(file: PlanFile) -> Number:
    """The plan's number: a bare PLAN.md has it in its frontmatter, or is the phase's first."""
    if file.plan:
        return file.plan
    with file.path.open(encoding="utf-8", errors="replace") as lines:
        for line in islice(lines, 60):
            found = _PLAN_KEY.match(line)
            number = Number.parse(found[1]) if found else None
            if number:
                return number
    return Number((1,))
