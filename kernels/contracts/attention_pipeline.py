"""Contracts of the products of the attention pipeline, and of all its steps through the backend."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.contracts.attention_math import (
    LOWER,
    attention,
    attention_magnitude,
    causal_admits,
    causal_mistakes,
    changed,
    low_precision_output,
    low_precision_scores,
    mistakes,
    scores_of,
    softmax,
    usual_scale,
    weighted,
)
from kernels.contracts.attention_steps import ALL, SEQUENCE, equal_rounding, narrow, symbols, wide
from kernels.contracts.attention_values import draw_qkv
from rocverify.oracle.contract import (
    BF16,
    F16,
    F32,
    F64,
    Dims,
    DType,
    In,
    Out,
    Refusal,
    boundary,
    choices,
    contract,
    divisor_of,
)
from rocverify.oracle.dtypes import BY_NAME

# One large term early in a sum makes every later partial sum round as coarsely as it: hundreds of roundings,
# of random sign, reach some ULPs of the terms' size. The magnitudes of plain sums count it this often.
PARTIAL_SUMS = 2
NARROW = F32 | F16 | BF16
HEADS = choices(1, 2, 3, 4, 6)
HEAD_DIMS = choices(1, 5, 16, 31, 32, 33, 64, 80, 128, 256)
EXTENTS = ("batch", "heads", "kv_heads", "seq_q", "seq_k", "head_dim")


class _Product:
    """One of the two products of the pipeline."""

    dims = Dims(
        seq_q=SEQUENCE,
        seq_k=SEQUENCE,
        head_dim=HEAD_DIMS,
        batch=choices(1, 2),
        heads=HEADS,
        kv_heads=divisor_of("heads"),
        per_scale=choices(3, 8),
    )
    rounding = equal_rounding(4.0)

    def refused(self, dims: Any) -> dict[str, Refusal]:
        return {
            "more key than query heads": Refusal("ShapeError", dims={"kv_heads": dims.heads + 1}),
            "no keys": Refusal("ShapeError", dims={"seq_k": 0}),
        }


def exactly(*arrays: Any) -> tuple[Any, ...]:
    """The arrays in float64."""
    return tuple(x.astype(np.float64) for x in arrays)


def _extents(dims: Any) -> dict[str, int]:
    return {name: dims[name] for name in EXTENTS}


class _Scores(_Product):
    """qkt_matmul_gpu_kernel on device pointers, head-major, with a scale of 1 / per_scale."""

    def prepare(self, rng: Any, dims: Any, dtype: Any, kind: Any) -> dict[str, Any]:
        q = (dims.batch, dims.heads, dims.seq_q, dims.head_dim)
        drawn = draw_qkv(rng, q, (dims.batch, dims.kv_heads, dims.seq_k, dims.head_dim), dtype, kind)
        return {"q": drawn["q"], "k": drawn["k"]}

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        scale = 1 / dims.per_scale
        wrapper(arrays.q, arrays.k, arrays.scores, **_extents(dims), scale=scale, dtype=dtype.name)

    def reference(self, q: Any, k: Any, per_scale: int) -> Any:
        if q.dtype != np.float64:  # computed in the stored type: one term after the other, as kernels do
            return (low_precision_scores(*exactly(q, k), BY_NAME[q.dtype.name]) / per_scale).astype(q.dtype)
        return narrow(scores_of(*wide(q, k), 1 / per_scale))

    def magnitude(self, q: Any, k: Any, per_scale: int) -> Any:
        return PARTIAL_SUMS * scores_of(abs(q), abs(k), 1 / per_scale)

    def wrong(self, q: Any, k: Any, per_scale: int, dtype: Any) -> dict[str, Any]:
        scale, heads = 1 / per_scale, np.arange(q.shape[1])
        q, k = wide(q, k)
        kept = (q.shape[-1] - 1) // 32 * 32
        found = {
            "the scale omitted": scores_of(q, k, 1.0),
            "the scale applied twice": scores_of(q, k, scale**2),
            "1 / sqrt(head_dim) whatever was asked for": scores_of(q, k, usual_scale(q)),
            "heads mapped by remainder instead of by group": scores_of(q, k[:, heads % k.shape[1]], scale),
            "the last element of head_dim left out": scores_of(q[..., :-1], k[..., :-1], scale),
            "the last tile of head_dim left out": scores_of(q[..., :kept], k[..., :kept], scale),
            f"accumulated in {LOWER[dtype]}": low_precision_scores(q, k, LOWER[dtype]) * scale,
        }
        return {name: narrow(result) for name, result in found.items()}


@contract(
    source="kernels/qkt_matmul.hip",
    symbol={d: s for d, s in symbols("qkt_matmul_kernel").items() if d != F64},
    wrapper="kernels.attention_steps:qkt_matmul_gpu_kernel",
)
class QktMatmul(_Scores):
    """The scores of float32, float16 and bfloat16: float32."""

    q = In("batch heads seq_q head_dim", NARROW)
    k = In("batch kv_heads seq_k head_dim", NARROW)
    scores = Out("batch heads seq_q seq_k", F32)


@contract(
    source="kernels/qkt_matmul.hip",
    symbol="qkt_matmul_kernel_f64",
    wrapper="kernels.attention_steps:qkt_matmul_gpu_kernel",
)
class QktMatmulDouble(_Scores):
    """The scores of float64."""

    q = In("batch heads seq_q head_dim", F64)
    k = In("batch kv_heads seq_k head_dim", F64)
    scores = Out("batch heads seq_q seq_k", F64)


class _Weighted(_Product):
    """weighted_matmul_gpu_kernel on device pointers, head-major."""

    def prepare(self, rng: Any, dims: Any, dtype: Any, kind: Any) -> dict[str, Any]:
        q = (dims.batch, dims.heads, dims.seq_q, dims.head_dim)
        k = (dims.batch, dims.kv_heads, dims.seq_k, dims.head_dim)
        reach = 30.0 if kind == "heavy" else 2.0
        probs = softmax(rng.normal(0, reach, (*q[:3], dims.seq_k)))
        return {"probs": probs, "v": draw_qkv(rng, q, k, dtype, kind)["v"]}

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        wrapper(arrays.probs, arrays.v, arrays.out, **_extents(dims), dtype=dtype.name)

    def reference(self, probs: Any, v: Any) -> Any:
        if v.dtype != np.float64:  # as for the scores
            return low_precision_output(*exactly(probs, v), BY_NAME[v.dtype.name]).astype(v.dtype)
        return narrow(weighted(probs, *wide(probs, v)))

    def magnitude(self, probs: Any, v: Any) -> Any:
        return PARTIAL_SUMS * weighted(probs, abs(probs), abs(v))

    def wrong(self, probs: Any, v: Any, dtype: Any) -> dict[str, Any]:
        probs, v = wide(probs, v)
        kept = (v.shape[2] - 1) // 32 * 32
        remainder = v[:, np.arange(probs.shape[1]) % v.shape[1]]
        found = {
            "the last tile of keys skipped": weighted(probs, probs[..., :kept], v[:, :, :kept]),
            "the last key skipped": weighted(probs, probs[..., :-1], v[:, :, :-1]),
            "heads mapped by remainder instead of by group": weighted(probs, probs, remainder),
            "the rows of V in reverse": weighted(probs, probs, v[:, :, ::-1]),
            f"accumulated in {LOWER[dtype]}": low_precision_output(probs, v, LOWER[dtype]),
        }
        return {name: narrow(result) for name, result in found.items()}


@contract(
    source="kernels/weighted_matmul.hip",
    symbol={d: s for d, s in symbols("weighted_matmul_kernel").items() if d != F64},
    wrapper="kernels.attention_steps:weighted_matmul_gpu_kernel",
)
class WeightedMatmul(_Weighted):
    """P V of float32, float16 and bfloat16; P is float32."""

    probs = In("batch heads seq_q seq_k", F32)
    v = In("batch kv_heads seq_k head_dim", NARROW)
    out = Out("batch heads seq_q head_dim", NARROW)


@contract(
    source="kernels/weighted_matmul.hip",
    symbol="weighted_matmul_kernel_f64",
    wrapper="kernels.attention_steps:weighted_matmul_gpu_kernel",
)
class WeightedMatmulDouble(_Weighted):
    """P V of float64."""

    probs = In("batch heads seq_q seq_k", F64)
    v = In("batch kv_heads seq_k head_dim", F64)
    out = Out("batch heads seq_q head_dim", F64)


class _Pipeline:
    """All steps through `attention_forward` with the backend `pipeline`."""

    q = In("batch heads seq_q head_dim", ALL)
    k = In("batch kv_heads seq_k head_dim", ALL)
    v = In("batch kv_heads seq_k head_dim", ALL)
    out = Out("batch heads seq_q head_dim", ALL)
    dims = Dims(
        seq_q=SEQUENCE,
        seq_k=boundary(1, 400, tile=(16, 32)),
        head_dim=HEAD_DIMS,
        batch=choices(1, 2),
        heads=HEADS,
        kv_heads=divisor_of("heads"),
    )
    rounding = equal_rounding(4.0)
    causal = False

    def prepare(self, rng: Any, dims: Any, dtype: Any, kind: Any) -> dict[str, Any]:
        q = (dims.batch, dims.heads, dims.seq_q, dims.head_dim)
        k = (dims.batch, dims.kv_heads, dims.seq_k, dims.head_dim)
        return draw_qkv(rng, q, k, dtype, kind, special_values=not self.causal)

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: DType) -> None:
        from kernels.attention_config import AttentionConfig

        config = AttentionConfig(**_extents(dims), dtype=dtype.name, causal=self.causal)
        wrapper(config, arrays.q, arrays.k, arrays.v, arrays.out, backend="pipeline")

    def reference(self, q: Any, k: Any, v: Any) -> Any:
        return narrow(attention(*wide(q, k, v), usual_scale(q), self.admits(q, k)))

    def magnitude(self, q: Any, k: Any, v: Any) -> Any:
        return attention_magnitude(q, k, v, usual_scale(q), self.admits(q, k))

    def wrong(self, q: Any, k: Any, v: Any, dtype: DType) -> dict[str, Any]:
        tensors, scale = wide(q, k, v), usual_scale(q)
        found = mistakes(*tensors, scale, dtype, self.admits(q, k))
        found |= causal_mistakes(*tensors, scale) if self.causal else {}
        return changed(found, narrow)

    def refused(self, dims: Any) -> dict[str, Refusal]:
        return {
            "tensors of another shape": Refusal("ShapeError", dims={"seq_q": dims.seq_q + 1}),
            "more key than query heads": Refusal("ShapeError", dims={"kv_heads": dims.heads + 1}),
            "more rows than one launch covers": Refusal("UnsupportedConfigError", dims={"seq_q": 70_000}),
        }

    def admits(self, q: Any, k: Any) -> Any:
        """The causal mask, or None."""
        return causal_admits(q.shape[2], k.shape[2]) if self.causal else None


@contract(
    source="kernels/weighted_matmul.hip",
    symbol=symbols("weighted_matmul_kernel"),
    wrapper="kernels.attention:attention_forward",
)
class Pipeline(_Pipeline):
    """The backend `pipeline` without a mask; its last step is the kernel looked for."""


@contract(
    source="kernels/weighted_matmul.hip",
    symbol=symbols("weighted_matmul_kernel"),
    wrapper="kernels.attention:attention_forward",
)
class PipelineCausal(_Pipeline):
    """The backend `pipeline` with the causal mask; its last step is the kernel looked for."""

    causal = True
    # A weight of zero times NaN is NaN in one order of summation and nothing in another.
    finite = ("v",)
