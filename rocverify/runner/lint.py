"""What is wrong with a project's plans before anything is executed: structure, order, undecided claims.

An *error* is what makes a plan say other than it means (a cycle, a plan that is not there, a pattern that
matches anything); a *warning* is what is read all the same; a *note* is a claim that nothing decides yet,
or a contract that cannot run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from rocverify.errors import PlanError
from rocverify.plan.demands import criterion_number, known_requirements
from rocverify.plan.locate import all_phases
from rocverify.plan.numbers import split_plan
from rocverify.records import SourceRef
from rocverify.runner.bound import bind_plans

if TYPE_CHECKING:
    from rocverify.plan.model import Plan
    from rocverify.runner.bound import BoundPlan
    from rocverify.settings import Settings


class Severity(StrEnum):
    """How grave a problem of a plan is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that lint says, with its place in a plan."""

    severity: Severity
    place: str
    """`path:line`, or the path alone."""
    message: str
    hint: str | None = None


def lint(root: Path, settings: Settings) -> tuple[Remark, ...]:
    """Everything that can be told of the active plans without executing anything, by place.

    Raises PlanError where there is no phase at all.
    """
    paths = [path for phase in all_phases(root) for path in phase.plans]
    refused: list[PlanError] = []
    try:
        bound = bind_plans(paths, root, settings, refused)
    except PlanError as error:
        bound = ()
        refused.append(error)
    plans = {_key(plan.plan.number): plan.plan for plan in bound}
    absent = {_key(number) for number in _numbers(root, refused)}
    known = known_requirements(root)
    found = [Remark(Severity.ERROR, e.where or "", e.message, e.hint) for e in refused]
    for plan in bound:
        found += _of_plan(plan, known)
        found += _order(plan.plan, plans, absent)
    found += _cycles(plans)
    found += _contracts(root, settings)
    return tuple(sorted(found, key=lambda remark: (_place(remark.place), remark.severity)))


def _contracts(root: Path, settings: Settings) -> Iterator[Remark]:
    """Contracts that would end in an error before their kernel runs."""
    from rocverify.code.contract_faults import contract_faults
    from rocverify.code.index import CodeIndex

    for fault in contract_faults(CodeIndex(root, settings), tuple(settings.contract_globs)):
        message = f"the contract {fault.contract} cannot run: {fault.message}"
        yield Remark(Severity.NOTE, fault.place, message, fault.hint)


def _place(place: str) -> tuple[str, int]:
    path, _, line = place.rpartition(":")
    return (path, int(line)) if line.isdigit() else (place, 0)


def _key(number: str) -> str:
    """A plan's number without what may be written in several ways: `6-1` is `06-01`."""
    split = split_plan(number.removesuffix("-PLAN"))
    return f"{split[0]}-{split[1]}" if split else number


def _numbers(root: Path, refused: Sequence[PlanError]) -> Iterator[str]:
    """The numbers of the plans that could not be read, which are there all the same."""
    for error in refused:
        yield Path((error.where or "").rpartition(":")[0] or root).name.removesuffix(".md")


def _of_plan(bound: BoundPlan, known: frozenset[str]) -> Iterator[Remark]:
    plan = bound.plan
    for warning in plan.warnings:
        yield Remark(Severity.WARNING, str(warning.source), warning.message, warning.hint)
    if not bound.must_haves:
        yield Remark(Severity.WARNING, plan.path, "lists no must-haves, so nothing of it can be verified")
    for name in plan.all_requirements if known else ():
        if name not in known and criterion_number(name) is None:
            place = str(SourceRef(plan.path, plan.requirements_line))
            yield Remark(Severity.WARNING, place, f"the requirement {name} is not in REQUIREMENTS.md")
    for step in bound.vacuous:
        yield Remark(Severity.ERROR, str(step.source), f"{step.command!r} could not fail: {step.reason}")
    for must_have in bound.must_haves:
        place = str(must_have.must_have.source)
        for less in must_have.uncovered:
            yield Remark(Severity.NOTE, place, f"{must_have.must_have.tail} tries less than it says: {less}")
        if not must_have.checks:
            hint = f"nearest: {must_have.nearest}" if must_have.nearest else None
            message = f"nothing decides {must_have.must_have.tail}: {must_have.reason}"
            yield Remark(Severity.NOTE, place, message, hint)
    for one in bound.missing():
        message = f"{one.check.partition('/')[2]}: {one.message}"
        yield Remark(Severity.WARNING, one.place, message, f"nearest: {one.nearest}" if one.nearest else None)
    yield from _patterns(plan)


def _patterns(plan: Plan) -> Iterator[Remark]:
    """Patterns that would be found in any text, and those that no search can execute."""
    from rocverify.code.search import PatternSearch

    texts = [(a.source, text) for a in plan.artifacts for text in (a.contains, a.not_contains) if text]
    texts += [(link.source, link.pattern) for link in plan.key_links if link.pattern]
    for source, text in texts:
        try:
            expression = PatternSearch(text).expression
        except PlanError as error:
            yield Remark(Severity.ERROR, str(source), error.message, error.hint)
            continue
        if expression is not None and expression.vacuous:
            message = f"the pattern {text!r} is vacuous: it matches any text"
            yield Remark(Severity.ERROR, str(source), message, "write what only this file has")


def _order(plan: Plan, plans: Mapping[str, Plan], absent: set[str]) -> Iterator[Remark]:
    """Plans that this one depends on and that are not there, or do not come before it."""
    for name in plan.depends_on:
        key = _key(name)
        if split_plan(name.removesuffix("-PLAN")) is None or key in absent:
            continue
        before = plans.get(key)
        if before is None:
            yield Remark(Severity.ERROR, plan.path, f"depends on {name}, and there is no such plan")
        elif before is plan:
            yield Remark(Severity.ERROR, plan.path, "depends on itself")
        elif (
            before.phase == plan.phase
            and before.wave is not None
            and plan.wave is not None
            and before.wave >= plan.wave
        ):
            message = f"is in wave {plan.wave} and depends on {name}, which is in wave {before.wave}"
            yield Remark(Severity.ERROR, plan.path, message, "plans of one wave run side by side")


def _cycles(plans: Mapping[str, Plan]) -> Iterator[Remark]:
    """Plans that wait for each other: each ring once, from its first plan."""
    told: set[frozenset[str]] = set()
    for start in plans:
        ring = _ring(start, plans)
        if ring and frozenset(ring) not in told:
            told.add(frozenset(ring))
            message = f"plans wait for each other: {' -> '.join((*ring, ring[0]))}"
            yield Remark(Severity.ERROR, plans[start].path, message)


def _ring(start: str, plans: Mapping[str, Plan]) -> tuple[str, ...]:
    """A way from a plan back to itself over two plans or more; empty where there is none."""
    stack: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while stack:
        way = stack.pop()
        for key in map(_key, plans[way[-1]].depends_on):
            if key == start and len(way) > 1:
                return way
            if key in plans and key not in seen and key != start:
                seen.add(key)
                stack.append((*way, key))
    return ()
