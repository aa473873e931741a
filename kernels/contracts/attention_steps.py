"""Contracts of the steps of the attention pipeline that change a matrix of scores in place."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.contracts.attention_math import LOWER, causal_admits, masked, softmax
from rocverify.oracle.contract import (
    BF16,
    F16,
    F32,
    F64,
    Dims,
    DType,
    InOut,
    Refusal,
    boundary,
    choices,
    contract,
)

ALL = F32 | F64 | F16 | BF16
SUFFIX = {F32: "", F64: "_f64", F16: "_f16", BF16: "_bf16"}
SEQUENCE = boundary(1, 300, tile=(16, 32))


def symbols(family: str) -> dict[DType, str]:
    """The kernels of a family by element type."""
    return {dtype: family + suffix for dtype, suffix in SUFFIX.items()}


def equal_rounding(ulps: float) -> dict[DType, float]:
    """The same number of ULPs for every element type."""
    return dict.fromkeys(ALL, ulps)


def wide(*arrays: Any) -> tuple[Any, ...]:
    """float64 arrays in a wider type: the reference of a float64 kernel must be better than it is."""
    return tuple(x.astype(np.longdouble) if x.dtype == np.float64 else x for x in arrays)


def narrow(x: Any) -> Any:
    """A result of `wide` arrays as float64."""
    return x.astype(np.float64) if x.dtype == np.longdouble else x


class _InPlace:
    """A kernel that changes a matrix of scores in place."""

    dims = Dims(matrices=choices(1, 2, 3), seq_q=SEQUENCE, seq_k=boundary(1, 700, tile=(256, 512)))
    x = InOut("matrices seq_q seq_k", ALL)


@contract(
    source="kernels/scale.hip",
    symbol=symbols("scale_kernel"),
    wrapper="kernels.attention_steps:scale_gpu_kernel",
)
class Scale(_InPlace):
    """scale_gpu_kernel: multiplies by 1 / per_scale."""

    dims = Dims(
        matrices=choices(1, 2, 3),
        seq_q=SEQUENCE,
        seq_k=boundary(1, 700, tile=256),
        per_scale=choices(3, 7, 8),
    )
    # The factor, rounded to float32, is off by 2**-24 of itself at most, which is up to one ULP of the
    # product; the product's own rounding is half a ULP more.
    rounding = equal_rounding(1.5)

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        wrapper(arrays.x, dims.matrices * dims.seq_q * dims.seq_k, 1 / dims.per_scale, dtype=dtype.name)

    def reference(self, x: Any, per_scale: int) -> Any:
        (scaled,) = wide(x)
        return narrow(scaled * scaled.dtype.type(1 / per_scale))

    def wrong(self, x: Any, per_scale: int) -> dict[str, Any]:
        last = x / per_scale
        last.reshape(-1)[-1] = x.reshape(-1)[-1]
        return {
            "not scaled": x,
            "scaled twice": x / per_scale**2,
            "multiplied by the inverse": x * per_scale,
            "the last element not scaled": last,
        }

    def refused(self, dims: Any) -> dict[str, Refusal]:  # noqa: ARG002 - the protocol
        return {"no elements": Refusal("ShapeError", dims={"matrices": 0})}


@contract(
    source="kernels/causal_mask.hip",
    symbol=symbols("causal_mask_kernel"),
    wrapper="kernels.attention_steps:causal_mask_gpu_kernel",
)
class CausalMask(_InPlace):
    """causal_mask_gpu_kernel: -infinity above the diagonal that ends in the last corner."""

    rounding = equal_rounding(0.0)

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        wrapper(arrays.x, dims.matrices, dims.seq_q, dims.seq_k, dtype=dtype.name)

    def reference(self, x: Any) -> Any:
        return masked(x, causal_admits(*x.shape[1:]))

    def wrong(self, x: Any) -> dict[str, Any]:
        seq_q, seq_k = x.shape[1:]
        from_start = np.arange(seq_k)[None, :] <= np.arange(seq_q)[:, None]
        return {
            "no mask": x,
            "one key too wide": masked(x, causal_admits(seq_q, seq_k, 1)),
            "one key too narrow": masked(x, causal_admits(seq_q, seq_k, -1)),
            "without the offset of the cache": masked(x, from_start),
            "transposed": masked(x, ~causal_admits(seq_q, seq_k, -1)),
            "zero instead of -infinity": np.where(causal_admits(seq_q, seq_k), x, 0),
        }

    def refused(self, dims: Any) -> dict[str, Refusal]:  # noqa: ARG002 - the protocol
        return {"no queries": Refusal("ShapeError", dims={"seq_q": 0})}


@contract(
    source="kernels/softmax.hip",
    symbol=symbols("softmax_kernel"),
    wrapper="kernels.attention_steps:softmax_gpu_kernel",
)
class Softmax(_InPlace):
    """softmax_gpu_kernel: rows of up to 700 elements, some of them masked in part or in full."""

    dims = Dims(matrices=choices(1, 2, 3), seq_q=boundary(1, 40), seq_k=boundary(1, 2000, tile=(256, 512)))
    rounding = equal_rounding(6.0)

    def prepare(self, rng: Any, dims: Any, kind: Any) -> dict[str, Any]:
        shape = (dims.matrices, dims.seq_q, dims.seq_k)
        reach = {"plain": 3.0, "heavy": 300.0, "extreme": 3000.0}.get(kind, 3.0)
        x = rng.normal(0, reach, shape)
        if kind == "rows":  # all on one side
            x += rng.uniform(-3000, 3000, (*shape[:2], 1))
        x[rng.random(shape) < 0.2] = -np.inf
        x[rng.random(shape[:2]) < 0.1] = -np.inf
        if kind == "special":
            x.reshape(-1)[rng.integers(x.size)] = rng.choice((np.nan, np.inf))
        return {"x": x}

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        wrapper(arrays.x, dims.matrices * dims.seq_q, dims.seq_k, dtype=dtype.name)

    def reference(self, x: Any) -> Any:
        return narrow(softmax(*wide(x)))

    def magnitude(self, x: Any) -> Any:
        probs = softmax(x)
        distance = np.where(probs > 0, np.max(x, axis=-1, keepdims=True) - x, 0)
        return probs * (1 + distance)

    def wrong(self, x: Any, dtype: Any) -> dict[str, Any]:
        low = np.exp(x - np.where(x.max(-1, keepdims=True) == -np.inf, 0, x.max(-1, keepdims=True)))
        total = np.zeros((*x.shape[:2], 1))
        for column in range(x.shape[2]):
            total = (total + low[..., column, None]).astype(LOWER[dtype].numpy).astype(np.float64)
        unguarded = np.exp(x.astype(np.float64 if dtype == F64 else np.float32)).astype(np.float64)
        return {
            "no maximum subtracted": _over_the_sum(unguarded),
            "only the first 32 columns reduced": narrow(_reduced_over(*wide(x), slice(32))),
            "only the first 256 columns reduced": narrow(_reduced_over(*wide(x), slice(256))),
            "only one column in eight reduced": narrow(_reduced_over(*wide(x), slice(None, None, 8))),
            "not divided by the sum": low,
            "over the columns instead of the rows": np.swapaxes(softmax(np.swapaxes(x, 1, 2)), 1, 2),
            f"summed up in {LOWER[dtype]}": _over_the_sum(low, total),
        }

    def refused(self, dims: Any) -> dict[str, Refusal]:  # noqa: ARG002 - the protocol
        return {"no columns": Refusal("ShapeError", dims={"seq_k": 0})}


def _over_the_sum(x: Any, total: Any = None) -> Any:
    """x over its rows' sums, or over `total`; zeros where that is zero."""
    total = x.sum(axis=-1, keepdims=True) if total is None else total
    return np.where(total == 0, 0, x / np.where(total == 0, 1, total))


def _reduced_over(x: Any, columns: slice) -> Any:
    """Softmax whose maximum and sum see some of the columns only."""
    part = x[..., columns]
    largest = part.max(axis=-1, keepdims=True)
    base = np.where(largest == -np.inf, x.dtype.type(0), largest)
    total = np.exp(part - base).sum(axis=-1, keepdims=True)
    return np.where(total == 0, x.dtype.type(0), np.exp(x - base) / total)
