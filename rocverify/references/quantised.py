"""Block-quantised weights as GGML stores them: 32 values a block with one scale."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
BLOCK = 32


def dequantise_q8_0(values: Array, scale: Array) -> Array:
    """values [blocks, 32] int8, scale [blocks]: value * scale, in the scale's type, [blocks * 32]."""
    return (values.astype(scale.dtype) * scale[:, None]).reshape(-1)


def dequantise_q4_0(packed: Array, scale: Array) -> Array:
    """packed [blocks, 16] uint8, scale [blocks]: (nibble - 8) * scale, [blocks * 32].

    The low nibbles of a block are its first 16 values, the high ones its last.
    """
    nibbles = np.concatenate([packed & 15, packed >> 4], axis=1).astype(scale.dtype)
    return ((nibbles - 8) * scale[:, None]).reshape(-1)


def wrong_q8_0(values: Array, scale: Array) -> dict[str, Array]:
    """Mistakes of a q8_0 kernel."""
    return {
        "values as unsigned": dequantise_q8_0(values.view(np.uint8), scale),
        "the first block's scale throughout": dequantise_q8_0(values, np.full_like(scale, scale[0])),
        "no scale": dequantise_q8_0(values, np.ones_like(scale)),
    }


def wrong_q4_0(packed: Array, scale: Array) -> dict[str, Array]:
    """Mistakes of a q4_0 kernel."""
    swapped = ((packed & 15) << 4) | (packed >> 4)
    nibbles = np.stack([packed & 15, packed >> 4], axis=-1).reshape(len(packed), BLOCK).astype(scale.dtype)
    return {
        "low and high nibbles exchanged": dequantise_q4_0(swapped, scale),
        "nibbles in pairs": ((nibbles - 8) * scale[:, None]).reshape(-1),
        "no offset of 8": dequantise_q4_0(packed, scale) + np.repeat(8 * scale, BLOCK),
        "the first block's scale throughout": dequantise_q4_0(packed, np.full_like(scale, scale[0])),
    }
