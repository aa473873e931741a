"""Phase and plan numbers as the workflow writes them: `16`, `016`, `06.1`, `12.1A`, `16-01`, `v0.10-01`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import total_ordering

_NUMBER = r"\d{1,6}[A-Za-z]?(?:\.\d{1,6})*[A-Za-z]?"
_PREFIX = r"(?:(?P<prefix>[A-Za-z][A-Za-z0-9.]*(?:-[A-Za-z][A-Za-z0-9.]*){0,2})-)?"
_PHASE = re.compile(rf"{_PREFIX}(?P<number>{_NUMBER})(?:-(?P<slug>.+))?", re.ASCII)
_PLAN = re.compile(rf"{_PREFIX}(?P<phase>{_NUMBER})-(?P<plan>{_NUMBER})(?:-(?P<slug>.+))?", re.ASCII)
_TWO = r"(?P<first>\d{1,6})-(?P<second>\d{1,6})"
_TWO_PHASE = re.compile(rf"{_TWO}(?:-(?P<slug>.+))?", re.ASCII)
_TWO_PLAN = re.compile(rf"{_TWO}-(?P<plan>{_NUMBER})(?:-(?P<slug>.+))?", re.ASCII)
_PARTS = re.compile(r"\d+|[A-Za-z]", re.ASCII)
_JOINT = "-"


@total_ordering
@dataclass(frozen=True, slots=True)
class Number:
    """A number with its sub-numbers and letters. Leading zeros and case of letters do not matter.

    `prefix` is the milestone or project before it (`v0.10` of `v0.10-01`); a phase of two numbers (`13-03`)
    has the joint between them among its parts.
    """

    parts: tuple[int | str, ...]
    prefix: str = ""

    @classmethod
    def parse(cls, text: str) -> Number | None:
        """The number that `text` is, or None."""
        if not re.fullmatch(_NUMBER, text, re.ASCII):
            return None
        return cls(tuple(int(p) if p.isdigit() else p.upper() for p in _PARTS.findall(text)))

    def fits(self, wanted: Number) -> bool:
        """Whether this is the number that somebody asks for, who may leave the prefix out."""
        return self.parts == wanted.parts and wanted.prefix in ("", self.prefix)

    def __lt__(self, other: Number) -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[str, tuple[tuple[int, int, str], ...]]:
        # A letter sorts before a sub-number: 12 < 12A < 12.1 < 12.1A < 12.2.
        return self.prefix, tuple((1, p, "") if isinstance(p, int) else (0, 0, p) for p in self.parts)

    def __str__(self) -> str:
        text, joint = (f"{self.prefix}-" if self.prefix else ""), ""
        for index, part in enumerate(self.parts):
            if part == _JOINT:
                joint = _JOINT
            elif isinstance(part, str):
                text += part
            else:
                text += f"{part:02d}" if index == 0 else f"-{part:02d}" if joint else f".{part}"
                joint = ""
        return text


def split_phase(name: str) -> tuple[Number, str] | None:
    """Number and slug of `16-gpu-rope-implementation` (or of a bare `16`), else None."""
    found = _PHASE.fullmatch(name)
    number = Number.parse(found["number"]) if found else None
    return (replace(number, prefix=found["prefix"] or ""), found["slug"] or "") if found and number else None


def split_plan(name: str) -> tuple[Number, Number, str] | None:
    """Phase number, plan number and slug of `16-01` or `16-01-slug`, else None."""
    found = _PLAN.fullmatch(name)
    if not found:
        return None
    phase, plan = Number.parse(found["phase"]), Number.parse(found["plan"])
    if phase is None or plan is None:
        return None
    return replace(phase, prefix=found["prefix"] or ""), plan, found["slug"] or ""


def split_two_number_phase(name: str) -> tuple[Number, str] | None:
    """Number and slug of a phase of two numbers, `13-03-cleanup`. Only what lies in its folder tells whether
    it is one, or phase 13 with a slug that begins with a number."""
    found = _TWO_PHASE.fullmatch(name)
    return (_two(found), found["slug"] or "") if found else None


def split_two_number_plan(name: str) -> tuple[Number, Number, str] | None:
    """Phase number, plan number and slug of `13-03-01`, in which the phase has two numbers."""
    found = _TWO_PLAN.fullmatch(name)
    plan = Number.parse(found["plan"]) if found else None
    return (_two(found), plan, found["slug"] or "") if found and plan else None


def _two(found: re.Match[str]) -> Number:
    return Number((int(found["first"]), _JOINT, int(found["second"])))
