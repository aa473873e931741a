"""Rotary position embedding of one tensor on the GPU (rope.hip)."""

from __future__ import annotations

import ctypes
from typing import Any

from numpy.typing import ArrayLike

from kernels.runtime import device_pointer, launch, synchronize, uploaded
from kernels.tables import angle_tables, checked_positions
from kernels.tensor import (
    SYMBOL_SUFFIX,
    as_device_tensor,
    check_sizes,
    rotary_geometry,
    rotary_shape,
    storage_name,
)

CODE_OBJECT = "ROPE_HSACO"


def rope_gpu_kernel(
    x_ptr: Any,
    cos_ptr: Any,
    sin_ptr: Any,
    seq: int,
    heads: int,
    head_dim: int,
    *,
    dtype: Any = "float32",
    interleaved: bool = False,
    stream: Any = None,
) -> None:
    """Launches rope_kernel: rotates x in place. Does not wait for the kernel.

    x_ptr: device pointer to [seq, heads, head_dim] of `dtype` (float32, float16, bfloat16).
    cos_ptr, sin_ptr: device pointers to float32 [seq, head_dim / 2], row p for token p.
    interleaved: pairs are (2 d, 2 d + 1) instead of (d, d + head_dim / 2).
    Raises ShapeError, DTypeError or PointerError before anything is launched, HipError after.
    """
    check_sizes(head_dim, seq=seq, heads=heads)
    family = "rope_interleaved_kernel" if interleaved else "rope_kernel"
    symbol = family + SYMBOL_SUFFIX[storage_name(dtype)]
    arguments = (
        device_pointer(x_ptr, "x"),
        device_pointer(cos_ptr, "cos"),
        device_pointer(sin_ptr, "sin"),
        ctypes.c_uint32(seq),
        ctypes.c_uint32(heads),
        ctypes.c_uint32(head_dim),
    )
    launch(CODE_OBJECT, symbol, rotary_geometry(seq, heads, head_dim), arguments, stream)


def apply_rope_device(
    x: Any,
    positions: ArrayLike,
    *,
    max_seq_len: int,
    theta: float = 10_000.0,
    interleaved: bool = False,
    stream: Any = None,
) -> None:
    """Rotates x, which lies on the device, in place, by the angles of its tokens' positions.

    x: a DeviceTensor or `__cuda_array_interface__` array [seq, heads, head_dim], contiguous.
    positions: integers [seq] on the host, each in [0, max_seq_len), in any order.
    theta: base of the frequencies theta ** (-2 d / head_dim).
    cos and sin are computed on the host and uploaded; x itself never leaves the device. Returns when
    the rotation is done. Raises ShapeError, DTypeError, PositionError or PointerError before anything
    is uploaded or launched, HipError for a failed HIP call.
    """
    tensor = as_device_tensor(x)
    dtype = storage_name(tensor.dtype)
    seq, heads, head_dim = rotary_shape(tensor, "x")
    cos, sin = angle_tables(checked_positions(positions, seq, max_seq_len), head_dim, theta)
    device_pointer(tensor.ptr, "x")
    with uploaded(cos) as cos_ptr, uploaded(sin) as sin_ptr:
        rope_gpu_kernel(
            tensor.ptr,
            cos_ptr,
            sin_ptr,
            seq,
            heads,
            head_dim,
            dtype=dtype,
            interleaved=interleaved,
            stream=stream,
        )
        synchronize(stream)
