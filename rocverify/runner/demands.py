"""Whether what the phase's documents ask for is proved by must-haves, and what is left unproved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.binding.covering import uncovered
from rocverify.plan.demands import (
    Demand,
    DemandKind,
    criterion_number,
    phase_demands,
    plan_demands,
    same_demand,
)
from rocverify.plan.folders import PHASES
from rocverify.plan.roadmap_phases import missing_phases
from rocverify.records import MustHaveVerdict, Status, worst_must_have

if TYPE_CHECKING:
    from rocverify.binding.project import Subject
    from rocverify.binding.verify_steps import VacuousStep
    from rocverify.runner.judgement import Judgement, PlanJudgement


@dataclass(frozen=True, slots=True)
class DemandJudgement:
    """Something asked for, the must-haves that prove it, and why it is not verified (empty if it is)."""

    demand: Demand
    must_haves: tuple[str, ...]
    verdict: MustHaveVerdict
    reason: str


@dataclass(frozen=True, slots=True)
class PhaseJudgement:
    """A phase all of whose plans were part of the run; `folder` is relative to the root. One that is not
    `there` is listed by the roadmap alone."""

    number: str
    folder: str
    demands: tuple[DemandJudgement, ...]
    there: bool = True

    @property
    def open(self) -> tuple[DemandJudgement, ...]:
        """What is not verified."""
        return open_demands(self.demands)

    @property
    def status(self) -> Status:
        """`passed` where nothing that the documents ask for is open."""
        return Status.HUMAN_NEEDED if self.open else Status.PASSED


def open_demands(demands: Iterable[DemandJudgement]) -> tuple[DemandJudgement, ...]:
    """Those that are not verified."""
    return tuple(d for d in demands if d.verdict is not MustHaveVerdict.VERIFIED)


def whole_phases(root: Path, plans: Iterable[str]) -> dict[str, str]:
    """The phases, by folder, all of whose plans (paths below the root) are given, with their numbers."""
    from rocverify.plan.locate import every_phase

    given = set(plans)
    return {
        phase.dir.relative_to(root).as_posix(): phase.number
        for phase in every_phase(root)
        if phase.plans and all(path.relative_to(root).as_posix() in given for path in phase.plans)
    }


def judge_phases(
    root: Path,
    plans: Sequence[PlanJudgement],
    subject: Subject | None = None,
    *,
    everything: bool = False,
) -> tuple[PhaseJudgement, ...]:
    """What the documents ask of each phase that was run as a whole. subject: the project, to see whether what
    proves a criterion tries all that it names; everything: the run is of every phase, so that one which only
    the roadmap knows is missed."""
    found = []
    for folder, number in whole_phases(root, (p.plan.path for p in plans)).items():
        mine = [plan for plan in plans if plan.plan.path.startswith(f"{folder}/")]
        asked = {(d.kind, d.id): d for d in phase_demands(root, number)}
        for plan in mine:
            for demand in plan_demands(plan.plan):
                asked.setdefault((demand.kind, demand.id), demand)
        there = {plan.plan.number for plan in mine}
        must_haves = [judged for plan in mine for judged in plan.must_haves]
        demands = (
            judge_demand(d, must_haves, subject) for d in asked.values() if d.kind is not DemandKind.PLAN
        )
        gone = (_absent(d) for d in asked.values() if d.kind is DemandKind.PLAN and d.id not in there)
        found.append(PhaseJudgement(number, folder, (*demands, *gone)))
    return (*found, *(_missing(root, found) if everything else ()))


def _missing(root: Path, run: Sequence[PhaseJudgement]) -> list[PhaseJudgement]:
    """The phases that the roadmap lists beside those that were run."""
    return [
        PhaseJudgement(demand.id, f"{PHASES.as_posix()}/{demand.id}", (_gone(demand),), there=False)
        for demand in missing_phases(root, (phase.number for phase in run))
    ]


def _gone(demand: Demand) -> DemandJudgement:
    reason = (
        f"{demand.source} lists the phase, and {PHASES} has no folder of that number with a plan in it; "
        "bring it back, or take it out of the roadmap"
    )
    return DemandJudgement(demand, (), MustHaveVerdict.UNVERIFIED, reason)


def judge_demand(
    demand: Demand, must_haves: Iterable[Judgement], subject: Subject | None = None
) -> DemandJudgement:
    """A requirement or criterion in the light of the must-haves that prove it."""
    proofs = [judged for judged in must_haves if _proves(judged, demand)]
    if not proofs:
        advice = (
            f"tie one to it in its plan: proves: [T1, {demand.id}]"
            if demand.kind is DemandKind.CRITERION
            else f"end the truth that shows it with ({demand.id}), or name both: proves: [T1, {demand.id}]"
        )
        reason = f"no must-have proves it ({demand.source}); {advice}"
        return DemandJudgement(demand, (), MustHaveVerdict.UNVERIFIED, reason)
    verdict = worst_must_have(judged.verdict for judged in proofs)
    open_ones = [j.bound.must_have.id for j in proofs if j.verdict is not MustHaveVerdict.VERIFIED]
    reason = f"not verified: {', '.join(open_ones)}" if open_ones else ""
    if demand.kind is DemandKind.CRITERION and not open_ones and subject is not None:
        less = uncovered(demand.text, [spec for j in proofs for spec in j.bound.checks], subject)
        verdict = MustHaveVerdict.UNVERIFIED if less else verdict
        reason = f"what proves it tries less than it says: {'; '.join(less)}" if less else ""
    return DemandJudgement(demand, tuple(j.bound.must_have.id for j in proofs), verdict, reason)


def judge_steps(steps: Iterable[VacuousStep]) -> tuple[DemandJudgement, ...]:
    """The lines of a plan's `<verify>` that could not fail: each is a gap of the plan."""
    return tuple(
        DemandJudgement(
            Demand(DemandKind.VERIFY, step.id, step.command, step.source),
            (),
            MustHaveVerdict.FAILED,
            f"vacuous ({step.source}): {step.reason}",
        )
        for step in steps
    )


def _absent(demand: Demand) -> DemandJudgement:
    reason = f"{demand.source} lists the plan, and the phase's folder has no file of that number"
    return DemandJudgement(demand, (), MustHaveVerdict.UNVERIFIED, reason)


def _proves(judged: Judgement, demand: Demand) -> bool:
    bound = judged.bound
    named = (*bound.must_have.requirements, *bound.proves)
    if any(same_demand(name, demand.id) for name in named):
        return True
    if demand.kind is DemandKind.CRITERION or criterion_number(demand.id):
        return _folded(bound.must_have.text) == _folded(demand.text)
    return re.search(rf"(?<![\w-]){re.escape(demand.id)}(?![\w-])", bound.must_have.text) is not None


def _folded(text: str) -> str:
    """A sentence without its requirement ids, case, and the dot at its end."""
    from rocverify.plan.requirements import without_requirements

    return " ".join(without_requirements(text).lower().rstrip(".").split())
