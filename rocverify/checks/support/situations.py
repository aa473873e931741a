"""The situations of a stability run: inputs chosen so that careless arithmetic shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rocverify.errors import ContractError
from rocverify.oracle.case import Case
from rocverify.oracle.contract import Array, ContractSpec, Role
from rocverify.oracle.controls import as_float64
from rocverify.oracle.drive import CaseRun
from rocverify.oracle.dtypes import DType
from rocverify.oracle.inputs import Kind, draw_inputs, one_sided
from rocverify.oracle.poison import Poison

_SPECIALS = {"a NaN": np.nan, "+infinity": np.inf, "-infinity": -np.inf}
Masks = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Situation:
    """A case and the inputs that replace what it would draw."""

    name: str
    case: Case
    values: Mapping[str, NDArray[Any]]


def situations_of(spec: ContractSpec, dims: Mapping[str, int], dtype: DType, seed: int) -> list[Situation]:
    """All situations of one element type on one shape; the same seed gives the same ones."""
    own_seed = (seed + crc32(f"{spec.reference_name} {dtype.name}".encode())) % 2**32
    # Poison that is no NaN: what was left unwritten must not pass for a NaN that is expected.
    case = Case(dict(dims), dtype, Kind.PLAIN, own_seed, Poison.HUGE)
    rng = np.random.default_rng(own_seed)
    plain = draw_inputs(spec, dims, dtype, Kind.PLAIN, own_seed)
    kinds = [
        k for k in (Kind.EXTREME, Kind.HEAVY, Kind.ROWS, Kind.MASKED) if spec.kinds is None or k in spec.kinds
    ]
    drawn = [Situation(f"{k} values", case, draw_inputs(spec, dims, dtype, k, own_seed)) for k in kinds]
    return [
        *_single_specials(spec, case, plain, rng),
        *drawn,
        *_one_sided(spec, case, plain, rng),
        *_subnormal(spec, case, plain, rng),
        *_contracts_own(spec, case, plain, rng),
    ]


def _floats(spec: ContractSpec, dtype: DType) -> dict[str, Array]:
    """The device arrays that the kernel reads as floating-point numbers."""
    return {
        name: array
        for name, array in spec.arrays.items()
        if array.role in (Role.IN, Role.INOUT) and array.dtype(dtype).is_float
    }


def _single_specials(
    spec: ContractSpec, case: Case, plain: Mapping[str, NDArray[Any]], rng: np.random.Generator
) -> Iterator[Situation]:
    """One special value in one place of one input: nothing else can be the reason of what it does. Inputs
    that the contract lists as `finite` never have any: nothing is promised of them then."""
    finite = getattr(spec.subject, "finite", ())
    for name in (n for n in _floats(spec, case.dtype) if n not in finite):
        for words, value in _SPECIALS.items():
            changed = plain[name].copy()
            place = tuple(int(rng.integers(length)) for length in changed.shape)
            changed[place] = value
            where = ", ".join(map(str, place))
            yield Situation(f"{words} in {name}[{where}]", case, {**plain, name: changed})


def _one_sided(
    spec: ContractSpec, case: Case, plain: Mapping[str, NDArray[Any]], rng: np.random.Generator
) -> Iterator[Situation]:
    """One input all large and of one sign, the others ordinary. What the contract prepares it prepares for a
    reason, and is left out."""
    if spec.kinds is not None and Kind.ROWS not in spec.kinds:
        return
    prepared = spec.prepare(np.random.default_rng(case.seed), case.dims, case.dtype, str(Kind.PLAIN))
    for name, array in _floats(spec, case.dtype).items():
        for words, sign in (("negative", -1), ("positive", 1)) if name not in prepared else ():
            values = one_sided(rng, plain[name].shape, array.dtype(case.dtype), sign)
            yield Situation(f"all of {name} large and {words}", case, {**plain, name: values})


def _subnormal(
    spec: ContractSpec, case: Case, plain: Mapping[str, NDArray[Any]], rng: np.random.Generator
) -> Iterator[Situation]:
    """One input subnormal, the others ordinary: a product of two of them would be zero anyway."""
    for name, array in _floats(spec, case.dtype).items():
        element, shape = array.dtype(case.dtype), plain[name].shape
        signs = rng.choice(np.array([-1.0, 1.0]), shape)
        values = (signs * element.smallest_normal * rng.uniform(0, 1, shape)).astype(element.numpy)
        yield Situation(f"subnormal {name}", case, {**plain, name: values})


def _contracts_own(
    spec: ContractSpec, case: Case, plain: Mapping[str, NDArray[Any]], rng: np.random.Generator
) -> Iterator[Situation]:
    if not hasattr(spec.subject, "situations"):
        return
    made = _called(spec, "situations", {"rng": rng, "dims": _Names(case.dims), "dtype": case.dtype, **plain})
    for name, arrays in made.items():
        values = dict(plain)
        for array, given in arrays.items():
            if array not in plain or np.shape(given) != plain[array].shape:
                shape = f"not {np.shape(given)}" if array in plain else "there is no such input"
                raise ContractError(
                    f"situations(), {name}: {array} must have its array's shape, {shape}", where=spec.where
                )
            with np.errstate(all="ignore"):
                values[array] = np.ascontiguousarray(given).astype(plain[array].dtype)
        yield Situation(name, case, values)


def unspecified_of(spec: ContractSpec, run: CaseRun) -> Masks:
    """The results that the contract leaves open for these inputs, by output: True where anything goes."""
    if not hasattr(spec.subject, "unspecified"):
        return {}
    inputs = {name: as_float64(array) for name, array in run.inputs.items()}
    masks: Masks = _called(spec, "unspecified", {**run.case.dims, **inputs})
    for name, mask in masks.items():
        if name not in run.outputs or np.shape(mask) != run.outputs[name].shape:
            raise ContractError(f"unspecified() must give a mask of {name}'s shape", where=spec.where)
        if run.case.kind is Kind.PLAIN and np.all(mask):
            raise ContractError(f"unspecified() leaves all of {name} open", where=spec.where)
    return masks


class _Names(dict[str, Any]):
    """Dimensions as attributes, as contracts take them."""

    def __getattr__(self, name: str) -> Any:
        if name not in self:
            raise AttributeError(f"there is {', '.join(self)}, no {name}")
        return self[name]


def _called(spec: ContractSpec, method: str, offered: Mapping[str, Any]) -> Any:
    """A method of the contract with those of the offered arguments that it declares."""
    import inspect

    function = getattr(spec.subject, method)
    wanted = inspect.signature(function).parameters
    unknown = [name for name in wanted if name not in offered]
    if unknown:
        raise ContractError(
            f"{method}() asks for {unknown[0]!r}", where=spec.where, hint=f"there is {', '.join(offered)}"
        )
    try:
        with np.errstate(all="ignore"):
            return function(**{name: offered[name] for name in wanted})
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        problem = f"{method}() raised {type(error).__name__}: {error}"
        raise ContractError(problem, where=spec.where) from error
