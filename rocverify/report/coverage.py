"""Coverage and models in the words of documents: which kernels were launched and compared, which of their
code was not executed, and what the emulator only models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rocverify.report.model import CoverageReport, ModelReport, PlanReport
from rocverify.report.overview import by_variant

_SHOWN = 3
_SHOWN_LINES = 12


def matrix_lines(coverage: Iterable[CoverageReport]) -> list[str]:
    """The same for a terminal, a line for each variant of a kernel."""
    found = []
    for (family, variant), rows in by_variant(coverage):
        types = dict.fromkeys(name for row in rows for name in row.cases_by_type)
        counts = [f"{name} {sum(row.cases_by_type.get(name, 0) for row in rows)}" for name in types]
        name = f"{family} ({variant})" if variant else family
        found.append(f"{name}: {', '.join(counts) or 'no case was compared'}")
    return found


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
