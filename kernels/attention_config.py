"""What one attention is like: its extents, types, layout and mask, checked once for every backend."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from math import isfinite, prod, sqrt
from typing import Any

import numpy as np

from kernels.errors import DTypeError, PointerError, ShapeError
from kernels.tensor import SYMBOL_SUFFIX, DeviceTensor, as_device_tensor, storage_name

# Storage type -> what follows the name of a kernel of the pipeline; the fused kernels have no float64.
ATTENTION_SUFFIX = {**SYMBOL_SUFFIX, "float64": "_f64"}
ITEM_BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
# Extents that a kernel holds in 32 bits.
_LARGEST = 2**31 - 1


class Layout(StrEnum):
    """How the tensors lie in memory."""

    HEAD_MAJOR = "head_major"  # [batch, heads, seq, head_dim]
    SEQ_MAJOR = "seq_major"  # [batch, seq, heads * head_dim]


@dataclass(frozen=True)
class AttentionConfig:
    """One attention: softmax(scale * Q K^T + mask) V for each batch and head.

    q, out: [batch, heads, seq_q, head_dim]; k, v: [batch, kv_heads, kv_capacity, head_dim], of which the
    first seq_k rows count; both as `layout` lays them out. kv_heads divides heads: query head h reads the
    key and value head h // (heads // kv_heads). kv_capacity is seq_k unless given (a KV cache).
    causal: query i sees the keys j <= i + seq_k - seq_q. masked: a float32 additive mask comes with the
    call. scale: 1 / sqrt(head_dim) unless given. dropout: the part of weights set to zero.
    Raises ShapeError or DTypeError for what no attention can be.
    """

    batch: int
    heads: int
    seq_q: int
    seq_k: int
    head_dim: int
    kv_heads: int | None = None
    kv_capacity: int | None = None
    dtype: Any = "float32"
    causal: bool = False
    masked: bool = False
    layout: Layout = Layout.HEAD_MAJOR
    scale: float | None = None
    dropout: float = 0.0

    def __post_init__(self) -> None:
        self._settle(kv_heads=self.heads, kv_capacity=self.seq_k, scale=None)
        for field in fields(self)[:7]:
            extent = getattr(self, field.name)
            if not isinstance(extent, int | np.integer) or not 1 <= extent <= _LARGEST:
                raise ShapeError(f"{field.name} is {extent!r}: a whole number of at least 1 is needed")
        if self.scale is None:
            object.__setattr__(self, "scale", 1 / sqrt(self.head_dim))
        if self.heads % self.shared_heads:
            raise ShapeError(f"{self.heads} query heads cannot share {self.kv_heads} key heads evenly")
        if self.capacity < self.seq_k:
            raise ShapeError(f"seq_k is {self.seq_k}, the cache holds {self.kv_capacity} rows")
        if not isfinite(self.factor):
            raise ShapeError(f"scale is {self.scale}: a finite number is needed")
        if not 0 <= self.dropout < 1:
            raise ShapeError(f"dropout is {self.dropout}: a part in [0, 1) is needed")
        object.__setattr__(self, "dtype", storage_name(self.dtype, ATTENTION_SUFFIX))
        object.__setattr__(self, "layout", _layout(self.layout))

    def _settle(self, **defaults: Any) -> None:
        for name, value in defaults.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)

    @property
    def shared_heads(self) -> int:
        """kv_heads, settled."""
        return int(self.kv_heads or self.heads)

    @property
    def capacity(self) -> int:
        """kv_capacity, settled."""
        return int(self.kv_capacity or self.seq_k)

    @property
    def factor(self) -> float:
        """scale, settled."""
        return float(self.scale if self.scale is not None else 1 / sqrt(self.head_dim))

    @property
    def seq_major(self) -> bool:
        return self.layout is Layout.SEQ_MAJOR

    @property
    def item_bytes(self) -> int:
        return ITEM_BYTES[self.dtype]

    @property
    def query_shape(self) -> tuple[int, ...]:
        """The shape of q and of out."""
        return self._shape(self.heads, self.seq_q)

    @property
    def key_shape(self) -> tuple[int, ...]:
        """The shape of k and of v."""
        return self._shape(self.shared_heads, self.capacity)

    def _shape(self, heads: int, rows: int) -> tuple[int, ...]:
        if self.seq_major:
            return (self.batch, rows, heads * self.head_dim)
        return (self.batch, heads, rows, self.head_dim)

    def mask_strides(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """The elements from batch to batch and from head to head of a mask; 0 where they share one.

        shape: [seq_q, seq_k] or [batch or 1, heads or 1, seq_q, seq_k]; ShapeError for any other.
        """
        rows = (self.seq_q, self.seq_k)
        full = shape if len(shape) == 4 else (1, 1, *shape)
        if (
            len(full) != 4
            or full[2:] != rows
            or full[0] not in (1, self.batch)
            or full[1] not in (1, self.heads)
        ):
            raise ShapeError(
                f"the mask has shape {shape}: [{rows[0]}, {rows[1]}] is needed, alone or after "
                "[batch or 1, heads or 1]"
            )
        size = prod(rows)
        return (0 if full[0] == 1 else full[1] * size), (0 if full[1] == 1 else size)


def _layout(value: Any) -> Layout:
    try:
        return Layout(value)
    except ValueError:
        raise ShapeError(f"layout {value!r}: there are {', '.join(Layout)}") from None


@dataclass(frozen=True)
class DeviceTensors:
    """The tensors of one attention in device memory, checked against its config."""

    q: DeviceTensor
    k: DeviceTensor
    v: DeviceTensor
    out: DeviceTensor
    mask: DeviceTensor | None = None


def device_tensors(config: AttentionConfig, q: Any, k: Any, v: Any, out: Any, mask: Any) -> DeviceTensors:
    """The tensors as DeviceTensors; ShapeError, DTypeError or PointerError where one does not fit.

    A tensor in the other layout has another shape, and is refused for it unless the two coincide.
    """
    shapes = {
        "q": config.query_shape,
        "k": config.key_shape,
        "v": config.key_shape,
        "out": config.query_shape,
    }
    given = {"q": q, "k": k, "v": v, "out": out}
    checked = {
        name: _checked(name, as_device_tensor(value, ATTENTION_SUFFIX), shapes[name], config)
        for name, value in given.items()
    }
    if (mask is not None) != config.masked:
        raise ShapeError(
            f"the config says masked={config.masked}, the call brings {'no' if mask is None else 'a'} mask"
        )
    return DeviceTensors(**checked, mask=None if mask is None else _checked_mask(mask, config))


def _checked(
    name: str, tensor: DeviceTensor, shape: tuple[int, ...], config: AttentionConfig
) -> DeviceTensor:
    if tuple(tensor.shape) != shape:
        raise ShapeError(f"{name} has shape {tensor.shape}, {shape} is needed for the layout {config.layout}")
    if tensor.dtype != config.dtype:
        raise DTypeError(f"{name} is {tensor.dtype}, the config says {config.dtype}")
    if tensor.ptr <= 0:
        raise PointerError(f"{name} is a null device pointer")
    return tensor


def _checked_mask(mask: Any, config: AttentionConfig) -> DeviceTensor:
    tensor = as_device_tensor(mask, ATTENTION_SUFFIX)
    if tensor.dtype != "float32":
        raise DTypeError(f"the mask is {tensor.dtype}: masks are float32")
    if tensor.ptr <= 0:
        raise PointerError("mask is a null device pointer")
    config.mask_strides(tuple(tensor.shape))
    return tensor
