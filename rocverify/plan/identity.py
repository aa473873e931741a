"""Which plan a file is: the phase's name and number and the plan's, from folder, name and frontmatter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rocverify.plan.folders import phase_folder_of, plan_file_of
from rocverify.plan.frontmatter import Frontmatter
from rocverify.plan.numbers import (
    Number,
    split_phase,
    split_plan,
    split_two_number_phase,
    split_two_number_plan,
)
from rocverify.plan.schema import FrontmatterModel


@dataclass(frozen=True, slots=True)
class Identity:
    """`phase` is `16-gpu-rope-implementation`, `phase_number` `16`, `number` `16-01`."""

    phase: str
    phase_number: str
    number: str


def identity(front: Frontmatter, model: FrontmatterModel, path: Path) -> Identity:
    """The folder's number before the file name's, and that before the frontmatter's.

    Phases are renumbered by renaming their folder; what still says another number is a warning. PlanError
    where none of the three has a number.
    """
    file, folder = plan_file_of(path.resolve()), phase_folder_of(path.resolve())
    phase = _phase(front, model, file.phase, folder)
    plan = _plan(front, model, phase, file.plan)
    name = model.phase if model.phase and split_phase(model.phase.strip()) else None
    name = folder[1] if folder else name or str(phase)
    return Identity(name.strip(), str(phase), f"{phase}-{plan}")


def _phase(
    front: Frontmatter, model: FrontmatterModel, in_name: Number | None, folder: tuple[Number, str] | None
) -> Number:
    written = _written_phase(front, model, folder[0] if folder else in_name)
    known = [n for n in (folder[0] if folder else None, in_name, written) if n is not None]
    if not known:
        raise front.error(("phase",), "is missing, and the file's name has no phase number")
    chosen = known[0]
    if in_name is not None and not _alike(in_name, chosen):
        front.warn(("phase",), f"the file's name says phase {in_name}, its folder {chosen}: read as {chosen}")
    if written is not None and not _alike(written, chosen):
        said = "folder says" if folder else "file's name says"
        front.warn(("phase",), f"is phase {written}, but the {said} {chosen}: read as {chosen}")
    return chosen


def _alike(first: Number, second: Number) -> bool:
    return first.fits(second) or second.fits(first) or first.parts == second.parts


def _written_phase(front: Frontmatter, model: FrontmatterModel, there: Number | None) -> Number | None:
    if model.phase is None:
        return None
    text = model.phase.strip()
    two = split_two_number_phase(text)
    named = split_phase(text)
    if named is None:
        front.warn(("phase",), f"{model.phase!r} has no phase number", hint="such as 16-slug or 06.1")
        return None
    return two[0] if two and two[0] == there else named[0]


def _plan(front: Frontmatter, model: FrontmatterModel, phase: Number, in_name: Number | None) -> Number:
    written = _written_plan(front, model, phase)
    if written and in_name and written != in_name:
        front.warn(("plan",), f"is plan {written}, but the file's name says {in_name}: read as {in_name}")
    return in_name or written or Number((1,))


def _written_plan(front: Frontmatter, model: FrontmatterModel, phase: Number) -> Number | None:
    """`01`, or the long form `16-01`."""
    if model.plan is None:
        return None
    text = model.plan.strip()
    for both in (split_two_number_plan(text), split_plan(text)):
        if both and _alike(both[0], phase):
            return both[1]
    number = Number.parse(text)
    if number is None:
        front.warn(("plan",), f"{model.plan!r} is not a plan number", hint="such as 01")
    return number
