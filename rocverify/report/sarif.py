"""rocverify.sarif, SARIF 2.1.0 (OASIS): a result for each finding, a rule for each kind of check."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from rocverify.errors import ExitCode
from rocverify.payload import clean_text
from rocverify.report.model import Report
from rocverify.report.problems import Level, Place, Problem, problems
from rocverify.report.rules import rule_of

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
MOST_RESULTS = 25_000
"""What GitHub takes of one run."""
_MOST_CHARACTERS = 4_000
_BROKEN = (ExitCode.INTERNAL, ExitCode.INTERRUPTED)


def sarif_text(report: Report) -> str:
    """The log as it is written."""
    return json.dumps(sarif_log(report), indent=2, ensure_ascii=False) + "\n"


def sarif_log(report: Report, most: int = MOST_RESULTS) -> dict[str, Any]:
    """The log as JSON data. Beyond `most` results the last are left out, warnings before errors, and a
    notification says how many."""
    found = problems(report)
    shown = found[:most]
    names = sorted({problem.rule for problem in shown})
    target = report.device.target or "none"
    phases = "+".join(sorted({plan.phase.partition("-")[0] for plan in report.plans})) or "none"
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "rocverify",
                        "version": report.rocverify,
                        "rules": [_rule(name) for name in names],
                    }
                },
                "automationDetails": {"id": f"rocverify/{target}/{phases}/"},
                "invocations": [_invocation(report, len(found) - len(shown), most)],
                "columnKind": "unicodeCodePoints",
                "results": [_result(problem, names) | _state(problem, report) for problem in shown],
            }
        ],
    }


def _rule(name: str) -> dict[str, Any]:
    rule = rule_of(name)
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in name.split("_")),
        "shortDescription": {"text": rule.title},
        "help": {"text": rule.help, "markdown": rule.help},
        "properties": {"tags": ["gpu", "verification"]},
    }


def _invocation(report: Report, left_out: int, most: int) -> dict[str, Any]:
    started = datetime.fromisoformat(report.started)
    notices = []
    if left_out:
        text = f"{left_out} results beyond the first {most} are left out; report.json has them all"
        notices.append({"level": "warning", "message": {"text": text}})
    return {
        "commandLine": report.command,
        "executionSuccessful": report.exit_code not in _BROKEN,
        "exitCode": report.exit_code,
        "startTimeUtc": _utc(started),
        "endTimeUtc": _utc(started + timedelta(seconds=report.duration_s)),
        "toolExecutionNotifications": notices,
    }


def _utc(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}Z"


def _result(problem: Problem, names: Sequence[str]) -> dict[str, Any]:
    known = {
        "mustHave": problem.must_have,
        "statement": clean_text(problem.text),
        "check": problem.check,
        "kernel": problem.kernel,
        "fix": clean_text(problem.hint),
    }
    result: dict[str, Any] = {
        "ruleId": problem.rule,
        "ruleIndex": names.index(problem.rule),
        "level": "error" if problem.level is Level.ERROR else "warning",
        "message": {"text": _message(problem)},
        "locations": [_location(problem.place)],
        "partialFingerprints": {"rocverify/v1": problem.fingerprint},
        "properties": {key: value for key, value in known.items() if value},
    }
    if problem.planned is not None:
        told = {"message": {"text": f"{problem.must_have} is written here"}}
        result["relatedLocations"] = [{"id": 1, **_location(problem.planned), **told}]
    return result


def _state(problem: Problem, report: Report) -> dict[str, Any]:
    """Whether a must-have's gap was there at the baseline, where there is one."""
    if report.baseline is None or not problem.must_have:
        return {}
    known = any(one.id == problem.must_have for one in report.baseline.known)
    return {"baselineState": "unchanged" if known else "new"}


def _message(problem: Problem) -> str:
    """Plain text: what stands in brackets before a parenthesis would become a link."""
    about = f"{problem.must_have}: " if problem.must_have else ""
    hint = f"\nWhat to do: {problem.hint}" if problem.hint else ""
    text = clean_text(f"{about}{problem.message}{hint}").replace("](", "] (")
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} ..."


def _location(place: Place) -> dict[str, Any]:
    region = {"startLine": place.line} | ({} if place.column is None else {"startColumn": place.column})
    uri = {"uri": quote(place.path), "uriBaseId": "%SRCROOT%"}
    return {"physicalLocation": {"artifactLocation": uri, "region": region}}
