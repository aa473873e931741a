"""Figures of the page, drawn as SVG from a report's data.

Each says in words what it shows, and stands beside a table with its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log1p

from markupsafe import Markup

from rocverify.records import MustHaveVerdict
from rocverify.report.model import CorrectnessReport

_SHARES_WIDTH, _SHARES_HEIGHT = 240, 14
_LABEL, _PLOT, _ROW, _FOOT = 330, 330, 20, 24


def shares(counts: Mapping[MustHaveVerdict, int]) -> Markup:
    """A bar of verified, failed and unverified must-haves in their proportions."""
    total = sum(counts.values())
    words = ", ".join(f"{counts[verdict]} {verdict}" for verdict in MustHaveVerdict)
    parts, at = [], 0.0
    for verdict in MustHaveVerdict:
        width = _SHARES_WIDTH * counts[verdict] / total if total else 0
        if width:
            parts.append(
                Markup('<rect class="bar-{}" x="{:.1f}" y="0" width="{:.1f}" height="{}"/>').format(
                    verdict, at, width, _SHARES_HEIGHT
                )
            )
        at += width
    return svg("shares", _SHARES_WIDTH, _SHARES_HEIGHT, words, parts)


@dataclass(frozen=True, slots=True)
class _Bar:
    label: str
    used: float


def budgets(rows: Sequence[CorrectnessReport]) -> Markup | None:
    """The worst error of each comparison as a part of what its tolerance allows; None where nothing tells."""
    bars = [
        _Bar(f"{_must_have(row)} {row.symbol or row.contract}, {row.dtype}", row.budget_used)
        for row in rows
        if row.budget_used is not None and isfinite(row.budget_used)
    ]
    if not bars:
        return None
    top = max(1.25, *(min(bar.used, 4.0) for bar in bars))
    limit = _LABEL + _PLOT / top
    height = _ROW * len(bars) + _FOOT
    parts = [
        Markup('<line class="limit" x1="{0:.1f}" y1="0" x2="{0:.1f}" y2="{1}"/>').format(limit, height - 16),
        Markup('<text class="axis" x="{:.1f}" y="{}" text-anchor="middle">tolerance</text>').format(
            limit, height - 4
        ),
    ]
    for number, bar in enumerate(bars):
        middle = number * _ROW + _ROW / 2
        width = max(1.0, _PLOT * min(bar.used, top) / top)
        kind = "failed" if bar.used > 1 else "verified"
        parts.append(
            Markup(
                '<text x="{}" y="{:.1f}" text-anchor="end" dominant-baseline="middle">{}</text>'
                '<rect class="bar-{}" x="{}" y="{:.1f}" width="{:.1f}" height="12"/>'
                '<text class="axis" x="{:.1f}" y="{:.1f}" dominant-baseline="middle">{}</text>'
            ).format(
                *(_LABEL - 8, middle, shortened(bar.label, _MOST)),
                *(kind, _LABEL, middle - 6, width),
                *(_LABEL + width + 6, middle, f"{100 * bar.used:.1f} %"),
            )
        )
    words = "Worst error as a part of the tolerance: " + "; ".join(
        f"{bar.label}: {100 * bar.used:.1f} %" for bar in bars
    )
    return svg("budgets", _LABEL + _PLOT + 70, height, words, parts)


_COLUMN, _HEIGHT = 12, 28


def spread(row: CorrectnessReport) -> Markup | None:
    """How many elements have which error, in ULPs: a column for each step, on a logarithmic scale; None where
    nothing was counted."""
    top = max(row.ulp_counts.values(), default=0)
    if not top:
        return None
    total = sum(row.ulp_counts.values())
    parts, words = [], []
    for number, (step, count) in enumerate(row.ulp_counts.items()):
        height = _HEIGHT * log1p(count) / log1p(top)
        parts.append(
            Markup('<rect class="column" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>').format(
                number * _COLUMN, _HEIGHT - height, _COLUMN - 2, max(height, 0.5)
            )
        )
        if count:
            words.append(f"{'more' if step == 'more' else f'at most {step}'}: {100 * count / total:.3g} %")
    text = f"Elements by their error in ULPs: {', '.join(words)}"
    return svg("spread", _COLUMN * len(row.ulp_counts), _HEIGHT, text, parts)


def _must_have(row: CorrectnessReport) -> str:
    """`16-02/T1`, whose check made the comparison."""
    return row.check.rpartition("/")[0]


_MOST = 46


def shortened(label: str, most: int) -> str:
    """A label of at most so many characters, without what stands in its middle."""
    if len(label) <= most:
        return label
    end = most // 3
    return f"{label[: most - end - 1]}…{label[-end:]}"


def svg(name: str, width: float, height: float, words: str, parts: Sequence[Markup]) -> Markup:
    """A figure of so many pixels, which says its words to whoever does not see it."""
    return Markup(
        '<svg class="{}" role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}" height="{}">{}</svg>'
    ).format(name, words, width, height, width, height, Markup("").join(parts))
