"""What measured calls cost, run by run: `history.json` beside the latest report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rocverify.report.evidence import seen_by
from rocverify.report.model import Report

NAME = "history.json"
MOST = 50
"""Runs that are kept of each measurement."""

BASELINE = " baseline"
History = dict[str, list[dict[str, Any]]]
"""By measurement, oldest first: `started` of the run, and its figures by metric."""


def costs(report: Report) -> dict[str, dict[str, float]]:
    """The figures of a run, by measurement and metric."""
    found: dict[str, dict[str, float]] = {}
    for check in (check for plan in report.plans for check in plan.checks):
        for name, figures in seen_by(check).costs().items():
            if figures:
                found[name] = {**found.get(name, {}), **figures}
    return found


def history_of(text: str) -> History:
    """What a file holds; empty where it is none of ours."""
    try:
        data = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(data, dict):
        return {}
    return {
        str(name): [run for run in runs if isinstance(run, dict) and "started" in run]
        for name, runs in data.items()
        if isinstance(runs, list)
    }


def extended(history: History, report: Report) -> History:
    """The history with this run at the end of what it measured, and no run twice."""
    found = dict(history)
    for name, figures in costs(report).items():
        if name.endswith(BASELINE):
            continue
        runs = [run for run in found.get(name, []) if run["started"] != report.started]
        found[name] = [*runs, {"started": report.started, **figures}][-MOST:]
    return found


def history_text(history: Mapping[str, Any]) -> str:
    """As it is written."""
    return json.dumps(history, indent=1, sort_keys=True) + "\n"
