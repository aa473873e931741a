"""What the outputs of a case must be, and what is wrong with what a run left behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.errors import ContractError
from rocverify.oracle.case import Case
from rocverify.oracle.compare import Comparison, compare
from rocverify.oracle.contract import Array, ContractSpec, Values
from rocverify.oracle.controls import Judged, as_float64
from rocverify.oracle.diagnose import mistake_made, where_wrong
from rocverify.oracle.drive import CaseRun
from rocverify.oracle.dtypes import DType, to_float64
from rocverify.oracle.tiled import Tiled
from rocverify.oracle.tolerance import Expected, Tolerance, tolerance_for
from rocverify.store.digests import shown_digest


@dataclass(frozen=True, slots=True)
class CaseVerdict:
    """One case against its references: a comparison for each output, and everything that is wrong.
    explained: whether the hint names the mistake that gives this result."""

    judged: Judged
    comparisons: Mapping[str, Comparison]
    problems: tuple[str, ...]
    hint: str | None = None
    explained: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """The references of one case, by output: in float64, in the stored type, and the magnitudes if the
    contract gives them; whether numbers overflowed in the stored type."""

    exact: Mapping[str, Any]
    same_type: Mapping[str, Any]
    magnitude: Mapping[str, Any] | None
    overflowed: bool = False


def computed_of(spec: ContractSpec, case: Case, inputs: Values) -> Computed:
    """Has the references computed: from the inputs alone, and maybe while the case is executed."""
    values = {name: as_float64(array) for name, array in inputs.items()}
    stored = {name: _stored(array, case.dtype) for name, array in inputs.items()}
    exact, same_type, magnitude, overflowed = spec.references(values, stored, case.dims, case.dtype)
    return Computed(
        spec.canonical(values, exact, case.dims),
        spec.canonical(stored, same_type, case.dims),
        magnitude,
        overflowed,
    )


def expected_of(spec: ContractSpec, run: CaseRun, computed: Computed | None = None) -> dict[str, Expected]:
    """What the outputs of one case must be, from its references; ContractError where they do not fit."""
    dtype = run.case.dtype
    found = computed or computed_of(spec, run.case, run.inputs)
    exact = _checked(spec, run, found.exact, "reference")
    same_type = _checked(spec, run, found.same_type, "reference")
    sizes = _checked(spec, run, found.magnitude, "magnitude") if found.magnitude else exact

    def expected(name: str, array: Array) -> Expected:
        if not array.dtype(dtype).is_float:
            whole = _whole(spec, name, exact[name], array.dtype(dtype))
            return Expected(whole, whole, np.zeros(whole.shape))
        terms = np.abs(to_float64(sizes[name]))
        return Expected(to_float64(exact[name]), same_type[name], terms, found.overflowed)

    return {name: expected(name, array) for name, array in spec.outputs.items()}


def _whole(spec: ContractSpec, name: str, result: NDArray[Any], dtype: DType) -> NDArray[Any]:
    """A reference result as integers of the output's type; ContractError where it has no such values."""
    with np.errstate(all="ignore"):
        held = result.astype(dtype.numpy)
    if not np.array_equal(held, result):
        raise ContractError(f"reference() gave {name} values that are not {dtype.name}", where=spec.where)
    return held


def tolerances_of(spec: ContractSpec, judged: Sequence[Judged]) -> dict[str, Tolerance]:
    """The tolerance of each output, from all cases of one element type."""
    return {name: _tolerance(spec, name, judged) for name in spec.outputs}


def judge(
    spec: ContractSpec, judged: Judged, tolerances: Mapping[str, Tolerance], code_object: str | None = None
) -> CaseVerdict:
    """Compares every element, and looks at the launch, the inputs and the surroundings. `code_object` is
    the SHA-256 of the code object that launches must come from (None: from any)."""
    run = judged.run
    comparisons = {
        name: compare(run.outputs[name], judged.expected[name], tolerances[name]) for name in spec.outputs
    }
    problems = [
        *_comparison_problems(comparisons),
        *(f"wrote outside {text}" for text in run.damage),
        *(f"changed its input {name}" for name in run.changed),
        *_late_problems(run),
    ]
    problems += _launch_problems(run, spec.symbol(run.case.dtype, run.case.dims), code_object)
    wrong = any(not c.matches for c in comparisons.values())
    if not wrong:
        return CaseVerdict(judged, comparisons, tuple(problems))
    mistake = mistake_made(spec, judged, tolerances)
    hint = mistake or where_wrong(spec, judged, comparisons)
    return CaseVerdict(judged, comparisons, tuple(problems), hint, mistake is not None)


def _late_problems(run: CaseRun) -> list[str]:
    if not run.late:
        return []
    what, work = run.late
    return [
        f"{what}: nothing orders {work or 'what it has queued'} before what its caller does next; wait for "
        "it, or have the caller's stream wait (hipEventRecord, hipStreamWaitEvent)"
    ]


def _tolerance(spec: ContractSpec, name: str, judged: Sequence[Judged]) -> Tolerance:
    dtype = spec.arrays[name].dtype(judged[0].run.case.dtype)
    rounding = spec.rounding.get(dtype.name)
    # What is stored in float64 is never computed in less.
    compute = max(spec.compute, dtype, key=lambda d: d.bits) if dtype.is_float else spec.compute
    terms = max(spec.terms(name, case.run.case.dims) for case in judged)
    return tolerance_for(dtype, compute, rounding, [case.expected[name] for case in judged], terms)


def _launch_problems(run: CaseRun, symbol: str, code_object: str | None) -> list[str]:
    """The kernel must have run, and from the code object that was built: a right result of an old build
    says nothing of the source as it is."""
    if not run.launched(symbol):
        if any(e.kernel == symbol and e.ok for e in run.launches):
            return [f"{symbol} was launched by the contract's call() itself, not by the wrapper"]
        launched = sorted({e.kernel for e in run.launches if e.kernel})
        return [f"{symbol} was not launched (launched: {', '.join(launched) or 'nothing'})"]
    foreign = {e.code_object for e in run.launches if e.kernel == symbol} - {None, code_object}
    if code_object is None or not foreign:
        return []
    found = ", ".join(shown_digest(digest) for digest in sorted(map(str, foreign)))
    return [
        f"{symbol} was launched from another code object ({found}) than was built "
        f"({shown_digest(code_object)})"
    ]


def _comparison_problems(comparisons: Mapping[str, Comparison]) -> list[str]:
    problems = []
    for name, comparison in comparisons.items():
        first = comparison.first
        if first is not None:
            place = ", ".join(map(str, first.index))
            problems.append(
                f"{comparison.mismatches} of {comparison.elements} elements of {name} are wrong, the first "
                f"at [{place}]: expected {_number(first.expected)}, got {_number(first.observed)}"
            )
    return problems


def _number(value: float | int) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}"


def _stored(array: Any, dtype: DType) -> Any:
    """Floating-point arrays in the stored type; what overflows there is infinite."""
    if isinstance(array, Tiled):
        return array.with_tile(_stored(array.tile, dtype))
    with np.errstate(all="ignore"):
        return array if array.dtype.kind in "iu" or not dtype.is_float else array.astype(dtype.numpy)


def _checked(
    spec: ContractSpec, run: CaseRun, results: Mapping[str, Any], method: str
) -> dict[str, NDArray[Any]]:
    """The results as arrays of the outputs' shapes; ContractError where a shape is wrong."""
    arrays = {name: np.asarray(result) for name, result in results.items()}
    for name, array in arrays.items():
        shape = run.outputs[name].shape
        if array.shape != shape:
            problem = f"{method}() gave {name} the shape {array.shape}, not {shape}"
            raise ContractError(problem, where=spec.where)
    return arrays
