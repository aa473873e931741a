"""The page: a report's records in the order in which a person asks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from rocverify.figures import Timeline
from rocverify.payload import clean_text
from rocverify.records import CheckVerdict, MustHaveVerdict, Status
from rocverify.report.costs import BASELINE, History, costs, extended
from rocverify.report.coverage import decided, models_of
from rocverify.report.evidence import check_lines, evidence_lines, seen_by
from rocverify.report.html.charts import trend
from rocverify.report.html.figures import shares
from rocverify.report.html.kernels import source_views
from rocverify.report.html.prose import html_of
from rocverify.report.html.timeline import timeline
from rocverify.report.kept_templates import KeptTemplates
from rocverify.report.model import (
    CheckReport,
    DemandReport,
    FindingReport,
    MustHaveReport,
    PlanReport,
    Report,
)
from rocverify.report.problems import problems
from rocverify.report.render import duration
from rocverify.report.summary import evidence_blocks, reproduce, telling
from rocverify.store.digests import shown_digest

NAME = "index.html"


@dataclass(frozen=True, slots=True)
class PhaseView:
    """A phase of the run. status: of its plans, or of the phase where it was run as a whole."""

    name: str
    status: Status
    plans: tuple[PlanReport, ...]
    counts: Counter[MustHaveVerdict]
    figure: Markup
    demands: tuple[DemandReport, ...]


@dataclass(frozen=True, slots=True)
class CheckView:
    """A check with its evidence as HTML."""

    check: CheckReport
    findings: tuple[FindingReport, ...]
    evidence: Markup
    blocks: tuple[str, ...]
    timelines: tuple[tuple[str, Markup], ...]

    @property
    def open(self) -> bool:
        """Whether it is shown at once: what ran and did not pass."""
        return self.check.verdict is not CheckVerdict.PASSED and not self.check.evidence.get("deselected")


@dataclass(frozen=True, slots=True)
class MustHaveView:
    """A must-have with its checks."""

    must_have: MustHaveReport
    checks: tuple[CheckView, ...]


@dataclass(frozen=True, slots=True)
class CostView:
    """What one measured call cost: by metric now, in the baseline, and from run to run."""

    name: str
    rows: tuple[tuple[str, float, float | None, Markup | None], ...]


def _costs(report: Report, history: History) -> list[CostView]:
    found = costs(report)
    views = []
    for name, figures in found.items():
        if name.endswith(BASELINE):
            continue
        before = found.get(f"{name}{BASELINE}", {})
        runs = extended({name: history.get(name, [])}, report)[name]
        rows = [(m, value, before.get(m), trend(runs, m, before.get(m))) for m, value in figures.items()]
        views.append(CostView(name, tuple(rows)))
    return views


def html_text(report: Report, root: Path, history: History | None = None) -> str:
    """The page. root: where the sources lie, those that changed since are not shown; history: of runs before,
    see `rocverify.report.costs`."""
    return (
        _environment()
        .get_template("index.html.j2")
        .render(
            report=report,
            phases=_phases(report),
            must_haves={plan.plan: _must_haves(plan) for plan in report.plans},
            commands={plan.plan: reproduce(report, plan) for plan in report.plans},
            sources=source_views(report, root, problems(report)),
            models=models_of(report.plans),
            costs=_costs(report, history or {}),
            toolchain=html_of(evidence_lines(report.toolchain)),
            duration=duration(report.duration_s),
        )
    )


def _phases(report: Report) -> list[PhaseView]:
    grouped: dict[str, list[PlanReport]] = {}
    for plan in report.plans:
        grouped.setdefault(plan.phase, []).append(plan)
    views = []
    for name, plans in grouped.items():
        whole = [p for p in report.phases if all(plan.path.startswith(f"{p.path}/") for plan in plans)]
        counts = Counter(m.verdict for plan in plans for m in plan.must_haves)
        demands = [demand for plan in plans for demand in plan.demands]
        demands += [demand for phase in whole for demand in phase.demands]
        status = _worst([*(plan.status for plan in plans), *(phase.status for phase in whole)])
        views.append(PhaseView(name, status, tuple(plans), counts, shares(counts), tuple(demands)))
    return views


def _worst(statuses: Iterable[Status]) -> Status:
    seen = set(statuses)
    return next(s for s in (Status.GAPS_FOUND, Status.HUMAN_NEEDED, Status.PASSED) if s in seen)


def _must_haves(plan: PlanReport) -> list[MustHaveView]:
    checks = {check.id: check for check in plan.checks}
    return [
        MustHaveView(must_have, tuple(_check(checks[name]) for name in must_have.checks))
        for must_have in plan.must_haves
    ]


def _check(check: CheckReport) -> CheckView:
    return CheckView(
        check,
        tuple(telling(check)),
        html_of(check_lines(check)),
        tuple(clean_text(text) for text in evidence_blocks(check.evidence)),
        tuple((f.title, timeline(f)) for f in seen_by(check).figures() if isinstance(f, Timeline)),
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("rocverify.report.html"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=KeptTemplates(),
    )
    environment.filters.update(
        anchor=_anchor,
        decided=decided,
        digest=shown_digest,
        measure=_measure,
        number=_number,
        clean=clean_text,
    )
    environment.globals.update(signs=_SIGNS)
    return environment


_SIGNS = {
    **dict.fromkeys((MustHaveVerdict.VERIFIED, CheckVerdict.PASSED, Status.PASSED), ("good", "✓")),
    **dict.fromkeys((MustHaveVerdict.FAILED, CheckVerdict.FAILED, Status.GAPS_FOUND), ("bad", "✗")),
    CheckVerdict.ERROR: ("bad", "!"),
    **dict.fromkeys((MustHaveVerdict.UNVERIFIED, CheckVerdict.NOT_RUN, Status.HUMAN_NEEDED), ("open", "?")),
}
"""Class and sign of a verdict or status: colour alone tells nothing."""


def _anchor(text: str) -> str:
    """An id: what has white space or may mean something in an address is replaced."""
    return re.sub(r"[^\w./-]", "_", text)


def _measure(value: float | str | None) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _number(value)


def _number(value: Any) -> str:
    return "" if value is None else str(value)
