"""Coverage: which kernels of the sources that checks were about were launched and compared, by which, and
which of their code that executed.

A kernel that was only compiled is no part of what was verified; a must-have whose words take it in ("all
kernels", "each type", "every head_dim", a variant's own name) is then unverified.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rocverify.binding.vocabulary import types_in
from rocverify.records import CheckResult, CheckVerdict
from rocverify.runner.variants import Variant, variant_of

_ALL = r"(?:all|every|each|both|any)"
_OF_KERNELS = re.compile(
    rf"\b{_ALL}\b[^.;:]*?\b(?:kernels?|variants?|symbols?|d?types?|tiles?|head_dims?|precisions?)\b",
    re.I,
)


@dataclass(slots=True)
class Code:
    """The machine code of one kernel: how many basic blocks it has, and which blocks and source lines no
    compared case has executed."""

    blocks: int
    missed_blocks: set[str]
    missed_lines: set[str]


@dataclass(slots=True)
class KernelRow:
    """One kernel: the checks (ids) that launched it, and that compared and sanitized launches of it; how many
    cases of which element type were compared. `code` is None where no compared launch tells; `models` are the
    executed instructions whose result is a model of the hardware's."""

    source: str
    symbol: str
    types: dict[str, int] = field(default_factory=dict)
    launched: set[str] = field(default_factory=set)
    compared: set[str] = field(default_factory=set)
    sanitized: set[str] = field(default_factory=set)
    code: Code | None = None
    models: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def cases(self) -> int:
        """Compared cases of all types."""
        return sum(self.types.values())

    @property
    def variant(self) -> Variant:
        """Which kernel it is, and which variant of it."""
        return variant_of(self.symbol)


def kernel_rows(results: Iterable[CheckResult]) -> list[KernelRow]:
    """All kernels that checks compiled or launched, by source and name. What a check that did not pass
    launched was launched, but neither compared nor sanitized."""
    rows: dict[tuple[str, str], KernelRow] = {}

    def row(entry: Mapping[str, Any]) -> KernelRow:
        key = str(entry["source"]), str(entry["symbol"])
        return rows.setdefault(key, KernelRow(*key))

    for result in results:
        seen = _coverage(result)
        for symbol in seen.get("compiled", ()):
            row({"source": seen["source"], "symbol": symbol})
        launched = {str(entry["symbol"]): entry for entry in seen.get("launched", ())}
        for entry in launched.values():
            row(entry).launched.add(result.id)
            row(entry).models.extend(entry["models"])
        if result.verdict is not CheckVerdict.PASSED:
            continue
        for entry in seen.get("compared", ()):
            _compared(row(entry), result.id, entry, launched.get(str(entry["symbol"])))
        for entry in seen.get("sanitized", ()):
            row(entry).launched.add(result.id)
            row(entry).sanitized.add(result.id)
    return [rows[key] for key in sorted(rows)]


def _compared(
    row: KernelRow, check: str, entry: Mapping[str, Any], executed: Mapping[str, Any] | None
) -> None:
    dtype = str(entry["dtype"])
    row.types[dtype] = row.types.get(dtype, 0) + int(entry["cases"])
    row.launched.add(check)
    row.compared.add(check)
    if executed is None or not executed["blocks"]:
        return
    blocks, lines = set(executed["missed_blocks"]), set(executed["missed_lines"])
    if row.code is None:
        row.code = Code(int(executed["blocks"]), blocks, lines)
    else:  # a run builds a source once, so that the code is the same
        row.code.missed_blocks &= blocks
        row.code.missed_lines &= lines


def uncompared(text: str, results: Iterable[CheckResult], every: Iterable[KernelRow]) -> list[str]:
    """The kernels that a must-have's words take in and that nothing compared. results: of its own checks;
    every: all kernels of the run."""
    results = list(results)
    sources = {str(seen["source"]) for result in results if "source" in (seen := _coverage(result))}
    missing = [row for row in every if row.source in sources and not row.compared]
    if _OF_KERNELS.search(text):
        return [row.symbol for row in missing]
    if not any("compared" in _coverage(result) for result in results):
        return []
    said = types_in(text)
    return [row.symbol for row in missing if _named(text, said, row.variant)]


def _named(text: str, types: set[str], variant: Variant) -> bool:
    """Whether a text means a variant: by its name, or by what tells it from others ("the d64 tile") in one of
    the element types that it names, if it names any."""
    if any(_says(text, name) for name in variant.names):
        return True
    return bool(variant.variant) and _says(text, variant.variant) and (not types or variant.dtype in types)


def _says(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w:]){re.escape(name)}(?!\w)", text) is not None


def executed_models(rows: Iterable[KernelRow]) -> list[dict[str, Any]]:
    """The executed instructions whose result is a model of the hardware's, each once: in which kernels, and
    which branches and addresses (`kernel at address`) one may have decided."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        for model in row.models:
            entry = found.setdefault(
                str(model["instruction"]),
                {"model": str(model["model"]), "kernels": set(), "branches": set(), "addresses": set()},
            )
            entry["kernels"].add(row.symbol)
            for key in ("branches", "addresses"):
                entry[key] |= {f"{row.symbol} at {place}" for place in model[key]}
    return [
        {"instruction": name, "model": entry.pop("model"), **{k: sorted(v) for k, v in entry.items()}}
        for name, entry in sorted(found.items())
    ]


def line_ranges(lines: Iterable[str]) -> list[str]:
    """`k.hip:8-10` for lines that follow each other."""
    return list(_ranges(sorted({_placed(line) for line in lines})))


def _placed(line: str) -> tuple[str, int]:
    name, _, number = line.rpartition(":")
    return name, int(number)


def _ranges(places: list[tuple[str, int]]) -> Iterator[str]:
    start = 0
    for at, (name, number) in enumerate(places):
        if at + 1 < len(places) and places[at + 1] == (name, number + 1):
            continue
        first = places[start][1]
        yield f"{name}:{first}" if first == number else f"{name}:{first}-{number}"
        start = at + 1


def _coverage(result: CheckResult) -> Mapping[str, Any]:
    found = result.evidence.get("coverage")
    return found if isinstance(found, Mapping) else {}
