"""What a plan's checks tried, in a few rows of Markdown: kernels by type and variant, errors, shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rocverify.markdown import cell_code, code, inline
from rocverify.report.model import CorrectnessReport, CoverageReport, PlanReport


@dataclass(frozen=True, slots=True)
class Matrix:
    """Kernels by variant and element type, as cells of Markdown. A row has the kernel, its variant, one cell
    for each of `types`, and its symbols that nothing compared."""

    types: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def matrix(coverage: Sequence[CoverageReport]) -> Matrix:
    """How far each variant of each kernel was taken: all are compiled; a cell has the compared cases, and
    whether one ran under the sanitizer."""
    types = _types(coverage)
    return Matrix(types, tuple(_row(*named, types, rows) for named, rows in by_variant(coverage)))


def _types(coverage: Iterable[CoverageReport]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in coverage for name in sorted(row.cases_by_type)))


def by_variant(coverage: Iterable[CoverageReport]) -> list[tuple[tuple[str, str], list[CoverageReport]]]:
    """The rows of each kernel and variant, which are named so."""
    grouped: dict[tuple[str, str, str], list[CoverageReport]] = {}
    for row in coverage:
        grouped.setdefault((row.source, row.family or row.kernel, row.variant), []).append(row)
    return [((family, variant), rows) for (_, family, variant), rows in grouped.items()]


def _row(family: str, variant: str, types: Iterable[str], rows: list[CoverageReport]) -> tuple[str, ...]:
    cells = [_cell([row for row in rows if name in row.cases_by_type], name) for name in types]
    others = [
        f"{cell_code(row.kernel)} {'launched' if row.launched else 'compiled'}"
        for row in rows
        if not row.compared
    ]
    return cell_code(family), cell_code(variant) if variant else "", *cells, ", ".join(others)


def _cell(rows: Sequence[CoverageReport], dtype: str) -> str:
    count = sum(row.cases_by_type[dtype] for row in rows)
    if not count:
        return "none"
    watched = sum(bool(row.sanitized) for row in rows)
    sanitized = (
        "sanitized" if watched == len(rows) else "not sanitized" if not watched else "sanitized in part"
    )
    return f"{count} compared, {sanitized}"


def error_rows(part: PlanReport) -> Matrix:
    """The worst error of each variant in each type, in the same rows and columns as the kernels."""
    symbols = {row.kernel: row for row in part.coverage}
    types = tuple(dict.fromkeys(row.dtype for row in part.correctness))
    worst: dict[tuple[str, str], dict[str, CorrectnessReport]] = {}
    for row in part.correctness:
        about = symbols.get(row.symbol or "")
        key = (about.family or about.kernel, about.variant) if about else (row.symbol or row.contract, "")
        found = worst.setdefault(key, {})
        if row.dtype not in found or _used(row) > _used(found[row.dtype]):
            found[row.dtype] = row
    rows = [
        (
            cell_code(family),
            cell_code(variant) if variant else "",
            *(_error(found.get(name)) for name in types),
        )
        for (family, variant), found in worst.items()
    ]
    return Matrix(types, tuple(rows))


def _used(row: CorrectnessReport) -> float:
    return -1.0 if row.budget_used is None else row.budget_used


def _error(row: CorrectnessReport | None) -> str:
    """`0.5 ULP, 12 % of the tolerance, at x[3, 4]`."""
    if row is None:
        return ""
    ulp = row.max_ulp_at_magnitude
    parts = [f"{ulp:.3g} ULP" if isinstance(ulp, float) else _absolute(row.max_abs)]
    if row.budget_used is not None:
        parts.append(f"{100 * row.budget_used:.0f} %")
    if row.worst_index:
        parts.append(f"at {cell_code(row.worst_index)}")
    return ", ".join(filter(None, parts))


def _absolute(error: float | str | None) -> str:
    if isinstance(error, float):
        return "exact" if error == 0 else f"off by {error:.3g}"
    return inline(error or "")


def shapes(part: PlanReport) -> Iterator[str]:
    """The lengths, kinds of values and numbers of cases that were compared, a list item for each contract."""
    grouped: dict[str, list[CorrectnessReport]] = {}
    for row in part.correctness:
        grouped.setdefault(row.contract, []).append(row)
    for contract, rows in grouped.items():
        spans: dict[str, list[int]] = {}
        for row in rows:
            for name, lengths in row.dims.items():
                spans.setdefault(name, []).extend(lengths)
        said = ", ".join(f"{code(name)} {_span(lengths)}" for name, lengths in spans.items())
        cases, elements = (sum(getattr(row, name) or 0 for row in rows) for name in ("cases", "elements"))
        kinds = ", ".join(dict.fromkeys(kind for row in rows for kind in row.values))
        told = f"; values: {inline(kinds)}" if kinds else ""
        yield (
            f"{code(contract.rpartition(':')[2] or contract)}: {cases} cases, {elements:,} elements"
            f"{f'; {said}' if said else ''}{told}"
        )


def _span(lengths: Sequence[int]) -> str:
    low, high = min(lengths), max(lengths)
    return str(low) if low == high else f"{low} to {high}"
