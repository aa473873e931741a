"""The figures of the HTML page: drawn in proportion, and said in words."""

from __future__ import annotations

from typing import Any

import pytest

from rocverify.checks.registry import CHECKS
from rocverify.figures import Timeline
from rocverify.records import MustHaveVerdict
from rocverify.report.html.figures import budgets, shares, spread
from rocverify.report.html.timeline import MOST, timeline
from rocverify.report.model import CorrectnessReport
from tests.report.pages import Page


def row(used: float | None, name: str = "k") -> CorrectnessReport:
    return CorrectnessReport(
        check="16-01/T1/c", contract="a:B", dtype="float32", symbol=name, budget_used=used
    )


def test_the_figure_of_errors_says_what_it_shows() -> None:
    figure = Page(str(budgets([row(0.5), row(None), row(3.0, "<k>"), row(float("inf"))])))
    (svg,) = figure.all("svg")
    assert svg["role"] == "img"
    assert svg["aria-label"] == (
        "Worst error as a part of the tolerance: 16-01/T1 k, float32: 50.0 %; 16-01/T1 <k>, float32: 300.0 %"
    )
    bars = figure.all("rect")
    assert [bar["class"] for bar in bars] == ["bar-verified", "bar-failed"]
    narrow, wide = (float(str(bar["width"])) for bar in bars)
    assert wide == pytest.approx(6 * narrow, rel=0.01)
    (limit,) = figure.all("line")
    assert float(str(limit["x1"])) == pytest.approx(float(str(bars[0]["x"])) + 2 * narrow, rel=0.01)
    assert budgets([row(None)]) is None


def test_the_spread_of_errors_has_a_column_for_each_step() -> None:
    counts = {"0": 999, "0.5": 0, "1": 31, "more": 1}
    counted = row(0.5).model_copy(update={"ulp_counts": counts})
    figure = Page(str(spread(counted)))
    (svg,) = figure.all("svg")
    assert (
        svg["aria-label"]
        == "Elements by their error in ULPs: at most 0: 96.9 %, at most 1: 3.01 %, more: 0.097 %"
    )
    heights = [float(str(column["height"])) for column in figure.all("rect")]
    assert len(heights) == 4
    # 1000 and 32 are 2 to the 10th and 5th: half as high.
    assert heights[2] == pytest.approx(heights[0] / 2, rel=0.01)
    assert heights[1] == 0.5
    assert spread(row(0.5)) is None


def event(way: str, size: int, what: str) -> dict[str, Any]:
    return {"transfer": way, "function": "hipMemcpy", "bytes": size, "what": what, "call_site": "a.py:1"}


def timelines(evidence: dict[str, Any]) -> list[tuple[str, str]]:
    """What is drawn of a no_host_roundtrip check with this evidence, by its title."""
    seen = CHECKS["no_host_roundtrip"].seen(evidence)
    return [(one.title, str(timeline(one))) for one in seen.figures() if isinstance(one, Timeline)]


def test_a_traced_call_is_drawn_in_its_order() -> None:
    events = [
        event("h2d", 100, "<cos>"),
        {"launch": "rope_kernel"},
        event("d2d", 8, "x"),
        event("d2h", 4, "y"),
    ]
    traces = [{"dtype": "float32", "events": events}, {"dtype": "float32", "events": events[:1]}]
    ((name, figure),) = timelines({"traces": [*traces, {"dtype": "float16", "events": []}]})
    assert name == "float32"
    drawn = Page(str(figure))
    (svg,) = drawn.all("svg")
    assert svg["aria-label"] == (
        "In order: host to device: <cos> 100 B; launch of rope_kernel; device to device: x 8 B; "
        "device to host: y 4 B"
    )
    arrows = [line for line in drawn.all("line") if line["class"] in ("up", "down")]
    assert [arrow["class"] for arrow in arrows] == ["down", "up"]
    down, up = ((float(str(a["y1"])), float(str(a["y2"]))) for a in arrows)
    assert down[0] < down[1]
    assert up[0] > up[1]
    places = [float(str(a["x1"])) for a in (arrows[0], arrows[1])]
    boxes = [float(str(box["x"])) for box in drawn.all("rect")]
    assert places[0] < boxes[0] < boxes[1] < places[1]
    assert timelines({}) == []


def test_many_events_are_counted() -> None:
    ((_, figure),) = timelines({"traces": [{"dtype": "f", "events": [{"launch": "k"}] * 40}]})
    drawn = Page(str(figure))
    assert len(drawn.all("rect")) == MOST
    assert f"and {40 - MOST} more" in drawn.text


def test_the_bar_of_verdicts_is_in_proportion() -> None:
    counts = {MustHaveVerdict.VERIFIED: 3, MustHaveVerdict.FAILED: 1, MustHaveVerdict.UNVERIFIED: 0}
    figure = Page(str(shares(counts)))
    (svg,) = figure.all("svg")
    assert svg["aria-label"] == "3 verified, 1 failed, 0 unverified"
    widths = {bar["class"]: float(str(bar["width"])) for bar in figure.all("rect")}
    assert widths["bar-verified"] == pytest.approx(3 * widths["bar-failed"])
    assert set(widths) == {"bar-verified", "bar-failed"}
    assert Page(str(shares(dict.fromkeys(MustHaveVerdict, 0)))).all("rect") == []
