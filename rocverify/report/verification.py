"""NN-VERIFICATION.md: a phase's status, score and gaps, as the workflow's next step reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from rocverify.plan.demands import DemandKind, criterion_number
from rocverify.records import MustHaveType, MustHaveVerdict, Status, output_tail, worst_must_have
from rocverify.report.coverage import models_line, models_of
from rocverify.report.document import Document
from rocverify.report.history import covered_digest, overrides, re_verification
from rocverify.report.model import (
    CheckReport,
    CoverageReport,
    DemandReport,
    MustHaveReport,
    PlanReport,
    Report,
    Score,
)
from rocverify.report.overview import matrix
from rocverify.report.render import render
from rocverify.report.stable import phase_digest
from rocverify.report.summary import describe_device, sentence

OWNED = frozenset(
    {"phase", "verified", "status", "score", "covered_files", "covered_digest", "behavior_unverified"}
    | {"behavior_unverified_items", "overrides_applied", "re_verification", "gaps", "human_verification"},
)
PASSING = frozenset({"verified", "re_verification"})
_LINE = re.compile(r"(?P<path>.+?):(?P<line>\d+)(?::\d+)?")
_TITLES = {
    MustHaveType.TRUTH: "Truths",
    MustHaveType.ARTIFACT: "Artifacts",
    MustHaveType.KEY_LINK: "Key links",
    MustHaveType.PROHIBITION: "Prohibitions",
    MustHaveType.CRITERION: "Success criteria",
    MustHaveType.CHECKLIST: "Checklist",
    MustHaveType.DONE: "Done",
    MustHaveType.VERIFY: "Verify steps",
}


def verification_document(
    report: Report,
    number: str,
    plans: list[PlanReport],
    covered: Mapping[str, str],
    before: Mapping[str, Any],
) -> Document:
    """The VERIFICATION of one phase, all of whose plans are in the report.

    covered: SHA-256 by path of the files that the verdicts rest on; before: the frontmatter that the file
    has now, empty without one.
    """
    demands = _demands(report, plans)
    open_ones = [demand for demand in demands if demand.verdict is not MustHaveVerdict.VERIFIED]
    status = _status(plans, open_ones)
    score, gaps = _score(plans), _gaps(plans)
    human = [entry for plan in plans for entry in _human(plan)]
    human += [_unproved(demand) for demand in open_ones if not demand.must_haves]
    unexercised = [entry for plan in plans for entry in _unexercised(plan)]
    unbuilt = _json(report.unbuilt)
    values = {
        "phase": plans[0].phase,
        "verified": f"{datetime.fromisoformat(report.started):%Y-%m-%dT%H:%M:%SZ}",
        "status": str(status),
        "score": f"{score} must-haves verified",
        "covered_files": sorted(covered),
        "covered_digest": covered_digest(covered),
        "behavior_unverified": len(unexercised),
        "behavior_unverified_items": unexercised,
        "overrides_applied": 0,
        "gaps": gaps,
        "human_verification": human,
    }
    if before.get("status") and before.get("score"):
        values["re_verification"] = re_verification(before, gaps)
    return Document(
        title=f"Phase {number}: Verification",
        digest=phase_digest(report, plans, {"demands": _json(demands), "unbuilt": unbuilt}),
        values=values,
        owned=OWNED,
        passing=PASSING,
        body=lambda: render(
            "verification.md.j2",
            score=str(score),
            status=str(status),
            device=describe_device(report.device),
            plans=plans,
            groups=_groups(plans),
            requirements=_requirements(plans, demands),
            others=[_demanded(d) for d in demands if d.kind is not DemandKind.REQUIREMENT],
            gaps=[{**gap, "outputs": _outputs(plans, gap)} for gap in gaps],
            human=human,
            overrides=overrides(before),
            unbuilt=unbuilt,
            models=models_line(models) if (models := models_of(plans)) else "",
            matrix=matrix(_coverage(plans)),
            since=values.get("re_verification"),
            command=_command(report, number),
        ),
    )


def _coverage(plans: list[PlanReport]) -> list[CoverageReport]:
    """The kernels of several plans, each once."""
    rows = {(row.source, row.kernel): row for plan in plans for row in plan.coverage}
    return [rows[key] for key in sorted(rows)]


def _json(parts: Sequence[BaseModel]) -> list[dict[str, Any]]:
    return [part.model_dump(mode="json") for part in parts]


def _score(plans: list[PlanReport]) -> Score:
    return Score(
        verified=sum(plan.score.verified for plan in plans), total=sum(plan.score.total for plan in plans)
    )


def _demands(report: Report, plans: list[PlanReport]) -> list[DemandReport]:
    """What the documents ask of the phase of these plans."""
    folders = {plan.path.rpartition("/")[0] for plan in plans}
    found = [p for p in report.phases if any(f == p.path or f.startswith(f"{p.path}/") for f in folders)]
    return [demand for phase in found for demand in phase.demands]


def _status(plans: list[PlanReport], open_ones: list[DemandReport]) -> Status:
    seen = {plan.status for plan in plans}
    seen |= {Status.HUMAN_NEEDED} if open_ones else set()
    for status in (Status.GAPS_FOUND, Status.HUMAN_NEEDED):
        if status in seen:
            return status
    return Status.PASSED if seen else Status.HUMAN_NEEDED


def _gaps(plans: list[PlanReport]) -> list[dict[str, Any]]:
    gaps = [_gap(plan, m) for plan in plans for m in plan.must_haves if m.verdict is MustHaveVerdict.FAILED]
    return gaps + [
        _vacuous(demand) for plan in plans for demand in plan.demands if demand.verdict == "failed"
    ]


def _gap(plan: PlanReport, must_have: MustHaveReport) -> dict[str, Any]:
    checks = [c for c in plan.checks if c.id in must_have.checks and c.verdict == "failed"]
    missing = dict.fromkeys(check.hint for check in checks if check.hint)
    return {
        "truth": must_have.text,
        "status": "failed",
        "reason": must_have.reason,
        "artifacts": [artifact for check in checks for artifact in _artifacts(check)],
        "missing": list(missing) or [f"{check.id}: {check.message.splitlines()[0]}" for check in checks],
    }


def _outputs(plans: list[PlanReport], gap: Mapping[str, Any]) -> list[str]:
    """The ends of what the commands and tests said that failed a must-have, each once."""
    checks = [
        check
        for plan in plans
        for must_have in plan.must_haves
        if must_have.text == gap["truth"] and must_have.verdict is MustHaveVerdict.FAILED
        for check in plan.checks
        if check.id in must_have.checks and check.verdict == "failed"
    ]
    return [text for text in dict.fromkeys(output_tail(check.evidence) for check in checks) if text]


def _unexercised(plan: PlanReport) -> list[dict[str, str]]:
    """Truths that may well hold, but that nothing which was executed shows."""
    return [
        {
            "truth": must_have.text,
            "test": f"Bind a check to {must_have.id} that executes it, or try it by hand",
            "expected": must_have.text,
            "why_human": must_have.reason,
        }
        for must_have in plan.must_haves
        if must_have.type is MustHaveType.TRUTH and must_have.verdict is MustHaveVerdict.UNVERIFIED
    ]


def _artifacts(check: CheckReport) -> list[dict[str, str]]:
    """Where the failure is: the findings' places, else the file that the check was about."""
    placed = [_placed(f.location, f.message) for f in check.findings if f.location]
    known = {**check.evidence, **check.parameters}
    about = next((known[key] for key in ("path", "from_path", "source") if known.get(key)), None)
    return placed or ([{"path": str(about), "issue": check.message}] if about else [])


def _placed(location: str, message: str) -> dict[str, str]:
    """A plain path; what stands behind it (line, column) goes with the message."""
    found = _LINE.fullmatch(location)
    return (
        {"path": found["path"], "issue": f"line {found['line']}: {message}"}
        if found
        else {"path": location, "issue": message}
    )


def _human(plan: PlanReport) -> list[dict[str, str]]:
    if not plan.must_haves:
        reason = "the plan lists no must-haves, so there is nothing that could be executed"
        return [_ask(f"Check plan {plan.plan} by hand", "Its objective is reached", reason)]
    return [
        _ask(f"Check {must_have.id} by hand, or bind a check to it", must_have.text, must_have.reason)
        for must_have in plan.must_haves
        if must_have.verdict is MustHaveVerdict.UNVERIFIED
    ]


def _ask(test: str, expected: str, why: str) -> dict[str, str]:
    return {"test": test, "expected": expected, "why_human": why}


def _groups(plans: list[PlanReport]) -> list[tuple[str, list[dict[str, str]]]]:
    groups = []
    for kind, title in _TITLES.items():
        rows = [_row(plan, m) for plan in plans for m in plan.must_haves if m.type is kind]
        if rows:
            groups.append((title, rows))
    return groups


def _row(plan: PlanReport, must_have: MustHaveReport) -> dict[str, str]:
    return {
        "id": must_have.id,
        "text": must_have.text,
        "verdict": str(must_have.verdict),
        "evidence": must_have.reason or sentence([c for c in plan.checks if c.id in must_have.checks]),
    }


def _vacuous(demand: DemandReport) -> dict[str, Any]:
    return {
        "truth": f"{demand.kind} {demand.id}: {demand.text}",
        "status": "failed",
        "reason": demand.reason,
        "artifacts": [_placed(demand.source, demand.reason)],
        "missing": ["Write it so that it fails where what it is about is not there"],
    }


def _unproved(demand: DemandReport) -> dict[str, str]:
    what = f"{demand.kind} {demand.id}"
    return _ask(f"Check {what} by hand, or let a must-have prove it", demand.text, demand.reason)


def _demanded(demand: DemandReport) -> dict[str, str]:
    return {
        "id": demand.id,
        "text": demand.text,
        "verdict": str(demand.verdict),
        "must_haves": ", ".join(demand.must_haves) or demand.reason,
    }


def _requirements(plans: list[PlanReport], demands: list[DemandReport]) -> list[dict[str, str]]:
    asked = {d.id: d for d in demands if d.kind is DemandKind.REQUIREMENT}
    rows = {row["id"]: row for row in _of_must_haves(plans) if criterion_number(row["id"]) is None}
    rows |= {name: _demanded(demand) for name, demand in asked.items()}
    return [rows[name] for name in sorted(rows)]


def _of_must_haves(plans: list[PlanReport]) -> list[dict[str, str]]:
    found: dict[str, list[MustHaveReport]] = {}
    for must_have in (m for plan in plans for m in plan.must_haves):
        for name in (must_have.requirement or "").split(", "):
            if name:
                found.setdefault(name, []).append(must_have)
    return [
        {
            "id": name,
            "verdict": str(worst_must_have(m.verdict for m in about)),
            "must_haves": ", ".join(m.id for m in about),
        }
        for name, about in sorted(found.items())
    ]


def _command(report: Report, number: str) -> str:
    device = "" if report.device.kind == "none" else f" --device={report.device.kind}"
    target = f" --target={report.device.target}" if report.device.target else ""
    return f"rocverify run phase {number} --seed={report.seed}{device}{target}"
