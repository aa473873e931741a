"""Short ways to say, in a contract of the corpus, how a kernel is launched."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.oracle.contract import Launch
from rocverify.oracle.inputs import Kind

SUMMABLE = (Kind.PLAIN, Kind.HEAVY, Kind.SPECIAL)
"""The kinds of values whose sums and products do not overflow on the way to a result that does not."""

Size = int | tuple[int, ...]


def blocks(items: int, block: int) -> int:
    """How many workgroups of `block` it takes to have `items` workitems; one at least."""
    return max(1, -(-items // block))


def launch(
    grid: Size,
    block: Size,
    *arguments: Any,
    shared: int = 0,
    symbol: str | None = None,
    variables: Mapping[str, NDArray[Any]] | None = None,
) -> Launch:
    """A launch of `grid` workgroups of `block` workitems.

    arguments: a device array is a pointer, an int an `int` of the kernel, a float a `float`; a NumPy scalar
    has its own type (`np.uint32(1)`), a ctypes value is taken as it is. shared: dynamic LDS in bytes.
    symbol: another kernel than the contract's. variables: device variables to set first.
    """
    values = tuple(_argument(value) for value in arguments)
    return Launch(_triple(grid), _triple(block), values, shared, symbol, variables or {})


def _triple(size: Size) -> tuple[int, int, int]:
    given = (size,) if isinstance(size, int) else size
    x, y, z = (*given, 1, 1, 1)[:3]
    return x, y, z


def _argument(value: Any) -> Any:
    if isinstance(value, np.generic):
        return np.ctypeslib.as_ctypes_type(value.dtype)(value.item())
    if isinstance(value, int):
        return ctypes.c_int32(value)
    if isinstance(value, float):
        return ctypes.c_float(value)
    return value
