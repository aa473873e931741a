"""The steps of the attention pipeline, each one kernel, on device pointers. None waits for its kernel.

    qkt_matmul_gpu_kernel        qkt_matmul.hip        scores = scale * Q K^T
    scale_gpu_kernel             scale.hip             scores *= factor
    causal_mask_gpu_kernel       causal_mask.hip       scores = -infinity where a query must not see a key
    softmax_gpu_kernel           softmax.hip           every row of the scores, in place
    weighted_matmul_gpu_kernel   weighted_matmul.hip   out = P V

Extents are those of AttentionConfig. Tensors are float32, float16, bfloat16 or float64; scores and weights
between the steps are float32, or float64 for float64. All raise ShapeError, DTypeError or PointerError
before anything is launched, HipError after.
"""

from __future__ import annotations

import ctypes
from typing import Any

from kernels.attention_config import ATTENTION_SUFFIX, AttentionConfig, Layout
from kernels.errors import ShapeError
from kernels.runtime import Geometry, device_pointer, launch
from kernels.tensor import storage_name

QKT_OBJECT = "QKT_MATMUL_HSACO"
SCALE_OBJECT = "SCALE_HSACO"
MASK_OBJECT = "CAUSAL_MASK_HSACO"
SOFTMAX_OBJECT = "SOFTMAX_HSACO"
WEIGHTED_OBJECT = "WEIGHTED_MATMUL_HSACO"

# Work-items in a workgroup of every step, and the side of a tile of the products (matmul_tile.h).
STEP_WORKGROUP = 256
TILE_SIDE = 32
# HIP's limits: 2**32 work-items along x, 65535 workgroups along y and z.
_GRID_X = 2**32 // STEP_WORKGROUP
_GRID_YZ = 65535


def qkt_matmul_gpu_kernel(
    q_ptr: Any, k_ptr: Any, scores_ptr: Any, *, stream: Any = None, **extents: Any
) -> None:
    """Launches qkt_matmul_kernel: scores = scale * Q K^T.

    q_ptr, k_ptr: device pointers to tensors of `dtype` in either layout (`seq_major`). scores_ptr: to
    [batch, heads, seq_q, seq_k], float32 (float64 for float64).
    """
    config = _config(extents)
    arguments = (
        device_pointer(q_ptr, "q"),
        device_pointer(k_ptr, "k"),
        device_pointer(scores_ptr, "scores"),
        *_extents(config),
        _compute(config.dtype)(config.factor),
    )
    grid = (_tiles(config.seq_k), _tiles(config.seq_q), config.batch * config.heads)
    _launch(QKT_OBJECT, "qkt_matmul_kernel", config.dtype, grid, arguments, stream)


def scale_gpu_kernel(
    x_ptr: Any, count: int, factor: float, *, dtype: Any = "float32", stream: Any = None
) -> None:
    """Launches scale_kernel: multiplies `count` elements of `dtype` at x_ptr by `factor`, in place."""
    name = storage_name(dtype, ATTENTION_SUFFIX)
    _check_extents(count=count)
    arguments = (device_pointer(x_ptr, "x"), ctypes.c_uint64(count), _compute(name)(factor))
    grid = (-(-count // STEP_WORKGROUP), 1, 1)
    _launch(SCALE_OBJECT, "scale_kernel", name, grid, arguments, stream)


def causal_mask_gpu_kernel(
    x_ptr: Any, matrices: int, seq_q: int, seq_k: int, *, dtype: Any = "float32", stream: Any = None
) -> None:
    """Launches causal_mask_kernel: -infinity at x[m, i, j] for j > i + seq_k - seq_q, in place.

    x_ptr: device pointer to [matrices, seq_q, seq_k] of `dtype`.
    """
    name = storage_name(dtype, ATTENTION_SUFFIX)
    _check_extents(matrices=matrices, seq_q=seq_q, seq_k=seq_k)
    arguments = (device_pointer(x_ptr, "x"), ctypes.c_uint32(seq_q), ctypes.c_uint32(seq_k))
    grid = (-(-seq_k // STEP_WORKGROUP), seq_q, matrices)
    _launch(MASK_OBJECT, "causal_mask_kernel", name, grid, arguments, stream)


def softmax_gpu_kernel(
    x_ptr: Any, rows: int, columns: int, *, dtype: Any = "float32", stream: Any = None
) -> None:
    """Launches softmax_kernel on every row of [rows, columns] of `dtype` at x_ptr, in place.

    A row of -infinity only becomes zeros.
    """
    name = storage_name(dtype, ATTENTION_SUFFIX)
    _check_extents(rows=rows, columns=columns)
    arguments = (device_pointer(x_ptr, "x"), ctypes.c_uint32(columns))
    _launch(SOFTMAX_OBJECT, "softmax_kernel", name, (rows, 1, 1), arguments, stream)


def weighted_matmul_gpu_kernel(
    probs_ptr: Any, v_ptr: Any, out_ptr: Any, *, stream: Any = None, **extents: Any
) -> None:
    """Launches weighted_matmul_kernel: out = P V.

    probs_ptr: device pointer to [batch, heads, seq_q, seq_k], float32 (float64 for float64); v_ptr, out_ptr:
    to tensors of `dtype` in either layout (`seq_major`).
    """
    config = _config(extents)
    arguments = (
        device_pointer(probs_ptr, "probs"),
        device_pointer(v_ptr, "v"),
        device_pointer(out_ptr, "out"),
        *_extents(config),
    )
    grid = (_tiles(config.head_dim), _tiles(config.seq_q), config.batch * config.heads)
    _launch(WEIGHTED_OBJECT, "weighted_matmul_kernel", config.dtype, grid, arguments, stream)


def _config(extents: dict[str, Any]) -> AttentionConfig:
    layout = Layout.SEQ_MAJOR if extents.pop("seq_major", False) else Layout.HEAD_MAJOR
    return AttentionConfig(**extents, layout=layout)


def _extents(config: AttentionConfig) -> tuple[ctypes.c_uint32, ...]:
    extents = (
        config.heads,
        config.shared_heads,
        config.seq_q,
        config.seq_k,
        config.capacity,
        config.head_dim,
    )
    return tuple(ctypes.c_uint32(extent) for extent in (*extents, config.seq_major))


def _compute(dtype: str) -> Any:
    """The C type that the kernels of a storage type compute in."""
    return ctypes.c_double if dtype == "float64" else ctypes.c_float


def _tiles(extent: int) -> int:
    return -(-extent // TILE_SIDE)


def _check_extents(**extents: int) -> None:
    for name, extent in extents.items():
        if extent < 1:
            raise ShapeError(f"{name} is {extent}, at least 1 is needed")


def _launch(
    variable: str, family: str, dtype: str, grid: tuple[int, int, int], arguments: Any, stream: Any
) -> None:
    if grid[0] >= _GRID_X or max(grid[1:]) > _GRID_YZ:
        raise ShapeError(f"{family} would need {grid} workgroups: too large for one launch")
    launch(
        variable, family + ATTENTION_SUFFIX[dtype], Geometry(grid, (STEP_WORKGROUP, 1, 1)), arguments, stream
    )
