"""What a traced call did, drawn in its order: copies between host and device, and launches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from rocverify.report.html.figures import shortened, svg
from rocverify.runner.payload import clean_text

MOST = 12
_STEP, _LEFT, _HOST, _DEVICE, _HEIGHT = 104, 70, 18, 82, 112
_LABEL = 15
_WORDS = {"h2d": "host to device", "d2h": "device to host", "d2d": "device to device"}

Event = Mapping[str, Any]


def timelines(evidence: Mapping[str, Any]) -> list[tuple[str, Markup]]:
    """The first traced call of each element type, with its name."""
    found: dict[str, Markup] = {}
    traces = evidence.get("traces")
    for trace in traces if isinstance(traces, list) else ():
        name, events = str(trace.get("dtype") or "a call"), trace.get("events")
        if name not in found and isinstance(events, list) and events:
            found[name] = timeline([event for event in events if isinstance(event, Mapping)])
    return list(found.items())


def timeline(events: Sequence[Event]) -> Markup:
    """One call. Beyond MOST, events are counted and not drawn."""
    shown = events[:MOST]
    width = _LEFT + _STEP * len(shown) + (60 if len(events) > MOST else 0)
    parts = [*_lane("host", _HOST, width), *_lane("device", _DEVICE, width)]
    for number, event in enumerate(shown):
        parts += _drawn(event, _LEFT + _STEP * number + _STEP // 2)
    if len(events) > MOST:
        more = Markup('<text class="axis" x="{}" y="{}">and {} more</text>')
        parts.append(more.format(width - 60, (_HOST + _DEVICE) // 2, len(events) - MOST))
    words = "In order: " + "; ".join(map(_said, shown))
    return svg("timeline", width, _HEIGHT, words, parts)


def _lane(name: str, y: int, width: int) -> Iterator[Markup]:
    yield Markup('<text class="axis" x="0" y="{}" dominant-baseline="middle">{}</text>').format(y, name)
    yield Markup('<line class="lane" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(_LEFT - 14, y, width, y)


def _drawn(event: Event, x: int) -> Iterator[Markup]:
    label = Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>')
    way = str(event.get("transfer"))
    if way not in ("h2d", "d2h"):
        kind = "bar-verified" if "launch" in event else "column"
        yield Markup('<rect class="{}" x="{}" y="{}" width="{}" height="16"/>').format(
            kind, x - 34, _DEVICE - 8, 68
        )
        yield label.format(x, _DEVICE + 24, shortened(_name(event), _LABEL))
        return
    start, end, back = (_HOST, _DEVICE, -7) if way == "h2d" else (_DEVICE, _HOST, 7)
    kind = "up" if way == "d2h" else "down"
    yield Markup('<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(kind, x, start, x, end + back)
    yield Markup('<polygon class="{0}" points="{1},{2} {3},{4} {5},{4}"/>').format(
        kind, x, end, x - 5, end + back, x + 5
    )
    beside = Markup('<text x="{}" y="{}">{}</text>')
    yield beside.format(x + 6, (_HOST + _DEVICE) // 2, shortened(_name(event), _LABEL))


def _name(event: Event) -> str:
    if "launch" in event:
        return clean_text(str(event["launch"]))
    size = f"{event['bytes']} B" if event.get("bytes") is not None else ""
    return clean_text(
        " ".join(filter(None, (str(event.get("what") or ""), size))) or str(event.get("function"))
    )


def _said(event: Event) -> str:
    if "launch" in event:
        return f"launch of {_name(event)}"
    way = str(event.get("transfer"))
    return f"{_WORDS.get(way, way)}: {_name(event)}"
