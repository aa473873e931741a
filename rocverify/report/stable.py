"""What of a report matters: its digest decides whether a document is written again.

In: verdicts, bindings, the digests of everything that was verified, the kernels' metadata, the kinds
and places of transfers, device and compiler. Out: times, durations, seeds, cached or not, and the
numbers that a fresh seed changes from run to run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from rocverify.records import CheckVerdict
from rocverify.report.model import CheckReport, PlanReport, Report
from rocverify.store.digests import digest_bytes, shown_digest

LAYOUT = 5
"""Raised when templates change, so that documents are rendered again."""

_APART = {"checks", "correctness", "transfers", "coverage", "models"}
_NUMBERS = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def plan_digest(report: Report, plan: PlanReport, extra: Mapping[str, Any] | None = None) -> str:
    """Digest of what matters of one plan's part of a report."""
    return _digest({"run": _run(report), "plan": _plan(plan), "extra": dict(extra or {})})


def phase_digest(report: Report, plans: list[PlanReport], extra: Mapping[str, Any] | None = None) -> str:
    """Digest of what matters of a phase."""
    return _digest({"run": _run(report), "plans": [_plan(p) for p in plans], "extra": dict(extra or {})})


def _run(report: Report) -> dict[str, Any]:
    return {
        "layout": LAYOUT,
        "device": [report.device.kind, report.device.name, report.device.target],
    }


def _plan(plan: PlanReport) -> dict[str, Any]:
    data = plan.model_dump(mode="json", exclude=_APART)
    data["checks"] = [_check(check) for check in plan.checks]
    data["correctness"] = [[row.check, row.contract, row.dtype] for row in plan.correctness]
    data["coverage"] = sorted((row.source, row.kernel, sorted(row.types)) for row in plan.coverage)
    data["transfers"] = sorted({(t.check, t.direction, t.function, t.place or "") for t in plan.transfers})
    for must_have in data["must_haves"]:
        must_have["reason"] = _without_numbers(must_have["reason"])
    return data


def _check(check: CheckReport) -> dict[str, Any]:
    data: dict[str, Any] = {
        "id": check.id,
        "verdict": check.verdict,
        "parameters": check.parameters,
        "why": check.why,
    }
    if check.verdict is not CheckVerdict.PASSED:
        data["message"] = _without_numbers(check.message)
        data["findings"] = [[f.entity, f.kernel, _without_numbers(f.message)] for f in check.findings]
    return data


def _without_numbers(text: str) -> str:
    return _NUMBERS.sub("#", text)


def _digest(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, default=str)
    return shown_digest(digest_bytes(text.encode("utf-8")))
