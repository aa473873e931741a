"""The angle tables of rotary embedding, computed on the host."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kernels.errors import PositionError, ShapeError


def checked_positions(positions: ArrayLike, seq: int, max_seq_len: int) -> NDArray[np.int64]:
    """`positions` as int64 [seq]; ShapeError or PositionError unless each is in [0, max_seq_len)."""
    given: NDArray[Any] = np.asarray(positions)
    if given.dtype.kind not in "iu":
        raise PositionError(f"positions are {given.dtype}, not integers")
    if given.shape != (seq,):
        raise ShapeError(f"positions have shape {given.shape}, the tensor has seq {seq}")
    outside = np.flatnonzero((given < 0) | (given >= max_seq_len))
    if outside.size:
        first = int(outside[0])
        raise PositionError(f"position {given[first]} of token {first} is outside [0, {max_seq_len})")
    return given.astype(np.int64)


def angle_tables(
    positions: NDArray[np.int64], head_dim: int, theta: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """cos and sin, float32 [seq, head_dim / 2], of position * theta ** (-2 d / head_dim).

    The angles are float64: at position 100000 a float32 angle is wrong by up to 0.004 radians.
    """
    if not theta > 0:
        raise ShapeError(f"theta is {theta}: the base of the frequencies is positive")
    frequencies = theta ** (-np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
    angles = positions[:, None].astype(np.float64) * frequencies
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
