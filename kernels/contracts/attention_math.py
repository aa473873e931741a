"""The mathematics of attention, in NumPy, for the contracts of this package.

It works in whatever element type it is given (float64 or wider for the reference proper) and shares no
code with the wrappers. Tensors are [batch, heads, rows, head_dim]; K and V may have fewer heads.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import sqrt
from typing import Any

import numpy as np

from rocverify.oracle.contract import BF16, F16, F32, F64, DType

Mistakes = dict[str, Callable[[], Any]]
# Keys of a tile in the fused kernels.
TILE_KEYS = 32
# What float32 arithmetic may lose of a weight that falls below the smallest normal number, 2**-126, in
# units of its relative rounding 2**-23.
_FLUSHED = 2.0**-103
# The type in which an implementation of each type might wrongly add up.
LOWER = {F64: F32, F32: F16, F16: F16, BF16: BF16}


def usual_scale(q: Any) -> float:
    """1 / sqrt(head_dim)."""
    return 1 / sqrt(q.shape[-1])


def for_query_heads(q: Any, x: Any) -> Any:
    """K or V with each head repeated for the query heads that share it."""
    return np.repeat(x, q.shape[1] // x.shape[1], axis=1)


def scores_of(q: Any, k: Any, scale: float) -> Any:
    """scale * Q K^T, [batch, heads, seq_q, seq_k]."""
    keys = for_query_heads(q, k)
    return np.matmul(q, np.swapaxes(keys, -1, -2)) * q.dtype.type(scale)


def causal_admits(seq_q: int, seq_k: int, shift: int = 0) -> Any:
    """[seq_q, seq_k]: whether query i sees key j, j <= i + seq_k - seq_q + shift."""
    return np.arange(seq_k)[None, :] <= np.arange(seq_q)[:, None] + (seq_k - seq_q + shift)


def admitted(q: Any, k: Any, masking: int) -> Any:
    """The causal mask where masking is 2, else None."""
    return causal_admits(q.shape[2], k.shape[2]) if masking == 2 else None


def masked(scores: Any, admits: Any) -> Any:
    """The scores with -infinity where `admits` is false."""
    return np.where(admits, scores, scores.dtype.type(-np.inf))


def softmax(scores: Any) -> Any:
    """Softmax over the last axis; zeros where every score is -infinity."""
    largest = np.max(scores, axis=-1, keepdims=True)
    base = np.where(largest == -np.inf, scores.dtype.type(0), largest)
    exponentials = np.exp(scores - base)
    total = np.sum(exponentials, axis=-1, keepdims=True)
    return np.where(total == 0, scores.dtype.type(0), exponentials / total)


def weighted(q: Any, probs: Any, v: Any) -> Any:
    """P V for every query head."""
    return np.matmul(probs, for_query_heads(q, v))


def attention(q: Any, k: Any, v: Any, scale: float, admits: Any = None, added: Any = None) -> Any:
    """softmax(scale * Q K^T + mask) V. admits: a mask of truth values; added: a mask that is added."""
    return weighted(q, softmax(_scores(q, k, scale, admits, added)), v)


def _scores(q: Any, k: Any, scale: float, admits: Any, added: Any) -> Any:
    scores = scores_of(q, k, scale)
    if added is not None:
        scores = scores + added
    return scores if admits is None else masked(scores, admits)


def attention_magnitude(
    q: Any,
    k: Any,
    v: Any,
    scale: float,
    admits: Any = None,
    added: Any = None,
    weight_of_scores: float = 1.0,
    floor: float = 0.0,
) -> Any:
    """How large the terms are whose roundings reach each output element, to first order.

    An error e[j] of score j changes the output by sum P[j] v[j] (e[j] - sum P e), and what is rounded on
    the way to a score is of the size of scale * sum |q k| and of its distance to the row's maximum.
    weight_of_scores: how much such a rounding weighs beside one of a weight P[j] or of a term P[j] v[j].
    floor: below it weights are rounded as coarsely as there (the subnormal ones of a narrow type).
    """
    scores = _scores(q, k, scale, admits, added)
    probs = softmax(scores)
    terms = scores_of(abs(q), abs(k), abs(scale))
    if added is not None:
        terms = terms + np.where(np.isfinite(added), abs(added), 0)
    distance = np.max(scores, axis=-1, keepdims=True) - scores
    return weighted(q, weight_magnitude(scores, probs, terms + distance, weight_of_scores, floor), abs(v))


def weight_magnitude(scores: Any, probs: Any, terms: Any, weight_of_scores: float, floor: float = 0.0) -> Any:
    """The sizes of what is rounded on the way to each weight; terms: of what is rounded for each score."""
    sizes = np.where(probs > 0, terms, 0)
    mean = np.sum(probs * sizes, axis=-1, keepdims=True)
    flushed = np.where((scores > -np.inf) & (probs < 2.0**-100), _FLUSHED, 0)
    coarse = np.where((scores > -np.inf) & (probs < floor), floor, 0)
    return probs * (1 + weight_of_scores * (sizes + mean)) + np.maximum(flushed, coarse)


def mistakes(
    q: Any, k: Any, v: Any, scale: float, dtype: DType, admits: Any = None, added: Any = None
) -> Mistakes:
    """What the usual errors of an implementation give, whatever its mask, each as a function of nothing."""

    def result(q: Any = q, k: Any = k, v: Any = v, scale: float = scale) -> Any:
        return attention(q, k, v, scale, admits, added)

    def remainder(x: Any) -> Any:
        return _by_remainder(q, x)

    @cache
    def scores() -> Any:
        return _scores(q, k, scale, admits, added)

    low = LOWER[dtype]
    return {
        "the scale omitted": lambda: result(scale=1.0),
        "the scale applied twice": lambda: result(scale=scale * scale),
        "K and V swapped": lambda: result(k=v, v=k),
        "the layouts swapped": lambda: _other_layout(q, k, v, scale, admits, added),
        "heads mapped by remainder instead of by group": lambda: result(k=remainder(k), v=remainder(v)),
        "the last tile of keys skipped": lambda: _without_last_tile(q, scores(), v),
        "the last four elements of head_dim left out of the scores": lambda: result(
            q=q[..., :-4], k=k[..., :-4]
        ),
        "no maximum subtracted": lambda: weighted(q, _unguarded(scores(), dtype), v),
        "sums not scaled down when the maximum grows": lambda: _without_rescaling(q, scores(), v),
        "weights not divided by their sum": lambda: weighted(q, _unnormalised(scores()), v),
        f"accumulated in {low}": lambda: _in_low_precision(q, k, v, scale, admits, added, low),
    }


def causal_mistakes(q: Any, k: Any, v: Any, scale: float) -> Mistakes:
    """What the usual errors with the causal mask give, each as a function of nothing."""
    seq_q, seq_k = q.shape[2], k.shape[2]

    def under(admits: Any) -> Any:
        return attention(q, k, v, scale, admits)

    def mask_after() -> Any:
        return np.where(causal_admits(seq_q, seq_k), softmax(scores_of(q, k, scale)), 0)

    from_start = np.arange(seq_k)[None, :] <= np.arange(seq_q)[:, None]
    return {
        "no mask": lambda: under(None),
        "the mask one key too wide": lambda: under(causal_admits(seq_q, seq_k, 1)),
        "the mask one key too narrow": lambda: under(causal_admits(seq_q, seq_k, -1)),
        "the mask without the offset of the cache": lambda: under(from_start),
        "the mask applied after the softmax": lambda: weighted(q, mask_after(), v),
        "the mask transposed": lambda: under(~causal_admits(seq_q, seq_k, -1)),
    }


def changed(found: Mistakes, change: Callable[[Any], Any]) -> Mistakes:
    """The same mistakes, each result changed once it is computed: into another layout or type."""
    return {name: lambda compute=compute: change(compute()) for name, compute in found.items()}


def seq_major(x: Any) -> Any:
    """[batch, heads, rows, head_dim] as [batch, rows, heads, head_dim], and the reverse."""
    return np.swapaxes(x, 1, 2)


def _other_layout(q: Any, k: Any, v: Any, scale: float, admits: Any, added: Any) -> Any:
    """Head-major memory read, and written, as if it were seq-major."""

    def misread(x: Any) -> Any:
        batch, heads, rows, head_dim = x.shape
        return seq_major(x.reshape(batch, rows, heads, head_dim))

    out = attention(misread(q), misread(k), misread(v), scale, admits, added)
    return np.ascontiguousarray(seq_major(out)).reshape(q.shape)


def _by_remainder(q: Any, x: Any) -> Any:
    return x[:, np.arange(q.shape[1]) % x.shape[1]]


def _without_last_tile(q: Any, scores: Any, v: Any) -> Any:
    kept = (scores.shape[-1] - 1) // TILE_KEYS * TILE_KEYS
    return weighted(q, softmax(masked(scores, np.arange(scores.shape[-1]) < kept)), v)


def _unguarded(scores: Any, dtype: DType) -> Any:
    """Softmax of the scores as they are, with the range of the type that the kernel computes in."""
    compute = np.float64 if dtype == F64 else np.float32
    exponentials = np.exp(scores.astype(compute))
    total = exponentials.sum(axis=-1, keepdims=True)
    return np.where(total == 0, 0, exponentials / np.where(total == 0, 1, total)).astype(scores.dtype)


def _unnormalised(scores: Any) -> Any:
    largest = np.max(scores, axis=-1, keepdims=True)
    return np.exp(scores - np.where(largest == -np.inf, 0, largest))


def _without_rescaling(q: Any, scores: Any, v: Any) -> Any:
    """Each tile's weights relative to the maximum so far, all added up as if they had one maximum."""
    parts, largest = [], np.full((*scores.shape[:-1], 1), -np.inf, scores.dtype)
    for first in range(0, scores.shape[-1], TILE_KEYS):
        tile = scores[..., first : first + TILE_KEYS]
        largest = np.maximum(largest, tile.max(axis=-1, keepdims=True))
        parts.append(np.exp(tile - np.where(largest == -np.inf, 0, largest)))
    weights = np.concatenate(parts, axis=-1)
    total = weights.sum(axis=-1, keepdims=True)
    return weighted(q, np.where(total == 0, scores.dtype.type(0), weights / total), v)


def _in_low_precision(q: Any, k: Any, v: Any, scale: float, admits: Any, added: Any, low: DType) -> Any:
    """Both products with their running sums rounded to `low` after every term."""
    scores = low_precision_scores(q, k, low) * scale
    if added is not None:
        scores = scores + added
    return low_precision_output(softmax(scores if admits is None else masked(scores, admits)), v, low)


def low_precision_scores(q: Any, k: Any, low: DType) -> Any:
    """Q K^T with the running sum rounded to `low` after every term."""
    keys, total = for_query_heads(q, k), np.zeros((*q.shape[:3], k.shape[2]))
    for d in range(q.shape[-1]):
        total = (total + q[..., d, None] * keys[..., None, :, d]).astype(low.numpy).astype(np.float64)
    return total


def low_precision_output(probs: Any, v: Any, low: DType) -> Any:
    """P V with the running sum rounded to `low` after every term."""
    values, total = for_query_heads(probs, v), np.zeros((*probs.shape[:3], v.shape[3]))
    for key in range(v.shape[2]):
        term = probs[..., key, None] * values[..., None, key, :]
        total = (total + term).astype(low.numpy).astype(np.float64)
    return total
