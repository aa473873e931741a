"""Coverage and models in the words of documents: which kernels were launched and compared, which of their
code was not executed, and what the emulator only models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rocverify.markdown import cell_code, inline
from rocverify.report.model import CoverageReport, ModelReport, PlanReport

_SHOWN = 3
_SHOWN_LINES = 12


@dataclass(frozen=True, slots=True)
class Matrix:
    """Kernels by variant and element type, as cells of Markdown. A row has the kernel, its variant, one cell
    for each of `types`, and its symbols that were only compiled."""

    types: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def matrix(coverage: Sequence[CoverageReport]) -> Matrix:
    """How many cases of which element type were compared of every variant of every kernel."""
    types = tuple(dict.fromkeys(name for row in coverage for name in sorted(row.cases_by_type)))
    return Matrix(types, tuple(_row(*named, types, rows) for named, rows in _by_variant(coverage)))


def matrix_lines(coverage: Iterable[CoverageReport]) -> list[str]:
    """The same for a terminal, a line for each variant of a kernel."""
    found = []
    for (family, variant), rows in _by_variant(coverage):
        types = dict.fromkeys(name for row in rows for name in row.cases_by_type)
        counts = [f"{name} {sum(row.cases_by_type.get(name, 0) for row in rows)}" for name in types]
        name = f"{family} ({variant})" if variant else family
        found.append(f"{name}: {', '.join(counts) or 'no case was compared'}")
    return found


def _by_variant(coverage: Iterable[CoverageReport]) -> list[tuple[tuple[str, str], list[CoverageReport]]]:
    """The rows of each kernel and variant, which are named so."""
    grouped: dict[tuple[str, str, str], list[CoverageReport]] = {}
    for row in coverage:
        grouped.setdefault((row.source, row.family or row.kernel, row.variant), []).append(row)
    return [((family, variant), rows) for (_, family, variant), rows in grouped.items()]


def _row(family: str, variant: str, types: Iterable[str], rows: list[CoverageReport]) -> tuple[str, ...]:
    counts = [sum(row.cases_by_type.get(name, 0) for row in rows) for name in types]
    cells = [str(count) if count else "none" for count in counts]
    compiled = ", ".join(cell_code(row.kernel) for row in rows if not row.compared)
    return cell_code(family), cell_code(variant) if variant else "", *cells, compiled


def kernel_rows(coverage: Iterable[CoverageReport]) -> list[tuple[str, ...]]:
    """Cells of Markdown: kernel, launched by, compared by, sanitized by, blocks executed."""
    return [
        (
            cell_code(row.kernel),
            *(inline(_must_haves(ids)) for ids in (row.launched, row.compared, row.sanitized)),
            "" if row.blocks is None else f"{row.executed_blocks} of {row.blocks}",
        )
        for row in coverage
    ]


def _must_haves(ids: Iterable[str]) -> str:
    """The must-haves of checks, `16-01/T1`, plan by plan: `16-01 T1 T2, 16-02 T3`."""
    plans: dict[str, dict[str, None]] = {}
    for one in ids:
        plan, tail = one.split("/")[:2] if "/" in one else (one, "")
        plans.setdefault(plan, {})[tail] = None
    return ", ".join(" ".join([plan, *(tail for tail in tails if tail)]) for plan, tails in plans.items())


def not_executed(coverage: Iterable[CoverageReport]) -> Iterator[str]:
    """Code of compared kernels that no compared case executed, in words: source lines, and the kernels."""
    by_lines: dict[tuple[str, ...], list[CoverageReport]] = {}
    for row in coverage:
        if row.compared and row.blocks is not None and row.executed_blocks != row.blocks:
            by_lines.setdefault(tuple(row.missed_lines), []).append(row)
    for lines, rows in by_lines.items():
        names = [row.kernel for row in rows]
        kernels = _cut(names, _SHOWN)
        missed = sum((row.blocks or 0) - (row.executed_blocks or 0) for row in rows)
        if lines:
            yield f"Lines that no compared case executed: {_cut(lines, _SHOWN_LINES)} (in {kernels})"
        else:
            blocks = f"{missed} basic block{'s' if missed > 1 else ''}"
            yield f"{blocks} of {kernels} that no compared case executed, of source lines that others did"


def _cut(items: Sequence[str], shown: int) -> str:
    more = f" and {len(items) - shown} more" if len(items) > shown else ""
    return ", ".join(items[:shown]) + more


def models_of(plans: Iterable[PlanReport]) -> list[ModelReport]:
    """The models of several plans, each instruction once."""
    merged: dict[str, ModelReport] = {}
    for model in (model for plan in plans for model in plan.models):
        known = merged.get(model.instruction, model)
        lists = ("kernels", "branches", "addresses")
        sums = {name: sorted({*getattr(known, name), *getattr(model, name)}) for name in lists}
        merged[model.instruction] = model.model_copy(update=sums)
    return [merged[name] for name in sorted(merged)]


def model_rows(models: Iterable[ModelReport]) -> list[tuple[str, ...]]:
    """Cells of Markdown: instruction, model, number of kernels, what it may have decided."""
    return [
        (cell_code(one.instruction), inline(one.model), str(len(one.kernels)), inline(decided(one)))
        for one in models
    ]


def decided(model: ModelReport) -> str:
    """What results of an instruction may have decided, in words."""
    kinds = (("a branch", model.branches), ("an address", model.addresses))
    told = [f"{what} ({_cut(places, _SHOWN)})" for what, places in kinds if places]
    return "; ".join(told) or "no branch or address"


def models_line(models: Sequence[ModelReport]) -> str:
    """The same of all in a line for a terminal."""
    names = ", ".join(one.instruction for one in models)
    deciding = [one.instruction for one in models if one.branches or one.addresses]
    told = f"{', '.join(deciding)} may decide" if deciding else "none decides"
    count = len(models)
    return f"models: {count} executed instructions are modelled ({names}); {told} a branch or address"


def coverage_values(part: PlanReport) -> dict[str, Any]:
    """What the template of a SUMMARY shows."""
    return {
        "matrix": matrix(part.coverage),
        "kernel_rows": kernel_rows(part.coverage),
        "model_rows": model_rows(part.models),
    }
