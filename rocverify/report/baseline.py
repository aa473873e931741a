"""A run beside the verdicts of another commit: what got better or worse, and which gaps are new."""

from __future__ import annotations

from collections.abc import Iterator

from rocverify.errors import ExitCode
from rocverify.markdown import one_line
from rocverify.records import MustHaveVerdict
from rocverify.report.earlier import Earlier, demands_of
from rocverify.report.model import BaselineReport, ChangeReport, Report

_RANK = (MustHaveVerdict.FAILED, MustHaveVerdict.UNVERIFIED, MustHaveVerdict.VERIFIED)


def compared(report: Report, earlier: Earlier) -> BaselineReport:
    """The report's must-haves and demands beside those of the other commit.

    A must-have is known by its plan and its words, not by its number: one that is reworded is new.
    """
    changes = [*_must_haves(report, earlier), *_demands(report, earlier)]
    return BaselineReport(
        ref=earlier.ref,
        commit=earlier.commit,
        worse=[one for one in changes if _worse(one)],
        better=[one for one in changes if one.before is not None and _rank(one.now) > _rank(one.before)],
        known=[one for one in changes if one.before is one.now and one.now is not MustHaveVerdict.VERIFIED],
        gone=list(_gone(report, earlier)),
    )


def gated(code: ExitCode, baseline: BaselineReport, gate: str) -> ExitCode:
    """The exit code where only new gaps count; a broken harness or a wrong plan counts as ever."""
    if code not in (ExitCode.GAPS_FOUND, ExitCode.UNVERIFIED):
        return code
    if any(one.now is MustHaveVerdict.FAILED for one in baseline.worse):
        return ExitCode.GAPS_FOUND
    if baseline.worse and gate != "lenient":
        return ExitCode.UNVERIFIED
    return ExitCode.VERIFIED


def told(baseline: BaselineReport, code: int) -> Iterator[str]:
    """The comparison in lines for a terminal."""
    counts = ", ".join(
        (
            f"{len(baseline.worse)} new or worse",
            f"{len(baseline.better)} better",
            f"{len(baseline.known)} gaps as before",
            *([f"{len(baseline.gone)} no longer asked for"] if baseline.gone else []),
        )
    )
    yield f"against {baseline.ref} ({baseline.commit[:10]}): {counts}"
    for word, changes in (
        ("worse", baseline.worse),
        ("better", baseline.better),
        ("as before", baseline.known),
        ("gone", baseline.gone),
    ):
        for one in changes:
            yield f"  {word:<9} {one.id}: {one.before or 'new'} -> {one.now or 'gone'}: {one_line(one.text)}"
    if baseline.known and not baseline.worse and code == ExitCode.VERIFIED:
        number = len(baseline.known)
        gaps = "the one gap was" if number == 1 else f"all {number} gaps were"
        yield f"not everything is verified; {gaps} there at {baseline.ref} already, so the exit code is 0"


def _must_haves(report: Report, earlier: Earlier) -> Iterator[ChangeReport]:
    for plan in report.plans:
        for must_have in plan.must_haves:
            _, before = earlier.must_haves.get((plan.plan, one_line(must_have.text)), ("", None))
            yield ChangeReport(id=must_have.id, text=must_have.text, before=before, now=must_have.verdict)


def _demands(report: Report, earlier: Earlier) -> Iterator[ChangeReport]:
    for folder, demand in demands_of(report):
        text = f"{demand.kind} {demand.id}: {demand.text}"
        before = earlier.demands.get((folder, demand.id))
        if before is None and one_line(text) in earlier.gaps:
            before = MustHaveVerdict.FAILED
        yield ChangeReport(id=demand.id, text=demand.text, before=before, now=demand.verdict)


def _gone(report: Report, earlier: Earlier) -> Iterator[ChangeReport]:
    there = {(plan.plan, one_line(m.text)) for plan in report.plans for m in plan.must_haves}
    plans = {plan.plan for plan in report.plans}
    for (plan, text), (identity, verdict) in earlier.must_haves.items():
        if plan in plans and (plan, text) not in there:
            yield ChangeReport(id=identity, text=text, before=verdict, now=None)


def _worse(one: ChangeReport) -> bool:
    if one.before is None:
        return one.now is not MustHaveVerdict.VERIFIED
    return _rank(one.now) < _rank(one.before)


def _rank(verdict: MustHaveVerdict | None) -> int:
    return -1 if verdict is None else _RANK.index(verdict)
