"""Matrix products and attention."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.references.rows import softmax

Array = NDArray[Any]


def matmul(a: Array, b: Array) -> Array:
    """a [..., m, k] times b [..., k, n]."""
    product: Array = np.matmul(a, b)
    return product


def matmul_transposed(a: Array, b: Array) -> Array:
    """a [..., m, k] times b [..., n, k] transposed: rows of weights, as most models store them."""
    return matmul(a, np.swapaxes(b, -1, -2))


def matmul_magnitude(a: Array, b: Array) -> Array:
    """The absolute values of the terms of `matmul`, added up: a contract's `magnitude`."""
    return matmul(np.abs(a), np.abs(b))


def attention(q: Array, k: Array, v: Array) -> Array:
    """softmax(q k^T / sqrt(size)) v. q [..., rows, size], k and v [..., keys, size]."""
    return scaled_attention(q, k, v, scale=1 / sqrt(q.shape[-1]), causal=False)


def causal_attention(q: Array, k: Array, v: Array) -> Array:
    """The same, where row r sees the keys up to r + keys - rows: the last row sees all."""
    return scaled_attention(q, k, v, scale=1 / sqrt(q.shape[-1]), causal=True)


def attention_magnitude(q: Array, k: Array, v: Array) -> Array:
    """The absolute values of the terms of `attention`, weights times values, added up: a contract's
    `magnitude`."""
    return attention(q, k, np.abs(v))


def causal_attention_magnitude(q: Array, k: Array, v: Array) -> Array:
    """The same for `causal_attention`."""
    return causal_attention(q, k, np.abs(v))


def scaled_attention(q: Array, k: Array, v: Array, *, scale: float, causal: bool) -> Array:
    """softmax(q k^T * scale) v. A row that sees no key gives zeros.

    Heads (axis -3) of k and v that are fewer than those of q serve as many heads of q each, in order.
    """
    k, v = (_for_every_head(q, array) for array in (k, v))
    scores = matmul_transposed(q, k) * q.dtype.type(scale)
    if causal:
        rows, keys = scores.shape[-2:]
        hidden = np.arange(keys) > np.arange(rows)[:, None] + keys - rows
        scores = np.where(hidden, scores.dtype.type(-np.inf), scores)
    none = np.isneginf(scores).all(axis=-1, keepdims=True)
    zero = scores.dtype.type(0)
    weights = np.where(none, zero, softmax(np.where(none, zero, scores)))
    return matmul(weights, v)


def wrong_matmul(a: Array, b: Array) -> dict[str, Array]:
    """Mistakes of a `matmul` kernel: a part of the sum left out."""
    return {
        "the last term left out": matmul(a[..., :-1], b[..., :-1, :]),
        "only the first 16 terms": matmul(a[..., :16], b[..., :16, :]),
        "the last tile of 16 terms twice": matmul(a, b) + matmul(a[..., -16:], b[..., -16:, :]),
    }


def wrong_attention(q: Array, k: Array, v: Array) -> dict[str, Array]:
    """Mistakes of an attention kernel that is not causal."""
    return {
        "no scale": scaled_attention(q, k, v, scale=1.0, causal=False),
        "scaled by the size, not its root": scaled_attention(q, k, v, scale=1 / q.shape[-1], causal=False),
        "causal": causal_attention(q, k, v),
        "the last key left out": attention(q, k[..., :-1, :], v[..., :-1, :]) if k.shape[-2] > 1 else 0 * q,
    }


def wrong_causal_attention(q: Array, k: Array, v: Array) -> dict[str, Array]:
    """Mistakes of a causal attention kernel."""
    rows, keys = q.shape[-2], k.shape[-2]
    late = causal_attention(q, k[..., : max(keys - 1, 1), :], v[..., : max(keys - 1, 1), :])
    return {
        "no mask": attention(q, k, v),
        "no scale": scaled_attention(q, k, v, scale=1.0, causal=True),
        "the mask one key early": late if rows > 1 and keys > 1 else 0 * q,
    }


def _for_every_head(q: Array, array: Array) -> Array:
    if q.ndim < 3 or array.shape[-3] == q.shape[-3]:
        return array
    return np.repeat(array, q.shape[-3] // array.shape[-3], axis=-3)
