"""The error function and Triton's random numbers, in NumPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_ROUNDS = 10
_KEYS = 0x9E3779B9, 0xBB67AE85
_FACTORS = 0xD2511F53, 0xCD9E8D57
_LOW = np.uint64(0xFFFFFFFF)

erf: Any = np.vectorize(math.erf, otypes=[np.float64])


def rand(seed: int, offsets: Any) -> Any:
    """Philox 4x32 of ten rounds (Salmon et al., 2011), as Triton has it: uniform in [0, 1)."""
    counters = [np.asarray(offsets, np.uint64), *(np.zeros(np.shape(offsets), np.uint64) for _ in range(3))]
    keys = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(_ROUNDS):
        first, second = counters[0] * np.uint64(_FACTORS[0]), counters[2] * np.uint64(_FACTORS[1])
        counters = [
            (second >> np.uint64(32)) ^ counters[1] ^ np.uint64(keys[0]),
            second & _LOW,
            (first >> np.uint64(32)) ^ counters[3] ^ np.uint64(keys[1]),
            first & _LOW,
        ]
        keys = [(key + step) & 0xFFFFFFFF for key, step in zip(keys, _KEYS, strict=True)]
    signed = counters[0].astype(np.uint32).view(np.int32).astype(np.int64)
    return (np.where(signed < 0, -signed - 1, signed) * 4.6566127342e-10).astype(np.float32)
