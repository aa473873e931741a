"""Finds phases and plans by what people type: `16`, `016`, `06.1`, `16-01`, a folder, a file.

Layout of `.planning/phases/`: a folder `NN-slug` for each phase, in it `NN-MM-PLAN.md`,
`NN-MM-slug-PLAN.md`, `PLAN.md`, or a folder `MM-slug` or `NN-MM-slug` with a `PLAN.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

from rocverify.errors import PlanError
from rocverify.plan.numbers import Number, split_phase, split_plan

PHASES = Path(".planning") / "phases"
_PLAN_KEY = re.compile(r"""plan:\s*["']?(\d{1,6}[A-Za-z]?)["']?\s*(?:#.*)?$""", re.ASCII)


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase: `number` as `16` or `06.1`, its folder, its plan files in the order of their numbers."""

    number: str
    slug: str
    dir: Path
    plans: tuple[Path, ...]

    @property
    def name(self) -> str:
        """The folder's name: `16-gpu-rope-implementation`."""
        return self.dir.name


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan file and the number that its name gives it; None for a bare `PLAN.md`."""

    phase: Number | None
    plan: Number | None
    path: Path


def all_phases(root: Path) -> tuple[Phase, ...]:
    """Every phase below `.planning/phases`, by number; PlanError where there is none."""
    found = [(number, slug, folder) for number, slug, folder in _folders(root)]
    if not found:
        raise PlanError(
            "has no phases", where=PHASES.as_posix(), hint="a phase is a folder NN-slug with NN-MM-PLAN.md"
        )
    return tuple(_phase(*entry) for entry in found)


def find_phase(root: Path, selector: str) -> Phase:
    """The phase that `selector` names: a number, or the folder's name or path.

    PlanError lists the candidates of an ambiguous number, and what there is if nothing matches.
    """
    name = _last_part(selector)
    folders = _folders(root)
    exact = [entry for entry in folders if entry[2].name == name]
    wanted = split_phase(name)
    same = [
        (number, slug, folder)
        for number, slug, folder in folders
        if wanted and number == wanted[0] and wanted[1] in ("", slug)
    ]
    matches = exact or same
    if len(matches) == 1:
        return _phase(*matches[0])
    if matches:
        raise PlanError(
            f"phase {selector!r} is ambiguous: {_listed(root, (m[2] for m in matches))}",
            where=PHASES.as_posix(),
            hint="give the folder's whole name",
        )
    names = ", ".join(folder.name for _, _, folder in folders) or "no phase at all"
    raise PlanError(f"no phase {selector!r}", where=PHASES.as_posix(), hint=f"there is: {names}")


def find_plans(root: Path, selector: str) -> tuple[Path, ...]:
    """The plan files that `selector` names: a phase's, or one plan by number, name or path."""
    if selector.endswith(".md") and _is_file(root / selector):
        return (root / selector,)
    name = _last_part(selector)
    wanted = split_plan(name.removesuffix(".md").removesuffix("-PLAN"))
    if wanted is None or any(folder.name == name for _, _, folder in _folders(root)):
        return _plans_of(root, find_phase(root, selector))
    phase = find_phase(root, _phase_part(root, wanted[0], selector))
    matches = [p for p in _plan_files(phase.dir) if _number_in(p) == wanted[1] and _slug_fits(p, wanted[2])]
    if len(matches) == 1:
        return (matches[0].path,)
    if matches:
        raise _ambiguous(root, selector, matches)
    names = _listed(root, phase.plans) or "no plan at all"
    raise PlanError(
        f"no plan {selector!r}", where=_relative(root, phase.dir), hint=f"this phase has: {names}"
    )


def plan_file_of(path: Path) -> PlanFile:
    """What the name of a plan file, or of the folder around a nested `PLAN.md`, says of its number."""
    numbers = split_plan(path.name.removesuffix("PLAN.md").removesuffix("-"))
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
    found = split_phase(folder.name)
    return (found[0], folder.name) if found else None


def _folders(root: Path) -> list[tuple[Number, str, Path]]:
    phases = root / PHASES
    folders = [entry for entry in phases.iterdir() if entry.is_dir()] if phases.is_dir() else []
    split = ((split_phase(folder.name), folder) for folder in folders)
    found = [(named[0], named[1], folder) for named, folder in split if named]
    return sorted(found, key=lambda entry: (entry[0], entry[2].name))


def _phase(number: Number, slug: str, folder: Path) -> Phase:
    return Phase(str(number), slug, folder, tuple(p.path for p in _plan_files(folder)))


def _plan_files(folder: Path) -> list[PlanFile]:
    flat = [p for p in folder.glob("*PLAN.md") if p.name == "PLAN.md" or p.name.endswith("-PLAN.md")]
    nested = [p for p in folder.glob("*/PLAN.md") if split_phase(p.parent.name)]
    files = [plan_file_of(path) for path in (*flat, *nested) if path.is_file()]
    return sorted(files, key=lambda p: (_number_in(p), p.path.as_posix()))


def _number_in(file: PlanFile) -> Number:
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


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _slug_fits(file: PlanFile, slug: str) -> bool:
    """Whether the slug that was given is the file's, or that of the folder around it."""
    if not slug:
        return True
    named = split_plan(file.path.name.removesuffix("-PLAN.md"))
    folder = file.path.parent.name
    nested = split_plan(folder) or split_phase(folder)
    return slug in {names[-1] for names in (named, nested) if names}


def _plans_of(root: Path, phase: Phase) -> tuple[Path, ...]:
    if not phase.plans:
        raise PlanError("has no plans", where=_relative(root, phase.dir), hint="a plan is NN-MM-PLAN.md")
    files = _plan_files(phase.dir)
    for before, after in pairwise(files):
        if _number_in(before) == _number_in(after):
            raise _ambiguous(root, f"{phase.number}-{_number_in(after)}", [before, after])
    return phase.plans


def _phase_part(root: Path, number: Number, selector: str) -> str:
    """The folder that a path selector names, else the number in the plan's own name."""
    folder = Path(selector).parent.name
    return folder if split_phase(folder) and _is_folder(root / PHASES / folder) else str(number)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _ambiguous(root: Path, selector: str, files: Iterable[PlanFile]) -> PlanError:
    return PlanError(
        f"plan {selector!r} is ambiguous: {_listed(root, (f.path for f in files))}",
        where=PHASES.as_posix(),
        hint="give the file's path, or rename one of them",
    )


def _last_part(selector: str) -> str:
    return selector.rstrip("/").rpartition("/")[2]


def _listed(root: Path, paths: Iterable[Path]) -> str:
    return ", ".join(_relative(root, path) for path in paths)


def _relative(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
