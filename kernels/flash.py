"""Fused attention on the GPU: the launches of flash_attention*.hip, on device pointers.

Each family has a kernel for every storage type and for every tile that head_dim is padded to:
flash_attention_causal_kernel_d64_f16 serves float16 with a head_dim above 32 and up to 64.

All three take the same extents (see AttentionConfig): batch, heads, seq_q, seq_k, head_dim, and kv_heads,
kv_capacity, scale, dtype, seq_major where they differ from the usual. q, k, v and out are device pointers of
`dtype` (float32, float16, bfloat16), aligned to four elements, in the head-major layout or, with seq_major,
in the other. head_dim is a multiple of 4, at most 256. None of them waits for the kernel.
All raise ShapeError, DTypeError or PointerError before anything is launched, HipError after.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from kernels.attention_config import AttentionConfig, Layout
from kernels.errors import DTypeError, PointerError, ShapeError
from kernels.runtime import Geometry, device_pointer, launch
from kernels.tensor import SYMBOL_SUFFIX

MASKED_OBJECT = "FLASH_ATTENTION_HSACO"
CAUSAL_OBJECT = "FLASH_ATTENTION_CAUSAL_HSACO"
NOCAUSAL_OBJECT = "FLASH_ATTENTION_NOCAUSAL_HSACO"

# As in flash_attention.h: keys in a tile, and how far rows lie apart in LDS.
FLASH_KEYS = 32
_TILE_PAD = 4
_WEIGHT_PITCH = FLASH_KEYS + 8
_TILES = (32, 64, 128, 256)
MAX_HEAD_DIM = _TILES[-1]
# Elements that one memory instruction moves: head_dim and every pointer are a multiple of it.
HEAD_DIM_STEP = 4
_GRID_YZ = 65535


def flash_attention_causal_gpu_kernel(
    q_ptr: Any, k_ptr: Any, v_ptr: Any, out_ptr: Any, *, stream: Any = None, **extents: Any
) -> None:
    """Launches flash_attention_causal_kernel: query i sees the keys j <= i + seq_k - seq_q.

    Pointers, extents and errors: see the module.
    """
    config = _config(extents, causal=True)
    pointers = _pointers(config, q=q_ptr, k=k_ptr, v=v_ptr, out=out_ptr)
    symbol = flash_symbol("flash_attention_causal_kernel", config)
    arguments = (*pointers, *_extents(config), ctypes.c_float(config.factor))
    launch(CAUSAL_OBJECT, symbol, flash_geometry(config), arguments, stream)


def flash_attention_nocausal_gpu_kernel(
    q_ptr: Any, k_ptr: Any, v_ptr: Any, out_ptr: Any, *, stream: Any = None, **extents: Any
) -> None:
    """Launches flash_attention_nocausal_kernel: every query sees every key.

    Pointers, extents and errors: see the module.
    """
    config = _config(extents, causal=False)
    pointers = _pointers(config, q=q_ptr, k=k_ptr, v=v_ptr, out=out_ptr)
    symbol = flash_symbol("flash_attention_nocausal_kernel", config)
    arguments = (*pointers, *_extents(config), ctypes.c_float(config.factor))
    launch(NOCAUSAL_OBJECT, symbol, flash_geometry(config), arguments, stream)


def flash_attention_gpu_kernel(
    q_ptr: Any,
    k_ptr: Any,
    v_ptr: Any,
    mask_ptr: Any,
    out_ptr: Any,
    *,
    mask_strides: tuple[int, int] = (0, 0),
    causal: bool = False,
    stream: Any = None,
    **extents: Any,
) -> None:
    """Launches flash_attention_kernel: adds a mask to the scaled scores; causal: besides, query i sees only
    the keys j <= i + seq_k - seq_q.

    mask_ptr: device pointer to float32 [seq_q, seq_k]; mask_strides: elements from the mask of one batch,
    and of one head, to the next, 0 where they share it. -infinity hides a key; a query from which every key
    is hidden gets zeros. Other pointers, extents and errors: see the module.
    """
    config = _config(extents, causal=causal)
    q, k, v, out = _pointers(config, q=q_ptr, k=k_ptr, v=v_ptr, out=out_ptr)
    if min(mask_strides) < 0:
        raise ShapeError(f"the mask's strides are {mask_strides}: none may be negative")
    symbol = flash_symbol("flash_attention_kernel", config)
    strides = (ctypes.c_uint64(stride) for stride in mask_strides)
    mask = device_pointer(mask_ptr, "mask")
    scale, chosen = ctypes.c_float(config.factor), ctypes.c_uint32(config.causal)
    arguments = (q, k, v, mask, out, *_extents(config), *strides, scale, chosen)
    launch(MASKED_OBJECT, symbol, flash_geometry(config), arguments, stream)


def flash_tile(head_dim: int) -> int:
    """The tile that head_dim is padded to; ShapeError for a head_dim that the fused kernels do not take."""
    if head_dim % HEAD_DIM_STEP or not 0 < head_dim <= MAX_HEAD_DIM:
        raise ShapeError(
            f"head_dim is {head_dim}: a multiple of {HEAD_DIM_STEP} up to {MAX_HEAD_DIM} is needed"
        )
    return next(tile for tile in _TILES if head_dim <= tile)


def flash_symbol(family: str, config: AttentionConfig) -> str:
    """The kernel of a family for the config's head_dim and dtype."""
    return f"{family}_d{flash_tile(config.head_dim)}{SYMBOL_SUFFIX[config.dtype]}"


def flash_threads(tile: int) -> int:
    """Work-items in a workgroup: `flash_threads` of flash_attention.h."""
    return 256 if tile <= 64 else 128


def flash_rows(tile: int) -> int:
    """Queries in a tile: `flash_rows` of flash_attention.h."""
    return 64 if tile <= 64 else 4096 // tile


def flash_lds_bytes(tile: int) -> int:
    """Bytes of dynamic LDS: `flash_lds_bytes` of flash_attention.h."""
    rows = flash_rows(tile)
    return 4 * ((rows + FLASH_KEYS) * (tile + _TILE_PAD) + rows * _WEIGHT_PITCH)


def flash_geometry(config: AttentionConfig) -> Geometry:
    """One workgroup for each tile of queries, head and batch; ShapeError for what one launch cannot cover."""
    tile = flash_tile(config.head_dim)
    if max(config.heads, config.batch) > _GRID_YZ:
        raise ShapeError(f"heads {config.heads}, batch {config.batch}: one launch takes {_GRID_YZ} of each")
    tiles = -(-config.seq_q // flash_rows(tile))
    return Geometry((tiles, config.heads, config.batch), (flash_threads(tile), 1, 1), flash_lds_bytes(tile))


def _config(extents: dict[str, Any], *, causal: bool) -> AttentionConfig:
    seq_major = extents.pop("seq_major", False)
    layout = Layout.SEQ_MAJOR if seq_major else Layout.HEAD_MAJOR
    config = AttentionConfig(**extents, causal=causal, layout=layout)
    if config.dtype not in SYMBOL_SUFFIX:
        raise DTypeError(f"dtype {config.dtype}: there are fused kernels for {', '.join(SYMBOL_SUFFIX)}")
    return config


def _pointers(config: AttentionConfig, **given: Any) -> Sequence[ctypes.c_void_p]:
    pointers = {name: device_pointer(value, name) for name, value in given.items()}
    alignment = HEAD_DIM_STEP * config.item_bytes
    for name, pointer in pointers.items():
        if (pointer.value or 0) % alignment:
            raise PointerError(
                f"{name} lies at {pointer.value:#x}, which is no multiple of {alignment} bytes"
            )
    return tuple(pointers.values())


def _extents(config: AttentionConfig) -> tuple[ctypes.c_uint32, ...]:
    return tuple(
        ctypes.c_uint32(extent)
        for extent in (
            config.heads,
            config.shared_heads,
            config.seq_q,
            config.seq_k,
            config.capacity,
            config.head_dim,
            config.seq_major,
        )
    )
