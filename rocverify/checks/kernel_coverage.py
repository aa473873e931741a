"""Which kernels a check launched, by the code objects that this run built: evidence for `runner.coverage`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
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
