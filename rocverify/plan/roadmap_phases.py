"""The phases that ROADMAP.md lists and that nobody can find: their folders are gone, or hold no plan.

A phase that has not begun is not missed: nothing of it is ticked off, and both the phases that are there and
the one that STATE.md calls the current one come before it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rocverify.plan.demands import Demand, DemandKind, Line, document, lines_of, phase_demands
from rocverify.plan.numbers import Number
from rocverify.records import SourceRef

_HEADING = re.compile(r"#{1,6}\s+\W*Phase\s+(?P<number>[\w.]+)\W*(?P<name>.*)", re.IGNORECASE)
_LISTED = re.compile(
    r"\s*[-*+]\s+\[(?P<box>[ xX])\]\s+\W*Phase\s+(?P<number>[\w.]+)\W*(?P<name>[^*]*)", re.IGNORECASE
)
_TICKED = re.compile(r"\s*[-*+]\s+\[[xX]\]\s+\W*(?P<number>[\d.]+)-\d")
_CURRENT = re.compile(r"\W*Phase\W*:\W*(?P<number>\d[\w.]*)", re.IGNORECASE)


@dataclass(slots=True)
class _Listed:
    source: SourceRef
    name: str
    begun: bool = False


def missing_phases(root: Path, there: Iterable[str]) -> tuple[Demand, ...]:
    """What the roadmap lists and is not among the phases `there` (their numbers). PlanError for a document
    that cannot be read as text."""
    roadmap, state = document(root, "ROADMAP.md"), document(root, "STATE.md")
    if roadmap is None:
        return ()
    known = {number for text in there if (number := Number.parse(text)) is not None}
    current = None if state is None else _current(list(lines_of(state)))
    latest = max([*known, *([current] if current else [])], default=None)
    return tuple(
        Demand(DemandKind.PHASE, str(number), _words(root, number, listed), listed.source)
        for number, listed in sorted(_listed(list(lines_of(roadmap))).items())
        if number not in known and (listed.begun or (latest is not None and number <= latest))
    )


def listing(root: Path, number: Number) -> SourceRef | None:
    """Where the roadmap lists a phase. PlanError where it cannot be read as text."""
    roadmap = document(root, "ROADMAP.md")
    found = None if roadmap is None else _listed(list(lines_of(roadmap))).get(number)
    return None if found is None else found.source


def _words(root: Path, number: Number, listed: _Listed) -> str:
    asked = sum(demand.kind is not DemandKind.PLAN for demand in phase_demands(root, str(number)))
    name = f" {listed.name}" if listed.name else ""
    return f"phase {number}{name}, of which the documents ask for {asked} requirements and criteria"


def _listed(lines: list[Line]) -> dict[Number, _Listed]:
    found: dict[Number, _Listed] = {}
    for source, line in lines:
        named = _HEADING.match(line) or _LISTED.match(line)
        if named and (number := _number(named["number"])) is not None:
            entry = found.setdefault(number, _Listed(source, named["name"].strip(" :*")))
            entry.begun |= named.groupdict().get("box", " ") in ("x", "X")
        ticked = _TICKED.match(line)
        if ticked and (number := _number(ticked["number"])) in found:
            found[number].begun = True
    return found


def _current(lines: list[Line]) -> Number | None:
    """The phase that STATE.md says it is at."""
    numbers = (_number(found["number"]) for _, line in lines if (found := _CURRENT.match(line)))
    return next((number for number in numbers if number is not None), None)


def _number(text: str) -> Number | None:
    return Number.parse(text.rstrip("."))
