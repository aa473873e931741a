"""What was compared of one element type, as evidence and as it is shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pydantic import Field

from rocverify.checks.evidence import Record, known, named
from rocverify.figures import HeatMap
from rocverify.markdown import inline
from rocverify.oracle.compare import as_json_number
from rocverify.oracle.error_map import WRONG, error_map
from rocverify.oracle.verify import DTypeReport

Number = float | int | str
"""A number; what is not finite is its name as text."""


class Worst(Record):
    """The largest error of one sort, and the element that has it."""

    error: Number
    index: list[int] = Field(default_factory=list)
    expected: Number | None = None
    observed: Number | None = None
    output: str = ""
    case: dict[str, Any] | None = None

    @classmethod
    def of(cls, report: DTypeReport, measure: str) -> Worst | None:
        """The largest error by `ulp`, `scaled_ulp`, `abs` or `rel`."""
        found = report.worst(measure)
        if found is None:
            return None
        worst, output, case = found
        return cls(**worst.to_json(), output=output, case=case.to_json())


class Control(Record):
    """A wrong result that must be rejected: in how many cases it was tried, in how many rejected."""

    name: str
    cases: int = 0
    rejected: int = 0


class Ghost(Record):
    """A case whose kernel was skipped: its result must be rejected."""

    case: dict[str, Any] | None = None
    rejected: bool = False
    how: str = ""


class Again(Record):
    """A case that was run again. told: what of it differed, in words."""

    case: dict[str, Any] | None = None
    same: bool | None = None
    problem: str | None = None
    told: str | None = None


class Beyond(Record):
    """A case with more than `beyond` elements of an array."""

    case: dict[str, Any] | None = None
    array: str = ""
    beyond: int = 0
    problem: str | None = None
    undecided: str | None = None
    elements: int = 0


class Errors(Record):
    """Where errors lie in the worst output: see `rocverify.oracle.error_map`."""

    output: str = ""
    case: str = ""
    rows: int = 0
    columns: int = 0
    cells: list[str] = Field(default_factory=list)

    @property
    def figure(self) -> HeatMap:
        """The map, in parts of the tolerance: 2 where an element is wrong."""
        values = tuple(tuple(map(_level, row)) for row in self.cells)
        return HeatMap(f"{self.output} in {self.case}", self.output, self.rows, self.columns, values)


def _level(sign: str) -> float | None:
    if sign == WRONG:
        return 2.0
    if sign == ".":
        return 0.0
    return (int(sign) + 1) / 10 if sign.isdecimal() else None


class Compared(Record):
    """All that was seen of one element type. Errors in ULP of the result (`max_ulp`) and of the terms that
    were added (`max_ulp_at_magnitude`); `budget_used` is the part of the tolerance that the worst element
    used."""

    symbol: str | None = None
    cases: int = 0
    elements: int = 0
    max_ulp: Worst | None = None
    max_ulp_at_magnitude: Worst | None = None
    ulp_counts: dict[str, int] = Field(default_factory=dict)
    max_abs: Worst | None = None
    max_rel: Worst | None = None
    budget_used: Number | None = None
    tolerance: dict[str, dict[str, Any]] = Field(default_factory=dict)
    controls: list[Control] = Field(default_factory=list)
    mistakes: list[Control] = Field(default_factory=list)
    order_spread: list[dict[str, Any]] = Field(default_factory=list)
    ghost_replay: Ghost | None = None
    repeat: Again | None = None
    shapes: list[str] = Field(default_factory=list)
    beyond: list[Beyond] = Field(default_factory=list)
    errors: Errors | None = None

    @classmethod
    def of(cls, report: DTypeReport) -> Compared:
        """The evidence of one element type."""
        where = error_map(report.verdicts)
        return cls(
            symbol=report.symbol,
            cases=len(report.cases),
            elements=report.elements,
            max_ulp=Worst.of(report, "ulp"),
            max_ulp_at_magnitude=Worst.of(report, "scaled_ulp"),
            ulp_counts=report.ulp_counts,
            max_abs=Worst.of(report, "abs"),
            max_rel=Worst.of(report, "rel"),
            budget_used=as_json_number(round(report.budget, 4)),
            tolerance={name: t.to_json() for name, t in report.tolerances.items()},
            controls=[Control(**c.to_json()) for c in report.controls],
            mistakes=[Control(**c.to_json()) for c in report.mistakes],
            order_spread=[spread.to_json() for spread in report.spreads],
            ghost_replay=Ghost(**report.ghost.to_json()) if report.ghost else None,
            repeat=Again(**report.repeat.to_json()) if report.repeat else None,
            shapes=[f"{' '.join(f'{n}={v}' for n, v in c.dims.items())} {c.kind}" for c in report.cases],
            beyond=[Beyond(**far.to_json()) for far in report.far],
            errors=None if where is None else Errors(**asdict(where)),
        )

    def lines(self, dtype: str) -> Iterator[str]:
        """List items of Markdown."""
        yield f"- {inline(dtype)} ({named(self.symbol)}):"
        for words, controls in (
            ("negative controls", self.controls),
            ("seeded faults", self.mistakes),
        ):
            if controls:
                told = ", ".join(f"{known(c.name)} {c.rejected}/{c.cases}" for c in controls)
                yield f"  - {words}, rejected in: {told}"
        if self.ghost_replay is not None:
            rejected = self.ghost_replay.rejected
            verdict = "rejected, as it must be" if rejected else "accepted, so nothing is proved"
            yield f"  - launch skipped (ghost replay): {verdict} ({known(self.ghost_replay.how)})"
        if self.repeat is not None and self.repeat.told:
            yield f"  - a repeat gave {known(self.repeat.told)}"
        for output, limits in self.tolerance.items():
            words = ", ".join(f"{inline(k.replace('_', ' '))} {inline(v)}" for k, v in limits.items())
            yield f"  - tolerance of {inline(output)}: {words}"
        for one in self.beyond:
            if not one.undecided and not one.problem:
                words = f"{known(one.array)} beyond {one.beyond} elements"
                yield f"  - {words}: {one.elements} results compared"
        if self.shapes:
            first = ", ".join(map(inline, self.shapes[:3]))
            yield f"  - the first of {len(self.shapes)} shapes: {first}"
        for spread in self.order_spread:
            words = ", ".join(f"{k} {inline(v)}" for k, v in spread.items() if k != "case")
            yield f"  - by order: {words}"
