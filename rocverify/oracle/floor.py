"""The floor of what must have been tried before a pass says anything of a kernel.

Plans and settings may raise what is tried and may choose shapes and types, but what falls below the floor
proves nothing: shapes enough, every dimension at two lengths at least, kinds of values enough, every element
type of the contract. The same holds for a contract that offers a single shape, or names no mistake that the
comparison is known to reject.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from math import prod

import numpy as np

from rocverify.oracle.case import Case
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.dims import Dims
from rocverify.oracle.dtypes import DType
from rocverify.oracle.inputs import Kind, draw_inputs

SHAPES, KINDS = 6, 3
_KINDS_WORDS = "sorts of values"


@dataclass(frozen=True, slots=True)
class Shortfall:
    """One way in which a run stays below the floor. what: `shapes`, `kinds`, `types`, `dims` or `contract`;
    name: of the dimension or the element type; tried: the lengths that a dimension had."""

    what: str
    name: str
    text: str
    tried: tuple[int, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The shortfall as JSON data."""
        return {"what": self.what, "name": self.name, "text": self.text, "tried": list(self.tried)}


def shortfalls(spec: ContractSpec, tried: dict[DType, Sequence[Case]], *, mistakes: int) -> list[Shortfall]:
    """What is missing. tried: the cases that have run, by element type; mistakes: of the contract, that
    changed a result."""
    every = [case for cases in tried.values() for case in cases]
    found = [*_types(spec, tried), *_of_contract(spec, mistakes), *_dims(spec, every)]
    for dtype, cases in tried.items():
        found += [*_shapes(spec, dtype, cases), *_kinds(spec, dtype, cases)]
    return found


def _types(spec: ContractSpec, tried: Iterable[DType]) -> Iterator[Shortfall]:
    for dtype in spec.dtypes:
        if dtype not in set(tried):
            yield Shortfall("types", dtype.name, f"no case of {dtype}, which the contract has")


def _of_contract(spec: ContractSpec, mistakes: int) -> Iterator[Shortfall]:
    if _admissible(spec.dims, 2) < 2:
        yield Shortfall("contract", "dims", "the contract has one shape only: widen its dims")
    if not mistakes:
        text = "the contract names no mistake that changes a result: add wrong()"
        yield Shortfall("contract", "wrong", text)


def _dims(spec: ContractSpec, cases: Sequence[Case]) -> Iterator[Shortfall]:
    for name in spec.dims:
        extent = spec.dims[name]
        lengths = tuple(sorted({case.dims[name] for case in cases}))
        if len(lengths) == 1 and extent.first != extent.last:
            text = f"{name} is {lengths[0]} in every case, the contract has {extent.first} to {extent.last}"
            yield Shortfall("dims", name, text, lengths)


def _shapes(spec: ContractSpec, dtype: DType, cases: Sequence[Case]) -> Iterator[Shortfall]:
    shapes = {tuple(sorted(case.dims.items())) for case in cases}
    least = min(SHAPES, _admissible(spec.dims, SHAPES))
    if len(shapes) < least:
        yield Shortfall("shapes", dtype.name, f"{len(shapes)} shapes of {dtype}, at least {least} are needed")


def _kinds(spec: ContractSpec, dtype: DType, cases: Sequence[Case]) -> Iterator[Shortfall]:
    kinds = {case.kind for case in cases}
    least = min(KINDS, len(spec.kinds or tuple(Kind)))
    if len(cases) < least:
        return
    if least > 1 and len(kinds) > 1 and all_alike(spec, dtype, cases):
        text = (
            f"prepare() gives the same values in {dtype} whatever sort of values a case has: let it take "
            '`kind`, or declare kinds = ("plain",)'
        )
        yield Shortfall("kinds", dtype.name, text)
    elif len(kinds) < least:
        yield Shortfall(
            "kinds", dtype.name, f"{len(kinds)} {_KINDS_WORDS} in {dtype}, at least {least} are needed"
        )


def all_alike(spec: ContractSpec, dtype: DType, cases: Sequence[Case]) -> bool:
    """Whether sorts of values are mere labels: the numbers that a kernel is given are the same in each."""
    smallest = min(cases, key=lambda case: prod(case.dims.values()))
    floats = [name for name, array in spec.arrays.items() if array.is_given and array.dtype(dtype).is_float]
    drawn: set[tuple[bytes, ...]] = set()
    for kind in sorted({case.kind for case in cases}):
        values = draw_inputs(spec, smallest.dims, dtype, kind, smallest.seed)
        drawn.add(tuple(values[name].tobytes() for name in floats if isinstance(values[name], np.ndarray)))
        if len(drawn) > 1:
            return False
    return any(next(iter(drawn), ()))


def _admissible(dims: Dims, enough: int) -> int:
    """How many shapes the dimensions admit; no further than `enough`."""
    independent = [name for name in dims if dims[name].divides is None]
    shapes = product(*(dims[name].lengths()[:enough] for name in independent))
    least = {name: dims[name].first for name in dims}
    found = {
        tuple(sorted(dims.complete({**least, **dict(zip(independent, lengths, strict=True))}).items()))
        for lengths in islice(shapes, enough * enough)
    }
    return min(len(found), enough)
