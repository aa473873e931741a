"""Kernel arguments written by hand: `u32:5`, `f32[1024]:random`, `same:0`, `bytes:00ff`, `null`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from rocverify.errors import UsageError

Array = NDArray[Any]

DTYPES: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        **{f"i{bits}": np.dtype(f"int{bits}") for bits in (8, 16, 32, 64)},
        **{f"u{bits}": np.dtype(f"uint{bits}") for bits in (8, 16, 32, 64)},
        **{f"f{bits}": np.dtype(f"float{bits}") for bits in (16, 32, 64)},
        "bf16": np.dtype(ml_dtypes.bfloat16),
    }
)
"""Element types by the names that the command line has for them."""

UNWRITTEN, UNWRITTEN_FLOAT = 0xA5, 0xFF
"""The byte that an `out` array of integers or floats holds before the launch; such floats are NaN."""

MAX_BYTES = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 8
"""The largest array: there is a second copy of each, to tell what changed."""

FORMS = "u32:5, f32:1.5, f32[1024]:random, f32[1024]:out, f32[]:@file.npy, f32[]:=1,2,3, same:0, null"

_ARRAY = re.compile(r"(?P<type>\w+)\[(?P<count>[0-9]{0,18})\]:(?P<fill>.*)", re.DOTALL)
_SCALAR = re.compile(r"(?P<type>\w+):(?P<value>.*)", re.DOTALL)


@dataclass(frozen=True, eq=False, slots=True)
class Scalar:
    """A value that is passed as it is: its bytes, as they lie in the kernarg segment."""

    text: str
    data: bytes


@dataclass(frozen=True, eq=False, slots=True)
class Buffer:
    """An array in device memory, flat, with what it holds before the launch."""

    text: str
    type_name: str
    content: Array
    undefined: bool = False
    """Whether the kernel is to write it first: the sanitizer takes `out` arrays so."""


@dataclass(frozen=True, slots=True)
class Same:
    """The address of another argument's array."""

    text: str
    index: int


@dataclass(frozen=True, slots=True)
class Null:
    """A null pointer."""

    text: str = "null"


Argument = Scalar | Buffer | Same | Null


def parse_argument(text: str, index: int, seed: int) -> Argument:
    """One argument as the user wrote it; `index` is its place, which also decides what `random` draws.

    Raises UsageError naming the argument for an unknown form or type, a value that does not fit, a file
    that cannot be used, and an array that is empty or too large.
    """
    try:
        return _parsed(text, np.random.default_rng((seed, index)))
    except _WrongError as error:
        raise UsageError(str(error), where=f"argument {index} ({text})", hint=f"forms: {FORMS}") from None


class _WrongError(Exception):
    """What is wrong with the argument under way."""


def _parsed(text: str, rng: np.random.Generator) -> Argument:
    if text == "null":
        return Null()
    if match := _ARRAY.fullmatch(text):
        count = int(match["count"]) if match["count"] else None
        dtype = _dtype(match["type"])
        fill = match["fill"]
        return Buffer(text, match["type"], _content(dtype, count, fill, rng), undefined=fill == "out")
    match = _SCALAR.fullmatch(text)
    if match is None:
        raise _WrongError("is of no known form")
    if match["type"] == "same":
        if not re.fullmatch("[0-9]{1,4}", match["value"]):
            raise _WrongError("same: takes the index of an argument")
        return Same(text, int(match["value"]))
    if match["type"] == "bytes":
        return Scalar(text, _hexadecimal(match["value"]))
    return Scalar(text, _number(match["value"], _dtype(match["type"])).tobytes())


def _dtype(name: str) -> np.dtype[Any]:
    if name not in DTYPES:
        raise _WrongError(f"{name!r} is not an element type, but {', '.join(DTYPES)} are")
    return DTYPES[name]


def _hexadecimal(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise _WrongError("bytes: takes pairs of hexadecimal digits") from None


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether it holds floating-point numbers (NumPy does not know bfloat16 as one)."""
    return dtype.kind not in "iu"


def _number(text: str, dtype: np.dtype[Any]) -> Array:
    """One number as an array without dimensions; integers may be hexadecimal, and must fit."""
    try:
        value: float | int = float(text) if is_float(dtype) else int(text, 0)
    except ValueError:
        kind = "a number" if is_float(dtype) else "an integer"
        raise _WrongError(f"{text!r} is not {kind}") from None
    if isinstance(value, int):
        limits = np.iinfo(dtype)
        if not limits.min <= value <= limits.max:
            raise _WrongError(f"{text} does not fit {dtype.name} ({limits.min} to {limits.max})")
        return np.array(value, dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        number = np.array(value, np.float64).astype(dtype)
    if np.isfinite(value) and not np.isfinite(number.astype(np.float64)):
        raise _WrongError(f"{text} does not fit {dtype.name}")
    return number


def _content(dtype: np.dtype[Any], count: int | None, fill: str, rng: np.random.Generator) -> Array:
    if fill.startswith("@"):
        return _counted(_file(Path(fill[1:]), dtype), count, "the file")
    if fill.startswith("="):
        numbers = [_number(part.strip(), dtype) for part in fill[1:].split(",")]
        return _counted(np.array(numbers, dtype), count, "the list")
    if count is None:
        raise _WrongError("needs its number of elements in the brackets")
    _check_size(count, dtype)
    make = FILLS.get(fill)
    return make(dtype, count, rng) if make else np.full(count, _number(fill, dtype), dtype)


def _check_size(count: int, dtype: np.dtype[Any]) -> None:
    if count < 1:
        raise _WrongError("an array has one element or more")
    if count * dtype.itemsize > MAX_BYTES:
        raise _WrongError(f"{count * dtype.itemsize} bytes are more than this machine has room for")


def _counted(data: Array, count: int | None, what: str) -> Array:
    if count is not None and data.size != count:
        raise _WrongError(f"{what} holds {data.size} elements, not {count}")
    _check_size(data.size, data.dtype)
    return data


def _file(path: Path, dtype: np.dtype[Any]) -> Array:
    """The elements of a .npy file, flat, in C order; float32 is rounded where bf16 is wanted."""
    try:
        data = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        said = (error.strerror if isinstance(error, OSError) else None) or str(error) or "is empty"
        raise _WrongError(f"{path} is not a readable .npy file: {said}") from None
    if not isinstance(data, np.ndarray):
        raise _WrongError(f"{path} is an archive of arrays, not one .npy")
    _check_size(data.size, dtype)
    if data.dtype == dtype:
        return np.array(data).reshape(-1)
    if dtype == DTYPES["bf16"] and data.dtype == np.float32:
        return np.array(data).reshape(-1).astype(dtype)
    raise _WrongError(f"{path} holds {data.dtype}, not {dtype.name}")


def _random(dtype: np.dtype[Any], count: int, rng: np.random.Generator) -> Array:
    """Uniform: floats in [-1, 1), integers over all that their type holds."""
    if is_float(dtype):
        uniform = rng.random(count, np.float64 if dtype.itemsize == 8 else np.float32)
        return (uniform * 2 - 1).astype(dtype)
    return np.frombuffer(rng.bytes(count * dtype.itemsize), dtype)


def _range(dtype: np.dtype[Any], count: int, _: np.random.Generator) -> Array:
    """0, 1, 2, ...; integers begin again from their least value, floats round."""
    with np.errstate(over="ignore"):
        return np.arange(count).astype(dtype)


def _unwritten(dtype: np.dtype[Any], count: int, _: np.random.Generator) -> Array:
    byte = UNWRITTEN_FLOAT if is_float(dtype) else UNWRITTEN
    return np.full(count * dtype.itemsize, byte, np.uint8).view(dtype)


FILLS: Mapping[str, Callable[[np.dtype[Any], int, np.random.Generator], Array]] = MappingProxyType(
    {
        "zeros": lambda dtype, count, _: np.zeros(count, dtype),
        "random": _random,
        "range": _range,
        "out": _unwritten,
    }
)
"""What an array of a given number of elements may be filled with, by name."""
