"""From the records of checks to verdicts of must-haves, statuses of plans, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.errors import ExitCode
from rocverify.plan.demands import plan_demands
from rocverify.records import (
    CheckResult,
    CheckVerdict,
    MustHaveVerdict,
    Status,
    must_have_verdict,
    status_of,
)
from rocverify.runner.coverage import KernelRow, kernel_rows, uncompared
from rocverify.runner.demands import DemandJudgement, PhaseJudgement, judge_demand, judge_phases, judge_steps
from rocverify.runner.floor import below_floor
from rocverify.runner.verdicts import deselected, is_internal, is_usage

if TYPE_CHECKING:
    from rocverify.binding.model import BoundMustHave
    from rocverify.plan.model import Plan
    from rocverify.runner.bound import BoundPlan

_LEFT_OUT = "deselected: not part of this run, or the run stopped before it"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A must-have, what its checks found, and why it is not verified (empty if it is)."""

    bound: BoundMustHave
    results: tuple[CheckResult, ...]
    verdict: MustHaveVerdict
    reason: str


@dataclass(frozen=True, slots=True)
class PlanJudgement:
    """A plan with the judgement of each of its must-haves, and of what else it asks for."""

    plan: Plan
    must_haves: tuple[Judgement, ...]
    demands: tuple[DemandJudgement, ...] = ()

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """The records of all its checks, in order."""
        return tuple(result for judged in self.must_haves for result in judged.results)

    @property
    def status(self) -> Status:
        """What the verdicts of its must-haves and demands come to."""
        asked = [demand.verdict for demand in self.demands]
        if not self.must_haves and MustHaveVerdict.FAILED not in asked:
            return Status.HUMAN_NEEDED
        return status_of([*(judged.verdict for judged in self.must_haves), *asked])

    @property
    def verified(self) -> int:
        """How many must-haves are verified."""
        return sum(judged.verdict is MustHaveVerdict.VERIFIED for judged in self.must_haves)

    @property
    def total(self) -> int:
        """How many must-haves there are."""
        return len(self.must_haves)


@dataclass(frozen=True, slots=True)
class RunJudgement:
    """All plans of a run, and the phases that were run as a whole."""

    plans: tuple[PlanJudgement, ...]
    phases: tuple[PhaseJudgement, ...]

    @property
    def demands(self) -> tuple[DemandJudgement, ...]:
        """What the documents ask for, of plans and of whole phases."""
        plans = (demand for plan in self.plans for demand in plan.demands)
        return (*plans, *(demand for phase in self.phases for demand in phase.demands))

    @property
    def status(self) -> Status:
        """The status of everything together: the worst, and never `passed` for no plan."""
        seen = {*(plan.status for plan in self.plans), *(phase.status for phase in self.phases)}
        for status in (Status.GAPS_FOUND, Status.HUMAN_NEEDED):
            if status in seen:
                return status
        return Status.PASSED if self.plans else Status.HUMAN_NEEDED


def judge_run(
    root: Path,
    plans: Iterable[BoundPlan],
    results: Mapping[str, CheckResult],
    *,
    everything: bool = False,
) -> RunJudgement:
    """The run in the light of the results by check id; a check without one was deselected.
    everything: the run is of all phases.

    What the plan of a whole phase asks for is the phase's to prove, else its own must-haves'.
    """
    plans = tuple(plans)
    kernels = kernel_rows(results.values())
    judged = [
        PlanJudgement(
            plan.plan, tuple(_judge(m, results, kernels) for m in plan.must_haves), judge_steps(plan.vacuous)
        )
        for plan in plans
    ]
    subject = next((plan.subject for plan in plans if plan.subject is not None), None)
    phases = judge_phases(root, judged, subject, everything=everything)
    whole = tuple(f"{phase.folder}/" for phase in phases)
    return RunJudgement(
        tuple(plan if plan.plan.path.startswith(whole) else _with_demands(plan) for plan in judged), phases
    )


def _with_demands(plan: PlanJudgement) -> PlanJudgement:
    demands = tuple(judge_demand(demand, plan.must_haves) for demand in plan_demands(plan.plan))
    return replace(plan, demands=(*plan.demands, *demands))


def _judge(
    bound: BoundMustHave, results: Mapping[str, CheckResult], kernels: Sequence[KernelRow]
) -> Judgement:
    found = tuple(results.get(spec.id) or deselected(spec, _LEFT_OUT) for spec in bound.checks)
    verdict = must_have_verdict(result.verdict for result in found)
    if verdict is MustHaveVerdict.VERIFIED and bound.uncovered:
        reason = f"its checks passed, but they try less than it says: {'; '.join(bound.uncovered)}"
        return Judgement(bound, found, MustHaveVerdict.UNVERIFIED, reason)
    below = below_floor(_words(bound), found) if verdict is MustHaveVerdict.VERIFIED else []
    missing = uncompared(_words(bound), found, kernels) if verdict is MustHaveVerdict.VERIFIED else []
    if missing:
        reason = f"compiled, but never launched and compared in this run: {', '.join(missing)}"
        return Judgement(bound, found, MustHaveVerdict.UNVERIFIED, reason)
    if below:
        return Judgement(bound, found, MustHaveVerdict.UNVERIFIED, f"below the floor: {'; '.join(below)}")
    return Judgement(bound, found, verdict, _reason(bound, found))


def _words(bound: BoundMustHave) -> str:
    """The must-have's own words."""
    return str(getattr(bound.must_have, "text", ""))


def _reason(bound: BoundMustHave, found: Iterable[CheckResult]) -> str:
    if not bound.checks:
        return bound.reason
    failed = [r for r in found if r.verdict is CheckVerdict.FAILED]
    others = [r for r in found if r.verdict in (CheckVerdict.ERROR, CheckVerdict.NOT_RUN)]
    return "; ".join(why(result) for result in failed or others)


def why(result: CheckResult) -> str:
    """Why a check that did not pass leaves its must-have open, in one line."""
    if result.evidence.get("deselected"):
        return f"{result.message} ({result.kind})"
    first = result.message.splitlines()[0] if result.message else "no message"
    return f"{result.kind} {result.verdict}: {first}"


def exit_code(run: RunJudgement, *, gate: str, broken: bool = False) -> ExitCode:
    """The exit code of a run that went to its end. `broken`: something but a check went wrong.

    A bug comes first, since it casts doubt on the rest; then a gap, which is certain however many
    other checks could not be decided; then documents that stopped a check; then what is unverified.
    """
    results = [result for plan in run.plans for result in plan.results]
    if broken or any(is_internal(result) for result in results):
        return ExitCode.INTERNAL
    status = run.status
    if status is Status.GAPS_FOUND:
        return ExitCode.GAPS_FOUND
    if any(is_usage(result) for result in results):
        return ExitCode.USAGE
    if status is Status.PASSED or gate == "lenient":
        return ExitCode.VERIFIED
    return ExitCode.UNVERIFIED
