"""Arrays in device memory, as code under verification is given them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_UNKNOWN_TO_NUMPY = {"bfloat16": 2}
"""Bytes of element types that NumPy has no name for."""


@dataclass(frozen=True, slots=True)
class DeviceView:
    """An array in device memory, as a contract hands it to a wrapper: a pointer that knows its shape.
    hip-python takes it wherever it takes a pointer, in `extra` too. leading: elements from row to row; None
    where rows follow one another."""

    ptr: int
    shape: tuple[int, ...]
    dtype: str
    leading: int | None = None

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from element to element along each axis, as NumPy's."""
        step = _UNKNOWN_TO_NUMPY.get(self.dtype) or np.dtype(self.dtype).itemsize
        lengths = list(reversed(self.shape))
        if self.leading is not None:
            lengths[0] = self.leading
        strides = []
        for length in lengths:
            strides.append(step)
            step *= length
        return tuple(reversed(strides))

    def __int__(self) -> int:
        return self.ptr

    def __index__(self) -> int:
        return self.ptr

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """What hip-python, PyTorch and CuPy ask of arrays on a device."""
        size = _UNKNOWN_TO_NUMPY.get(self.dtype)
        typestr = np.dtype(self.dtype).str if size is None else f"|V{size}"
        return {
            "data": (self.ptr, False),
            "shape": self.shape,
            "typestr": typestr,
            "strides": None if self.leading is None else self.strides,
            "version": 2,
        }
