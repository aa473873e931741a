"""Rotary position embeddings (RoPE) from tables of cosines and sines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def half_split(x: Array, cos: Array, sin: Array) -> Array:
    """Rotates the pairs (d, d + size / 2). x [seq, heads, size], cos and sin [seq, size / 2]."""
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    c, s = (_for_heads(x, table) for table in (cos, sin))
    return np.concatenate([first * c - second * s, second * c + first * s], axis=-1)


def interleaved(x: Array, cos: Array, sin: Array) -> Array:
    """Rotates the pairs (2 d, 2 d + 1)."""
    c, s = (_for_heads(x, table) for table in (cos, sin))
    rotated = np.empty_like(x)
    rotated[..., 0::2] = x[..., 0::2] * c - x[..., 1::2] * s
    rotated[..., 1::2] = x[..., 1::2] * c + x[..., 0::2] * s
    return rotated


def half_split_magnitude(x: Array, cos: Array, sin: Array) -> Array:
    """The absolute values of the two terms of each element of `half_split`, added up: a contract's
    `magnitude`."""
    return _added(half_split, x, cos, sin)


def interleaved_magnitude(x: Array, cos: Array, sin: Array) -> Array:
    """The same for `interleaved`."""
    return _added(interleaved, x, cos, sin)


def _added(rotation: Any, x: Array, cos: Array, sin: Array) -> Array:
    parts = (rotation(x, cos, 0 * sin), rotation(x, 0 * cos, sin))
    result: Array = np.abs(parts[0]) + np.abs(parts[1])
    return result


def wrong_half_split(x: Array, cos: Array, sin: Array) -> dict[str, Array]:
    """Mistakes of a half-split rotation."""
    return _wrong(half_split, interleaved, x, cos, sin)


def wrong_interleaved(x: Array, cos: Array, sin: Array) -> dict[str, Array]:
    """Mistakes of an interleaved rotation."""
    return _wrong(interleaved, half_split, x, cos, sin)


def _wrong(right: Any, other: Any, x: Array, cos: Array, sin: Array) -> dict[str, Array]:
    return {
        "the other pairs": other(x, cos, sin),
        "turned the other way": right(x, cos, -sin),
        "cosine and sine exchanged": right(x, sin, cos),
        "only the first head": np.concatenate([right(x[:, :1], cos, sin), x[:, 1:]], axis=1),
        "the first position's angles throughout": right(
            x, np.broadcast_to(cos[:1], cos.shape), np.broadcast_to(sin[:1], sin.shape)
        ),
    }


def _for_heads(x: Array, table: Array) -> Array:
    return (table if x.ndim == 2 else table[:, None, :]).astype(x.dtype)
