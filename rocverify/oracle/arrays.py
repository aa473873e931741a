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
    """What happens to an array: read, written, both, read on the host by the wrapper, written there, returned
    by the call, or used as working memory whose contents mean nothing afterwards."""

    IN = "in"
    OUT = "out"
    INOUT = "inout"
    HOST = "host"
    HOST_OUT = "host_out"
    RETURNED = "returned"
    SCRATCH = "scratch"


_RESULTS = (Role.OUT, Role.HOST_OUT, Role.RETURNED)


@dataclass(frozen=True, slots=True)
class Array:
    """One array of a contract. axes: lengths in terms of dimensions, `head_dim/2` or `seq*2` or `3`; a scalar
    has none, and may be limited to `values`, or to a span. pitch: rows lie a multiple of so many elements
    apart (0: they follow one another)."""

    role: Role
    axes: tuple[str, ...]
    dtypes: DTypes
    values: tuple[float, ...] = ()
    span: tuple[float, float] | None = None
    pitch: int = 0

    @property
    def written(self) -> bool:
        """Whether the array is a result, to be compared."""
        return self.role in (Role.INOUT, *_RESULTS)

    @property
    def only_written(self) -> bool:
        """Whether what it held before means nothing."""
        return self.role in _RESULTS

    @property
    def on_device(self) -> bool:
        """Whether the array lies in device memory."""
        return self.role not in (Role.HOST, Role.HOST_OUT, Role.RETURNED)

    @property
    def is_given(self) -> bool:
        """Whether its values are the caller's."""
        return self.role in (Role.IN, Role.INOUT, Role.HOST)

    def shape(self, dims: Mapping[str, int]) -> tuple[int, ...]:
        """Its lengths where the dimensions have these lengths, in elements."""
        return tuple(_length(axis, dims) for axis in self.axes)

    def dtype(self, case: DType) -> DType:
        """The element type in a case of type `case`: an array of a single type keeps it."""
        return case if len(self.dtypes) > 1 else self.dtypes.members[0]


def In(  # noqa: N802 - reads as a declaration
    axes: str, dtypes: DType | DTypes, *, pitch: int = 0
) -> Array:
    """An array in device memory that the kernel reads and must leave as it is. pitch: its rows (along the
    last axis) lie apart, by a number of elements that is drawn for each case: at least a row, a multiple of
    `pitch`. `arrays.x.leading` tells it, `arrays.x.strides` in bytes; what lies between rows is not the
    kernel's to read or to write."""
    return _pitched(Role.IN, axes, dtypes, pitch)


def Out(axes: str, dtypes: DType | DTypes, *, pitch: int = 0) -> Array:  # noqa: N802 - reads as a declaration
    """An array in device memory whose every element the kernel writes. Integers must match exactly. pitch: as
    of In."""
    return _pitched(Role.OUT, axes, dtypes, pitch)


def InOut(  # noqa: N802 - reads as a declaration
    axes: str, dtypes: DType | DTypes, *, pitch: int = 0
) -> Array:
    """An array in device memory that the kernel changes in place. pitch: as of In."""
    return _pitched(Role.INOUT, axes, dtypes, pitch)


def Scratch(axes: str, dtypes: DType | DTypes) -> Array:  # noqa: N802 - reads as a declaration
    """Working memory on the device: poison, unless `prepare` gives it values; its end is not looked at."""
    return _array(Role.SCRATCH, axes, dtypes)


def HostIn(axes: str, dtypes: DType | DTypes) -> Array:  # noqa: N802 - reads as a declaration
    """An array on the host that the wrapper takes; `prepare` supplies its values."""
    return _array(Role.HOST, axes, dtypes)


def HostOut(axes: str, dtypes: DType | DTypes) -> Array:  # noqa: N802 - reads as a declaration
    """An array on the host that the wrapper fills: every element must be there when it returns."""
    return _array(Role.HOST_OUT, axes, dtypes)


def Returned(axes: str, dtypes: DType | DTypes) -> Array:  # noqa: N802 - reads as a declaration
    """What `call` returns: a NumPy array or, without axes, a number; of several a tuple in order, or a
    mapping by name. It must be there when the call returns."""
    return _array(Role.RETURNED, axes, dtypes)


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


def _pitched(role: Role, axes: str, dtypes: DType | DTypes, pitch: int) -> Array:
    if pitch < 0 or (pitch and len(axes.split()) < 2):
        raise ContractError("a pitch is a positive number of elements, of an array that has rows")
    return replace(_array(role, axes, dtypes), pitch=pitch)


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
            raise ContractError(f"{axis} is not a whole number for {name}={value}")
        return value // factor
    return value * factor


@cache
def _parsed(axis: str) -> tuple[str | None, str | None, int]:
    """(dimension, operator, factor) of an axis; the dimension is None for a fixed length."""
    match = AXIS.match(axis)
    if match is None:
        raise ContractError(f"axis {axis!r} is not a length")
    return match["name"], match["operator"], int(match["factor"] or match["fixed"] or 1)
