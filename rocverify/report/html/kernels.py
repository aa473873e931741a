"""The kernels of a report by their sources: what was done with each, and lines that no case reached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from rocverify.errors import UsageError
from rocverify.figures import HeatMap
from rocverify.payload import clean_text
from rocverify.report.evidence import seen_by
from rocverify.report.html.charts import heat_map
from rocverify.report.html.figures import budgets, spread
from rocverify.report.model import CheckReport, CorrectnessReport, CoverageReport, KernelReport, Report
from rocverify.report.problems import Problem
from rocverify.store.digests import digest_bytes
from rocverify.store.gate import place

_RANGE = re.compile(r"(?P<path>.+):(?P<first>\d+)(?:-(?P<last>\d+))?")
_MOST_LINES = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a source: `missed` are the kernels with code there that no compared case executed, `counts`
    instructions of waves and bytes of global memory in the call that was measured, `heat` from 0 to 5 how
    large a part of all instructions it has."""

    number: int
    text: str
    missed: tuple[str, ...]
    problems: tuple[Problem, ...]
    counts: tuple[int, int] | None = None
    heat: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """A source as it was verified. lines: empty where it cannot be shown, and `absent` says why; elsewhere:
    lines of other files (`path:first-last`) that no compared case of these kernels executed."""

    lines: tuple[Line, ...]
    absent: str
    elsewhere: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SourceView:
    """A kernel source with all that the report has of its kernels. rows: those that were compiled."""

    path: str
    types: tuple[str, ...]
    rows: tuple[CoverageReport, ...]
    resources: tuple[KernelReport, ...]
    errors: tuple[tuple[CorrectnessReport, Markup | None], ...]
    figure: Markup | None
    listing: Listing
    heat_maps: tuple[tuple[str, Markup], ...] = ()
    calls: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """By the check that saw it, the calls that lead to a launch."""
    counted: bool = False


def source_views(report: Report, root: Path, found: Sequence[Problem]) -> list[SourceView]:
    """Every source that the report's kernels come from, in order of their paths. root: where the sources lie;
    found: what is not verified."""
    rows = {(row.source, row.kernel): row for plan in report.plans for row in plan.coverage}
    resources = {(row.source, row.target, row.kernel): row for plan in report.plans for row in plan.kernels}
    digests = _digests(report)
    counted = {path for check in _checks(report) for path in seen_by(check).files_counted()}
    paths = sorted({path for path, *_ in (*rows, *resources) if path} | counted)
    views = []
    for path in paths:
        mine = tuple(row for key, row in sorted(rows.items()) if key[0] == path)
        errors = tuple(_errors(report, path))
        problems = [problem for problem in found if problem.place.path == path]
        counts = line_counts(report, path)
        views.append(
            SourceView(
                path=path,
                types=tuple(sorted({name for row in mine for name in row.cases_by_type})),
                rows=mine,
                resources=tuple(row for key, row in sorted(resources.items()) if key[0] == path),
                errors=tuple((row, spread(row)) for row in errors),
                figure=budgets(errors),
                listing=_listing(root, path, digests.get(path), mine, (problems, counts)),
                heat_maps=tuple(_heat_maps(report, path)),
                calls=tuple(_calls(report, path)),
                counted=bool(counts),
            )
        )
    return views


def _errors(report: Report, path: str) -> Iterator[CorrectnessReport]:
    """The comparisons of checks that were about a source."""
    for plan in report.plans:
        about = {check.id for check in plan.checks if check.evidence.get("source") == path}
        yield from (row for row in plan.correctness if row.check in about)


def line_counts(report: Report, path: str) -> dict[int, tuple[int, int]]:
    """By line of a source: instructions of waves and bytes of global memory, as the first check has it that
    measured a call."""
    found: dict[int, tuple[int, int]] = {}
    for check in _checks(report):
        for name, counts in seen_by(check).line_counts().items():
            file, _, line = name.rpartition(":")
            if file == path:
                found.setdefault(int(line), counts)
    return found


def _heat(counts: tuple[int, int] | None, total: int) -> int:
    return min(5, 1 + int(10 * counts[0] / total)) if counts and counts[0] and total else 0


_MOST_MAPS = 3


def _heat_maps(report: Report, path: str) -> Iterator[tuple[str, Markup]]:
    """Of the comparison that failed, else of the one that used most of its tolerance: a map for each type."""
    checks = {check.id: check for check in _checks(report)}
    rows = sorted(_errors(report, path), key=lambda row: -(row.budget_used or 0))
    about = next(iter(dict.fromkeys(row.check for row in rows)), None)
    if about is None:
        return
    maps = [one for one in seen_by(checks[about]).figures() if isinstance(one, HeatMap)]
    yield from ((f"{about}: {one.title}", heat_map(one)) for one in maps[:_MOST_MAPS])


def _calls(report: Report, path: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The calls to launches of a source's kernels, each way once."""
    told: set[tuple[str, ...]] = set()
    for check in _checks(report):
        calls = seen_by(check).launch_calls() if check.parameters.get("source") == path else ()
        if calls and calls not in told:
            told.add(calls)
            yield check.id, calls


def _digests(report: Report) -> dict[str, str]:
    found = {
        path: sha256 for check in _checks(report) for path, sha256 in seen_by(check).files_counted().items()
    }
    inputs = (row for plan in report.plans for row in plan.provenance.inputs)
    return found | {row.path: row.sha256 for row in inputs if row.sha256}


def _checks(report: Report) -> Iterator[CheckReport]:
    return (check for plan in report.plans for check in plan.checks)


def _listing(
    root: Path,
    path: str,
    digest: str | None,
    rows: Sequence[CoverageReport],
    about: tuple[Sequence[Problem], Mapping[int, tuple[int, int]]],
) -> Listing:
    problems, counts = about
    total = sum(instructions for instructions, _ in counts.values())
    missed, elsewhere = _missed(path, rows)
    try:
        data = place(root, path).read_bytes()
    except (OSError, UsageError):
        return Listing((), "The file is not here.", elsewhere)
    if digest is None or digest_bytes(data) != digest:
        return Listing((), "The file is no longer what was verified.", elsewhere)
    texts = clean_text(data.decode("utf-8", "replace")).split("\n")[:_MOST_LINES]
    lines = tuple(
        Line(
            number,
            text.expandtabs(4),
            missed.get(number, ()),
            tuple(problem for problem in problems if problem.place.line == number),
            counts.get(number),
            _heat(counts.get(number), total),
        )
        for number, text in enumerate(texts, start=1)
    )
    return Listing(lines, "", elsewhere)


def _missed(
    path: str, rows: Sequence[CoverageReport]
) -> tuple[Mapping[int, tuple[str, ...]], tuple[str, ...]]:
    """The kernels by lines of this file that they have not executed, and the lines of other files."""
    here: dict[int, tuple[str, ...]] = {}
    elsewhere: dict[str, None] = {}
    for row in rows:
        for text in row.missed_lines:
            found = _RANGE.fullmatch(text)
            if found is None or found["path"] != path:
                elsewhere[text] = None
                continue
            for number in range(int(found["first"]), int(found["last"] or found["first"]) + 1):
                here[number] = (*here.get(number, ()), row.kernel)
    return here, tuple(elsewhere)
