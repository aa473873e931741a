"""Python values as kernel arguments passed by value: their bytes, as they lie in the kernarg segment."""

from __future__ import annotations

import ctypes
import math
import struct
from types import MappingProxyType
from typing import Any

import numpy as np

from rocverify.device.by_hand.parameter_types import (
    BFLOAT_TYPES,
    HALF_TYPES,
    SIGNED,
    UNSIGNED,
    is_float_type,
    is_integer_type,
)

_FLOATS = MappingProxyType({4: "<f", 8: "<d"})
_INTEGER_BYTES = (1, 2, 4, 8, 16)


class ValueMismatchError(Exception):
    """What is wrong with a value, in words that follow "but"."""


def scalar_bytes(value: Any, size: int, type_name: str | None = None) -> bytes:
    """The `size` bytes of a value. `type_name` is the parameter's C++ type, if it is known.

    Python numbers are converted, and must fit; everything that has a size of its own (NumPy and ctypes
    values, bytes) must have exactly this one. Raises ValueMismatchError.
    """
    match value:
        case np.generic() | np.ndarray():
            return _of_numpy(value, size, type_name)
        case bool() | int():
            return _of_integer(int(value), size, type_name)
        case float():
            return _of_float(value, size, type_name)
        case bytes() | bytearray() | memoryview() | ctypes.Structure() | ctypes.Union() | ctypes.Array():
            return _exact(bytes(value), size, type(value).__name__)
        case ctypes._SimpleCData():
            return _exact(bytes(value), size, type(value).__name__)
    raise ValueMismatchError(f"a {type(value).__name__} was given")


def _exact(data: bytes, size: int, what: str) -> bytes:
    if len(data) != size:
        raise ValueMismatchError(f"the {what} given has {len(data)}")
    return data


def _of_numpy(value: Any, size: int, type_name: str | None) -> bytes:
    if value.ndim:
        raise ValueMismatchError("an array was given")
    if value.dtype.hasobject:
        raise ValueMismatchError("a Python object was given")
    floating = value.dtype.kind not in "iub" and value.dtype.names is None
    if value.dtype.kind in "iub" and is_float_type(type_name):
        raise ValueMismatchError(f"it is a {type_name} and {value.dtype.name} was given")
    if floating and is_integer_type(type_name):
        raise ValueMismatchError(f"it is a {type_name} and {value.dtype.name} was given")
    native = value.astype(value.dtype.newbyteorder("="))
    return _exact(native.tobytes(), size, value.dtype.name)


def _of_integer(value: int, size: int, type_name: str | None) -> bytes:
    if is_float_type(type_name):
        if abs(value) > 1 << 53 and int(float(value)) != value:
            raise ValueMismatchError(f"{value} is not exact as a {type_name}")
        return _of_float(float(value), size, type_name)
    if size not in _INTEGER_BYTES:
        raise ValueMismatchError("an int was given: pass its bytes, a ctypes or a NumPy value")
    least, most = -(1 << (8 * size - 1)), (1 << 8 * size) - 1
    if type_name in UNSIGNED:
        least = 0
    elif type_name in SIGNED:
        most = -least - 1
    elif type_name == "bool":
        least, most = 0, 1
    if not least <= value <= most:
        raise ValueMismatchError(f"{value} is not from {least} to {most}")
    return (value % (1 << 8 * size)).to_bytes(size, "little")


def _of_float(value: float, size: int, type_name: str | None) -> bytes:
    if is_integer_type(type_name):
        raise ValueMismatchError(f"it is a {type_name} and {value!r} was given")
    if size == 2:
        return _of_short_float(value, type_name)
    if size not in _FLOATS:
        raise ValueMismatchError("a float was given: pass its bytes, a ctypes or a NumPy value")
    try:
        return struct.pack(_FLOATS[size], value)
    except OverflowError:
        raise ValueMismatchError(f"{value!r} does not fit a float of {size} bytes") from None


def _of_short_float(value: float, type_name: str | None) -> bytes:
    if type_name in HALF_TYPES:
        dtype = np.dtype(np.float16)
    elif type_name in BFLOAT_TYPES:
        import ml_dtypes

        dtype = np.dtype(ml_dtypes.bfloat16)
    else:
        raise ValueMismatchError("a float may be f16 or bf16: pass numpy.float16 or ml_dtypes.bfloat16")
    with np.errstate(over="ignore"):
        data = np.array(value, np.float64).astype(dtype)
    if math.isfinite(value) and not np.isfinite(data.astype(np.float64)):
        raise ValueMismatchError(f"{value!r} does not fit a {type_name}")
    return data.tobytes()
