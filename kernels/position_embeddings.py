"""Rotary position embedding of the queries and keys of a layer (position_embeddings.hip)."""

from __future__ import annotations

import ctypes
from typing import Any

from numpy.typing import ArrayLike

from kernels.errors import DTypeError, ShapeError
from kernels.rope import apply_rope_device
from kernels.runtime import device_pointer, launch, synchronize, uploaded
from kernels.tables import angle_tables, checked_positions
from kernels.tensor import (
    SYMBOL_SUFFIX,
    DeviceTensor,
    as_device_tensor,
    check_sizes,
    rotary_geometry,
    rotary_shape,
    storage_name,
)

CODE_OBJECT = "POSITION_EMBEDDINGS_HSACO"


def position_embeddings_gpu_kernel(
    q_ptr: Any,
    k_ptr: Any,
    cos_ptr: Any,
    sin_ptr: Any,
    seq: int,
    q_heads: int,
    k_heads: int,
    head_dim: int,
    *,
    dtype: Any = "float32",
    interleaved: bool = False,
    stream: Any = None,
) -> None:
    """Launches position_embeddings_kernel: rotates q and k in place. Does not wait for the kernel.

    q_ptr, k_ptr: device pointers to [seq, q_heads, head_dim] and [seq, k_heads, head_dim] of `dtype`;
    q_heads is a multiple of k_heads.
    cos_ptr, sin_ptr: device pointers to float32 [seq, head_dim / 2], row p for token p.
    interleaved: pairs are (2 d, 2 d + 1) instead of (d, d + head_dim / 2).
    Raises ShapeError, DTypeError or PointerError before anything is launched, HipError after.
    """
    check_sizes(head_dim, seq=seq, q_heads=q_heads, k_heads=k_heads)
    _check_groups(q_heads, k_heads)
    family = "position_embeddings_interleaved_kernel" if interleaved else "position_embeddings_kernel"
    symbol = family + SYMBOL_SUFFIX[storage_name(dtype)]
    arguments = (
        device_pointer(q_ptr, "q"),
        device_pointer(k_ptr, "k"),
        device_pointer(cos_ptr, "cos"),
        device_pointer(sin_ptr, "sin"),
        ctypes.c_uint32(seq),
        ctypes.c_uint32(q_heads),
        ctypes.c_uint32(k_heads),
        ctypes.c_uint32(head_dim),
    )
    launch(CODE_OBJECT, symbol, rotary_geometry(seq, q_heads + k_heads, head_dim), arguments, stream)


def apply_position_embeddings_device(
    q: Any,
    k: Any | None,
    positions: ArrayLike,
    *,
    max_seq_len: int,
    theta: float = 10_000.0,
    interleaved: bool = False,
    stream: Any = None,
) -> None:
    """Rotates q and k, which lie on the device, in place, by the angles of their tokens' positions.

    q: a DeviceTensor or `__cuda_array_interface__` array [seq, q_heads, head_dim], contiguous.
    k: the same with k_heads, a divisor of q_heads; None where a layer shares another layer's keys,
    which are rotated already: then only q is rotated.
    positions: integers [seq] on the host, each in [0, max_seq_len), in any order.

    GPU RoPE execution flow:

    1. `apply_position_embeddings_device` checks shapes, dtypes and positions; nothing has run yet.
    2. `angle_tables` computes cos and sin on the host; `uploaded` copies them to the device. This is
       the only transfer: q and k never leave the device.
    3. `position_embeddings_gpu_kernel` chooses the symbol for the dtype and packs the arguments.
    4. `launch` loads the code object on first use and enqueues `position_embeddings_kernel`
       (position_embeddings.hip), which rotates the pairs of all heads of q and k in one launch.
    5. `synchronize` waits for the kernel; after it the tables are freed.

    Without k, steps 2 to 5 are those of `apply_rope_device`, which launches `rope_kernel` (rope.hip)
    through `rope_gpu_kernel`. There is no path that computes the rotation on the CPU: what fails, raises.

    Raises ShapeError, DTypeError, PositionError or PointerError before anything is uploaded or
    launched, HipError for a failed HIP call.
    """
    if k is None:
        apply_rope_device(
            q, positions, max_seq_len=max_seq_len, theta=theta, interleaved=interleaved, stream=stream
        )
        return
    queries, keys = as_device_tensor(q), as_device_tensor(k)
    dtype = storage_name(queries.dtype)
    seq, q_heads, k_heads, head_dim = _layer_shape(queries, keys)
    cos, sin = angle_tables(checked_positions(positions, seq, max_seq_len), head_dim, theta)
    device_pointer(queries.ptr, "q")
    device_pointer(keys.ptr, "k")
    with uploaded(cos) as cos_ptr, uploaded(sin) as sin_ptr:
        position_embeddings_gpu_kernel(
            queries.ptr,
            keys.ptr,
            cos_ptr,
            sin_ptr,
            seq,
            q_heads,
            k_heads,
            head_dim,
            dtype=dtype,
            interleaved=interleaved,
            stream=stream,
        )
        synchronize(stream)


def _layer_shape(q: DeviceTensor, k: DeviceTensor) -> tuple[int, int, int, int]:
    """(seq, q_heads, k_heads, head_dim) of queries and keys that fit together; typed error if not."""
    seq, q_heads, head_dim = rotary_shape(q, "q")
    k_seq, k_heads, k_head_dim = rotary_shape(k, "k")
    if (k_seq, k_head_dim) != (seq, head_dim):
        raise ShapeError(f"q has shape {q.shape} and k {k.shape}: seq and head_dim must agree")
    if storage_name(k.dtype) != storage_name(q.dtype):
        raise DTypeError(f"q is {q.dtype} and k {k.dtype}: one launch takes one dtype")
    _check_groups(q_heads, k_heads)
    return seq, q_heads, k_heads, head_dim


def _check_groups(q_heads: int, k_heads: int) -> None:
    if q_heads % k_heads:
        raise ShapeError(f"{q_heads} query heads cannot share {k_heads} key heads evenly")
