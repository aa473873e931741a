"""Attention through a registry of backends.

    flash       flash.py, flash_attention*.hip     one fused kernel, memory O(seq x head_dim)
    pipeline    attention_steps.py                 a kernel for each step, scores in memory; float64 too
    reference   attention_reference.py             NumPy on the CPU, only where it is asked for by name

A backend computes what its `supports(config)` says it does and raises UnsupportedConfigError, which names
the backends that would, for anything else, before it launches anything. No backend falls back to another:
`attention_forward` does, to the CPU, only with allow_cpu_fallback=True, and its result says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kernels.attention_config import AttentionConfig, DeviceTensors, Layout, device_tensors
from kernels.attention_reference import HOST_TYPES, host_tensor, reference_attention
from kernels.attention_steps import (
    causal_mask_gpu_kernel,
    qkt_matmul_gpu_kernel,
    scale_gpu_kernel,
    softmax_gpu_kernel,
    weighted_matmul_gpu_kernel,
)
from kernels.errors import (
    CodeObjectMissingError,
    HipError,
    PointerError,
    UnsupportedConfigError,
)
from kernels.flash import (
    HEAD_DIM_STEP,
    MAX_HEAD_DIM,
    flash_attention_causal_gpu_kernel,
    flash_attention_gpu_kernel,
    flash_attention_nocausal_gpu_kernel,
)
from kernels.runtime import allocated, download, synchronize, upload
from kernels.tensor import SYMBOL_SUFFIX

__all__ = [
    "BACKENDS",
    "AttentionBackend",
    "AttentionConfig",
    "AttentionResult",
    "FlashAttentionBackend",
    "Layout",
    "PipelineBackend",
    "ReferenceBackend",
    "attention_forward",
    "get_backend",
]

# Workgroups along y and z of one launch.
_GRID_YZ = 65535
# Rows of the scores: one workgroup of 256 work-items for each, 2**32 work-items in all.
_SOFTMAX_ROWS = 2**24 - 1


@dataclass(frozen=True)
class AttentionResult:
    """What computed an attention. device: "gpu" or "cpu"; kernels: the wrappers called, in order; fallback:
    why the CPU computed it although a GPU backend was asked for, None if that did not happen."""

    backend: str
    device: str
    kernels: tuple[str, ...] = ()
    fallback: str | None = None


class AttentionBackend(Protocol):
    """One way to compute attention. `out` is written in place; q, k, v and mask are left as they are."""

    name: str
    device: str

    def unsupported(self, config: AttentionConfig) -> str | None:
        """Why this backend does not compute such an attention; None if it does."""
        ...

    def supports(self, config: AttentionConfig) -> bool:
        """Whether this backend computes such an attention."""
        ...

    def forward(
        self,
        config: AttentionConfig,
        q: Any,
        k: Any,
        v: Any,
        out: Any,
        *,
        mask: Any = None,
        stream: Any = None,
    ) -> AttentionResult:
        """Computes out = softmax(scale * Q K^T + mask) V and waits for it.

        Raises UnsupportedConfigError, ShapeError, DTypeError or PointerError before anything is launched,
        HipError for a failed HIP call.
        """
        ...


class _Backend:
    """What all backends share."""

    name: str
    device = "gpu"

    def unsupported(self, config: AttentionConfig) -> str | None:
        raise NotImplementedError

    def supports(self, config: AttentionConfig) -> bool:
        """Whether this backend computes such an attention."""
        return self.unsupported(config) is None

    def _require(self, config: AttentionConfig) -> None:
        reason = self.unsupported(config)
        if reason is not None:
            others = tuple(name for name, backend in BACKENDS.items() if backend.supports(config))
            raise UnsupportedConfigError(self.name, reason, others)


class FlashAttentionBackend(_Backend):
    """Fused attention on the GPU: float32, float16, bfloat16; head_dim a multiple of 4 up to 256; causal,
    with an additive mask, with both or neither. It allocates no device memory."""

    name = "flash"

    def unsupported(self, config: AttentionConfig) -> str | None:
        """Why the fused kernels do not compute such an attention; None if they do."""
        if config.dtype not in SYMBOL_SUFFIX:
            return f"dtype {config.dtype} has no fused kernel (there are {', '.join(SYMBOL_SUFFIX)})"
        if config.head_dim > MAX_HEAD_DIM or config.head_dim % HEAD_DIM_STEP:
            return f"head_dim {config.head_dim} is no multiple of {HEAD_DIM_STEP} up to {MAX_HEAD_DIM}"
        if config.dropout:
            return "dropout belongs to training: see kernels.attention_training"
        if max(config.heads, config.batch) > _GRID_YZ:
            return f"more than {_GRID_YZ} heads or batches in one launch"
        return None

    def forward(
        self,
        config: AttentionConfig,
        q: Any,
        k: Any,
        v: Any,
        out: Any,
        *,
        mask: Any = None,
        stream: Any = None,
    ) -> AttentionResult:
        """Computes the attention with the kernel for its mask. See AttentionBackend.forward."""
        if config.masked:
            return self._forward_masked(config, q, k, v, out, mask, stream)
        call = self.forward_causal if config.causal else self.forward_nocausal
        return call(config, q, k, v, out, stream=stream)

    def forward_causal(
        self, config: AttentionConfig, q: Any, k: Any, v: Any, out: Any, *, stream: Any = None
    ) -> AttentionResult:
        """Computes a causal attention by flash_attention_causal_kernel, whatever config.causal says.

        Errors as for AttentionBackend.forward.
        """
        self._require(config)
        t = device_tensors(config, q, k, v, out, None)
        flash_attention_causal_gpu_kernel(
            t.q.ptr, t.k.ptr, t.v.ptr, t.out.ptr, stream=stream, **_extents(config)
        )
        synchronize(stream)
        return AttentionResult(self.name, self.device, ("flash_attention_causal_gpu_kernel",))

    def forward_nocausal(
        self, config: AttentionConfig, q: Any, k: Any, v: Any, out: Any, *, stream: Any = None
    ) -> AttentionResult:
        """Computes an attention without mask by flash_attention_nocausal_kernel, whatever config.causal says.

        Errors as for AttentionBackend.forward.
        """
        self._require(config)
        t = device_tensors(config, q, k, v, out, None)
        flash_attention_nocausal_gpu_kernel(
            t.q.ptr, t.k.ptr, t.v.ptr, t.out.ptr, stream=stream, **_extents(config)
        )
        synchronize(stream)
        return AttentionResult(self.name, self.device, ("flash_attention_nocausal_gpu_kernel",))

    def _forward_masked(
        self, config: AttentionConfig, q: Any, k: Any, v: Any, out: Any, mask: Any, stream: Any
    ) -> AttentionResult:
        self._require(config)
        t = device_tensors(config, q, k, v, out, mask)
        assert t.mask is not None
        flash_attention_gpu_kernel(
            *(t.q.ptr, t.k.ptr, t.v.ptr, t.mask.ptr, t.out.ptr),
            mask_strides=config.mask_strides(tuple(t.mask.shape)),
            causal=config.causal,
            stream=stream,
            **_extents(config),
        )
        synchronize(stream)
        return AttentionResult(self.name, self.device, ("flash_attention_gpu_kernel",))


class PipelineBackend(_Backend):
    """Attention step by step on the GPU: float32, float16, bfloat16, float64; any head_dim; causal or not.

    Allocates the scores, batch * heads * seq_q * seq_k of float32 (float64 for float64), for the call.
    separate_scale: scale by a kernel of its own instead of in the product, as the steps are often taught.
    """

    name = "pipeline"

    def __init__(self, *, separate_scale: bool = False) -> None:
        self.separate_scale = separate_scale

    def unsupported(self, config: AttentionConfig) -> str | None:
        """Why the steps do not compute such an attention; None if they do."""
        if config.masked:
            return "there is no step for an additive mask"
        if config.dropout:
            return "there is no step for dropout"
        if config.batch * config.heads > _GRID_YZ or config.seq_q > _GRID_YZ:
            return f"more than {_GRID_YZ} queries, or heads in all batches"
        if config.batch * config.heads * config.seq_q > _SOFTMAX_ROWS:
            return f"more than {_SOFTMAX_ROWS} rows of scores"
        return None

    def forward(
        self,
        config: AttentionConfig,
        q: Any,
        k: Any,
        v: Any,
        out: Any,
        *,
        mask: Any = None,
        stream: Any = None,
    ) -> AttentionResult:
        """Computes the attention in four launches, five with separate_scale or four without a mask.
        See AttentionBackend.forward."""
        self._require(config)
        tensors = device_tensors(config, q, k, v, out, mask)
        matrices, cells = config.batch * config.heads, config.seq_q * config.seq_k
        compute = "float64" if config.dtype == "float64" else "float32"
        with allocated(matrices * cells * (8 if compute == "float64" else 4)) as scores:
            steps = self._steps(config, tensors, scores, compute, stream)
            synchronize(stream)
        return AttentionResult(self.name, self.device, steps)

    def _steps(
        self, config: AttentionConfig, t: DeviceTensors, scores: Any, compute: str, stream: Any
    ) -> tuple[str, ...]:
        """Launches the steps in order; their names."""
        extents, matrices = _extents(config), config.batch * config.heads
        in_product = {**extents, "scale": 1.0} if self.separate_scale else extents
        done = ["qkt_matmul_gpu_kernel"]
        qkt_matmul_gpu_kernel(t.q.ptr, t.k.ptr, scores, stream=stream, **in_product)
        if self.separate_scale:
            done.append("scale_gpu_kernel")
            count = matrices * config.seq_q * config.seq_k
            scale_gpu_kernel(scores, count, config.factor, dtype=compute, stream=stream)
        if config.causal:
            done.append("causal_mask_gpu_kernel")
            causal_mask_gpu_kernel(scores, matrices, config.seq_q, config.seq_k, dtype=compute, stream=stream)
        softmax_gpu_kernel(scores, matrices * config.seq_q, config.seq_k, dtype=compute, stream=stream)
        weighted_matmul_gpu_kernel(scores, t.v.ptr, t.out.ptr, stream=stream, **extents)
        return (*done, "softmax_gpu_kernel", "weighted_matmul_gpu_kernel")


class ReferenceBackend(_Backend):
    """Attention in float64 by NumPy, on host arrays. It is the CPU: nothing chooses it silently."""

    name = "reference"
    device = "cpu"

    def unsupported(self, config: AttentionConfig) -> str | None:
        """Why the reference does not compute such an attention; None if it does."""
        return "there is no reference for dropout" if config.dropout else None

    def forward(
        self,
        config: AttentionConfig,
        q: Any,
        k: Any,
        v: Any,
        out: Any,
        *,
        mask: Any = None,
        stream: Any = None,
    ) -> AttentionResult:
        """Computes the attention of NumPy arrays (bfloat16: ml_dtypes' type, or uint16 bits); `stream` is
        not used. Raises UnsupportedConfigError, ShapeError, DTypeError or PointerError."""
        del stream
        self._require(config)
        shapes = {"q": config.query_shape, "k": config.key_shape, "v": config.key_shape}
        tensors = [
            host_tensor(config, name, value, shapes[name]) for name, value in (("q", q), ("k", k), ("v", v))
        ]
        target = host_tensor(config, "out", out, config.query_shape)
        target[...] = reference_attention(config, *tensors, mask)
        return AttentionResult(self.name, self.device)


BACKENDS: dict[str, AttentionBackend] = {
    backend.name: backend for backend in (FlashAttentionBackend(), PipelineBackend(), ReferenceBackend())
}
"""The backends by name, in the order in which they are to be preferred."""


def get_backend(name: str) -> AttentionBackend:
    """The backend of that name; UnsupportedConfigError, which names them all, if there is none."""
    if name not in BACKENDS:
        raise UnsupportedConfigError(name, "there is no such backend", tuple(BACKENDS))
    return BACKENDS[name]


def attention_forward(
    config: AttentionConfig,
    q: Any,
    k: Any,
    v: Any,
    out: Any,
    *,
    mask: Any = None,
    backend: str = "flash",
    allow_cpu_fallback: bool = False,
    stream: Any = None,
) -> AttentionResult:
    """Computes out = softmax(scale * Q K^T + mask) V with the backend of that name, and waits for it.

    q, k, v, out, mask: device tensors of the config's shapes (host arrays for `reference`).
    allow_cpu_fallback: where the backend does not support the config, or a HIP call or the code object
    fails, copy the tensors to the host, compute there, copy the result back, and say so in the result.
    Without it, what fails raises: UnsupportedConfigError, ShapeError, DTypeError or PointerError before
    anything is launched, CodeObjectMissingError or HipError after.
    """
    chosen = get_backend(backend)
    try:
        return chosen.forward(config, q, k, v, out, mask=mask, stream=stream)
    except (UnsupportedConfigError, CodeObjectMissingError, HipError) as error:
        if not allow_cpu_fallback or chosen.device == "cpu":
            raise
        return _on_the_cpu(config, q, k, v, out, mask, reason=str(error))


def _on_the_cpu(
    config: AttentionConfig, q: Any, k: Any, v: Any, out: Any, mask: Any, reason: str
) -> AttentionResult:
    """The attention of device tensors computed by the reference; the result names the reason."""
    reference = ReferenceBackend()
    reference._require(config)
    tensors = device_tensors(config, q, k, v, out, mask)
    arrays = [_downloaded(t.ptr, t.shape, HOST_TYPES[t.dtype]) for t in (tensors.q, tensors.k, tensors.v)]
    added = tensors.mask and _downloaded(tensors.mask.ptr, tensors.mask.shape, "float32")
    upload(np.ascontiguousarray(reference_attention(config, *arrays, added)), tensors.out.ptr)
    return AttentionResult(reference.name, reference.device, fallback=reason)


def _downloaded(pointer: int, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    if pointer <= 0:
        raise PointerError("a null device pointer")
    array = np.empty(shape, dtype)
    download(pointer, array)
    return array


def _extents(config: AttentionConfig) -> dict[str, Any]:
    """What the raw launches take of a config."""
    return {
        "batch": config.batch,
        "heads": config.heads,
        "kv_heads": config.kv_heads,
        "seq_q": config.seq_q,
        "seq_k": config.seq_k,
        "kv_capacity": config.kv_capacity,
        "head_dim": config.head_dim,
        "scale": config.factor,
        "dtype": config.dtype,
        "seq_major": config.seq_major,
    }
