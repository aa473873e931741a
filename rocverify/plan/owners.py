"""Each SUMMARY belongs to one plan: what two plans write says what neither of them has shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rocverify.errors import PlanError
from rocverify.plan.locate import active_phases
from rocverify.plan.model import Plan
from rocverify.plan.parse import parse_plan


def check_summaries(root: Path, plans: Iterable[Plan]) -> None:
    """PlanError where the SUMMARY of one of the plans is also another's, whether that one is run or not."""
    plans = tuple(plans)
    owners: dict[str, str] = {}
    for plan in (*plans, *_others(root, {plan.path for plan in plans})):
        owner = owners.setdefault(plan.output_path, plan.path)
        if owner != plan.path:
            raise PlanError(
                f"<output> names {plan.output_path}, which is the summary of {owner}",
                where=plan.path,
                hint="let each plan name a summary of its own",
            )


def _others(root: Path, known: set[str]) -> Iterator[Plan]:
    """The active plans that are not run; one that is malformed is for its own run to tell of. Archived ones
    write no more, and there may be very many."""
    for phase in active_phases(root):
        for path in phase.plans:
            if path.relative_to(root).as_posix() not in known:
                try:
                    yield parse_plan(path, root)
                except PlanError:
                    continue
