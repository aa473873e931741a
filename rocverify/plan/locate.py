"""Finds phases and plans by what people type: `16`, `016`, `06.1`, `16-01`, `v1.0-03`, a folder, a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from rocverify.errors import PlanError
from rocverify.plan.folders import PHASES, Folder, Home, PlanFile, folders, number_in, plan_files
from rocverify.plan.numbers import (
    Number,
    split_phase,
    split_plan,
    split_two_number_phase,
)
from rocverify.plan.roadmap_phases import listing
from rocverify.records import SourceRef


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


def all_phases(root: Path) -> tuple[Phase, ...]:
    """Every phase below `.planning/phases`, by number; PlanError where there is none."""
    found = active_phases(root)
    if not found:
        raise PlanError(
            "has no phases", where=PHASES.as_posix(), hint="a phase is a folder NN-slug with NN-MM-PLAN.md"
        )
    return found


def active_phases(root: Path) -> tuple[Phase, ...]:
    """The same; empty where there is none."""
    return tuple(_phase(folder) for folder in folders(root) if folder.home is Home.ACTIVE)


def every_phase(root: Path) -> tuple[Phase, ...]:
    """The active phases, those of archived milestones, and the quick tasks; empty where there is none."""
    return tuple(_phase(folder) for folder in folders(root))


def find_phase(root: Path, selector: str) -> Phase:
    """The phase that `selector` names: a number, or the folder's name or path.

    A number is looked for among the active phases, then among archived ones and quick tasks. PlanError lists
    the candidates of an ambiguous number, and what there is if nothing matches; of a phase that the roadmap
    lists it says where.
    """
    there = folders(root)
    matches = _matching(root, there, selector)
    if len(matches) == 1:
        return _phase(matches[0])
    if matches:
        raise PlanError(
            f"phase {selector!r} is ambiguous: {_listed(root, (m.path for m in matches))}",
            where=PHASES.as_posix(),
            hint="give the folder's whole name, or its path",
        )
    names = ", ".join(_shown(root, folder) for folder in there) or "no phase at all"
    listed = _listing(root, selector)
    if listed is not None:
        raise PlanError(
            f"the roadmap lists phase {selector!r}, and {PHASES.as_posix()} has no folder of that number",
            where=str(listed),
            hint=f"bring the folder back, or take the phase out of the roadmap; there is: {names}",
        )
    raise PlanError(f"no phase {selector!r}", where=PHASES.as_posix(), hint=f"there is: {names}")


def _listing(root: Path, selector: str) -> SourceRef | None:
    """Where the roadmap lists the phase that a selector may mean."""
    named = split_phase(_last_part(selector))
    return None if named is None else listing(root, named[0])


def _matching(root: Path, there: Sequence[Folder], selector: str) -> list[Folder]:
    """The folders that a selector may mean: by path, else by name, else by number, in the first home that
    has any."""
    by_path = [f for f in there if _relative(root, f.path) == selector.strip("/").removeprefix("./")]
    if by_path:
        return by_path
    name = _last_part(selector)
    wanted = [named for named in (split_phase(name), split_two_number_phase(name)) if named]
    for home in Home:
        here = [folder for folder in there if folder.home is home]
        found = [f for f in here if f.path.name == name] or [f for f in here if _is_wanted(f, wanted)]
        if found:
            return found
    return []


def _is_wanted(folder: Folder, wanted: Iterable[tuple[Number, str]]) -> bool:
    return any(folder.number.fits(number) and slug in ("", folder.slug) for number, slug in wanted)


def find_plans(root: Path, selector: str) -> tuple[Path, ...]:
    """The plan files that `selector` names: a phase's, or one plan by number, name or path."""
    if selector.endswith(".md") and _is_file(root / selector):
        return (root / selector,)
    there = folders(root)
    name = _last_part(selector)
    stem = name.removesuffix(".md").removesuffix("-PLAN")
    wanted = split_plan(stem)
    if wanted is None or _matching(root, there, selector):
        return _plans_of(root, find_phase(root, selector))
    part = _phase_part(root, wanted[0], selector)
    by_name = _by_name(there, stem)
    if by_name and not _matching(root, there, part):
        return by_name
    phase = find_phase(root, part)
    matches = [p for p in plan_files(phase.dir) if number_in(p) == wanted[1] and _slug_fits(p, wanted[2])]
    if len(matches) == 1:
        return (matches[0].path,)
    if matches:
        raise _ambiguous(root, selector, matches)
    if by_name:
        return by_name
    names = _listed(root, phase.plans) or "no plan at all"
    raise PlanError(
        f"no plan {selector!r}", where=_relative(root, phase.dir), hint=f"this phase has: {names}"
    )


def _by_name(there: Sequence[Folder], stem: str) -> tuple[Path, ...]:
    """The plan file of exactly this name, where just one home's phases have just one."""
    for home in Home:
        files = [folder.path / f"{stem}-PLAN.md" for folder in there if folder.home is home]
        found = [path for path in files if _is_file(path)]
        if found:
            return tuple(found) if len(found) == 1 else ()
    return ()


def _phase(folder: Folder) -> Phase:
    plans = tuple(file.path for file in plan_files(folder.path))
    return Phase(str(folder.number), folder.slug, folder.path, plans)


def _shown(root: Path, folder: Folder) -> str:
    return folder.path.name if folder.home is Home.ACTIVE else _relative(root, folder.path)


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
    files = plan_files(phase.dir)
    for before, after in pairwise(files):
        if number_in(before) == number_in(after):
            raise _ambiguous(root, f"{phase.number}-{number_in(after)}", [before, after])
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
