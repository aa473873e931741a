"""Fused attention for training on the GPU: dropout forward, and the gradients of q, k and v.

    flash_attention_dropout_gpu_kernel    flash_attention_dropout.hip    out and lse
    flash_attention_backward_gpu_kernel   flash_attention_backward.hip   dq, dk, dv from what forward left
    attention_gradients                   both of them

Which weights dropout drops depends on `seed`, `offset` and the weight's place alone (dropout.h): the same
values give the same mask forward and backward, on every device. float32, float16, bfloat16; head_dim a
multiple of 4 up to 128. The same call gives the same bits: nothing is added up by atomics.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernels.attention_config import AttentionConfig, Layout, device_tensors
from kernels.errors import DTypeError, PointerError, ShapeError
from kernels.flash import FLASH_KEYS, HEAD_DIM_STEP, flash_geometry, flash_tile
from kernels.runtime import Geometry, allocated, device_pointer, launch, synchronize
from kernels.tensor import SYMBOL_SUFFIX

DROPOUT_OBJECT = "FLASH_ATTENTION_DROPOUT_HSACO"
BACKWARD_OBJECT = "FLASH_ATTENTION_BACKWARD_HSACO"
MAX_TRAINING_DIM = 128
# As in flash_backward.h and flash_attention_backward.hip.
_DELTA_ROWS = 8
_DELTA_WORKGROUP = 256
_TILE_PAD = 4
_WEIGHT_PITCH = FLASH_KEYS + 8
_ROW_LANES = 8


@dataclass(frozen=True)
class DropoutState:
    """Where the generator stands: `seed` (64 bits) chooses the sequence, `offset` (32 bits) the call."""

    seed: int = 0
    offset: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.seed < 2**64 and 0 <= self.offset < 2**32):
            raise ShapeError(f"seed {self.seed}, offset {self.offset}: 64 and 32 bits, unsigned, are needed")


def flash_attention_dropout_gpu_kernel(
    pointers: Mapping[str, Any],
    config: AttentionConfig,
    state: DropoutState = DropoutState(),
    *,
    stream: Any = None,
) -> None:
    """Launches flash_attention_dropout_kernel: out, with config.dropout of the weights dropped, and lse.

    pointers: device pointers by name. q, k, v, out: tensors of the config's shapes and dtype. lse: float32
    [batch, heads, seq_q], the logarithm of each row's sum of exponentials. Does not wait for the kernel.
    Raises ShapeError, DTypeError or PointerError before anything is launched, HipError after.
    """
    _check(config)
    given = _arguments(config, pointers, ("q", "k", "v", "out", "lse"))
    symbol = f"flash_attention_dropout_kernel_d{flash_tile(config.head_dim)}{SYMBOL_SUFFIX[config.dtype]}"
    arguments = (*given, *_extents(config), *_dropout(config, state))
    launch(DROPOUT_OBJECT, symbol, flash_geometry(config), arguments, stream)


def flash_attention_backward_gpu_kernel(
    pointers: Mapping[str, Any],
    config: AttentionConfig,
    state: DropoutState = DropoutState(),
    *,
    stream: Any = None,
) -> None:
    """Launches the three kernels of the backward pass: dq, dk and dv.

    pointers: q, k, v, out, dout, lse as forward had and left them, dq, dk, dv to be written, and delta,
    working memory of float32 [batch, heads, seq_q]. `state` must be that of the forward pass. Does not wait.
    Raises ShapeError, DTypeError or PointerError before anything is launched, HipError after.
    """
    _check(config)
    tail = (*_extents(config), *_dropout(config, state))
    tile, suffix = flash_tile(config.head_dim), SYMBOL_SUFFIX[config.dtype]
    read = ("q", "k", "v", "dout", "lse", "delta")
    delta = (
        *_arguments(config, pointers, ("out", "dout", "delta")),
        *(ctypes.c_uint32(n) for n in (config.heads, config.seq_q, config.head_dim, config.seq_major)),
    )
    queries = (*_arguments(config, pointers, (*read, "dq")), *tail)
    keys = (*_arguments(config, pointers, (*read, "dk", "dv")), *tail)
    rows, threads, lds = backward_rows(tile), backward_rows(tile) * _ROW_LANES, backward_lds_bytes(tile)
    per_head = (config.heads, config.batch)
    for symbol, geometry, arguments in (
        (
            f"flash_attention_backward_delta_kernel{suffix}",
            Geometry((-(-config.seq_q // _DELTA_ROWS), *per_head), (_DELTA_WORKGROUP, 1, 1)),
            delta,
        ),
        (
            f"flash_attention_backward_q_kernel_d{tile}{suffix}",
            Geometry((-(-config.seq_q // rows), *per_head), (threads, 1, 1), lds),
            queries,
        ),
        (
            f"flash_attention_backward_kv_kernel_d{tile}{suffix}",
            Geometry(
                (-(-config.seq_k // FLASH_KEYS), config.shared_heads, config.batch), (threads, 1, 1), lds
            ),
            keys,
        ),
    ):
        launch(BACKWARD_OBJECT, symbol, geometry, arguments, stream)


def attention_gradients(
    config: AttentionConfig,
    tensors: Mapping[str, Any],
    state: DropoutState = DropoutState(),
    *,
    stream: Any = None,
) -> None:
    """Forward and backward pass: writes out, dq, dk and dv, and waits for them.

    tensors: device tensors by name. q, dout and out, dq: of config.query_shape; k, v and dk, dv: of
    config.key_shape. lse and delta are allocated for the call and freed.
    Raises ShapeError, DTypeError or PointerError before anything is launched, HipError after.
    """
    _check(config)
    forward = device_tensors(config, *(tensors[name] for name in ("q", "k", "v", "out")), None)
    backward = device_tensors(config, *(tensors[name] for name in ("dq", "dk", "dv", "dout")), None)
    pointers = {
        **{name: getattr(forward, name).ptr for name in ("q", "k", "v", "out")},
        **{"dq": backward.q.ptr, "dk": backward.k.ptr, "dv": backward.v.ptr, "dout": backward.out.ptr},
    }
    rows = 4 * config.batch * config.heads * config.seq_q
    with allocated(rows) as lse, allocated(rows) as delta:
        everything = {**pointers, "lse": lse, "delta": delta}
        _arguments(config, everything, tuple(everything))
        flash_attention_dropout_gpu_kernel(everything, config, state, stream=stream)
        flash_attention_backward_gpu_kernel(everything, config, state, stream=stream)
        synchronize(stream)


def backward_rows(tile: int) -> int:
    """Queries in a tile: `backward_rows` of flash_backward.h."""
    return 32 if tile <= 64 else 16


def backward_lds_bytes(tile: int) -> int:
    """Bytes of dynamic LDS: `backward_lds_bytes` of flash_backward.h."""
    rows = backward_rows(tile)
    return 4 * (2 * (rows + FLASH_KEYS) * (tile + _TILE_PAD) + 2 * rows * _WEIGHT_PITCH)


def _check(config: AttentionConfig) -> None:
    if config.dtype not in SYMBOL_SUFFIX:
        raise DTypeError(f"dtype {config.dtype}: there are kernels for {', '.join(SYMBOL_SUFFIX)}")
    if config.head_dim > MAX_TRAINING_DIM or config.head_dim % HEAD_DIM_STEP:
        raise ShapeError(
            f"head_dim is {config.head_dim}: training takes a multiple of {HEAD_DIM_STEP} "
            f"up to {MAX_TRAINING_DIM}"
        )
    if config.masked or config.capacity != config.seq_k:
        raise ShapeError("training takes neither an additive mask nor a cache with spare rows")
    flash_geometry(config)


def _arguments(
    config: AttentionConfig, pointers: Mapping[str, Any], names: tuple[str, ...]
) -> tuple[ctypes.c_void_p, ...]:
    """The pointers as arguments; PointerError for one that is missing, null or misaligned."""
    missing = [name for name in names if name not in pointers]
    if missing:
        raise PointerError(f"no pointer is given for {', '.join(missing)}")
    found = tuple(device_pointer(pointers[name], name) for name in names)
    for name, pointer in zip(names, found, strict=True):
        alignment = 4 if name in ("lse", "delta") else HEAD_DIM_STEP * config.item_bytes
        if (pointer.value or 0) % alignment:
            raise PointerError(f"{name} lies at {pointer.value:#x}, no multiple of {alignment} bytes")
    return found


def _extents(config: AttentionConfig) -> tuple[Any, ...]:
    extents = (
        *(config.heads, config.shared_heads, config.seq_q, config.seq_k, config.head_dim),
        *(config.layout is Layout.SEQ_MAJOR, config.causal),
    )
    return (*(ctypes.c_uint32(extent) for extent in extents), ctypes.c_float(config.factor))


def _dropout(config: AttentionConfig, state: DropoutState) -> tuple[Any, ...]:
    """The threshold of the generator's words, the factor of what is kept, the offset and the seed."""
    threshold = min(round(config.dropout * 2**32), 2**32 - 1)
    keep_scale = 1 / (1 - threshold / 2**32)
    words = (ctypes.c_uint32(threshold), ctypes.c_float(keep_scale), ctypes.c_uint32(state.offset))
    return (*words, ctypes.c_uint64(state.seed))
