"""Which weights dropout keeps, in NumPy, for the contracts: Philox 4x32-10 and its use by dropout.h.

Written from the paper (Salmon, Moraes, Dror, Shaw, SC 2011), with no code of the kernels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_LOW32 = np.uint64(0xFFFFFFFF)


def philox(counter: Any, key: int) -> Any:
    """Four 32-bit words for each counter; counter: integers [..., 4]. key: 64 bits."""
    c = [counter[..., i].astype(np.uint64) for i in range(4)]
    k = [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [
            (b >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]),
            b & _LOW32,
            (a >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]),
            a & _LOW32,
        ]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return np.stack(c, axis=-1)


def dropout_factors(shape: tuple[int, int, int, int], part: float, seed: int, offset: int) -> Any:
    """[batch, heads, seq_q, seq_k]: 0 for a dropped weight, else 1 / (1 - part).

    Key j of query i takes word (j % 32) // 8 of the counter (j // 32 * 8 + j % 8, i, head of all, offset).
    """
    batch, heads, seq_q, seq_k = shape
    threshold = round(part * 2**32)
    key, query, matrix = np.arange(seq_k), np.arange(seq_q), np.arange(batch * heads)
    counter = np.empty((batch * heads, seq_q, seq_k, 4), np.uint64)
    counter[..., 0] = key // 32 * 8 + key % 8
    counter[..., 1] = query[None, :, None]
    counter[..., 2] = matrix[:, None, None]
    counter[..., 3] = offset
    words = philox(counter, seed)
    chosen = np.take_along_axis(words, np.broadcast_to(key % 32 // 8, words.shape[:-1])[..., None], -1)
    factors = np.where(chosen[..., 0] < threshold, 0.0, 1 / (1 - threshold / 2**32))
    return factors.reshape(shape)
