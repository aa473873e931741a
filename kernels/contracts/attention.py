"""Contracts of the fused kernels: raw launches, the registry's backend in both layouts, and decoding."""

from __future__ import annotations

from typing import Any

import numpy as np

from kernels.contracts import attention_pipeline, attention_steps
from kernels.contracts.attention_math import (
    admitted,
    attention,
    attention_magnitude,
    causal_admits,
    causal_mistakes,
    changed,
    mistakes,
    seq_major,
    usual_scale,
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
from rocverify.oracle.views import DeviceView

QktMatmul, Scale = attention_pipeline.QktMatmul, attention_steps.Scale
CausalMask = attention_steps.CausalMask
Softmax = attention_steps.Softmax
Pipeline, PipelineCausal = attention_pipeline.Pipeline, attention_pipeline.PipelineCausal
WeightedMatmul = attention_pipeline.WeightedMatmul

STORED = F32 | F16 | BF16
SUFFIX = {F32: "", F16: "_f16", BF16: "_bf16"}
# Sizes of head_dim on both sides of every tile that it is padded to.
HEAD_DIMS = choices(16, 20, 32, 36, 64, 68, 128, 132, 256)
HEADS = choices(1, 2, 3, 4, 6, 8)
QUERIES = boundary(1, 300, tile=(16, 32, 64))
KEYS = boundary(1, 600, tile=32)
# ULPs of float32 at the magnitude of the terms. Matrix instructions take the weights rounded to the storage
# type: half a ULP of each, which is 2**12 (2**15) ULPs of float32 and up to twice as many at the magnitude.
ROUNDING = {F32: 4.0, F16: 2.0**13, BF16: 2.0**16}


def rounded_weights(dtype: DType) -> dict[str, float]:
    """What `attention_magnitude` must know of weights that are rounded to `dtype`: the scores' own roundings
    are of float32, and small beside that; float16 is coarser below its smallest normal number."""
    return {"weight_of_scores": 4.0 / ROUNDING[dtype], "floor": F16.smallest_normal if dtype == F16 else 0.0}


def tile_of(head_dim: int) -> int:
    """The tile that head_dim is padded to, which the kernel's name ends in."""
    return next(tile for tile in (32, 64, 128, 256) if head_dim <= tile)


def symbols(family: str) -> dict[DType, str]:
    """The kernels of a family for the smallest tile, by element type."""
    return {dtype: f"{family}_d32{suffix}" for dtype, suffix in SUFFIX.items()}


class _Flash:
    """What all fused contracts have in common; `family` is the kernels' name."""

    q = In("batch heads seq_q head_dim", STORED)
    k = In("batch kv_heads seq_k head_dim", STORED)
    v = In("batch kv_heads seq_k head_dim", STORED)
    out = Out("batch heads seq_q head_dim", STORED)
    dims = Dims(
        seq_q=QUERIES,
        seq_k=KEYS,
        head_dim=HEAD_DIMS,
        batch=choices(1, 2),
        heads=HEADS,
        kv_heads=divisor_of("heads"),
    )
    rounding = ROUNDING
    # A weight of zero times NaN is NaN in one order of summation and nothing in another.
    finite: tuple[str, ...] = ()
    family: str
    causal = False

    def kernel(self, dims: Any, dtype: Any) -> str:
        return f"{self.family}_d{tile_of(dims.head_dim)}{SUFFIX[dtype]}"

    def prepare(self, rng: Any, dims: Any, dtype: Any, kind: Any) -> dict[str, Any]:
        shapes = (
            (dims.batch, dims.heads, dims.seq_q, dims.head_dim),
            (dims.batch, dims.kv_heads, dims.seq_k, dims.head_dim),
        )
        return draw_qkv(rng, *shapes, dtype, kind, special_values=not self.causal)

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        wrapper(arrays.q, arrays.k, arrays.v, arrays.out, **extents(dims), dtype=dtype.name)

    def reference(self, q: Any, k: Any, v: Any) -> Any:
        return attention(q, k, v, usual_scale(q), self.admits(q, k))

    def magnitude(self, q: Any, k: Any, v: Any, dtype: Any) -> Any:
        return attention_magnitude(q, k, v, usual_scale(q), self.admits(q, k), **rounded_weights(dtype))

    def wrong(self, q: Any, k: Any, v: Any, dtype: Any) -> dict[str, Any]:
        scale = usual_scale(q)
        found = mistakes(q, k, v, scale, dtype, self.admits(q, k))
        return {**found, **causal_mistakes(q, k, v, scale)} if self.causal else found

    def refused(self, dims: Any) -> dict[str, Refusal]:
        return {
            "head_dim that is no multiple of 4": Refusal("ShapeError", dims={"head_dim": 18}),
            "head_dim beyond 256": Refusal("ShapeError", dims={"head_dim": 260}),
            "more key than query heads": Refusal("ShapeError", dims={"kv_heads": dims.heads + 1}),
            "no keys": Refusal("ShapeError", dims={"seq_k": 0}),
        }

    def situations(self, q: Any) -> dict[str, Any]:
        """Scores of some hundreds: far beyond where exp overflows, if nothing is subtracted before."""
        return {"extreme scores": {"q": q * 64}}

    def admits(self, q: Any, k: Any) -> Any:
        """The causal mask, or None."""
        return causal_admits(q.shape[2], k.shape[2]) if self.causal else None


def extents(dims: Any) -> dict[str, int]:
    """What a raw launch takes of the dimensions."""
    names = ("batch", "heads", "kv_heads", "seq_q", "seq_k", "head_dim")
    return {name: dims[name] for name in names}


@contract(
    source="kernels/flash_attention_causal.hip",
    symbol=symbols("flash_attention_causal_kernel"),
    wrapper="kernels.flash:flash_attention_causal_gpu_kernel",
)
class FlashCausal(_Flash):
    """flash_attention_causal_gpu_kernel on device pointers, head-major."""

    family, causal = "flash_attention_causal_kernel", True
    finite = ("v",)


@contract(
    source="kernels/flash_attention_nocausal.hip",
    symbol=symbols("flash_attention_nocausal_kernel"),
    wrapper="kernels.flash:flash_attention_nocausal_gpu_kernel",
)
class FlashNocausal(_Flash):
    """flash_attention_nocausal_gpu_kernel on device pointers, head-major."""

    family = "flash_attention_nocausal_kernel"


@contract(
    source="kernels/flash_attention.hip",
    symbol=symbols("flash_attention_kernel"),
    wrapper="kernels.flash:flash_attention_gpu_kernel",
)
class FlashMasked(_Flash):
    """flash_attention_gpu_kernel: a mask for each batch and head, some rows masked in full, and a scale of
    1 / per_scale; causal besides where `masking` is 2."""

    mask = In("batch heads seq_q seq_k", F32)
    dims = Dims(
        seq_q=QUERIES,
        seq_k=boundary(1, 200, tile=32),
        head_dim=HEAD_DIMS,
        batch=choices(1, 2),
        heads=HEADS,
        kv_heads=divisor_of("heads"),
        per_scale=choices(3, 5, 9),
        masking=choices(1, 2),
    )
    family = "flash_attention_kernel"
    finite = ("v",)

    def situations(self, q: Any, mask: Any) -> dict[str, Any]:
        hidden, open_to_all = mask.copy(), mask.copy()
        hidden[:, :, ::2] = -np.inf
        open_to_all[...] = 0
        return {
            **super().situations(q),
            "every second query fully masked": {"mask": hidden},
            "a mask of zeros": {"mask": open_to_all},
            "a mask near the largest number": {"mask": np.where(np.isinf(mask), np.float32(-3e38), mask)},
        }

    def prepare(self, rng: Any, dims: Any, dtype: Any, kind: Any) -> dict[str, Any]:
        shape = (dims.batch, dims.heads, dims.seq_q, dims.seq_k)
        mask = np.where(rng.random(shape) < 0.3, -np.inf, rng.normal(0, 3, shape))
        mask[rng.random(shape[:3]) < 0.1] = -np.inf
        q, k = (
            (dims.batch, dims.heads, dims.seq_q, dims.head_dim),
            (dims.batch, dims.kv_heads, dims.seq_k, dims.head_dim),
        )
        return {"mask": mask, **draw_qkv(rng, q, k, dtype, kind, special_values=False)}

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        matrix = dims.seq_q * dims.seq_k
        wrapper(
            *(arrays.q, arrays.k, arrays.v, arrays.mask, arrays.out),
            **extents(dims),
            mask_strides=(dims.heads * matrix, matrix),
            scale=1 / dims.per_scale,
            causal=dims.masking == 2,
            dtype=dtype.name,
        )

    def reference(self, q: Any, k: Any, v: Any, mask: Any, per_scale: int, masking: int) -> Any:
        return attention(q, k, v, 1 / per_scale, admitted(q, k, masking), mask.astype(q.dtype))

    def magnitude(self, q: Any, k: Any, v: Any, mask: Any, per_scale: int, masking: int, dtype: Any) -> Any:
        admits = admitted(q, k, masking)
        return attention_magnitude(q, k, v, 1 / per_scale, admits, mask, **rounded_weights(dtype))

    def wrong(
        self, q: Any, k: Any, v: Any, mask: Any, per_scale: int, masking: int, dtype: Any
    ) -> dict[str, Any]:
        admits = admitted(q, k, masking)

        def under(added: Any, scale: float = 1 / per_scale, admits: Any = admits) -> Any:
            return attention(q, k, v, scale, admits, added)

        other = admitted(q, k, 3 - masking)
        return {
            **mistakes(q, k, v, 1 / per_scale, dtype, admits, mask),
            "the usual scale whatever was asked for": lambda: under(mask, usual_scale(q)),
            "no additive mask": lambda: under(None),
            "the causal mask left out, or applied unasked": lambda: under(mask, admits=other),
            "the first head's mask for all heads": lambda: under(mask[:, :1]),
            "the first batch's mask for all batches": lambda: under(mask[:1]),
            "the mask scaled with the scores": lambda: under(mask / per_scale),
        }


class _Backend(_Flash):
    """Through `attention_forward` with the backend `flash`."""

    layout = "head_major"

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        from kernels.attention_config import AttentionConfig

        config = AttentionConfig(
            **extents(dims),
            kv_capacity=dims.get("kv_capacity"),
            dtype=dtype.name,
            causal=self.causal,
            layout=self.layout,
        )
        tensors = (self.tensor(getattr(arrays, name)) for name in ("q", "k", "v", "out"))
        wrapper(config, *tensors, backend="flash")

    def tensor(self, view: Any) -> Any:
        """The tensor as the backend takes it."""
        return view

    def refused(self, dims: Any) -> dict[str, Refusal]:
        return {
            "head_dim that is no multiple of 4": Refusal("UnsupportedConfigError", dims={"head_dim": 18}),
            "head_dim beyond 256": Refusal("UnsupportedConfigError", dims={"head_dim": 260}),
            "tensors of another shape": Refusal("ShapeError", dims={"seq_q": dims.seq_q + 1}),
            "more key than query heads": Refusal("ShapeError", dims={"kv_heads": dims.heads + 1}),
        }


@contract(
    source="kernels/flash_attention_causal.hip",
    symbol=symbols("flash_attention_causal_kernel"),
    wrapper="kernels.attention:attention_forward",
)
class FlashSeqMajor(_Backend):
    """The backend `flash` on [batch, seq, heads * head_dim], causal: no conversion anywhere."""

    q = In("batch seq_q heads head_dim", STORED)
    k = In("batch seq_k kv_heads head_dim", STORED)
    v = In("batch seq_k kv_heads head_dim", STORED)
    out = Out("batch seq_q heads head_dim", STORED)
    family, causal, layout = "flash_attention_causal_kernel", True, "seq_major"
    finite = ("v",)

    def prepare(self, rng: Any, dims: Any, dtype: Any, kind: Any) -> dict[str, Any]:
        return {name: seq_major(x) for name, x in super().prepare(rng, dims, dtype, kind).items()}

    def tensor(self, view: Any) -> Any:
        batch, rows, heads, head_dim = view.shape
        return DeviceView(view.ptr, (batch, rows, heads * head_dim), view.dtype)

    def reference(self, q: Any, k: Any, v: Any) -> Any:
        return seq_major(super().reference(seq_major(q), seq_major(k), seq_major(v)))

    def magnitude(self, q: Any, k: Any, v: Any, dtype: Any) -> Any:
        return seq_major(super().magnitude(seq_major(q), seq_major(k), seq_major(v), dtype))

    def wrong(self, q: Any, k: Any, v: Any, dtype: Any) -> dict[str, Any]:
        found = super().wrong(seq_major(q), seq_major(k), seq_major(v), dtype)
        other = [x.reshape(np.swapaxes(x, 1, 2).shape) for x in (q, k, v)]
        misread = super().reference(*other).reshape(q.shape)
        return {**changed(found, seq_major), "the layouts swapped": misread}


@contract(
    source="kernels/flash_attention_causal.hip",
    symbol=symbols("flash_attention_causal_kernel"),
    wrapper="kernels.attention:attention_forward",
)
class FlashDecode(_Backend):
    """The backend `flash` with few queries against a cache that holds more rows than count."""

    k = In("batch kv_heads kv_capacity head_dim", STORED)
    v = In("batch kv_heads kv_capacity head_dim", STORED)
    dims = Dims(
        kv_capacity=boundary(1, 1200, tile=32),
        seq_q=choices(1, 2, 3, 5),
        head_dim=HEAD_DIMS,
        batch=choices(1, 2),
        heads=HEADS,
        kv_heads=divisor_of("heads"),
        seq_k=divisor_of("kv_capacity"),
    )
    family, causal = "flash_attention_causal_kernel", True
    finite = ("v",)

    def prepare(self, rng: Any, dims: Any, dtype: Any, kind: Any) -> dict[str, Any]:
        q = (dims.batch, dims.heads, dims.seq_q, dims.head_dim)
        k = (dims.batch, dims.kv_heads, dims.kv_capacity, dims.head_dim)
        values = draw_qkv(rng, q, k, dtype, kind, special_values=False)
        # What lies beyond the keys that count must not matter.
        values["k"][:, :, dims.seq_k :] = np.nan
        values["v"][:, :, dims.seq_k :] = np.nan
        return values

    def reference(self, q: Any, k: Any, v: Any, seq_k: int) -> Any:
        return super().reference(q, k[:, :, :seq_k], v[:, :, :seq_k])

    def magnitude(self, q: Any, k: Any, v: Any, seq_k: int, dtype: Any) -> Any:
        return super().magnitude(q, k[:, :, :seq_k], v[:, :, :seq_k], dtype)

    def wrong(self, q: Any, k: Any, v: Any, seq_k: int, dtype: Any) -> dict[str, Any]:
        found = super().wrong(q, k[:, :, :seq_k], v[:, :, :seq_k], dtype)
        rows = k.shape[2]
        strided = [_packed(x, seq_k) for x in (k, v)]
        return {
            **found,
            "the whole cache read": attention(q, k, v, usual_scale(q), causal_admits(q.shape[2], rows)),
            "the cache read as if it were full": super().reference(q, *strided),
        }


def _packed(x: Any, rows: int) -> Any:
    """The first rows of memory read with a stride of `rows` from head to head."""
    batch, heads, _, head_dim = x.shape
    return x.reshape(-1)[: batch * heads * rows * head_dim].reshape(batch, heads, rows, head_dim)
