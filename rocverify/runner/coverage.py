"""Coverage: which kernels of the sources that checks were about were launched and compared, and by which.

A kernel that was only compiled is no part of what was verified; a must-have whose words take it in ("all
kernels", "each type", "every head_dim") is then unverified.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rocverify.records import CheckResult, CheckVerdict

_ALL = r"(?:all|every|each|both|any)"
_OF_KERNELS = re.compile(
    rf"\b{_ALL}\b[^.;:]*?\b(?:kernels?|variants?|symbols?|d?types?|tiles?|head_dims?|precisions?)\b",
    re.I,
)


@dataclass(slots=True)
class KernelRow:
    """One kernel: the checks (ids) that compared and sanitized launches of it, the element types compared."""

    source: str
    symbol: str
    types: set[str] = field(default_factory=set)
    cases: int = 0
    compared: set[str] = field(default_factory=set)
    sanitized: set[str] = field(default_factory=set)


def kernel_rows(results: Iterable[CheckResult]) -> list[KernelRow]:
    """All kernels that checks compiled or launched, by source and name. What a check that did not pass
    launched counts as nothing."""
    rows: dict[tuple[str, str], KernelRow] = {}

    def row(source: str, symbol: str) -> KernelRow:
        return rows.setdefault((source, symbol), KernelRow(source, symbol))

    for result in results:
        seen = _coverage(result)
        for symbol in seen.get("compiled", ()):
            row(str(seen["source"]), str(symbol))
        if result.verdict is not CheckVerdict.PASSED:
            continue
        for entry in seen.get("compared", ()):
            found = row(str(entry["source"]), str(entry["symbol"]))
            found.compared.add(result.id)
            found.types.add(str(entry["dtype"]))
            found.cases += int(entry["cases"])
        for entry in seen.get("sanitized", ()):
            row(str(entry["source"]), str(entry["symbol"])).sanitized.add(result.id)
    return [rows[key] for key in sorted(rows)]


def uncompared(text: str, results: Iterable[CheckResult], every: Iterable[KernelRow]) -> list[str]:
    """The kernels that a must-have's words take in and that nothing compared. results: of its own checks;
    every: all kernels of the run."""
    if not _OF_KERNELS.search(text):
        return []
    sources = {str(seen["source"]) for result in results if (seen := _coverage(result))}
    return [row.symbol for row in every if row.source in sources and not row.compared]


def _coverage(result: CheckResult) -> Mapping[str, Any]:
    found = result.evidence.get("coverage")
    return found if isinstance(found, Mapping) else {}
