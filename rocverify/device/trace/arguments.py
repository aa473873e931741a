"""Kernel arguments as the host passed them, read without touching what they point to."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from rocm.bindings.util.types import Pointer

from rocverify.device.trace.events import LaunchArgument

_CTYPES = (ctypes._SimpleCData, ctypes.Structure, ctypes.Union)
"""What hip-python passes by value; the base of `c_int`, `c_float`, ... has no public name."""


def address_of(value: Any) -> int | None:
    """The address that hip-python would take from a value; None for what it would refuse."""
    try:
        return int(Pointer.fromObj(value))
    except (TypeError, ValueError, RuntimeError, BufferError, OverflowError):
        return None


def buffer_arguments(extra: Any) -> tuple[LaunchArgument, ...] | None:
    """The arguments in an `extra` tuple; None for a prepared configuration, which is opaque."""
    if not isinstance(extra, Sequence) or isinstance(extra, str | bytes | bytearray | memoryview):
        return None
    return tuple(_by_value(entry) for entry in extra)


def parameter_arguments(parameters: Any) -> tuple[LaunchArgument, ...] | None:
    """The arguments behind a `kernelParams` list, whose entries are addresses of values."""
    if not isinstance(parameters, Sequence) or isinstance(parameters, str | bytes | bytearray | memoryview):
        return None
    return tuple(_by_reference(entry) for entry in parameters)


def _by_value(entry: Any) -> LaunchArgument:
    if isinstance(entry, _CTYPES):
        return LaunchArgument(type(entry).__name__, ctypes.sizeof(entry), _ctypes_value(entry))
    return LaunchArgument("Pointer", ctypes.sizeof(ctypes.c_void_p), address_of(entry))


def _by_reference(entry: Any) -> LaunchArgument:
    if isinstance(entry, ctypes.c_void_p) or not _is_host_value(entry):
        return LaunchArgument("Pointer", None, address_of(entry))
    if isinstance(entry, np.ndarray | np.generic):
        value = entry.item() if entry.size == 1 else entry.tobytes().hex()
        return LaunchArgument(entry.dtype.name, entry.nbytes, _json_value(value))
    return LaunchArgument(type(entry).__name__, ctypes.sizeof(entry), _ctypes_value(entry))


def _is_host_value(entry: Any) -> bool:
    return isinstance(entry, (*_CTYPES, np.ndarray, np.generic))


def _ctypes_value(entry: Any) -> int | float | bool | str | None:
    if isinstance(entry, ctypes.Structure | ctypes.Union):
        return bytes(entry).hex()
    if isinstance(entry, ctypes.c_void_p):
        return entry.value or 0
    return _json_value(entry.value)


def _json_value(value: Any) -> int | float | bool | str | None:
    if value is None or isinstance(value, int | float | bool | str):
        return value
    return value.hex() if isinstance(value, bytes) else repr(value)
