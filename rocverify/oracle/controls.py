"""Negative controls: results that are wrong by construction, and that the comparison must reject.

A comparison that lets zeros, a constant, an unchanged input or poison pass decides nothing, whatever the
kernel did. A single case may be unable to tell (at position 0 a rotation changes nothing): over the cases
of a run, each control must be rejected at least once, and by finite values: what a NaN among the inputs
does to a result tells no wrong kernel from a right one. The same holds for the mistakes that the contract
names, unless a mistake is no mistake for any shape of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.oracle.compare import Judge, judge_of
from rocverify.oracle.contract import ContractSpec, Role
from rocverify.oracle.drive import CaseRun
from rocverify.oracle.dtypes import to_float64
from rocverify.oracle.poison import Poison, poisoned
from rocverify.oracle.tiled import Tiled
from rocverify.oracle.tolerance import Expected, Tolerance

Outputs = Mapping[str, NDArray[Any]]

# A wrong result that so many cases reject needs no further trial.
_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class ControlOutcome:
    """How one control fared: in how many cases it was tried, and in how many it was rejected."""

    name: str
    tried: int
    rejected: int

    @property
    def discriminates(self) -> bool:
        """Whether the wrong result was rejected in some case."""
        return self.rejected > 0

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON data."""
        return {"name": self.name, "cases": self.tried, "rejected": self.rejected}


@dataclass(frozen=True, slots=True)
class Judged:
    """One case that has run, with what its outputs must be."""

    run: CaseRun
    expected: Mapping[str, Expected]


def control_outcomes(
    spec: ContractSpec, judged: Sequence[Judged], tolerances: Mapping[str, Tolerance]
) -> list[ControlOutcome]:
    """All controls over the cases of one element type. `tolerances` are by output."""
    first = next(iter(telling(judged)), None)
    values = {name: e.exact.flat[0] for name, e in first.expected.items() if e.exact.size} if first else {}
    return _outcomes(judged, tolerances, lambda case: _controls(spec, case, values), differing=False)


def mistake_outcomes(
    spec: ContractSpec, judged: Sequence[Judged], tolerances: Mapping[str, Tolerance]
) -> list[ControlOutcome]:
    """The contract's own mistakes over the cases. Cases where a mistake changes nothing are not counted;
    a mistake that changes nothing in any case is left out."""
    return _outcomes(judged, tolerances, lambda case: mistakes_of(spec, case))


def _outcomes(
    judged: Sequence[Judged],
    tolerances: Mapping[str, Tolerance],
    wrong_results: Callable[[Judged], Mapping[str, Callable[[], Outputs]]],
    *,
    differing: bool = True,
) -> list[ControlOutcome]:
    """Tries wrong results case by case, each until it has been rejected often enough. differing: those that
    are right in a case are not counted there."""
    counts: dict[str, list[bool]] = {}
    for number, case in enumerate(telling(judged)):
        if number >= _ENOUGH and all(sum(results) >= _ENOUGH for results in counts.values()):
            break
        judges = judges_of(case, tolerances)
        for name, compute in wrong_results(case).items():
            if sum(counts.get(name, ())) >= _ENOUGH:
                continue
            outputs = compute()
            if not (differing and _same(outputs, case.expected)):
                counts.setdefault(name, []).append(not accepted(outputs, judges))
    return [ControlOutcome(name, len(results), sum(results)) for name, results in counts.items()]


def telling(judged: Sequence[Judged]) -> list[Judged]:
    """The cases by which controls are tried: those whose values are all finite."""
    return [case for case in judged if case.run.case.kind.is_finite]


def judges_of(case: Judged, tolerances: Mapping[str, Tolerance]) -> dict[str, Judge]:
    """A judge for each output of a case."""
    return {name: judge_of(expected, tolerances[name]) for name, expected in case.expected.items()}


def accepted(outputs: Outputs, judges: Mapping[str, Judge]) -> bool:
    """Whether every element of every output would pass."""
    return all(judge.accepts(outputs[name]) for name, judge in judges.items())


def _controls(
    spec: ContractSpec, case: Judged, values: Mapping[str, Any]
) -> dict[str, Callable[[], Outputs]]:
    """The controls of one case by name. values: the first element that the run expects of each output."""
    run = case.run
    written = {name: run.inputs[name] for name in spec.outputs}
    found: dict[str, dict[str, NDArray[Any]]] = {
        "zeros": {name: np.zeros_like(array) for name, array in written.items()},
        "a constant": {name: np.full_like(array, 1) for name, array in written.items()},
        # What a kernel gives that looks at none of its inputs.
        "one right value everywhere": {
            name: np.full(array.shape, values.get(name, 0), array.dtype) for name, array in written.items()
        },
        # What the buffers held before the call: the input itself for an array changed in place.
        "untouched": written,
    }
    for poison in Poison:
        name = f"{poison} poison"
        found[name] = {
            k: poisoned(a.shape, spec.arrays[k].dtype(run.case.dtype), poison) for k, a in written.items()
        }
    for source, array in run.inputs.items():
        if spec.arrays[source].role is Role.IN and array.size:
            copies = {k: _spread(array, written[k]) for k in written}
            found[f"a copy of {source}"] = copies
    return {
        name: partial(spec.canonical, run.inputs, outputs, run.case.dims) for name, outputs in found.items()
    }


def _spread(source: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    """The source's values in the shape and type of `like`, repeated or cut as needed."""
    with np.errstate(all="ignore"):
        return np.resize(source, like.shape).astype(like.dtype)


def mistakes_of(spec: ContractSpec, case: Judged) -> dict[str, Callable[[], Outputs]]:
    """What each mistake that the contract names would give in this case, in float64, once it is called."""
    exact = {name: as_float64(array) for name, array in case.run.inputs.items()}
    dims, dtype = case.run.case.dims, case.run.case.dtype

    def canonical(compute: Callable[[], Outputs]) -> Outputs:
        return spec.canonical(exact, compute(), dims)

    return {name: partial(canonical, compute) for name, compute in spec.wrong(exact, dims, dtype).items()}


def as_float64(array: Any) -> Any:
    """Floating-point arrays as float64, others as they are."""
    if isinstance(array, Tiled):
        return array.with_tile(as_float64(array.tile))
    return array if array.dtype.kind in "iu" else to_float64(array)


def _same(outputs: Outputs, expected: Mapping[str, Expected]) -> bool:
    return all(np.array_equal(outputs[k], expected[k].exact, equal_nan=True) for k in expected)
