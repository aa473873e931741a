"""A pytest plugin that writes down what became of every test of a session, as JSON lines.

`tests_pass` loads it into a session of its own (`-p rocverify.checks.tests_recorder`). It imports nothing
of rocverify and changes nothing: what pytest shows may be cut, coloured or configured, this is not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

PATH_VARIABLE = "ROCVERIFY_TESTS_RECORD"
_LONGEST = 2_000


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    for item in items:
        _write(item.nodeid, "deselected", "")


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.outcome != "passed":
        _write(report.nodeid, "skipped" if report.skipped else "error", _text(report))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if hasattr(report, "wasxfail"):
        if report.skipped or report.when == "call":
            _write(report.nodeid, "xfailed" if report.skipped else "xpassed", str(report.wasxfail))
    elif report.when == "call" or not report.passed:
        outcome = "error" if report.failed and report.when != "call" else report.outcome
        _write(report.nodeid, outcome, "" if report.passed else _text(report))


def _text(report: pytest.CollectReport | pytest.TestReport) -> str:
    """Why it did not pass: the last lines of the traceback, or the reason of a skip."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        return f"{Path(crash.path).name}:{crash.lineno}: {crash.message}"[:_LONGEST]
    return report.longreprtext[-_LONGEST:]


def _write(nodeid: str, outcome: str, reason: str) -> None:
    with Path(os.environ[PATH_VARIABLE]).open("a", encoding="utf-8") as record:
        record.write(json.dumps({"nodeid": nodeid, "outcome": outcome, "reason": reason}) + "\n")
