"""Softmax and norms of rows: the last axis is reduced, all others are rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def softmax(x: Array) -> Array:
    """exp(x - max) / sum of exp(x - max). A row of -infinity alone gives NaN, as the formula does."""
    powers: Array = np.exp(x - x.max(axis=-1, keepdims=True))
    shares: Array = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def log_softmax(x: Array) -> Array:
    """x - max - log of the sum of exp(x - max)."""
    shifted: Array = x - x.max(axis=-1, keepdims=True)
    result: Array = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def standardised(x: Array, eps: float | Array = 1e-5) -> Array:
    """(x - mean) / sqrt(variance + eps); the variance is the row's, divided by its length."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    scaled: Array = centred / np.sqrt(variance + x.dtype.type(eps))
    return scaled


def rms_scaled(x: Array, eps: float | Array = 1e-5) -> Array:
    """x / sqrt(mean of x^2 + eps)."""
    scaled: Array = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + x.dtype.type(eps))
    return scaled


def layer_norm(x: Array, weight: Array, bias: Array, eps: float | Array = 1e-5) -> Array:
    """`standardised`, times weight, plus bias."""
    return standardised(x, eps) * weight + bias


def layer_norm_magnitude(x: Array, weight: Array, bias: Array, eps: float | Array = 1e-5) -> Array:
    """What the terms of `layer_norm` amount to: x and its mean cancel each other, and bias the rest."""
    size = np.abs(x)
    centred = x - x.mean(axis=-1, keepdims=True)
    root = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + x.dtype.type(eps))
    terms: Array = (size + size.mean(axis=-1, keepdims=True)) / root
    amounts: Array = terms * (1 + np.abs(centred) / root) * np.abs(weight) + np.abs(bias)
    return amounts


def rms_norm(x: Array, weight: Array, eps: float | Array = 1e-5) -> Array:
    """`rms_scaled`, times weight."""
    return rms_scaled(x, eps) * weight


def wrong_softmax(x: Array) -> dict[str, Array]:
    """Mistakes of a softmax kernel: no maximum subtracted, parts of a row reduced, no normalisation."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return {
        "not divided by the sum": powers,
        "only the first 32 columns summed": powers / powers[..., :32].sum(axis=-1, keepdims=True),
        "only the first 256 columns summed": powers / powers[..., :256].sum(axis=-1, keepdims=True),
        "normalised over the other axis": powers / powers.sum(axis=0, keepdims=True),
    }


def wrong_layer_norm(x: Array, weight: Array, bias: Array, eps: float | Array = 1e-5) -> dict[str, Array]:
    """Mistakes of a layer norm kernel."""
    scaled = standardised(x, eps)
    return {
        "no mean subtracted": rms_norm(x, weight, eps) + bias,
        "no weight": scaled + bias,
        "no bias": scaled * weight,
        "bias before weight": (scaled + bias) * weight,
    }


def wrong_rms_norm(x: Array, weight: Array, eps: float | Array = 1e-5) -> dict[str, Array]:
    """Mistakes of an RMS norm kernel."""
    mean, squares, small = x.mean(axis=-1, keepdims=True), x * x, x.dtype.type(eps)
    return {
        "the mean subtracted": rms_norm(x - mean, weight, eps),
        "no weight": rms_scaled(x, eps),
        "the sum in place of the mean": x / np.sqrt(squares.sum(axis=-1, keepdims=True) + small) * weight,
        "no root": x / (squares.mean(axis=-1, keepdims=True) + small) * weight,
    }
