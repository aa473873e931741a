"""`coverage:` of a SUMMARY: what was delivered and what shows it, as the workflow's acceptance step reads it.

It asks a person about every entry that is not covered: one whose `human_judgment` is true, or whose
verification does not pass. Files and links that are verified are part of what the truths deliver, and not
listed apart.
"""

from __future__ import annotations

from typing import Any

from rocverify.markdown import one_line
from rocverify.records import CheckVerdict, MustHaveType, MustHaveVerdict
from rocverify.report.model import CheckReport, MustHaveReport, PlanReport

_STATUS = {CheckVerdict.PASSED: "pass", CheckVerdict.FAILED: "fail"}
STATIC = frozenset({"absent", "artifact", "key_link", "documented", "kernel_compiled", "resources"})
"""Kinds of check that run nothing of the project."""
FILES = frozenset({MustHaveType.ARTIFACT, MustHaveType.KEY_LINK})


def deliverables(part: PlanReport) -> list[dict[str, Any]]:
    """One entry for each must-have that is more than a verified file, in the plan's order; of a plan that has
    nothing else, for each."""
    checks = {check.id: check for check in part.checks}
    telling = [m for m in part.must_haves if m.type not in FILES or m.verdict is not MustHaveVerdict.VERIFIED]
    about = telling if any(m.type not in FILES for m in telling) else part.must_haves
    return [_entry(must_have, [checks[name] for name in must_have.checks]) for must_have in about]


def _entry(must_have: MustHaveReport, checks: list[CheckReport]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": must_have.id.rpartition("/")[2],
        "description": one_line(must_have.text) or "(the entry says nothing)",
    }
    if must_have.requirement:
        entry["requirement"] = must_have.requirement
    entry["verification"] = [
        _verification([check for check in checks if check.kind == kind])
        for kind in dict.fromkeys(check.kind for check in checks)
    ]
    entry["human_judgment"] = must_have.verdict is MustHaveVerdict.UNVERIFIED
    if entry["human_judgment"]:
        entry["rationale"] = one_line(must_have.reason) or "nothing that was executed decides it"
    return entry


def _verification(checks: list[CheckReport]) -> dict[str, str]:
    """The checks of one kind: the first that did not pass stands for them."""
    one = next((c for c in checks if c.verdict is CheckVerdict.FAILED), None)
    one = one or next((c for c in checks if c.verdict is not CheckVerdict.PASSED), checks[0])
    return {
        "kind": "other" if one.kind in STATIC else "integration",
        "ref": one.id,
        "status": _STATUS.get(one.verdict, "unknown"),
    }
