"""A plan with its must-haves bound to checks: what a session runs and a report is about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.errors import PlanError

if TYPE_CHECKING:
    from rocverify.binding.missing import Missing
    from rocverify.binding.model import BoundMustHave
    from rocverify.binding.project import Subject
    from rocverify.binding.verify_steps import VacuousStep
    from rocverify.checks.base import CheckSpec
    from rocverify.plan.model import Plan
    from rocverify.settings import Settings

EMPTY = "must_haves"
"""Name of the item that stands for a plan without any must-have, so that it cannot look green."""


@dataclass(frozen=True, slots=True)
class BoundPlan:
    """One plan and, for every must-have of it, the checks that decide it; `vacuous` are the
    lines of its `<verify>` that could not fail; `subject` is its project."""

    plan: Plan
    must_haves: tuple[BoundMustHave, ...]
    vacuous: tuple[VacuousStep, ...] = ()
    subject: Subject | None = field(default=None, compare=False, repr=False)

    def missing(self) -> tuple[Missing, ...]:
        """What its checks name and the project does not have."""
        from rocverify.binding.missing import missing_names

        return () if self.subject is None else missing_names(self.plan, self.must_haves, self.subject)

    @property
    def specs(self) -> Iterator[CheckSpec]:
        """Every check of the plan, in order."""
        return (spec for bound in self.must_haves for spec in bound.checks)

    def nodeids(self) -> Mapping[str, CheckSpec]:
        """The checks by the node id that pytest gives them when its rootdir is the root."""
        return {f"{self.plan.path}::{item_name(spec.id)}": spec for spec in self.specs}


def item_name(identity: str) -> str:
    """Name of the item of a check or must-have: its id without the plan (`T2/no_host_roundtrip`)."""
    return identity.partition("/")[2]


def bind_plan(path: Path, root: Path, settings: Settings) -> BoundPlan:
    """Parses one plan and binds it; PlanError if it is malformed."""
    return bind_plans([path], root, settings)[0]


def bind_plans(
    paths: Iterable[Path], root: Path, settings: Settings, refused: list[PlanError] | None = None
) -> tuple[BoundPlan, ...]:
    """The same for several plans of one project, which is looked at once.

    refused: takes the errors of plans that cannot be read, so that they stop only themselves; without it,
    and where no plan is left, the first is raised.
    """
    from rocverify.binding.project import Subject

    subject = Subject(root, settings)
    found = []
    for path in paths:
        try:
            found.append(_bound(path, root, settings, subject))
        except PlanError as error:
            if refused is None:
                raise
            refused.append(error)
    if refused and not found:
        raise refused.pop()
    return tuple(found)


def _bound(path: Path, root: Path, settings: Settings, subject: Subject) -> BoundPlan:
    from rocverify.binding import bind
    from rocverify.binding.verify_steps import vacuous_steps
    from rocverify.plan import parse_plan

    plan = parse_plan(path, root)
    return BoundPlan(plan, bind(plan, settings, subject=subject), vacuous_steps(plan), subject)
