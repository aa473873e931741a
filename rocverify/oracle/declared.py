"""What a declared contract must have.

Symbols for its element types, axes that are dimensions, and methods that ask for what there is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from rocverify.errors import ContractError
from rocverify.oracle.arrays import AXIS, Array, Role
from rocverify.oracle.dtypes import F64, DType

if TYPE_CHECKING:
    from rocverify.oracle.contract import ContractSpec


def symbols_of(
    symbol: str | Mapping[DType, str], arrays: Mapping[str, Array], where: str
) -> Mapping[str, str]:
    """The symbol of each element type, by its name; ContractError where one is missing."""
    several = {a.dtypes for a in arrays.values() if len(a.dtypes) > 1}
    if len(several) > 1:
        raise ContractError("arrays of several element types must have the same ones", where=where)
    written = [a.dtypes for a in arrays.values() if a.written]
    if not written:
        raise ContractError(
            "no array is Out, InOut, HostOut or Returned: the kernel would do nothing", where=where
        )
    dtypes = next(iter(several), written[0])
    symbols = {d.name: symbol if isinstance(symbol, str) else symbol.get(d, "") for d in dtypes}
    missing = [name for name, found in symbols.items() if not found]
    if missing:
        raise ContractError(f"no symbol for {', '.join(missing)}", where=where)
    return MappingProxyType(symbols)


def validate(spec: ContractSpec) -> None:
    """ContractError for the first contradiction."""
    for problem in (*_shape_problems(spec), *_method_problems(spec)):
        raise ContractError(problem, where=spec.where)


def _shape_problems(spec: ContractSpec) -> list[str]:
    problems = []
    for name, array in spec.arrays.items():
        for axis in array.axes:
            match = AXIS.match(axis)
            if match is None:
                problems.append(f"axis {axis!r} of {name}: write a dimension, `dim*2`, `dim/2` or a number")
            elif match["name"] and match["name"] not in spec.dims:
                problems.append(f"axis {axis!r} of {name}: dims has no {match['name']!r}")
        if array.written and F64 in array.dtypes and F64.name not in spec.rounding:
            problems.append(f"{name}: float64 outputs need a rounding: the reference is no more precise")
        if array.role in (Role.HOST_OUT, Role.RETURNED) and spec.wrapper is None:
            problems.append(f"{name}: only a wrapper fills arrays of the host, or returns them")
    if spec.independent is not None and any(
        array.axes[:1] != (spec.independent,) for array in spec.outputs.values()
    ):
        problems.append(f"independent = {spec.independent!r}: that is the first axis of every result")
    if spec.parameters is not None:
        known = set(spec.arrays) | set(spec.dims)
        unknown = [p for p in spec.parameters if p not in known]
        problems += [f"parameter {p!r} is not an array or dimension" for p in unknown]
    return problems


def _method_problems(spec: ContractSpec) -> list[str]:
    problems = []
    needed = ("reference", "call" if spec.wrapper else "launch")
    for method in needed:
        if not callable(getattr(spec.subject, method, None)):
            problems.append(f"{method}() is missing")
    if spec.wrapper is not None and not re.fullmatch(r"[\w.]+:\w+(\.\w+)*", spec.wrapper):
        problems.append(
            f"wrapper {spec.wrapper!r} is not of the form package.module:function, or module:Class.method"
        )
    quantities = (*spec.arrays, *spec.dims)
    for method, known in (
        *((name, quantities) for name in ("reference", "canonical")),
        *((name, (*quantities, "dtype")) for name in ("magnitude", "wrong")),
        ("kernel", ("dims", "dtype")),
        ("call", ("wrapper", "arrays", "dims", "dtype", "stream")),
        ("launch", ("arrays", "dims", "dtype")),
        ("prepare", ("rng", "dims", "dtype", "kind")),
    ):
        function = getattr(spec.subject, method, None)
        if callable(function):
            asked = inspect.signature(function).parameters.values()
            unknown = [p.name for p in asked if p.name not in known and p.default is p.empty]
            problems += [f"{method}() asks for {p!r}; there are {', '.join(known)}" for p in unknown]
    return problems
