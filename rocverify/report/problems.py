"""What a report holds against the must-haves, one record each, for whoever shows it beside the code.

SARIF, annotations and code quality are made from these records, so that they name the same places.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import PurePosixPath

from rocverify.records import CheckVerdict, MustHaveVerdict
from rocverify.report.model import (
    CheckReport,
    DemandReport,
    FindingReport,
    MustHaveReport,
    PlanReport,
    Report,
)

_PLACE = re.compile(r"(?P<path>[^:]+):(?P<line>\d+)(?::(?P<column>\d+))?")


class Level(StrEnum):
    """`error`: seen to be wrong, or refused. `warning`: not verified."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file of the project: `path` relative to the root, lines and columns from 1."""

    path: str
    line: int = 1
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. rule: the kind of check that saw it, or a name of `rules.OTHERS`."""

    level: Level
    rule: str
    message: str
    place: Place
    hint: str = ""
    """What to do; empty where nothing is known."""
    must_have: str = ""
    """Id of the must-have; empty for what no must-have asks for."""
    text: str = ""
    """The must-have's own words."""
    planned: Place | None = None
    """Where the must-have is written, if `place` is somewhere else."""
    check: str = ""
    kernel: str = ""
    fingerprint: str = ""
    """The same in every run until the problem is gone: made of rule, check and file, never of lines or of
    what a seed changes."""

    @property
    def title(self) -> str:
        """The must-have and what looked at it: `16-01/T2: no_host_roundtrip`."""
        return f"{self.must_have}: {self.rule}" if self.must_have else self.rule


def problems(report: Report) -> list[Problem]:
    """Everything that is not verified, errors first, else in the report's order."""
    found = [*_refused(report)]
    for plan in report.plans:
        found += _of_plan(plan)
    found += [_demand(demand) for demand in _unexplained(report)]
    found += _unbuilt(report)
    numbered = _fingerprinted(found)
    return sorted(numbered, key=lambda problem: problem.level is Level.WARNING)


def place_of(location: str | None, known: Set[str] = frozenset()) -> Place | None:
    """The place that `path:line`, `path:line:column` or a path names; None for addresses and what lies
    outside of the project. known: paths that are files, whatever they look like."""
    if not location:
        return None
    found = _PLACE.fullmatch(location)
    path = found["path"] if found else location
    if path not in known and not (_inside(path) and (found or _like_a_file(path))):
        return None
    if found is None:
        return Place(path)
    return Place(path, int(found["line"]) or 1, int(found["column"] or 0) or None)


def _like_a_file(path: str) -> bool:
    return "/" in path and ":" not in path and bool(PurePosixPath(path).suffix)


def _inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith(("/", "<")) and ".." not in parts and "\n" not in path


def _of_plan(plan: PlanReport) -> Iterator[Problem]:
    checks = {check.id: check for check in plan.checks}
    known = {row.path for row in plan.provenance.inputs if _inside(row.path)}
    for must_have in plan.must_haves:
        if must_have.verdict is not MustHaveVerdict.VERIFIED:
            yield from _of_must_have(must_have, [checks[name] for name in must_have.checks], known)


def _of_must_have(must_have: MustHaveReport, checks: list[CheckReport], known: Set[str]) -> Iterator[Problem]:
    planned = place_of(must_have.source) or Place(must_have.source)
    base = Problem(
        Level.WARNING,
        "unverified",
        must_have.reason or "nothing decides this must-have",
        planned,
        must_have=must_have.id,
        text=must_have.text,
    )
    told = [check for check in checks if check.verdict is not CheckVerdict.PASSED]
    ran = [check for check in told if not check.evidence.get("deselected")]
    for check in ran:
        yield from _of_check(base, check, known)
    if not ran:
        failed = must_have.verdict is MustHaveVerdict.FAILED
        yield replace(
            base,
            level=Level.ERROR if failed else Level.WARNING,
            rule="no_check" if not checks else "unverified",
            hint="" if checks else f"bind a check to it: rocverify bind {must_have.id.partition('/')[0]}",
        )


def _of_check(base: Problem, check: CheckReport, known: Set[str]) -> Iterator[Problem]:
    """A problem for each place that the findings name, and one for all that name none: a kernel that is wrong
    in a hundred cases is one thing to put right."""
    about = _about(check, known)
    told = replace(
        base,
        level=Level.ERROR if check.verdict is CheckVerdict.FAILED else Level.WARNING,
        rule=check.kind,
        message=check.message or f"{check.kind} {check.verdict}",
        hint=check.hint or "",
        check=check.id,
        place=about or base.place,
        planned=base.place if about else None,
    )
    groups: dict[Place | None, list[FindingReport]] = {}
    for finding in check.findings:
        groups.setdefault(place_of(finding.location, known), []).append(finding)
    if not groups:
        yield told
    for place, findings in groups.items():
        kernels = {finding.kernel or "" for finding in findings}
        seen = replace(
            told,
            message=_message(told.message, findings),
            kernel=kernels.pop() if len(kernels) == 1 else "",
        )
        yield seen if place is None else replace(seen, place=place, planned=base.place)


def _message(message: str, findings: Sequence[FindingReport]) -> str:
    """The check's message, and of findings of one place the first."""
    first = findings[0]
    more = f" (and {len(findings) - 1} more like it, in the report)" if len(findings) > 1 else ""
    where = f"{first.location}: " if first.location and place_of(first.location) is None else ""
    if first.message in message:
        return f"{message}{more}"
    if message in first.message:
        return f"{where}{first.message}{more}"
    return f"{message}: {where}{first.message}{more}"


def _about(check: CheckReport, known: Set[str]) -> Place | None:
    """The file that a check was about."""
    told = {**check.parameters, **check.evidence}
    paths = (told.get(name) for name in ("path", "from_path", "source"))
    return next((Place(path) for path in paths if isinstance(path, str) and path in known), None)


def _refused(report: Report) -> Iterator[Problem]:
    for one in report.refused:
        place = place_of(one.path) or Place(one.path or ".planning")
        yield Problem(Level.ERROR, "plan_refused", one.message, place, one.hint or "")


def _unbuilt(report: Report) -> Iterator[Problem]:
    for one in report.unbuilt:
        place = place_of(one.path) or Place(one.path or ".planning")
        message = f"{one.message} (no must-have asks for this)"
        yield Problem(Level.WARNING, "unbuilt", message, place, one.hint or "")


def _unexplained(report: Report) -> Iterator[DemandReport]:
    """What documents ask for and nothing proves, without what a must-have's own problem already tells."""
    open_ones = {
        must_have.id
        for plan in report.plans
        for must_have in plan.must_haves
        if must_have.verdict is not MustHaveVerdict.VERIFIED
    }
    for demand in report.demands:
        if demand.verdict is not MustHaveVerdict.VERIFIED and not open_ones & {*demand.must_haves}:
            yield demand


def _demand(demand: DemandReport) -> Problem:
    level = Level.ERROR if demand.verdict is MustHaveVerdict.FAILED else Level.WARNING
    message = f"{demand.kind} {demand.id}: {demand.text}: {demand.reason}"
    return Problem(level, "demand", message, place_of(demand.source) or Place(demand.source), check=demand.id)


def _fingerprinted(found: Iterable[Problem]) -> Iterator[Problem]:
    seen: Counter[tuple[str, ...]] = Counter()
    for problem in found:
        key = (problem.rule, problem.must_have, problem.check, problem.place.path)
        text = "\0".join((*key, str(seen[key])))
        seen[key] += 1
        yield replace(problem, fingerprint=hashlib.sha256(text.encode()).hexdigest()[:32])
