"""Block formats of quantised weights as llama.cpp's files have them: bytes to float64 and to random blocks.

Each decoder says for weight i of a block where its bits lie; nothing goes byte by byte as kernels do.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Q4_0_BYTES, Q8_0_BYTES, Q4_K_BYTES, Q6_K_BYTES = 18, 34, 144, 210


def _halves(raw: Any, at: int) -> Any:
    """The float16 at a byte offset of every block, as a column."""
    return np.ascontiguousarray(raw[:, at : at + 2]).view(np.float16).astype(np.float64)


def _bits(raw: Any, byte: Any, shift: Any, width: int) -> Any:
    """`width` bits from bit `shift` of byte `byte` for every weight, as integers [blocks, weights]."""
    return raw[:, byte].astype(np.int64) >> shift & (1 << width) - 1


def decode_q4_0(raw: Any) -> Any:
    """[blocks, 18] bytes to [blocks, 32]: a scale, then nibbles; weights 16 on are the high nibbles."""
    i = np.arange(32)
    return (_bits(raw, 2 + i % 16, i // 16 * 4, 4) - 8) * _halves(raw, 0)


def decode_q8_0(raw: Any) -> Any:
    """[blocks, 34] bytes to [blocks, 32]: a scale, then signed bytes."""
    return raw[:, 2:].view(np.int8) * _halves(raw, 0)


def decode_q4_k(raw: Any) -> Any:
    """[blocks, 144] bytes to [blocks, 256]: scale and minimum of parts of 32, packed in twelve bytes.

    The first four scales are the low six bits of bytes 0 to 3, the first four minima of bytes 4 to 7. The
    others have their low four bits in bytes 8 to 11 (scales low, minima high) and their high two in the
    high bits of bytes 0 to 3 and of bytes 4 to 7.
    """
    i = np.arange(256)
    part = i // 32
    q = _bits(raw, 16 + part // 2 * 32 + i % 32, part % 2 * 4, 4)
    table, late = part % 4, part >= 4
    scale = np.where(
        late, _bits(raw, 12 + table, 0, 4) + 16 * _bits(raw, 4 + table, 6, 2), _bits(raw, 4 + table, 0, 6)
    )
    low = np.where(
        late, _bits(raw, 12 + table, 4, 4) + 16 * _bits(raw, 8 + table, 6, 2), _bits(raw, 8 + table, 0, 6)
    )
    return _halves(raw, 0) * (scale * q) - _halves(raw, 2) * low


def decode_q6_k(raw: Any) -> Any:
    """[blocks, 210] bytes to [blocks, 256]: low four bits, high two bits, scales of parts of 16, a scale.

    In each half of 128, weights 0 to 63 have their low bits in the low nibbles of 64 bytes and weights 64 to
    127 in the high ones; the high bits of weights l, l + 32, l + 64 and l + 96 share one byte.
    """
    i = np.arange(256)
    half, within = i // 128, i % 128
    low = _bits(raw, 64 * half + within % 64, within // 64 * 4, 4)
    high = _bits(raw, 128 + 32 * half + within % 32, within // 32 * 2, 2)
    scales = np.ascontiguousarray(raw[:, 192:208]).view(np.int8).astype(np.int64)[:, i // 16]
    return _halves(raw, 208) * (scales * (low + 16 * high - 32))


def random_blocks(rng: Any, count: int, size: int, *halves: int) -> Any:
    """[count, size] random bytes with ordinary float16 numbers at the byte offsets `halves`."""
    raw = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for at in halves:
        scales = (rng.choice([-1, 1], count) * rng.uniform(2.0**-8, 0.5, count)).astype(np.float16)
        raw[:, at : at + 2] = scales[:, None].view(np.uint8)
    return raw
