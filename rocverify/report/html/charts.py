"""Charts of the page: where errors lie, and what calls cost from run to run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from rocverify.figures import HeatMap
from rocverify.report.html.figures import svg

_CELL, _LEFT, _TOP = 10, 2, 2
_WIDTH, _HEIGHT, _MARGIN = 300, 60, 6
_STEPS = 5


def heat_map(figure: HeatMap) -> Markup:
    """The map of one output: darker is nearer to the tolerance, a cross is wrong."""
    parts = []
    worst = max((value for row in figure.values for value in row if value is not None), default=0.0)
    wrong = sum(value is not None and value > 1 for row in figure.values for value in row)
    for y, row in enumerate(figure.values):
        for x, value in enumerate(row):
            parts.append(_cell(x, y, value))
    columns = max((len(row) for row in figure.values), default=0)
    cells = columns * len(figure.values)
    worst_words = f"{wrong} of {cells} cells have wrong elements" if wrong else f"the worst used {worst:.0%}"
    words = (
        f"Errors over {figure.label}, {figure.rows} rows of {figure.columns}, as parts of the tolerance: "
        f"{worst_words}"
    )
    return svg("heat", columns * _CELL + 2 * _LEFT, len(figure.values) * _CELL + 2 * _TOP, words, parts)


def _cell(x: int, y: int, value: float | None) -> Markup:
    left, top = _LEFT + x * _CELL, _TOP + y * _CELL
    if value is not None and value > 1:
        cross = Markup(
            '<rect class="heat-x" x="{0}" y="{1}" width="{2}" height="{2}"/>'
            '<path class="cross" d="M{3} {4}l6 6m0 -6l-6 6"/>'
        )
        return cross.format(left, top, _CELL - 1, left + 1.5, top + 1.5)
    step = 0 if not value else min(_STEPS, 1 + int(value * _STEPS - 1e-9))
    rect = Markup('<rect class="heat-{}" x="{}" y="{}" width="{}" height="{}"/>')
    return rect.format(step, left, top, _CELL - 1, _CELL - 1)


def trend(runs: Sequence[Mapping[str, Any]], metric: str, baseline: float | None) -> Markup | None:
    """A metric from run to run, with the baseline as a line; None where no run has it."""
    points = [
        (str(run["started"]), float(run[metric]))
        for run in runs
        if isinstance(run.get(metric), int | float) and not isinstance(run.get(metric), bool)
    ]
    if not points:
        return None
    top = max([value for _, value in points] + ([baseline] if baseline else [])) or 1.0
    inner = _HEIGHT - 2 * _MARGIN

    def at(value: float) -> float:
        return _MARGIN + inner * (1 - value / top)

    step = (_WIDTH - 2 * _MARGIN) / max(len(points) - 1, 1)
    places = [(_MARGIN + number * step, at(value)) for number, (_, value) in enumerate(points)]
    parts = []
    if baseline:
        line = Markup('<line class="limit" x1="0" y1="{0:.1f}" x2="{1}" y2="{0:.1f}"/>')
        parts.append(line.format(at(baseline), _WIDTH))
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts.append(Markup('<polyline class="trend" points="{}"/>').format(drawn))
    dot = Markup('<circle class="point" cx="{:.1f}" cy="{:.1f}" r="2.5"/>')
    parts += [dot.format(x, y) for x, y in places]
    last = points[-1][1]
    held = f", baseline {baseline:,.0f}" if baseline else ""
    words = f"{metric} in {len(points)} runs from {points[0][0]} on: now {last:,.0f}{held}"
    return svg("trend-of", _WIDTH, _HEIGHT, words, parts)
