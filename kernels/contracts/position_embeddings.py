"""Contracts of position_embeddings.hip: queries and keys in one launch, keys with fewer heads."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.contracts.rotation import (
    DEVICE_ROUNDING,
    RAW_ROUNDING,
    angles_of,
    half_split,
    interleaved,
    magnitude,
    mistakes,
    random_tables,
    refused_positions,
    sizes_of,
    spread_positions,
)
from rocverify.oracle.contract import (
    BF16,
    F16,
    F32,
    I64,
    Dims,
    HostIn,
    In,
    InOut,
    Refusal,
    boundary,
    choices,
    contract,
    divisor_of,
    even,
)

HALF_SPLIT = {
    F32: "position_embeddings_kernel",
    F16: "position_embeddings_kernel_f16",
    BF16: "position_embeddings_kernel_bf16",
}
INTERLEAVED = {
    F32: "position_embeddings_interleaved_kernel",
    F16: "position_embeddings_interleaved_kernel_f16",
    BF16: "position_embeddings_interleaved_kernel_bf16",
}
SOURCE = "kernels/position_embeddings.hip"
QUERY_HEADS = choices(1, 2, 3, 4, 6, 7, 8, 9, 32)


class _Raw:
    """What both layouts of the raw launch have in common. `layout` rotates, `other` is the wrong one."""

    q = InOut("seq q_heads head_dim", F32 | F16 | BF16)
    k = InOut("seq k_heads head_dim", F32 | F16 | BF16)
    cos = In("seq head_dim/2", F32)
    sin = In("seq head_dim/2", F32)
    dims = Dims(
        seq=boundary(1, 4096), q_heads=QUERY_HEADS, head_dim=even(2, 256), k_heads=divisor_of("q_heads")
    )
    parameters = ("q", "k", "cos", "sin", "seq", "q_heads", "k_heads", "head_dim")
    rounding = RAW_ROUNDING
    layout: Any
    other: Any

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return random_tables(rng, dims.seq, dims.head_dim)

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        pointers = (arrays.q, arrays.k, arrays.cos, arrays.sin)
        sizes = (dims.seq, dims.q_heads, dims.k_heads, dims.head_dim)
        wrapper(*pointers, *sizes, dtype=dtype.name, interleaved=self.layout is interleaved)

    def reference(self, q: Any, k: Any, cos: Any, sin: Any) -> Any:
        return self.layout(q, cos, sin), self.layout(k, cos, sin)

    def magnitude(self, q: Any, k: Any, cos: Any, sin: Any) -> Any:
        return magnitude(self.layout, q, cos, sin), magnitude(self.layout, k, cos, sin)

    def wrong(self, q: Any, k: Any, cos: Any, sin: Any) -> dict[str, Any]:
        return layer_mistakes(self.layout, self.other, q, k, cos, sin)

    def refused(self, dims: Any) -> dict[str, Refusal]:
        return {
            "odd head_dim": Refusal("ShapeError", dims={"head_dim": dims.head_dim - 1}),
            "more key than query heads": Refusal("ShapeError", dims={"k_heads": dims.q_heads + 1}),
        }


@contract(
    source=SOURCE,
    symbol=HALF_SPLIT,
    wrapper="kernels.position_embeddings:position_embeddings_gpu_kernel",
)
class PositionEmbeddings(_Raw):
    """position_embeddings_gpu_kernel on device pointers, pairs (d, d + head_dim / 2)."""

    layout, other = staticmethod(half_split), staticmethod(interleaved)


@contract(
    source=SOURCE,
    symbol=INTERLEAVED,
    wrapper="kernels.position_embeddings:position_embeddings_gpu_kernel",
)
class PositionEmbeddingsInterleaved(_Raw):
    """position_embeddings_gpu_kernel on device pointers, pairs (2 d, 2 d + 1)."""

    layout, other = staticmethod(interleaved), staticmethod(half_split)


@contract(
    source=SOURCE,
    symbol=HALF_SPLIT,
    wrapper="kernels.position_embeddings:apply_position_embeddings_device",
)
class PositionEmbeddingsDevice:
    """apply_position_embeddings_device: positions up to max_seq_len - 1, tables made by the wrapper."""

    q = InOut("seq q_heads head_dim", F32 | F16 | BF16)
    k = InOut("seq k_heads head_dim", F32 | F16 | BF16)
    positions = HostIn("seq", I64)
    dims = Dims(
        seq=boundary(1, 1024),
        q_heads=QUERY_HEADS,
        head_dim=even(2, 256),
        k_heads=divisor_of("q_heads"),
        max_seq_len=choices(1, 2048, 4096, 32768, 131072),
        theta=choices(10_000, 500_000),
    )
    rounding = DEVICE_ROUNDING

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"positions": spread_positions(rng, dims.seq, dims.max_seq_len)}

    def call(self, wrapper: Any, arrays: Any, dims: Any) -> None:
        limits = {"max_seq_len": dims.max_seq_len, "theta": float(dims.theta)}
        wrapper(arrays.q, arrays.k, arrays.positions, **limits)

    def reference(self, q: Any, k: Any, positions: Any, theta: int) -> Any:
        tables = angles_of(positions, q, theta)
        return half_split(q, *tables), half_split(k, *tables)

    def magnitude(self, q: Any, k: Any, positions: Any, theta: int) -> Any:
        sizes = sizes_of(positions, q, theta)
        return magnitude(half_split, q, *sizes), magnitude(half_split, k, *sizes)

    def wrong(self, q: Any, k: Any, positions: Any, theta: int) -> dict[str, Any]:
        found = layer_mistakes(half_split, interleaved, q, k, *angles_of(positions, q, theta))
        for name, other in (("off by one", positions + 1), ("ignored", np.arange(len(positions)))):
            tables = angles_of(other, q, theta)
            found[f"positions {name}"] = (half_split(q, *tables), half_split(k, *tables))
        return found

    def refused(self, dims: Any) -> dict[str, Refusal]:
        return refused_positions(dims.seq, dims.max_seq_len)


def layer_mistakes(rotation: Any, other: Any, q: Any, k: Any, cos: Any, sin: Any) -> dict[str, Any]:
    """The mistakes of one rotation made in q and k alike, and those of a layer."""
    in_q, in_k = mistakes(rotation, other, q, cos, sin), mistakes(rotation, other, k, cos, sin)
    alike = {name: (in_q[name], in_k[name]) for name in in_q}
    return {
        **alike,
        "the keys not rotated": (rotation(q, cos, sin), k),
        "the queries not rotated": (q, rotation(k, cos, sin)),
    }
