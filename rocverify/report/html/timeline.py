"""What a traced call did, drawn in its order: copies between host and device, and launches."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from rocverify.figures import Step, Timeline
from rocverify.payload import clean_text
from rocverify.report.html.figures import shortened, svg

MOST = 12
_STEP, _LEFT, _HOST, _DEVICE, _HEIGHT = 104, 70, 18, 82, 112
_LABEL = 15
_WORDS = {"h2d": "host to device", "d2h": "device to host", "d2d": "device to device"}


def timeline(figure: Timeline) -> Markup:
    """One call. Beyond MOST, events are counted and not drawn."""
    shown = figure.steps[:MOST]
    more = len(figure.steps) - len(shown)
    width = _LEFT + _STEP * len(shown) + (60 if more else 0)
    parts = [*_lane("host", _HOST, width), *_lane("device", _DEVICE, width)]
    for number, step in enumerate(shown):
        parts += _drawn(step, _LEFT + _STEP * number + _STEP // 2)
    if more:
        text = Markup('<text class="axis" x="{}" y="{}">and {} more</text>')
        parts.append(text.format(width - 60, (_HOST + _DEVICE) // 2, more))
    return svg("timeline", width, _HEIGHT, "In order: " + "; ".join(map(_said, shown)), parts)


def _lane(name: str, y: int, width: int) -> Iterator[Markup]:
    yield Markup('<text class="axis" x="0" y="{}" dominant-baseline="middle">{}</text>').format(y, name)
    yield Markup('<line class="lane" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(_LEFT - 14, y, width, y)


def _drawn(step: Step, x: int) -> Iterator[Markup]:
    name = shortened(clean_text(step.name), _LABEL)
    if step.way not in ("h2d", "d2h"):
        kind = "bar-verified" if step.way == "launch" else "column"
        yield Markup('<rect class="{}" x="{}" y="{}" width="{}" height="16"/>').format(
            kind, x - 34, _DEVICE - 8, 68
        )
        label = Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>')
        yield label.format(x, _DEVICE + 24, name)
        return
    start, end, back = (_HOST, _DEVICE, -7) if step.way == "h2d" else (_DEVICE, _HOST, 7)
    kind = "up" if step.way == "d2h" else "down"
    yield Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, x, start, x, end + back)
    yield Markup('<polygon class="{0}" points="{1},{2} {3},{4} {5},{4}"/>').format(
        kind, x, end, x - 5, end + back, x + 5
    )
    yield Markup('<text x="{}" y="{}">{}</text>').format(x + 6, (_HOST + _DEVICE) // 2, name)


def _said(step: Step) -> str:
    name = clean_text(step.name)
    return f"launch of {name}" if step.way == "launch" else f"{_WORDS.get(step.way, 'a copy')}: {name}"
