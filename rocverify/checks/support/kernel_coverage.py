"""Which kernels a check launched, and which code of them it executed, by the code objects that this run
built: evidence for `runner.coverage`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rocverify.checks.base import Outcome
    from rocverify.checks.context import CheckContext
    from rocverify.device.emulator.coverage.executed import KernelCoverage
    from rocverify.oracle.drive import CaseRun
    from rocverify.toolchain.build import BuiltObject


def coverage_of(
    ctx: CheckContext, built: BuiltObject, source: str, word: str, runs: Mapping[str, Iterable[CaseRun]]
) -> dict[str, Any]:
    """The evidence of one check. word: what was done with each launch, `compared` or `sanitized`; runs: by
    element type. Launches of code objects that this run did not build count for nothing."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for dtype, cases in runs.items():
        for run in cases:
            launched = {(ctx.source_of(e.code_object), e.kernel) for e in run.launches if e.ok and e.kernel}
            counts.update((origin, str(kernel), dtype) for origin, kernel in launched if origin)
    rows = [
        {"source": origin, "symbol": kernel, "dtype": dtype, "cases": count}
        for (origin, kernel, dtype), count in sorted(counts.items())
    ]
    return {"source": source, "compiled": sorted(built.code_object.kernels), word: rows}


def with_executed(outcome: Outcome, ctx: CheckContext) -> Outcome:
    """The outcome with what its check's launches executed (`ctx.executed`) in its evidence."""
    merged: dict[tuple[str, str], KernelCoverage] = {}
    for one in ctx.executed:
        key = one.code_object, one.kernel
        merged[key] = merged[key].merged(one) if key in merged else one
    rows = [
        {"source": source, **_executed(one)}
        for one in merged.values()
        if (source := ctx.source_of(one.code_object)) is not None
    ]
    if not rows:
        return outcome
    coverage = {**outcome.evidence.get("coverage", {}), "launched": rows}
    return replace(outcome, evidence={**outcome.evidence, "coverage": coverage})


def _executed(one: KernelCoverage) -> dict[str, Any]:
    found = one.to_json()
    models = [{**model, "places": len(model["places"])} for model in found.pop("models")]
    return {"symbol": found.pop("kernel"), **found, "models": models}
