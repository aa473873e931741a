"""Contracts of training: fused attention with dropout, and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.contracts.attention import STORED, SUFFIX, tile_of
from kernels.contracts.attention_dropout import dropout_factors
from kernels.contracts.attention_math import (
    admitted,
    attention_magnitude,
    for_query_heads,
    masked,
    scores_of,
    softmax,
    usual_scale,
    weight_magnitude,
    weighted,
)
from kernels.contracts.attention_values import draw_qkv
from rocverify.oracle.contract import (
    BF16,
    F16,
    F32,
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

# Parts dropped, in sixteenths; 0 drops nothing.
PARTS = choices(1, 4, 8)
EXTENTS = ("batch", "heads", "kv_heads", "seq_q", "seq_k", "head_dim")
# In 16-bit types delta is made of the stored output, whose rounding is this many ULPs of float32.
GRADIENT_ROUNDING = {F32: 8.0, F16: 2.0**13, BF16: 2.0**16}


class _Training:
    """What both contracts share: a mask chosen by `causal` (1 or 2), and dropout of sixteenths."""

    q = In("batch heads seq_q head_dim", STORED)
    k = In("batch kv_heads seq_k head_dim", STORED)
    v = In("batch kv_heads seq_k head_dim", STORED)
    dims = Dims(
        seq_q=boundary(1, 150, tile=(16, 32, 64)),
        seq_k=boundary(1, 200, tile=32),
        head_dim=choices(16, 20, 32, 36, 64, 68, 128),
        batch=choices(1, 2),
        heads=choices(1, 2, 3, 4, 6),
        kv_heads=divisor_of("heads"),
        masking=choices(1, 2),
        sixteenths=PARTS,
        seed=choices(1, 77, 123456789),
        offset=choices(1, 5),
    )

    def values(self, rng: Any, dims: Any, dtype: DType, kind: str) -> dict[str, Any]:
        """q, k and v."""
        q = (dims.batch, dims.heads, dims.seq_q, dims.head_dim)
        k = (dims.batch, dims.kv_heads, dims.seq_k, dims.head_dim)
        # What a NaN in V does to a query that does not see it is left open: see `unspecified`.
        own = "plain" if kind == "extreme" else kind
        drawn = draw_qkv(rng, q, k, dtype, own, special_values=dims.masking == 1)
        return drawn if kind != "extreme" else {**drawn, "q": drawn["q"] * 8, "v": drawn["v"] * 64}

    def situations(self, q: Any, v: Any, dtype: DType) -> dict[str, Any]:
        """Scores of some hundreds, no scores at all, and values of v from which a sum may overflow."""
        return {
            "extreme scores": {"q": q * 64},
            "zeros of both signs in q": {"q": np.copysign(0, q)},
            "v near the largest number": {"v": np.copysign(dtype.largest / 64, v)},
        }

    def refused(self, dims: Any) -> dict[str, Refusal]:
        return {
            "head_dim beyond 128": Refusal("ShapeError", dims={"head_dim": 132}),
            "head_dim that is no multiple of 4": Refusal("ShapeError", dims={"head_dim": 18}),
            "more key than query heads": Refusal("ShapeError", dims={"kv_heads": dims.heads + 1}),
        }


def config_of(dims: Any, dtype: DType) -> tuple[Any, Any]:
    """The config and the state of the generator that the wrappers take."""
    from kernels.attention_config import AttentionConfig
    from kernels.attention_training import DropoutState

    config = AttentionConfig(
        **{name: dims[name] for name in EXTENTS},
        dtype=dtype.name,
        causal=dims.masking == 2,
        dropout=dims.sixteenths / 16,
    )
    return config, DropoutState(dims.seed, dims.offset)


def factors_of(q: Any, k: Any, sixteenths: int, seed: int, offset: int) -> Any:
    """The factors of dropout for these tensors, in their type."""
    shape = (*q.shape[:3], k.shape[2])
    return dropout_factors(shape, sixteenths / 16, seed, offset).astype(q.dtype)


def probabilities(q: Any, k: Any, admits: Any) -> tuple[Any, Any]:
    """The scores, masked, and their softmax."""
    scores = scores_of(q, k, usual_scale(q))
    scores = scores if admits is None else masked(scores, admits)
    return scores, softmax(scores)


def log_sum(scores: Any) -> Any:
    """The logarithm of each row's sum of exponentials; -infinity where every score is."""
    largest = scores.max(axis=-1)
    base = np.where(largest == -np.inf, scores.dtype.type(0), largest)
    return base + np.log(np.exp(scores - base[..., None]).sum(axis=-1))


@contract(
    source="kernels/flash_attention_dropout.hip",
    symbol={d: f"flash_attention_dropout_kernel_d32{s}" for d, s in SUFFIX.items()},
    wrapper="kernels.attention_training:flash_attention_dropout_gpu_kernel",
)
class FlashDropout(_Training):
    """flash_attention_dropout_gpu_kernel: the output, and the logarithms of the sums."""

    out = Out("batch heads seq_q head_dim", STORED)
    lse = Out("batch heads seq_q", F32)
    # A score adds up to 128 products, one after the other: about the root of that in halves of an ULP.
    rounding = {F32: 8.0, F16: 8.0, BF16: 8.0}  # noqa: RUF012 - read, never changed

    def kernel(self, dims: Any, dtype: DType) -> str:
        return f"flash_attention_dropout_kernel_d{tile_of(dims.head_dim)}{SUFFIX[dtype]}"

    def prepare(self, rng: Any, dims: Any, dtype: DType, kind: str) -> dict[str, Any]:
        return self.values(rng, dims, dtype, kind)

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: DType) -> None:
        config, state = config_of(dims, dtype)
        wrapper({name: arrays[name] for name in ("q", "k", "v", "out", "lse")}, config, state)

    def reference(self, q: Any, k: Any, v: Any, masking: int, sixteenths: int, seed: int, offset: int) -> Any:
        scores, probs = probabilities(q, k, admitted(q, k, masking))
        return weighted(q, probs * factors_of(q, k, sixteenths, seed, offset), v), log_sum(scores)

    def unspecified(
        self, q: Any, k: Any, v: Any, masking: int, sixteenths: int, seed: int, offset: int
    ) -> dict[str, Any]:
        factors = factors_of(q, k, sixteenths, seed, offset)
        scores, probs = probabilities(q, k, admitted(q, k, masking))
        out = weighted(q, probs * factors, v)
        return {
            "out": differing(out, of_seen_keys(scores == -np.inf, probs * factors, for_query_heads(q, v)))
        }

    def magnitude(self, q: Any, k: Any, v: Any, masking: int, sixteenths: int) -> Any:
        admits, scale = admitted(q, k, masking), usual_scale(q)
        kept = attention_magnitude(q, k, v, scale, admits) / (1 - sixteenths / 16)
        scores, probs = probabilities(q, k, admits)
        terms = np.where(probs > 0, scores_of(abs(q), abs(k), scale), 0)
        largest = np.where(np.isfinite(scores), abs(scores), 0).max(axis=-1)
        return kept, 1 + largest + np.sum(probs * terms, axis=-1) + np.log(k.shape[2] + 1)

    def wrong(
        self, q: Any, k: Any, v: Any, masking: int, sixteenths: int, seed: int, offset: int
    ) -> dict[str, Any]:
        scores, probs = probabilities(q, k, admitted(q, k, masking))
        lse, part = log_sum(scores), sixteenths / 16
        factors = factors_of(q, k, sixteenths, seed, offset)

        def out(factors: Any) -> Any:
            return weighted(q, probs * factors, v)

        dropped = np.exp(scores - np.where(np.isfinite(lse), lse, 0)[..., None]) * (factors > 0)
        total = dropped.sum(axis=-1, keepdims=True)
        _, other = probabilities(q, k, admitted(q, k, 3 - masking))
        return {
            "nothing dropped": (out(1.0), lse),
            "what is kept not scaled up": (out(factors * (1 - part)), lse),
            "another seed": (out(factors_of(q, k, sixteenths, seed + 1, offset)), lse),
            "another offset": (out(factors_of(q, k, sixteenths, seed, offset + 1)), lse),
            "dropped and kept exchanged": (
                out(np.where(factors > 0, 0, 1 / (1 - part))),
                lse,
            ),
            "the same mask for every head": (out(factors[:, :1]), lse),
            "the sum without what is dropped": (
                weighted(q, np.where(total == 0, 0, dropped / np.where(total == 0, 1, total)), v),
                lse,
            ),
            "the other mask": (weighted(q, other * factors, v), lse),
            "the sum without its logarithm": (out(factors), np.exp(lse)),
            "the maximum for the logarithm of the sum": (out(factors), scores.max(axis=-1)),
        }


@contract(
    source="kernels/flash_attention_backward.hip",
    symbol={d: f"flash_attention_backward_kv_kernel_d32{s}" for d, s in SUFFIX.items()},
    wrapper="kernels.attention_training:attention_gradients",
)
class FlashBackward(_Training):
    """attention_gradients: dq, dk, dv of a causal or full attention with dropout, grouped heads included."""

    dout = In("batch heads seq_q head_dim", STORED)
    out = Out("batch heads seq_q head_dim", STORED)
    dq = Out("batch heads seq_q head_dim", STORED)
    dk = Out("batch kv_heads seq_k head_dim", STORED)
    dv = Out("batch kv_heads seq_k head_dim", STORED)
    rounding = GRADIENT_ROUNDING
    # NaN and infinities are numerical_stability's: behind a causal mask some of what they do is left open.
    kinds = ("plain", "heavy", "extreme")

    def kernel(self, dims: Any, dtype: DType) -> str:
        return f"flash_attention_backward_kv_kernel_d{tile_of(dims.head_dim)}{SUFFIX[dtype]}"

    def prepare(self, rng: Any, dims: Any, dtype: DType, kind: str) -> dict[str, Any]:
        drawn = self.values(rng, dims, dtype, kind)
        return {**drawn, "dout": rng.standard_normal(drawn["q"].shape)}

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: DType) -> None:
        config, state = config_of(dims, dtype)
        wrapper(config, arrays, state)

    def reference(
        self, q: Any, k: Any, v: Any, dout: Any, masking: int, sixteenths: int, seed: int, offset: int
    ) -> Any:
        factors = factors_of(q, k, sixteenths, seed, offset)
        return gradients(q, k, v, dout, admitted(q, k, masking), factors)

    def unspecified(
        self, q: Any, k: Any, v: Any, dout: Any, masking: int, sixteenths: int, seed: int, offset: int
    ) -> dict[str, Any]:
        factors = factors_of(q, k, sixteenths, seed, offset)
        every = gradients(q, k, v, dout, admitted(q, k, masking), factors)
        seen = gradients_of_seen_keys(q, k, v, dout, admitted(q, k, masking), factors)
        names = ("out", "dq", "dk", "dv")
        return {name: differing(a, b) for name, a, b in zip(names, every, seen, strict=True)}

    def magnitude(
        self, q: Any, k: Any, v: Any, dout: Any, masking: int, sixteenths: int, dtype: DType
    ) -> Any:
        return gradient_magnitudes(q, k, v, dout, admitted(q, k, masking), 1 / (1 - sixteenths / 16), dtype)

    def wrong(
        self, q: Any, k: Any, v: Any, dout: Any, masking: int, sixteenths: int, seed: int, offset: int
    ) -> dict[str, Any]:
        admits, factors = admitted(q, k, masking), factors_of(q, k, sixteenths, seed, offset)
        other = factors_of(q, k, sixteenths, seed, offset + 1)
        out, dq, dk, dv = gradients(q, k, v, dout, admits, factors)
        _, oq, ok, ov = gradients(q, k, v, dout, admits, other)
        _, uq, uk, _ = gradients(q, k, v, dout, admits, factors, delta_of=lambda delta: 0 * delta)
        _, mq, mk, mv = gradients(q, k, v, dout, admitted(q, k, 3 - masking), factors)
        scale, group = usual_scale(q), q.shape[1] // k.shape[1]
        first = [_first_of_group(q, k, v, dout, admits, factors, n) for n in (2, 3)]
        return {
            "another mask of dropout backward than forward": (out, oq, ok, ov),
            "delta left out": (out, uq, uk, dv),
            "the other mask backward": (out, mq, mk, mv),
            "the scale omitted": (out, dq / scale, dk / scale, dv),
            "the scale applied twice": (out, dq * scale, dk * scale, dv),
            "dK and dV swapped": (out, dq, dv, dk),
            "the sign of dQ": (out, -dq, dk, dv),
            "the first head of each group only": (out, dq, *first),
            "the mean over a group for the sum": (out, dq, dk / group, dv / group),
        }

    def refused(self, dims: Any) -> dict[str, Refusal]:
        other_shape = Refusal("ShapeError", dims={"seq_q": dims.seq_q + 1})
        return {**super().refused(dims), "tensors of another shape": other_shape}


def gradients(
    q: Any, k: Any, v: Any, dout: Any, admits: Any, factors: Any, delta_of: Any = lambda delta: delta
) -> tuple[Any, Any, Any, Any]:
    """out, dQ, dK and dV of sum(dout * out). delta_of: what is made of rowsum(dO * O), for mistakes."""
    scale = q.dtype.type(usual_scale(q))
    _, probs = probabilities(q, k, admits)
    out = weighted(q, probs * factors, v)
    slopes = factors * np.matmul(dout, np.swapaxes(for_query_heads(q, v), -1, -2))
    delta = delta_of(np.sum(dout * out, axis=-1, keepdims=True))
    score_slopes = probs * (slopes - delta) * scale
    return (
        out,
        np.matmul(score_slopes, for_query_heads(q, k)),
        _to_key_heads(k, np.matmul(np.swapaxes(score_slopes, -1, -2), q)),
        _to_key_heads(k, np.matmul(np.swapaxes(probs * factors, -1, -2), dout)),
    )


def gradients_of_seen_keys(q: Any, k: Any, v: Any, dout: Any, admits: Any, factors: Any) -> Any:
    """`gradients` where a key that a query does not see adds nothing, whatever stands in it."""
    scores, probs = probabilities(q, k, admits)
    hidden, keys = scores == -np.inf, for_query_heads(q, k)
    kept = probs * factors
    out = of_seen_keys(hidden, kept, for_query_heads(q, v))
    slopes = factors * np.matmul(dout, np.swapaxes(for_query_heads(q, v), -1, -2))
    score_slopes = probs * (slopes - np.sum(dout * out, axis=-1, keepdims=True)) * usual_scale(q)
    backward = [np.swapaxes(x, -1, -2) for x in (hidden, score_slopes, kept)]
    return (
        out,
        of_seen_keys(hidden, score_slopes, keys),
        _to_key_heads(k, of_seen_keys(backward[0], backward[1], q)),
        _to_key_heads(k, of_seen_keys(backward[0], backward[2], dout)),
    )


def of_seen_keys(hidden: Any, weights: Any, x: Any) -> Any:
    """weights @ x without the terms that are hidden, even where x is not finite."""
    return np.where(hidden[..., None], 0, weights[..., None] * x[:, :, None]).sum(axis=3)


def differing(every: Any, seen: Any) -> Any:
    """Where NaN or infinities depend on whether a weight of zero counts: nothing is promised there."""
    finite = np.isfinite(every) & np.isfinite(seen)
    return ~finite & (every != seen) & ~(np.isnan(every) & np.isnan(seen))


def gradient_magnitudes(
    q: Any, k: Any, v: Any, dout: Any, admits: Any, largest_factor: float, dtype: DType
) -> tuple[Any, Any, Any, Any]:
    """The sizes of the terms of `gradients`, to first order in the roundings (see attention_magnitude)."""
    scale = usual_scale(q)
    scores, probs = probabilities(q, k, admits)
    # A weight is exp(score - lse): the score, lse and their difference are rounded on the way to it.
    lse = log_sum(scores)[..., None]
    lse = np.where(np.isfinite(lse), lse, 0)
    terms = scores_of(abs(q), abs(k), scale) + abs(lse) + abs(lse - scores)
    # In 16-bit types a rounding of a score is of float32 and small beside the unit of `rounding`.
    spread = weight_magnitude(scores, probs, terms, F32_UNITS[dtype])
    slopes = largest_factor * np.matmul(abs(dout), np.swapaxes(abs(for_query_heads(q, v)), -1, -2))
    mean = np.sum(spread * slopes, axis=-1, keepdims=True)
    score_slopes = (spread * (slopes + mean) + probs * mean) * scale
    return (
        largest_factor * weighted(q, spread, abs(v)),
        np.matmul(score_slopes, abs(for_query_heads(q, k))),
        _to_key_heads(k, np.matmul(np.swapaxes(score_slopes, -1, -2), abs(q))),
        _to_key_heads(k, np.matmul(np.swapaxes(spread * largest_factor, -1, -2), abs(dout))),
    )


# One ULP of float32 in the units of GRADIENT_ROUNDING.
F32_UNITS = {dtype: 8 / ulps for dtype, ulps in GRADIENT_ROUNDING.items()}


def _to_key_heads(k: Any, x: Any) -> Any:
    """The sum over the query heads that share each key head."""
    batch, heads, rows, head_dim = x.shape
    return x.reshape(batch, k.shape[1], heads // k.shape[1], rows, head_dim).sum(axis=2)


def _first_of_group(q: Any, k: Any, v: Any, dout: Any, admits: Any, factors: Any, which: int) -> Any:
    """dK (2) or dV (3) from the first query head of each group alone."""
    group = q.shape[1] // k.shape[1]
    alone = (np.arange(q.shape[1]) % group == 0)[None, :, None, None]
    return gradients(q, k, v, np.where(alone, dout, 0), admits, factors)[which]
