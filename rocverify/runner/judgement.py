"""From the records of checks to verdicts of must-haves, statuses of plans, and the exit code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rocverify.errors import ExitCode
from rocverify.records import (
    CheckResult,
    CheckVerdict,
    MustHaveVerdict,
    Status,
    must_have_verdict,
    status_of,
)
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
    """A plan with the judgement of each of its must-haves."""

    plan: Plan
    must_haves: tuple[Judgement, ...]

    @property
    def results(self) -> tuple[CheckResult, ...]:
        """The records of all its checks, in order."""
        return tuple(result for judged in self.must_haves for result in judged.results)

    @property
    def status(self) -> Status:
        return status_of(judged.verdict for judged in self.must_haves)

    @property
    def verified(self) -> int:
        """How many must-haves are verified."""
        return sum(judged.verdict is MustHaveVerdict.VERIFIED for judged in self.must_haves)

    @property
    def total(self) -> int:
        """How many must-haves there are."""
        return len(self.must_haves)


def judge(bound: BoundPlan, results: Mapping[str, CheckResult]) -> PlanJudgement:
    """The plan in the light of the results by check id; a check without one was deselected."""
    return PlanJudgement(bound.plan, tuple(_judge(must_have, results) for must_have in bound.must_haves))


def _judge(bound: BoundMustHave, results: Mapping[str, CheckResult]) -> Judgement:
    found = tuple(results.get(spec.id) or deselected(spec, _LEFT_OUT) for spec in bound.checks)
    verdict = must_have_verdict(result.verdict for result in found)
    return Judgement(bound, found, verdict, _reason(bound, found))


def _reason(bound: BoundMustHave, found: Iterable[CheckResult]) -> str:
    if not bound.checks:
        return bound.reason
    failed = [r for r in found if r.verdict is CheckVerdict.FAILED]
    others = [r for r in found if r.verdict in (CheckVerdict.ERROR, CheckVerdict.NOT_RUN)]
    return "; ".join(_why(result) for result in failed or others)


def _why(result: CheckResult) -> str:
    if result.evidence.get("deselected"):
        return f"{result.message} ({result.kind})"
    first = result.message.splitlines()[0] if result.message else "no message"
    return f"{result.kind} {result.verdict}: {first}"


def overall_status(plans: Iterable[PlanJudgement]) -> Status:
    """The status of all plans together: the worst, and never `passed` for none."""
    seen = {plan.status for plan in plans}
    for status in (Status.GAPS_FOUND, Status.HUMAN_NEEDED):
        if status in seen:
            return status
    return Status.PASSED if seen else Status.HUMAN_NEEDED


def exit_code(plans: Iterable[PlanJudgement], *, gate: str, broken: bool = False) -> ExitCode:
    """The exit code of a run that went to its end. `broken`: something but a check went wrong.

    A bug comes first, since it casts doubt on the rest; then a gap, which is certain however many
    other checks could not be decided; then documents that stopped a check; then what is unverified.
    """
    plans = tuple(plans)
    results = [result for plan in plans for result in plan.results]
    if broken or any(is_internal(result) for result in results):
        return ExitCode.INTERNAL
    status = overall_status(plans)
    if status is Status.GAPS_FOUND:
        return ExitCode.GAPS_FOUND
    if any(is_usage(result) for result in results):
        return ExitCode.USAGE
    if status is Status.PASSED or gate == "lenient":
        return ExitCode.VERIFIED
    return ExitCode.UNVERIFIED
