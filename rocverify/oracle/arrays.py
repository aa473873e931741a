"""What a contract declares: its arrays, the launches it makes, the calls that must be refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any

from numpy.typing import NDArray

from rocverify.errors import ContractError
from rocverify.oracle.dtypes import DType, DTypes

AXIS = re.compile(r"(?P<name>[a-z_]\w*)(?:(?P<operator>[*/])(?P<factor>[1-9]\d*))?\Z|(?P<fixed>[1-9]\d*)\Z")
"""One axis of an array: a dimension, a multiple or a part of one, or a number."""


class Role(StrEnum):
    """What happens to an array: read, written, both, read on the host by the wrapper, or used as
    working memory whose contents mean nothing afterwards."""

    IN = "in"
    OUT = "out"
    INOUT = "inout"
    HOST = "host"
    SCRATCH = "scratch"


@dataclass(frozen=True, slots=True)
class Array:
    """One array of a contract. axes: lengths in terms of dimensions, `head_dim/2` or `seq*2` or `3`; a scalar
    has none, and may be limited to `values`, or to a span."""

    role: Role
    axes: tuple[str, ...]
    dtypes: DTypes
    values: tuple[float, ...] = ()
    span: tuple[float, float] | None = None

    @property
    def written(self) -> bool:
        """Whether the array is a result, to be compared."""
        return self.role in (Role.OUT, Role.INOUT)

    def shape(self, dims: Mapping[str, int]) -> tuple[int, ...]:
        return tuple(_length(axis, dims) for axis in self.axes)

    def dtype(self, case: DType) -> DType:
        """The element type in a case of type `case`: an array of a single type keeps it."""
        return case if len(self.dtypes) > 1 else self.dtypes.members[0]


def In(axes: str, dtypes: DType | DTypes) -> Array:  # noqa: N802 - reads as a declaration
    """An array in device memory that the kernel reads and must leave as it is."""
    return _array(Role.IN, axes, dtypes)


def Out(axes: str, dtypes: DType | DTypes) -> Array:  # noqa: N802 - reads as a declaration
    """An array in device memory whose every element the kernel writes. Integers must match exactly."""
    return _array(Role.OUT, axes, dtypes)


def InOut(axes: str, dtypes: DType | DTypes) -> Array:  # noqa: N802 - reads as a declaration
    """An array in device memory that the kernel changes in place."""
    return _array(Role.INOUT, axes, dtypes)


def Scratch(axes: str, dtypes: DType | DTypes) -> Array:  # noqa: N802 - reads as a declaration
    """Working memory on the device: poison, unless `prepare` gives it values; its end is not looked at."""
    return _array(Role.SCRATCH, axes, dtypes)


def HostIn(axes: str, dtypes: DType | DTypes) -> Array:  # noqa: N802 - reads as a declaration
    """An array on the host that the wrapper takes; `prepare` supplies its values."""
    return _array(Role.HOST, axes, dtypes)


def Scalar(  # noqa: N802 - reads as a declaration
    dtypes: DType | DTypes, *values: float, low: float | None = None, high: float | None = None
) -> Array:
    """A number that the wrapper takes by value, drawn for every case: one of `values` (flags, sizes), or
    between low and high, or, of floating-point type, anything. `arrays.alpha` is a Python number then, and
    what the reference gets as `alpha` an array without axes."""
    if values and (low is not None or high is not None):
        raise ContractError("a Scalar has values, or low and high, not both")
    if (low is None) != (high is None):
        raise ContractError("a Scalar needs low and high together")
    span = None if low is None or high is None else (low, high)
    return replace(_array(Role.HOST, "", dtypes), values=values, span=span)


def _array(role: Role, axes: str, dtypes: DType | DTypes) -> Array:
    return Array(role, tuple(axes.split()), dtypes if isinstance(dtypes, DTypes) else DTypes((dtypes,)))


@dataclass(frozen=True, slots=True)
class Launch:
    """A launch that a contract without wrapper asks for. arguments: device arrays and ctypes values in order.

    symbol: another kernel of the same code object than the contract's own, for a launch that prepares
    or finishes the work. variables: device variables (`__device__`, `__constant__`) by name, with what is
    copied into them before the launch, as hipMemcpyToSymbol does.
    """

    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    arguments: tuple[Any, ...]
    shared_bytes: int = 0
    symbol: str | None = None
    variables: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call that the wrapper must refuse with the exception named `error`, before any launch.

    values: what replaces arrays on the host; dims: what replaces dimensions in the call (the arrays
    keep their true shapes).
    """

    error: str
    values: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    dims: Mapping[str, int] = field(default_factory=dict)


def _length(axis: str, dims: Mapping[str, int]) -> int:
    name, operator, factor = _parsed(axis)
    if name is None:
        return factor
    value = dims[name]
    if operator == "/":
        if value % factor:
            raise ContractError(f"{axis} is no whole number for {name}={value}")
        return value // factor
    return value * factor


@cache
def _parsed(axis: str) -> tuple[str | None, str | None, int]:
    """(dimension, operator, factor) of an axis; the dimension is None for a fixed length."""
    match = AXIS.match(axis)
    if match is None:
        raise ContractError(f"axis {axis!r} is no length")
    return match["name"], match["operator"], int(match["factor"] or match["fixed"] or 1)
