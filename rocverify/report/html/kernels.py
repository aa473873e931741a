"""The kernels of a report by their sources: what was done with each, and lines that no case reached."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from rocverify.errors import UsageError
from rocverify.payload import clean_text
from rocverify.report.html.figures import budgets, spread
from rocverify.report.model import CorrectnessReport, CoverageReport, KernelReport, Report
from rocverify.report.problems import Problem
from rocverify.store.digests import digest_bytes
from rocverify.store.gate import place

_RANGE = re.compile(r"(?P<path>.+):(?P<first>\d+)(?:-(?P<last>\d+))?")
_MOST_LINES = 5_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a source: `missed` are the kernels with code there that no compared case executed."""

    number: int
    text: str
    missed: tuple[str, ...]
    problems: tuple[Problem, ...]


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


def source_views(report: Report, root: Path, found: Sequence[Problem]) -> list[SourceView]:
    """Every source that the report's kernels come from, in order of their paths. root: where the sources lie;
    found: what is not verified."""
    rows = {(row.source, row.kernel): row for plan in report.plans for row in plan.coverage}
    resources = {(row.source, row.target, row.kernel): row for plan in report.plans for row in plan.kernels}
    paths = sorted({path for path, *_ in (*rows, *resources) if path})
    digests = _digests(report)
    views = []
    for path in paths:
        mine = tuple(row for key, row in sorted(rows.items()) if key[0] == path)
        errors = tuple(_errors(report, path))
        problems = [problem for problem in found if problem.place.path == path]
        views.append(
            SourceView(
                path=path,
                types=tuple(sorted({name for row in mine for name in row.cases_by_type})),
                rows=mine,
                resources=tuple(row for key, row in sorted(resources.items()) if key[0] == path),
                errors=tuple((row, spread(row)) for row in errors),
                figure=budgets(errors),
                listing=_listing(root, path, digests.get(path), mine, problems),
            )
        )
    return views


def _errors(report: Report, path: str) -> Iterator[CorrectnessReport]:
    """The comparisons of checks that were about a source."""
    for plan in report.plans:
        about = {check.id for check in plan.checks if check.evidence.get("source") == path}
        yield from (row for row in plan.correctness if row.check in about)


def _digests(report: Report) -> dict[str, str]:
    return {row.path: row.sha256 for plan in report.plans for row in plan.provenance.inputs if row.sha256}


def _listing(
    root: Path, path: str, digest: str | None, rows: Sequence[CoverageReport], problems: Sequence[Problem]
) -> Listing:
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
