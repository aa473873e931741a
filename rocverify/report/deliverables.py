"""`coverage:` of a SUMMARY: what was delivered and what shows it, as the workflow's acceptance step reads it.

It asks a person about every entry that is not covered: one whose `human_judgment` is true, or whose
verification does not pass.
"""

from __future__ import annotations

from typing import Any

from rocverify.markdown import one_line
from rocverify.records import CheckVerdict, MustHaveVerdict
from rocverify.report.model import CheckReport, MustHaveReport, PlanReport

_STATUS = {CheckVerdict.PASSED: "pass", CheckVerdict.FAILED: "fail"}
_STATIC = frozenset({"absent", "artifact", "key_link", "documented", "kernel_compiled", "resources"})


def deliverables(part: PlanReport) -> list[dict[str, Any]]:
    """One entry a must-have, in the plan's order."""
    checks = {check.id: check for check in part.checks}
    return [_entry(must_have, [checks[name] for name in must_have.checks]) for must_have in part.must_haves]


def _entry(must_have: MustHaveReport, checks: list[CheckReport]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": must_have.id.rpartition("/")[2],
        "description": one_line(must_have.text) or "(the entry says nothing)",
    }
    if must_have.requirement:
        entry["requirement"] = must_have.requirement
    entry["verification"] = [
        {
            "kind": "other" if check.kind in _STATIC else "integration",
            "ref": check.id,
            "status": _STATUS.get(check.verdict, "unknown"),
        }
        for check in checks
    ]
    entry["human_judgment"] = must_have.verdict is MustHaveVerdict.UNVERIFIED
    if entry["human_judgment"]:
        entry["rationale"] = one_line(must_have.reason) or "nothing that was executed decides it"
    return entry
