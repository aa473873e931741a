"""Phase and plan numbers as the workflow writes them: `16`, `016`, `06.1`, `12.1A`, `16-01`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering

_NUMBER = r"\d{1,6}[A-Za-z]?(?:\.\d{1,6})*[A-Za-z]?"
_PHASE = re.compile(rf"(?P<number>{_NUMBER})(?:-(?P<slug>.+))?", re.ASCII)
_PLAN_PART = r"\d{1,6}[A-Za-z]?"
_PLAN = re.compile(rf"(?P<phase>{_NUMBER})-(?P<plan>{_PLAN_PART})(?:-(?P<slug>.+))?", re.ASCII)
_PARTS = re.compile(r"\d+|[A-Za-z]", re.ASCII)


@total_ordering
@dataclass(frozen=True, slots=True)
class Number:
    """A number with its sub-numbers and letters. Leading zeros and case of letters do not matter."""

    parts: tuple[int | str, ...]

    @classmethod
    def parse(cls, text: str) -> Number | None:
        """The number that `text` is, or None."""
        if not re.fullmatch(_NUMBER, text, re.ASCII):
            return None
        return cls(tuple(int(p) if p.isdigit() else p.upper() for p in _PARTS.findall(text)))

    def __lt__(self, other: Number) -> bool:
        return self._key() < other._key()

    def _key(self) -> tuple[tuple[int, int, str], ...]:
        # A letter sorts before a sub-number: 12 < 12A < 12.1 < 12.1A < 12.2.
        return tuple((1, p, "") if isinstance(p, int) else (0, 0, p) for p in self.parts)

    def __str__(self) -> str:
        head, *rest = self.parts
        return f"{head:02d}" + "".join(f".{p}" if isinstance(p, int) else p for p in rest)


def split_phase(name: str) -> tuple[Number, str] | None:
    """Number and slug of `16-gpu-rope-implementation` (or of a bare `16`), else None."""
    found = _PHASE.fullmatch(name)
    number = Number.parse(found["number"]) if found else None
    return (number, found["slug"] or "") if found and number else None


def split_plan(name: str) -> tuple[Number, Number, str] | None:
    """Phase number, plan number and slug of `16-01` or `16-01-slug`, else None."""
    found = _PLAN.fullmatch(name)
    if not found:
        return None
    phase, plan = Number.parse(found["phase"]), Number.parse(found["plan"])
    return (phase, plan, found["slug"] or "") if phase and plan else None
