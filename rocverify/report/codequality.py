"""gl-code-quality.json: what is not verified as GitLab's code quality report (a subset of Code Climate's)."""

from __future__ import annotations

import json
from typing import Any

from rocverify.markdown import one_line
from rocverify.report.model import Report
from rocverify.report.problems import Level, Problem, problems

_SEVERITY = {Level.ERROR: "critical", Level.WARNING: "minor"}
_MOST_CHARACTERS = 1_000


def code_quality_text(report: Report) -> str:
    """The report as it is written."""
    entries = [_entry(problem) for problem in problems(report)]
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"


def _entry(problem: Problem) -> dict[str, Any]:
    about = f"{problem.must_have}: " if problem.must_have else ""
    text = one_line(f"{about}{problem.message}")
    return {
        "description": text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} ...",
        "check_name": problem.rule,
        "fingerprint": problem.fingerprint,
        "severity": _SEVERITY[problem.level],
        "location": {"path": problem.place.path, "lines": {"begin": problem.place.line}},
    }
