"""The mathematics of rotary embedding, in NumPy, for the contracts of this package.

It works in whatever element type it is given (float64 for the reference proper) and shares no code
with the wrappers. Tables are [seq, head_dim / 2], tensors [seq, heads, head_dim].
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from rocverify.oracle.contract import BF16, F16, F32, Refusal

# Two products and a sum, each rounded once in float32: at most one ULP of their magnitude before the
# last rounding. Tables that the wrapper itself rounds to float32 add as much again.
RAW_ROUNDING = {F32: 1.0, F16: 1.0, BF16: 1.0}
DEVICE_ROUNDING = {F32: 2.0, F16: 2.0, BF16: 2.0}

# By which two float64 computations of one angle may differ: a power, a division or product, their rounding.
_ANGLE_ULPS = 4

Rotation = Callable[[Any, Any, Any], Any]


def half_split(x: Any, cos: Any, sin: Any) -> Any:
    """x with its pairs (d, d + head_dim / 2) rotated."""
    c, s = cos[:, None, :], sin[:, None, :]
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([first * c - second * s, first * s + second * c], axis=-1)


def interleaved(x: Any, cos: Any, sin: Any) -> Any:
    """x with its pairs (2 d, 2 d + 1) rotated."""
    c, s = cos[:, None, :], sin[:, None, :]
    first, second = x[..., 0::2], x[..., 1::2]
    pairs = np.stack([first * c - second * s, first * s + second * c], axis=-1)
    return pairs.reshape(x.shape)


def magnitude(rotation: Rotation, x: Any, cos: Any, sin: Any) -> Any:
    """The sum of the sizes of the two products of each element."""
    sizes = abs(x), abs(cos), abs(sin)
    return np.maximum(rotation(*sizes), rotation(sizes[0], sizes[1], -sizes[2]))


def mistakes(rotation: Rotation, other: Rotation, x: Any, cos: Any, sin: Any) -> dict[str, Any]:
    """What the usual errors of an implementation give; `other` takes the other pair layout."""
    last_head = rotation(x, cos, sin)
    last_head[:, -1] = x[:, -1]
    last_token = rotation(x, cos, sin)
    last_token[-1] = x[-1]
    return {
        "the sine negated (rotation the other way)": rotation(x, cos, -sin),
        "cos and sin swapped": rotation(x, sin, cos),
        "the other pair layout": other(x, cos, sin),
        "the last head not rotated": last_head,
        "the last token not rotated": last_token,
        "the table row of the next token": rotation(x, np.roll(cos, -1, 0), np.roll(sin, -1, 0)),
        "rotated twice": rotation(rotation(x, cos, sin), cos, sin),
    }


def random_tables(rng: np.random.Generator, seq: int, head_dim: int) -> dict[str, Any]:
    """cos and sin of random angles: no row repeats, and neither table can stand in for the other."""
    angles = rng.uniform(-np.pi, np.pi, (seq, head_dim // 2))
    return {"cos": np.cos(angles).astype(np.float32), "sin": np.sin(angles).astype(np.float32)}


def spread_positions(rng: np.random.Generator, seq: int, max_seq_len: int) -> Any:
    """Random positions of [0, max_seq_len), unordered; the last token has the last position."""
    positions = rng.integers(0, max_seq_len, seq)
    positions[-1] = max_seq_len - 1
    return positions


def angles_of(positions: Any, x: Any, theta: int) -> tuple[Any, Any]:
    """cos and sin of position / theta ** (2 d / head_dim), computed in float64, in the type of x."""
    angles = _angles(positions, x, theta)
    return np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)


def sizes_of(positions: Any, x: Any, theta: int) -> tuple[Any, Any]:
    """The sizes of cos and sin for `magnitude`. An angle in float64 is known to some ULPs only, which near a
    zero of either is more than float32 resolves of it: as much is added as lets one ULP cover that."""
    angles = _angles(positions, x, theta)
    blur = angles * _ANGLE_ULPS * 2.0 ** (23 - 52)
    return abs(np.cos(angles)) + blur, abs(np.sin(angles)) + blur


def _angles(positions: Any, x: Any, theta: int) -> Any:
    exponents = 2.0 * np.arange(x.shape[-1] // 2) / x.shape[-1]
    return np.asarray(positions, np.float64)[:, None] / np.power(float(theta), exponents)


def refused_positions(seq: int, max_seq_len: int) -> dict[str, Refusal]:
    """Positions that a device function must refuse: one beyond the last, one before the first, and
    one token too many."""
    beyond, negative = np.zeros(seq, np.int64), np.zeros(seq, np.int64)
    beyond[-1], negative[0] = max_seq_len, -1
    return {
        "position max_seq_len": Refusal("PositionError", values={"positions": beyond}),
        "position -1": Refusal("PositionError", values={"positions": negative}),
        "one position too many": Refusal("ShapeError", values={"positions": np.zeros(seq + 1, np.int64)}),
    }
