"""Attention on the CPU, in NumPy: what `reference` computes, and what a fallback computes if one is allowed.

bfloat16, which NumPy lacks, is held as uint16 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.attention_config import AttentionConfig
from kernels.errors import DTypeError, PointerError, ShapeError

HOST_TYPES = {"float64": "float64", "float32": "float32", "float16": "float16", "bfloat16": "uint16"}


def reference_attention(
    config: AttentionConfig,
    q: NDArray[Any],
    k: NDArray[Any],
    v: NDArray[Any],
    mask: NDArray[np.float32] | None = None,
) -> NDArray[Any]:
    """softmax(scale * Q K^T + mask) V in float64, rounded to the config's dtype, in the config's layout.

    q, k, v: host arrays of the config's shapes. A query that sees no key gets zeros.
    """
    queries, keys, values = (heads_first(config, x) for x in (q, k, v))
    group = config.heads // config.shared_heads
    keys, values = (np.repeat(x[:, :, : config.seq_k], group, axis=1) for x in (keys, values))
    with np.errstate(invalid="ignore", over="ignore"):
        scores = np.matmul(queries, keys.swapaxes(-1, -2)) * config.factor
        if mask is not None:
            scores = scores + mask.astype(np.float64)
    if config.causal:
        scores = np.where(visible(config), scores, -np.inf)
    with np.errstate(invalid="ignore"):
        out = np.matmul(weights(scores), values)
    return rounded(config, out.swapaxes(1, 2).reshape(config.query_shape) if config.seq_major else out)


def visible(config: AttentionConfig) -> NDArray[np.bool_]:
    """[seq_q, seq_k]: whether query i sees key j under the causal mask."""
    last_seen = np.arange(config.seq_q)[:, None] + config.seq_k - config.seq_q
    seen: NDArray[np.bool_] = np.arange(config.seq_k)[None, :] <= last_seen
    return seen


def weights(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Softmax over the last axis; zeros where every score is -infinity."""
    largest = scores.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        exponentials = np.exp(scores - np.where(largest == -np.inf, 0.0, largest))
        total = exponentials.sum(axis=-1, keepdims=True)
        found: NDArray[np.float64] = exponentials / np.where(total == 0, 1.0, total)
    return found


def heads_first(config: AttentionConfig, x: NDArray[Any]) -> NDArray[np.float64]:
    """A host tensor as float64 [batch, heads, rows, head_dim]."""
    wide = (x.astype(np.uint32) << 16).view(np.float32) if config.dtype == "bfloat16" else x
    wide = wide.astype(np.float64)
    if not config.seq_major:
        return wide
    batch, rows, width = wide.shape
    return wide.reshape(batch, rows, width // config.head_dim, config.head_dim).swapaxes(1, 2)


def rounded(config: AttentionConfig, x: NDArray[np.float64]) -> NDArray[Any]:
    """float64 values in the config's dtype, rounded to nearest even."""
    with np.errstate(over="ignore", invalid="ignore"):
        if config.dtype != "bfloat16":
            return x.astype(config.dtype)
        bits = x.astype(np.float32).view(np.uint32)
        nearest = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
        return np.where(np.isnan(x), 0x7FC0, nearest).astype(np.uint16)


def host_tensor(config: AttentionConfig, name: str, value: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """A host array as the reference takes it, without a copy; ShapeError, DTypeError or PointerError if it
    does not fit. bfloat16 comes as ml_dtypes' type or as uint16 bits."""
    if not isinstance(value, np.ndarray):
        raise PointerError(f"{name} is {type(value).__name__}: the reference backend works on NumPy arrays")
    if value.shape != shape:
        raise ShapeError(f"{name} has shape {value.shape}, {shape} is needed for the layout {config.layout}")
    if not value.flags.c_contiguous:
        raise ShapeError(f"{name} is not contiguous")
    held = value.view(np.uint16) if value.dtype.name == "bfloat16" else value
    if held.dtype.name != HOST_TYPES[config.dtype]:
        raise DTypeError(f"{name} is {value.dtype}, the config says {config.dtype}")
    return held
