"""Why a result is wrong, where a simple hypothesis fits it: for the hint of a failed check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.oracle.compare import Comparison, Judge, judge_of
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.controls import Judged, accepted, mistakes_of
from rocverify.oracle.dtypes import to_float64
from rocverify.oracle.poison import Poison, poisoned
from rocverify.oracle.tolerance import Tolerance

_NAMED_INDICES = 4
# A part of the largest element along the last axis.
_COARSE = 2.0**-16


def mistake_made(spec: ContractSpec, judged: Judged, tolerances: Mapping[str, Tolerance]) -> str | None:
    """The mistake that gives these outputs: nothing was written, or one that the contract names."""
    run = judged.run
    if all(run.outputs[name].tobytes() == run.inputs[name].tobytes() for name in run.outputs):
        return f"{' and '.join(run.outputs)}: still what was there before the launch"
    for near in (_as_it_is, _coarsely):
        # What lies so near the right result says nothing of a mistake.
        if accepted(run.outputs, {k: near(judge_of(e, tolerances[k])) for k, e in judged.expected.items()}):
            break
        for name, compute in mistakes_of(spec, judged).items():
            outputs = compute()
            mistaken = {k: replace(e, exact=_like(e.exact, outputs[k])) for k, e in judged.expected.items()}
            if accepted(run.outputs, {k: near(judge_of(e, tolerances[k])) for k, e in mistaken.items()}):
                return f"the result matches this mistake: {name}"
    return None


def _as_it_is(judge: Judge) -> Judge:
    return judge


def _coarsely(judge: Judge) -> Judge:
    """What is added up on the way to a mistaken result may be larger than for the right one, and so its
    roundings, which the contract does not know."""
    if not judge.dtype.is_float or not judge.exact.ndim:
        return judge
    sizes = np.where(np.isfinite(judge.exact), np.abs(judge.exact), 0)
    allowed = np.maximum(judge.allowed, _COARSE * sizes.max(axis=-1, keepdims=True))
    return replace(judge, allowed=allowed)


def where_wrong(spec: ContractSpec, judged: Judged, comparisons: Mapping[str, Comparison]) -> str:
    """Where the wrong elements lie and what they hold, in words."""
    regions = [
        _region(spec, judged, name, comparison)
        for name, comparison in comparisons.items()
        if not comparison.matches
    ]
    return "; ".join(regions)


def _like(exact: NDArray[Any], result: NDArray[Any]) -> NDArray[Any]:
    return result if exact.dtype.kind in "iu" else to_float64(result)


def _region(spec: ContractSpec, judged: Judged, name: str, comparison: Comparison) -> str:
    """Where the wrong elements of one output lie and what they hold, in words."""
    axes = spec.arrays[name].axes
    limits = [_extent(axis, comparison.bad, number) for number, axis in enumerate(axes)]
    places = " and ".join(text for text in limits if text)
    lie = f"all have {places}" if places else "lie on every axis"
    where = f"the wrong elements of {name} {lie}"
    content = _content(judged, name, comparison)
    return f"{where}; {content}" if content else where


def _extent(axis: str, bad: NDArray[np.bool_], number: int) -> str | None:
    """How the wrong elements are limited along one axis; None where no simple limit holds."""
    length = bad.shape[number]
    others = tuple(n for n in range(bad.ndim) if n != number)
    found = np.flatnonzero(bad.any(axis=others))
    if found.size == length:
        return None
    low, high = int(found[0]), int(found[-1])
    if low == high:
        last = " (the last)" if high == length - 1 and length > 1 else ""
        return f"{axis} index {low}{last}"
    if found.size == high - low + 1:
        return f"{axis} indices {low} to {high} of {length}"
    step = int(found[1] - found[0])
    if found.size > 2 and np.all(np.diff(found) == step):
        return f"{axis} indices {low}, {low + step}, {low + 2 * step} and so on"
    # A few scattered indices are worth naming; many say nothing.
    return f"{axis} indices {', '.join(map(str, found))}" if found.size <= _NAMED_INDICES else None


def _content(judged: Judged, name: str, comparison: Comparison) -> str | None:
    """What the wrong elements hold, where they all hold the same sort of thing."""
    run = judged.run
    seen, before = run.outputs[name][comparison.bad], run.inputs[name][comparison.bad]
    if seen.tobytes() == before.tobytes():
        return "they hold what was there before the launch"
    values = to_float64(seen)
    if not np.any(values):
        return "they are zero"
    if np.all(np.isnan(values)):
        return "they are NaN"
    huge = to_float64(poisoned((1,), run.case.dtype, Poison.HUGE))
    return "they hold poison" if np.all(values == huge) else None
