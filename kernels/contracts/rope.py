"""Contracts of rope.hip: the raw launches, and the device function that makes its own tables."""

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
    even,
)

SOURCE = "kernels/rope.hip"
HALF_SPLIT = {F32: "rope_kernel", F16: "rope_kernel_f16", BF16: "rope_kernel_bf16"}
INTERLEAVED = {
    F32: "rope_interleaved_kernel",
    F16: "rope_interleaved_kernel_f16",
    BF16: "rope_interleaved_kernel_bf16",
}
HEADS = choices(1, 2, 3, 4, 5, 7, 8, 9, 32)


class _Raw:
    """What both layouts of the raw launch have in common. `layout` rotates, `other` is the wrong one."""

    x = InOut("seq heads head_dim", F32 | F16 | BF16)
    cos = In("seq head_dim/2", F32)
    sin = In("seq head_dim/2", F32)
    dims = Dims(seq=boundary(1, 4096), heads=HEADS, head_dim=even(2, 256))
    parameters = ("x", "cos", "sin", "seq", "heads", "head_dim")
    rounding = RAW_ROUNDING
    layout: Any
    other: Any

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return random_tables(rng, dims.seq, dims.head_dim)

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        sizes = (dims.seq, dims.heads, dims.head_dim)
        flag = self.layout is interleaved
        wrapper(arrays.x, arrays.cos, arrays.sin, *sizes, dtype=dtype.name, interleaved=flag)

    def reference(self, x: Any, cos: Any, sin: Any) -> Any:
        return self.layout(x, cos, sin)

    def magnitude(self, x: Any, cos: Any, sin: Any) -> Any:
        return magnitude(self.layout, x, cos, sin)

    def wrong(self, x: Any, cos: Any, sin: Any) -> dict[str, Any]:
        return mistakes(self.layout, self.other, x, cos, sin)

    def refused(self, dims: Any) -> dict[str, Refusal]:
        return {
            "odd head_dim": Refusal("ShapeError", dims={"head_dim": dims.head_dim - 1}),
            "no tokens": Refusal("ShapeError", dims={"seq": 0}),
        }


@contract(source=SOURCE, symbol=HALF_SPLIT, wrapper="kernels.rope:rope_gpu_kernel")
class Rope(_Raw):
    """rope_gpu_kernel on device pointers, pairs (d, d + head_dim / 2)."""

    layout, other = staticmethod(half_split), staticmethod(interleaved)


@contract(source=SOURCE, symbol=INTERLEAVED, wrapper="kernels.rope:rope_gpu_kernel")
class RopeInterleaved(_Raw):
    """rope_gpu_kernel on device pointers, pairs (2 d, 2 d + 1)."""

    layout, other = staticmethod(interleaved), staticmethod(half_split)


@contract(source=SOURCE, symbol=HALF_SPLIT, wrapper="kernels.rope:apply_rope_device")
class RopeDevice:
    """apply_rope_device: positions up to max_seq_len - 1, tables made and uploaded by the wrapper."""

    x = InOut("seq heads head_dim", F32 | F16 | BF16)
    positions = HostIn("seq", I64)
    dims = Dims(
        seq=boundary(1, 1024),
        heads=HEADS,
        head_dim=even(2, 256),
        max_seq_len=choices(1, 2048, 4096, 32768, 131072),
        theta=choices(10_000, 500_000),
    )
    rounding = DEVICE_ROUNDING

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"positions": spread_positions(rng, dims.seq, dims.max_seq_len)}

    def call(self, wrapper: Any, arrays: Any, dims: Any) -> None:
        wrapper(arrays.x, arrays.positions, max_seq_len=dims.max_seq_len, theta=float(dims.theta))

    def reference(self, x: Any, positions: Any, theta: int) -> Any:
        return half_split(x, *angles_of(positions, x, theta))

    def magnitude(self, x: Any, positions: Any, theta: int) -> Any:
        return magnitude(half_split, x, *sizes_of(positions, x, theta))

    def wrong(self, x: Any, positions: Any, theta: int) -> dict[str, Any]:
        found = mistakes(half_split, interleaved, x, *angles_of(positions, x, theta))
        later = half_split(x, *angles_of(positions + 1, x, theta))
        by_index = half_split(x, *angles_of(np.arange(len(positions)), x, theta))
        return {**found, "positions off by one": later, "positions ignored": by_index}

    def refused(self, dims: Any) -> dict[str, Refusal]:
        return refused_positions(dims.seq, dims.max_seq_len)
