"""The arrays of a case as they are before the call: what is drawn, and poison where nothing is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from rocverify.oracle.arrays import Array
from rocverify.oracle.case import Case, with_other_values
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.dtypes import DType
from rocverify.oracle.inputs import draw_inputs, drawn_freely
from rocverify.oracle.poison import Poison, poisoned
from rocverify.oracle.tiled import LARGE, PERIOD, Tiled

# Of so many inputs one element is changed, each alone.
_CHANGED_ALONE = 3
_EARLIER = 0xEA51  # makes another seed of a case's


@dataclass(frozen=True, slots=True)
class Start:
    """Every array of a case as it is before the call (Tiled where it is large). undefined: those that
    hold poison, which no kernel may read before it has written it."""

    inputs: Mapping[str, Any]
    undefined: frozenset[str]


def starting(spec: ContractSpec, case: Case) -> Start:
    """Draws the arrays of a case: the same ones again for the same case. Pure outputs hold poison, and
    working memory that the contract does not prepare."""
    drawn = draw_inputs(spec, case.dims, case.dtype, case.kind, case.seed)
    empty = {name for name, array in spec.arrays.items() if _holds_poison(name, array, drawn)}
    arrays = {
        name: _poisoned(array.shape(case.dims), array.dtype(case.dtype), case.poison)
        if name in empty
        else drawn[name]
        for name, array in spec.arrays.items()
    }
    return Start(arrays, frozenset(empty))


def _poisoned(shape: tuple[int, ...], dtype: DType, poison: Poison) -> Any:
    if prod(shape) < LARGE:
        return poisoned(shape, dtype, poison)
    return Tiled(poisoned((PERIOD,), dtype, poison), shape)


def earlier(spec: ContractSpec, case: Case, start: Start) -> list[Start]:
    """What the same memory held in calls before: first quite other values, then the same ones but for one
    element of one input, drawn anew: no sample of the inputs tells those apart."""
    other = starting(spec, with_other_values(case))
    rng = np.random.default_rng([case.seed, _EARLIER])
    free = [name for name in drawn_freely(spec, case.dims, case.dtype, case.kind) if start.inputs[name].size]
    chosen = rng.permutation(np.asarray(free))[:_CHANGED_ALONE].tolist() if free else []
    return [other, *(_with_one_changed(start, other, str(name), rng) for name in chosen)]


def _with_one_changed(start: Start, other: Start, name: str, rng: np.random.Generator) -> Start:
    changed = start.inputs[name].copy()
    place = int(rng.integers(changed.size))
    changed.reshape(-1)[place] = other.inputs[name].reshape(-1)[place]
    return replace(start, inputs={**start.inputs, name: changed})


def _holds_poison(name: str, array: Array, drawn: Mapping[str, Any]) -> bool:
    """Pure outputs, and working memory that the contract does not prepare."""
    return array.only_written or name not in drawn
