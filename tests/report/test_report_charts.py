"""Charts of the page, and what calls cost from run to run."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from rocverify.checks.registry import CHECKS
from rocverify.figures import HeatMap
from rocverify.oracle.error_map import COLUMNS, ROWS, error_cells
from rocverify.report.costs import MOST, costs, extended, history_of, history_text
from rocverify.report.html.charts import heat_map, trend
from rocverify.report.model import CheckReport, PlanReport, Report
from tests.report.pages import Page


def test_cells_are_the_worst_of_what_they_stand_for() -> None:
    share = np.zeros((2, 3, 4))
    bad = np.zeros((2, 3, 4), bool)
    share[0, 0, 1], share[1, 2, 3], bad[1, 0, 0] = 0.05, 1.0, True
    rows, columns, cells = error_cells(share, bad)
    assert (rows, columns) == (6, 4)
    assert cells == (".0..", "....", "....", "x...", "....", "...9")


def test_a_large_output_is_a_map_of_a_bounded_size() -> None:
    share = np.zeros((1000, 700))
    share[999, 699] = 0.55
    rows, columns, cells = error_cells(share, np.zeros(share.shape, bool))
    assert (rows, columns, len(cells), {len(row) for row in cells}) == (1000, 700, ROWS, {COLUMNS})
    assert cells[-1][-1] == "5"
    assert "".join(cells).count("5") == 1


def test_an_output_without_axes_is_one_cell() -> None:
    assert error_cells(np.array(0.2), np.array(False)) == (1, 1, ("1",))


def test_a_comparison_draws_where_its_errors_lie() -> None:
    errors = {"output": "x", "case": "float32 n=4", "rows": 1, "columns": 4, "cells": [".04x"]}
    seen = CHECKS["correctness"].seen({"dtypes": {"float32": {"errors": errors}}})
    (figure,) = (one for one in seen.figures() if isinstance(one, HeatMap))
    assert figure.values == ((0.0, 0.1, 0.5, 2.0),)
    drawn = Page(str(heat_map(figure)))
    assert [rect["class"] for rect in drawn.all("rect")] == ["heat-0", "heat-1", "heat-3", "heat-x"]
    (svg,) = drawn.all("svg")
    assert svg["aria-label"] == (
        "Errors over x, 1 rows of 4, as parts of the tolerance: 1 of 4 cells have wrong elements"
    )


def a_report(started: str, figure: float) -> Report:
    evidence: dict[str, Any] = {
        "contract": "m:C",
        "measured": {"case": {"dtype": "float32", "dims": {"n": 8}}, "global_bytes": figure},
        "baseline": {"global_bytes": 100.0},
    }
    check = CheckReport.model_construct(kind="performance", evidence=evidence)
    plan = PlanReport.model_construct(checks=[check])
    return Report.model_construct(plans=[plan], started=started)


def test_what_calls_cost_is_kept_run_by_run() -> None:
    assert costs(a_report("1", 90)) == {
        "m:C float32 n=8": {"global_bytes": 90},
        "m:C float32 n=8 baseline": {"global_bytes": 100.0},
    }
    history: dict[str, Any] = {}
    for number in range(MOST + 5):
        history = extended(history, a_report(f"run {number:03}", number))
    again = extended(history, a_report(f"run {MOST + 4:03}", 7))
    runs = again["m:C float32 n=8"]
    assert len(runs) == MOST
    assert runs[0] == {"started": "run 005", "global_bytes": 5}
    assert runs[-1] == {"started": f"run {MOST + 4:03}", "global_bytes": 7}
    assert history_of(history_text(again)) == again


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"a": 1}', json.dumps({"a": [1, {"b": 2}]})])
def test_what_is_no_history_is_none(text: str) -> None:
    assert not any(history_of(text).values())


def test_a_metric_is_drawn_with_its_baseline() -> None:
    runs = [{"started": "a", "global_bytes": 50}, {"started": "b", "global_bytes": 100}, {"started": "c"}]
    drawn = Page(str(trend(runs, "global_bytes", 100.0)))
    (svg,), (line,) = drawn.all("svg"), drawn.all("line")
    assert svg["aria-label"] == "global_bytes in 2 runs from a on: now 100, baseline 100"
    first, second = drawn.all("circle")
    assert float(str(second["cy"])) == float(str(line["y1"])) < float(str(first["cy"]))
    assert trend(runs, "wave_instructions", None) is None
