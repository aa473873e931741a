"""Cases of more than 2^31 and 2^32 elements, which memory cannot hold: for indices of 31 and 32 bits.

Their arrays repeat a tile (Tiled) and cost the memory of what is written. Where results are few (a look-up in
a large table), the launch is executed whole and all of them are compared. Where they are as many, some
workgroups are executed, at the ends of the grid, around the steps and between, and what they have written is
compared, wherever it is; the contract names the dimension of independent rows (`independent`).
What cannot be decided so is said, and stays untried.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from rocverify.device.excerpt import Excerpt
from rocverify.errors import ContractError, DeviceFaultError, RocverifyError, SubjectError
from rocverify.oracle.case import LARGE_ELEMENTS, Case
from rocverify.oracle.controls import Judged, as_float64
from rocverify.oracle.drive import CaseRun, Invocation, execute
from rocverify.oracle.far_rows import Written, of_rows, written_rows, wrong_rows
from rocverify.oracle.inputs import Kind
from rocverify.oracle.judge import expected_of, judge
from rocverify.oracle.poison import Placement, Poison
from rocverify.oracle.shapes import Budget, Size, distinct_shape, shape_above
from rocverify.oracle.starting import Start, starting
from rocverify.oracle.tiled import LARGE, Tiled
from rocverify.oracle.tolerance import Tolerance

if TYPE_CHECKING:
    from rocverify.device.backends.in_part import Parts
    from rocverify.oracle.contract import ContractSpec
    from rocverify.oracle.dims import Dims
    from rocverify.oracle.dtypes import DType
    from rocverify.subject.launch_session import LaunchSession

STEPS = (2**31, 2**32)
"""From so many elements on an index of 31 or 32 bits does not reach the last."""

_BEYOND = 1.25
"""By so much an array is longer than a step, where the contract admits it: a good part of it lies behind."""

_LEAST_SHARE = 0.5
"""Of the results that workgroups would write if all wrote as many."""

_OTHERS = 512
"""Length of the dimensions that the large array does not have, at most."""

_NO_MEMORY = ("MemoryError", "OutOfMemory")
_ENDLESS = ("limit", "stopped")


@dataclass(frozen=True, slots=True)
class Far:
    """A case beyond a step, by the array that is: what is wrong with it; why it decides nothing; or, with
    neither, it is right in the `elements` that were compared."""

    case: Case
    array: str
    step: int
    problem: str | None = None
    undecided: str | None = None
    elements: int = 0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "case": self.case.to_json(),
            "array": self.array,
            "beyond": self.step,
            "problem": self.problem,
            "undecided": self.undecided,
            "elements": self.elements,
        }


class UndecidedError(Exception):
    """Why a case decides nothing, in words."""


def is_far(spec: ContractSpec, case: Case) -> bool:
    """Whether arrays of a case are so large that they repeat a tile."""
    return spec.held(case.dims) >= LARGE


def beyond(
    spec: ContractSpec,
    session: LaunchSession,
    dtype: DType,
    dims: Dims,
    seed: int,
    tolerances: Mapping[str, Tolerance],
    invoke: Invocation,
) -> tuple[Far, ...]:
    """A case for each array that may have more elements than a step, the highest that it may exceed; none for
    an array that is beyond in a case before."""
    found: list[Far] = []
    for name, step, shape in _shapes(spec, dims):
        if any(prod(spec.arrays[name].shape(one.case.dims)) > step for one in found if not one.undecided):
            continue
        case = Case(shape, dtype, Kind.PLAIN, seed, Poison.NAN, Placement.TIGHT)
        found.append(judge_far(spec, session, case, name, step, tolerances, invoke))
    return tuple(found)


def judge_far(
    spec: ContractSpec,
    session: LaunchSession,
    case: Case,
    array: str,
    step: int,
    tolerances: Mapping[str, Tolerance],
    invoke: Invocation,
) -> Far:
    """Runs one case, whole or in part, and judges it."""
    trial = _Trial(spec, session, tolerances, invoke)
    far = Far(case, array, step)
    try:
        trial.admit(case)
        if spec.size(case.dims) <= LARGE_ELEMENTS:
            return trial.whole(far)
        return trial.in_part(far)
    except UndecidedError as reason:
        return replace(far, undecided=str(reason))


def far_of(spec: ContractSpec, case: Case) -> tuple[str, int]:
    """The array of a case that is beyond a step, and the step."""
    sizes = {name: prod(array.shape(case.dims)) for name, array in spec.arrays.items()}
    name = max(sizes, key=lambda one: sizes[one])
    return name, max((step for step in STEPS if sizes[name] > step), default=LARGE)


def _shapes(spec: ContractSpec, dims: Dims) -> list[tuple[str, int, dict[str, int]]]:
    """Arrays that may be beyond a step, the step, and a shape in which they are."""
    last = dims.complete({name: dims[name].last for name in dims})
    found = []
    for name, array in spec.arrays.items():
        steps = [step for step in STEPS if prod(array.shape(last)) > step]
        shape = _shape(spec, dims, name, steps[-1]) if steps else None
        if shape is not None:
            found.append((name, steps[-1], shape))
    return found


def _shape(spec: ContractSpec, dims: Dims, name: str, step: int) -> dict[str, int] | None:
    """A shape in which an array has more elements than a step, by a good part where it may; the dimensions
    that it lacks have a middling length as far as few results are to be computed."""
    array = spec.arrays[name]

    def size(shape: Mapping[str, int]) -> int:
        return prod(array.shape(shape))

    free = Budget(size, lambda _: 1, 2**62, 2**62, 2**62, 2**62)
    shape = shape_above(dims, free, int(_BEYOND * step)) or shape_above(dims, free, step)
    if shape is None:
        return None
    shape = _least(dims, shape, size, min(int(_BEYOND * step), size(shape) - 1))
    for other in dims:
        lengths = [n for n in dims[other].boundaries() if n <= _OTHERS] if not dims[other].divides else []
        longer = [dims.complete({**shape, other: n}) for n in lengths if n > shape[other]]
        kept = [one for one in longer if size(one) == size(shape) and spec.size(one) <= LARGE_ELEMENTS]
        shape = kept[-1] if kept else shape
    return shape


def _least(dims: Dims, shape: dict[str, int], size: Size, above: int) -> dict[str, int]:
    """The shape with each dimension as short as it may be while `size` is above a number."""
    for name in sorted(dims, key=lambda one: -shape[one]):
        shortest = dims.complete({**shape, name: dims[name].first})
        if dims[name].divides is None and size(shortest) < size(shape):
            lengths = dims[name].lengths()

            def exceeds(value: int, name: str = name, shape: dict[str, int] = shape) -> bool:
                return size(dims.complete({**shape, name: value})) > above

            shape = dims.complete({**shape, name: lengths[bisect_left(lengths, True, key=exceeds)]})
    return shape


@dataclass(frozen=True, slots=True)
class _Trial:
    """What it takes to run and to judge a case. Raises UndecidedError where that cannot be done."""

    spec: ContractSpec
    session: LaunchSession
    tolerances: Mapping[str, Tolerance]
    invoke: Invocation

    def admit(self, case: Case) -> None:
        """Only arrays in device memory whose rows follow one another can be that large."""
        for name, array in self.spec.arrays.items():
            if prod(array.shape(case.dims)) >= LARGE and (array.pitch or not array.on_device):
                raise UndecidedError(f"{name} is not plain device memory")

    def start(self, case: Case) -> Start:
        """The arrays before the call."""
        try:
            start = starting(self.spec, case)
        except (ContractError, MemoryError) as error:
            raise UndecidedError(f"its inputs cannot be made: {error}") from error
        large = [n for n, a in self.spec.arrays.items() if prod(a.shape(case.dims)) >= LARGE]
        dense = [name for name in large if not isinstance(start.inputs[name], Tiled)]
        if dense:
            words = f"prepare() gives all of {dense[0]}; let it give rocverify.oracle.tiled.repeated(...)"
            raise UndecidedError(words)
        return start

    def run(self, case: Case, start: Start, excerpt: Excerpt) -> CaseRun | str:
        """One execution; what is wrong where it faults or raises."""
        try:
            return execute(self.spec, self.session, case, invoke=self.invoke, start=start, excerpt=excerpt)
        except DeviceFaultError as error:
            if error.report is not None and error.report.kind in _ENDLESS:
                raise UndecidedError(f"it takes too long: {error.message}") from error
            return error.message
        except SubjectError as error:
            if any(words in f"{error.kind} {error.message}" for words in _NO_MEMORY):
                raise UndecidedError(f"it takes too much memory: {error.message}") from error
            return f"{error.where}: {error.message}" if error.where else error.message
        except RocverifyError as error:
            raise UndecidedError(error.message) from error

    def whole(self, far: Far) -> Far:
        """The launch is executed whole, and every result is compared."""
        start = self.start(far.case)
        run = self.run(far.case, start, Excerpt())
        if isinstance(run, str):
            return replace(far, problem=run)
        try:
            judged = Judged(run, expected_of(self.spec, run))
            verdict = judge(self.spec, judged, self.tolerances)
            if verdict.problems:
                return replace(far, problem="; ".join(verdict.problems))
            if not self._reads_behind(far, start, judged):
                raise UndecidedError("no result depends on what lies behind")
        except (ContractError, MemoryError) as error:
            raise UndecidedError(f"the reference cannot be asked: {error}") from error
        return replace(far, elements=sum(c.elements for c in verdict.comparisons.values()))

    def _reads_behind(self, far: Far, start: Start, judged: Judged) -> bool:
        """Whether a result is another where the array holds other values behind the step."""
        array = start.inputs[far.array]
        values = {name: as_float64(one) for name, one in start.inputs.items()}
        values[far.array] = as_float64(array.turned(far.step))
        other = self.spec.reference(values, far.case.dims)
        other = self.spec.canonical(values, other, far.case.dims)
        return any(
            not np.array_equal(np.asarray(other[name]), judged.expected[name].exact, equal_nan=True)
            for name in judged.expected
        )

    def in_part(self, far: Far) -> Far:
        """Some workgroups are executed; what they have written is compared, by rows."""
        self._admit_rows(far.case)
        small = self._smaller(far)
        found, _ = self._written(small, LARGE)
        if isinstance(found, str) or found.problem or not found.behind:
            raise UndecidedError("workgroups cannot be judged alone: smaller results are not right so")
        found, parts = self._written(far.case, far.step)
        if isinstance(found, str) or found.problem:
            return replace(far, problem=found if isinstance(found, str) else found.problem)
        if found.behind:
            self._admit_share(far.case, found, parts)
            return replace(far, elements=found.elements)
        if self._too_few(far, parts):
            words = f"no result behind element {far.step:,} is written, by workgroups that are to write there"
            return replace(far, problem=words)
        raise UndecidedError(f"no workgroup that was executed writes behind element {far.step:,}")

    def _admit_share(self, case: Case, found: Written, parts: Parts) -> None:
        """Workgroups that are drawn write about their share of the results where all together write all of
        them; those that write nothing may have left it out."""
        ((count, chosen),) = parts
        share = self.spec.size(case.dims) * len(chosen or ()) / count
        if found.written < _LEAST_SHARE * share:
            raise UndecidedError(
                f"{len(chosen or ())} of {count:,} workgroups have written {found.written:,} results, "
                f"where their share is {int(share):,}"
            )

    def _too_few(self, far: Far, parts: Parts) -> bool:
        """Whether the workgroups can write all results only if those behind the step write there, which none
        of them does: if each writes as much as those before the step."""
        total = self.spec.size(far.case.dims)
        ((count, chosen),) = parts
        before, half = self._written(far.case, far.step, until=far.step / total / 2)
        if chosen is None or isinstance(before, str) or not before.written:
            return False
        ((_, few),) = half
        behind = sum(1 for one in chosen if one / count * total >= far.step + total / count)
        return bool(behind and few and (count - behind) * (before.written / len(few)) < total)

    def _admit_rows(self, case: Case) -> None:
        rows = self.spec.independent
        if rows is None:
            raise UndecidedError(
                "too many results; name the dimension of independent rows: independent = ..."
            )
        if hasattr(self.spec.subject, "canonical"):
            raise UndecidedError("canonical() takes whole results")
        small = Case(distinct_shape(self.spec.dims), case.dtype, Kind.PLAIN, case.seed)
        if not _are_independent(self.spec, small):
            raise UndecidedError(f"reference() of some rows along {rows} is not what it is of all")

    def _smaller(self, far: Far) -> Case:
        """A case with as many elements as make an array a tiled one, and half as many more."""
        array = self.spec.arrays[far.array]
        budget = Budget(lambda s: prod(array.shape(s)), lambda _: 1, 2**62, 2**62, 2**62, 2**62)
        shape = shape_above(self.spec.dims, budget, LARGE + LARGE // 2)
        assert shape is not None
        return replace(far.case, dims=shape)

    def _written(self, case: Case, step: int, until: float = 1.0) -> tuple[Written | str, Parts]:
        """What some workgroups have written in a case, judged; or how the call failed."""
        rows = case.dims[self.spec.independent or ""]
        most = max(prod(array.shape(case.dims)) for array in self.spec.outputs.values())
        places = tuple(one / most for one in (step, *STEPS) if one < most)
        start = self.start(case)
        run = self.run(case, start, Excerpt(places, until, case.seed))
        if isinstance(run, str):
            return run, []
        if run.changed:
            return f"changed its input {run.changed[0]}", run.parts
        if len(run.parts) != 1:
            raise UndecidedError(f"the call makes {len(run.parts)} launches, which may need one another")
        try:
            written = written_rows(self.spec, run)
            return wrong_rows(self.spec, run, written, self.tolerances, step, rows), run.parts
        except (ContractError, MemoryError) as error:
            raise UndecidedError(f"the reference cannot be asked: {error}") from error
        except ValueError as error:
            raise UndecidedError(str(error)) from error


def _are_independent(spec: ContractSpec, case: Case) -> bool:
    """Whether the reference of some rows is that of all, as far as a small case tells."""
    values = {name: as_float64(array) for name, array in starting(spec, case).inputs.items()}
    whole = spec.reference(values, case.dims)
    rows = spec.independent or ""
    for begin in range(case.dims[rows]):
        some = spec.reference(of_rows(spec, values, begin, begin + 1), {**case.dims, rows: 1})
        for name in spec.outputs:
            if not np.allclose(some[name], np.asarray(whole[name])[begin : begin + 1], equal_nan=True):
                return False
    return True
