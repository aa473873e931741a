"""layout: a transposed or mis-strided layout would be noticed, and is not there.

The wrapper runs on arrays whose axes all differ in length. The right reading must pass; then each array is
read with two of its axes exchanged (the memory as if it lay in the other order), inputs one by one, results
one by one, and all arrays together, and every such reading must be rejected by the same comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from rocverify.checks.base import CheckKind, CheckParams, Outcome
from rocverify.checks.evidence import Evidence, Record, known, named
from rocverify.checks.support.kernel_coverage import coverage_of
from rocverify.checks.support.references import Reference
from rocverify.checks.support.trial import Lengths, Trial, Trials, shaped
from rocverify.errors import ContractError
from rocverify.oracle.case import Case, select_dtypes
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.controls import accepted, as_float64, judges_of
from rocverify.oracle.dims import Dims, Extent
from rocverify.oracle.dtypes import DType, to_float64
from rocverify.records import Finding

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.oracle.drive import CaseRun

_TRIES = 500
_SHORT = 6


class LayoutParams(CheckParams):
    """`contract` is `module:Class`. `arrays` limits which arrays are misread (default: all with two axes
    or more), `dtypes` the element types, `dims` the dimensions as for correctness."""

    contract: Reference
    arrays: tuple[str, ...] | None = Field(default=None, min_length=1)
    dtypes: tuple[str, ...] | None = Field(default=None, min_length=1)
    dims: dict[str, Lengths] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exchange:
    """Two axes, by position, in which some arrays are misread."""

    arrays: tuple[str, ...]
    first: int
    second: int
    words: str

    def misread(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        """The array's memory, read as if it lay with the two axes exchanged."""
        if name not in self.arrays:
            return array
        shape = list(array.shape)
        shape[self.first], shape[self.second] = shape[self.second], shape[self.first]
        return np.ascontiguousarray(array.reshape(shape).swapaxes(self.first, self.second))


class Readings(Record):
    """A case of one element type, the shapes of its arrays, and the misreadings that would be noticed."""

    case: dict[str, Any] | None = None
    shapes: dict[str, list[int]] = Field(default_factory=dict)
    rejected: list[str] = Field(default_factory=list)


class LayoutEvidence(Evidence):
    """By element type, the shapes that were tried and the misreadings that the comparison rejects."""

    contract: str | None = None
    seed: int | None = None
    dtypes: dict[str, Readings] = Field(default_factory=dict)
    wrapper: str | None = None
    source: str | None = None
    coverage: dict[str, Any] = Field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """The shapes tried, and the readings that were rejected, as lines of a Markdown list."""
        for dtype, row in self.dtypes.items():
            shapes = ", ".join(f"{named(name)} {shape}" for name, shape in row.shapes.items())
            yield f"- {known(dtype)}: {shapes}"
            if row.rejected:
                yield f"  - would be noticed: {'; '.join(map(known, row.rejected))}"


def run(params: LayoutParams, ctx: CheckContext) -> Outcome:
    """Raises ContractError where no shape tells the axes apart, SubjectError and DeviceFaultError for what
    goes wrong in the wrapper."""
    evidence = LayoutEvidence(contract=params.contract, seed=ctx.seed, dtypes={})
    findings: list[Finding] = []
    compared: dict[str, list[CaseRun]] = {}
    with ctx.launching() as session:
        trials = Trials(ctx, session, params.contract)
        spec = trials.spec
        for dtype in select_dtypes(spec, params.dtypes):
            found, run = _judged(params, trials, dtype, ctx.seed, evidence)
            findings += found
            compared[dtype.name] = [run]
    coverage = coverage_of(ctx, trials.built, spec.source, "compared", compared)
    evidence.wrapper, evidence.source, evidence.coverage = spec.wrapper, spec.source, coverage
    if findings:
        return Outcome.failed(
            findings[0].message,
            hint="check strides and the order of axes in the wrapper and the kernel, and that the test's "
            "inputs are not constant",
            findings=tuple(findings),
            seen=evidence,
        )
    rows = evidence.dtypes.values()
    tried = sum(len(row.rejected) for row in rows)
    arrays = ", ".join(dict.fromkeys(name for row in rows for name in row.shapes))
    return Outcome.passed(
        f"{spec.wrapper or spec.where} reads its layout as declared ({', '.join(evidence.dtypes)}); "
        f"{tried} readings with exchanged axes ({arrays}) would all be noticed",
        seen=evidence,
    )


def _judged(
    params: LayoutParams, trials: Trials, dtype: DType, seed: int, evidence: LayoutEvidence
) -> tuple[list[Finding], CaseRun]:
    """The findings of one element type, and the run that they are about."""
    spec = trials.spec
    names = _arrays(spec, params.arrays)
    case = _telling_case(spec, shaped(spec, dtype, seed, params.dims), params.dims, names)
    exchanges = list(_exchanges(spec, case.dims, names))
    trial = trials.trial(case)
    shapes = {name: list(spec.arrays[name].shape(case.dims)) for name in names}
    row = Readings(case=case.to_json(), shapes=shapes, rejected=[])
    evidence.dtypes[dtype.name] = row
    if trial.problems:
        return [_wrong(spec, trial, exchanges)], trial.run
    unnoticed: list[Exchange] = []
    for exchange in exchanges:
        noticed = _noticed(spec, trial, exchange)
        if noticed:
            row.rejected.append(exchange.words)
        elif noticed is False:
            unnoticed.append(exchange)
    found = [
        Finding(
            f"{dtype}: nothing would show {e.words}: the comparison accepts it ({case})", entity=spec.where
        )
        for e in unnoticed
    ]
    return found, trial.run


def _arrays(spec: ContractSpec, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    unknown = [name for name in wanted or () if name not in spec.arrays]
    if unknown:
        raise ContractError(
            f"has no array {unknown[0]}", where=spec.where, hint=f"it has {', '.join(spec.arrays)}"
        )
    several = tuple(name for name in wanted or spec.arrays if len(spec.arrays[name].axes) > 1)
    if not several or (wanted and len(several) < len(wanted)):
        raise ContractError("has no array of two axes or more to misread", where=spec.where)
    return several


def _telling_case(
    spec: ContractSpec, case: Case, limits: Mapping[str, Lengths], names: tuple[str, ...]
) -> Case:
    """The case, or one of a like shape in which the axes of every array differ in length: the smallest of
    many tries. The case as it is where there is none: `_exchanges` says what looks alike."""

    def tells(dims: Mapping[str, int]) -> bool:
        shapes = [spec.arrays[name].shape(dims) for name in names]
        return all(len(set(shape)) == len(shape) and len(shape) - shape.count(1) > 1 for shape in shapes)

    if tells(case.dims):
        return case
    allowed = spec.dims.restricted(limits)
    rng = np.random.default_rng(0)
    choices = {n: _short(allowed[n]) for n in allowed if allowed[n].divides is None}
    tries = ({n: int(rng.choice(values)) for n, values in choices.items()} for _ in range(_TRIES))
    shapes = (_completed(allowed, shape, rng) for shape in tries)
    found = [shape for shape in shapes if shape is not None and tells(shape)]

    def rank(dims: Mapping[str, int]) -> tuple[int, int]:
        return sum(length == 1 for length in dims.values()), spec.size(dims)

    return replace(case, dims=min(found, key=rank)) if found else case


def _short(extent: Extent) -> list[int]:
    """Short lengths of a dimension, odd multiples of its step among them."""
    if extent.values is not None:
        return sorted(extent.values)[:_SHORT]
    odd = [n * extent.step for n in (2, 3, 5, 7, 9, 11, 13)]
    return [v for v in odd if extent.first <= v <= extent.last] or list(extent.boundaries()[:_SHORT])


def _completed(dims: Dims, shape: dict[str, int], rng: np.random.Generator) -> dict[str, int] | None:
    """The shape with a random admissible value for each dimension that divides another."""
    for name in dims:
        if dims[name].divides is not None:
            divisors = dims[name].divisors(shape)
            if not divisors:
                return None
            shape[name] = int(rng.choice(divisors))
    return shape


def _exchanges(spec: ContractSpec, dims: Mapping[str, int], names: tuple[str, ...]) -> Iterator[Exchange]:
    """Each array by itself in each pair of its axes, then all arrays in the same pair. An axis of length
    one has no place to be in; two axes of one length would look alike."""
    together: dict[tuple[int, int], list[str]] = {}
    for name in names:
        axes, shape = spec.arrays[name].axes, spec.arrays[name].shape(dims)
        told_apart = [n for n, length in enumerate(shape) if length > 1]
        if len(told_apart) < 2:
            raise ContractError(
                f"{name} has the shape {shape}: no two axes to exchange",
                where=spec.where,
                hint="give dims of two or more, or leave it out of arrays",
            )
        for first, second in combinations(told_apart, 2):
            if shape[first] == shape[second]:
                raise ContractError(
                    f"axes {axes[first]} and {axes[second]} of {name} both have the length {shape[first]}",
                    where=spec.where,
                    hint="give dims in which they differ",
                )
            role = "written" if spec.arrays[name].written else "read"
            words = f"{name} {role} with {axes[first]} and {axes[second]} exchanged"
            yield Exchange((name,), first, second, words)
            together.setdefault((first, second), []).append(name)
    for (first, second), affected in together.items():
        if len(affected) > 1:
            words = f"{', '.join(affected)} with their axes {first} and {second} exchanged"
            yield Exchange(tuple(affected), first, second, words)


def _noticed(spec: ContractSpec, trial: Trial, exchange: Exchange) -> bool | None:
    """Whether the comparison rejects what this misreading would give. None for a misreading of several
    arrays that gives the right result: it is none (an elementwise kernel has no layout)."""
    mistaken = _mistaken(spec, trial, exchange)
    exact = {name: expected.exact for name, expected in trial.judged.expected.items()}
    if len(exchange.arrays) > 1 and all(np.array_equal(mistaken[n], exact[n], equal_nan=True) for n in exact):
        return None
    return not trial.would_accept(mistaken)


def _mistaken(spec: ContractSpec, trial: Trial, exchange: Exchange) -> dict[str, NDArray[np.float64]]:
    """What a kernel that misreads would leave in the outputs, by the reference."""
    inputs = trial.run.inputs
    values = {n: exchange.misread(n, as_float64(a)) for n, a in inputs.items()}
    computed = spec.reference(values, trial.run.case.dims)
    return {n: _written(exchange, n, to_float64(a)) for n, a in computed.items()}


def _written(exchange: Exchange, name: str, result: NDArray[Any]) -> NDArray[Any]:
    """A result as the right reader finds it, if it was written with the axes exchanged."""
    if name not in exchange.arrays:
        return result
    flat = result.swapaxes(exchange.first, exchange.second)
    return np.ascontiguousarray(flat).reshape(result.shape)


def _wrong(spec: ContractSpec, trial: Trial, exchanges: list[Exchange]) -> Finding:
    """The right reading was rejected: which misreading explains what came out, if one does."""
    case = trial.run.case
    symbol = spec.symbol(case.dtype, case.dims)
    for exchange in exchanges:
        mistaken = _mistaken(spec, trial, exchange)
        expected = {n: replace(e, exact=mistaken[n]) for n, e in trial.judged.expected.items()}
        judges = judges_of(replace(trial.judged, expected=expected), trial.tolerances)
        if accepted(trial.run.outputs, judges):
            text = f"{spec.wrapper or spec.where} has {exchange.words} ({case}): the result is exactly that"
            return Finding(text, kernel=symbol, entity=spec.wrapper)
    text = f"{spec.wrapper or spec.where} is wrong already as declared ({case}): {trial.problems[0]}"
    return Finding(text, kernel=symbol, entity=spec.wrapper)


CHECK = CheckKind("layout", LayoutParams, run, needs_device=True, evidence=LayoutEvidence)
