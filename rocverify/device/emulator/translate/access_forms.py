"""The forms of loads and stores that the runtime has functions for, with the dwords of each."""

from __future__ import annotations

LOADS = {
    "u8": 1, "i8": 1, "u16": 1, "i16": 1, "b32": 1, "b64": 2, "b96": 3, "b128": 4, "d16_u8": 1, "d16_i8": 1,
    "d16_b16": 1, "d16_hi_u8": 1, "d16_hi_i8": 1, "d16_hi_b16": 1,
}  # fmt: skip
STORES = {"b8": 1, "b16": 1, "b32": 1, "b64": 2, "b96": 3, "b128": 4, "d16_hi_b8": 1, "d16_hi_b16": 1}

OF_WAVE = "of_wave"
"""The modifier of accesses to scratch whose scalar offset counts bytes of all lanes (private_buffers.py)."""
