"""What lies in and around a buffer before the kernel runs.

Outputs are poisoned, with NaN bits in one case and a huge finite number in the next: an element that the
kernel does not write, or a stale result, cannot pass for a right one. Around a guarded buffer lies a
pattern that must be there unchanged afterwards. A tight buffer has nothing around it, so that a device
that checks memory faults at the first byte beyond.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.oracle.dtypes import DType

GUARD_BYTES = 1024
# A NaN as float32 and (in one of two words) as float16 and bfloat16: what is read from here spreads.
_GUARD_WORD = bytes.fromhex("adfe c0ff")

# Integers have no NaN: a value that is far from zero, negative where the type is signed.
_INTEGER_BYTE = b"\xad"


class Poison(StrEnum):
    """What fills an output before the launch."""

    NAN = "nan"
    HUGE = "huge"


class Placement(StrEnum):
    """Whether a buffer has guards around it within its allocation."""

    GUARDED = "guarded"
    TIGHT = "tight"


def poisoned(shape: tuple[int, ...], dtype: DType, poison: Poison) -> NDArray[Any]:
    """An array filled with poison; for integers a pattern of bits, or the largest."""
    if not dtype.is_float:
        whole = np.frombuffer(_INTEGER_BYTE * (dtype.bits // 8), dtype.numpy)[0]
        return np.full(shape, whole if poison is Poison.NAN else np.iinfo(dtype.numpy).max, dtype.numpy)
    value = np.nan if poison is Poison.NAN else dtype.largest
    return np.full(shape, value, dtype.numpy)


def guard_pattern() -> bytes:
    """The bytes of one guard."""
    return _GUARD_WORD * (GUARD_BYTES // len(_GUARD_WORD))


def guard_damage(before: bytes, after: bytes) -> str | None:
    """Where the guards around a buffer were overwritten, in words; None if they were not."""
    pattern = np.frombuffer(guard_pattern(), np.uint8)
    changed_before = np.flatnonzero(np.frombuffer(before, np.uint8) != pattern)
    changed_after = np.flatnonzero(np.frombuffer(after, np.uint8) != pattern)
    parts = []
    if changed_before.size:
        nearest = GUARD_BYTES - 1 - int(changed_before[-1])
        parts.append(f"{changed_before.size} bytes before it, the nearest {nearest} bytes from its start")
    if changed_after.size:
        nearest = int(changed_after[0])
        parts.append(f"{changed_after.size} bytes after it, the nearest {nearest} bytes past its end")
    return " and ".join(parts) or None
