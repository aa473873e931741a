"""What some workgroups have written of results that memory cannot hold, and whether it is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rocverify.oracle.compare import compare
from rocverify.oracle.drive import CaseRun
from rocverify.oracle.judge import expected_of
from rocverify.oracle.tiled import Tiled
from rocverify.oracle.tolerance import Tolerance

if TYPE_CHECKING:
    from rocverify.oracle.contract import ContractSpec

_NEAR, _MOST_ELEMENTS, _MOST_RUNS = 64, 1 << 22, 64
"""Rows that lie so near are asked for together; elements, and runs of rows, that are compared at most: of
more runs a sample with the first and the last."""

Places = tuple[NDArray[np.int64], NDArray[Any]]
"""Elements that were written, by their numbers, ascending, and their values."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was compared: how many elements of those `written`, how many of them behind the step, and what is
    wrong first."""

    written: int
    elements: int
    behind: int
    problem: str | None


def written_rows(spec: ContractSpec, run: CaseRun) -> dict[str, Places]:
    """The elements of each result that hold something else than before the call."""
    found = {}
    for name in spec.outputs:
        before = run.inputs[name]
        if not isinstance(before, Tiled):
            raise ValueError(f"{name} is a small result beside large ones")
        pieces = [_piece(before, at, data) for at, data in run.written.get(name, ())]
        numbers = [number for number, _ in pieces] or [np.zeros(0, np.int64)]
        values = [value for _, value in pieces] or [np.zeros(0, before.dtype)]
        found[name] = np.concatenate(numbers), np.concatenate(values)
    return found


def _piece(before: Tiled, at: int, data: bytes) -> Places:
    size = int(before.tile.itemsize)
    held = before.content(at, len(data)).reshape(-1, size)
    now = np.frombuffer(data, np.uint8).reshape(-1, size)
    changed = np.flatnonzero((held != now).any(axis=1))
    return at // size + changed, np.ascontiguousarray(now[changed]).view(before.dtype).reshape(-1)


def wrong_rows(
    spec: ContractSpec,
    run: CaseRun,
    written: Mapping[str, Places],
    tolerances: Mapping[str, Tolerance],
    step: int,
    rows: int,
) -> Written:
    """Compares what was written with the reference of its rows. ValueError where it is too much."""
    lengths = {name: prod(run.inputs[name].shape[1:]) for name in written}
    touched = np.unique(np.concatenate([places // lengths[name] for name, (places, _) in written.items()]))
    splits = np.flatnonzero(np.diff(touched) > _NEAR) + 1
    runs = [(int(r[0]), min(int(r[-1]) + 1, rows)) for r in np.split(touched, splits) if r.size]
    if len(runs) > _MOST_RUNS:
        runs = [runs[round(at)] for at in np.linspace(0, len(runs) - 1, _MOST_RUNS)]
    most = sum(end - begin for begin, end in runs) * max(lengths.values())
    if most > _MOST_ELEMENTS:
        raise ValueError(f"{most:,} results in {len(runs):,} places are too many to compare")
    elements = behind = 0
    problem = None
    for begin, end in runs:
        seen = [p[(p >= begin * lengths[n]) & (p < end * lengths[n])] for n, (p, _) in written.items()]
        elements += sum(places.size for places in seen)
        behind += sum(int((places >= step).sum()) for places in seen)
        problem = problem or _problem(spec, run, written, tolerances, begin, end)
    return Written(sum(p.size for p, _ in written.values()), elements, behind, problem)


def _problem(
    spec: ContractSpec,
    run: CaseRun,
    written: Mapping[str, Places],
    tolerances: Mapping[str, Tolerance],
    begin: int,
    end: int,
) -> str | None:
    """What is wrong with what was written in rows `begin` to `end`."""
    inputs = of_rows(spec, run.inputs, begin, end)
    now = {name: inputs[name].copy() for name in spec.outputs}
    masks = {}
    for name, (places, values) in written.items():
        length = prod(now[name].shape[1:])
        here = slice(*np.searchsorted(places, (begin * length, end * length)))
        flat = places[here] - begin * length
        now[name].reshape(-1)[flat] = values[here]
        masks[name] = flat
    case = replace(run.case, dims={**run.case.dims, spec.independent or "": end - begin})
    part = replace(run, case=case, inputs=inputs, outputs=now)
    expected = expected_of(spec, part)
    for name, flat in masks.items():
        bad = compare(now[name], expected[name], tolerances[name]).bad.reshape(-1)[flat]
        if bad.any():
            first = int(flat[np.flatnonzero(bad)[0]])
            place = np.unravel_index(first, now[name].shape)
            shown = ", ".join(map(str, (int(place[0]) + begin, *(int(i) for i in place[1:]))))
            return (
                f"{int(bad.sum())} of {flat.size} elements of {name} in rows {begin:,} to {end - 1:,} are "
                f"wrong, the first at [{shown}]: expected {expected[name].exact.reshape(-1)[first]}, "
                f"got {now[name].reshape(-1)[first]}"
            )
    return None


def of_rows(spec: ContractSpec, arrays: Mapping[str, Any], begin: int, end: int) -> dict[str, Any]:
    """What a contract's arrays hold of rows `begin` to `end` along its independent dimension; those without
    it are whole."""
    return {
        name: _rows(one, begin, end) if spec.arrays[name].axes[:1] == (spec.independent,) else one
        for name, one in arrays.items()
    }


def _rows(array: Any, begin: int, end: int) -> Any:
    return array.rows(begin, end) if isinstance(array, Tiled) else array[begin:end]
