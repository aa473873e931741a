"""The registry of attention backends: choice, launches, refusals before any call, recorded fallbacks."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.attention import (
    BACKENDS,
    AttentionConfig,
    FlashAttentionBackend,
    Layout,
    PipelineBackend,
    ReferenceBackend,
    attention_forward,
    get_backend,
)
from kernels.attention_reference import reference_attention
from kernels.attention_steps import causal_mask_gpu_kernel, scale_gpu_kernel, softmax_gpu_kernel
from kernels.attention_training import DropoutState, attention_gradients
from kernels.errors import (
    CodeObjectMissingError,
    DTypeError,
    HipError,
    KernelError,
    PointerError,
    ShapeError,
    UnsupportedConfigError,
)
from kernels.flash import (
    flash_attention_causal_gpu_kernel,
    flash_attention_gpu_kernel,
    flash_attention_nocausal_gpu_kernel,
    flash_geometry,
    flash_rows,
    flash_tile,
)
from kernels.tensor import DeviceTensor
from tests.fakes.hip_device import FakeHip

SIZES: dict[str, Any] = {"batch": 2, "heads": 4, "kv_heads": 2, "seq_q": 70, "seq_k": 90, "head_dim": 40}
WORDS = [4, 2, 70, 90, 90, 40, 0]


def config(**changes: Any) -> AttentionConfig:
    return AttentionConfig(**{**SIZES, **changes})


def tensors(c: AttentionConfig) -> list[DeviceTensor]:
    shapes = (c.query_shape, c.key_shape, c.key_shape, c.query_shape)
    return [DeviceTensor(0x1000 * (n + 1), shape, c.dtype) for n, shape in enumerate(shapes)]


def symbols(hip: FakeHip) -> list[str]:
    return [launch.symbol for launch in hip.launches]


def test_the_registry_offers_three_backends_and_says_so_for_any_other_name() -> None:
    assert list(BACKENDS) == ["flash", "pipeline", "reference"]
    assert isinstance(get_backend("flash"), FlashAttentionBackend)
    assert isinstance(get_backend("pipeline"), PipelineBackend)
    assert isinstance(get_backend("reference"), ReferenceBackend)
    assert [b.device for b in BACKENDS.values()] == ["gpu", "gpu", "cpu"]
    with pytest.raises(
        UnsupportedConfigError, match="no such backend; supported by: flash, pipeline, reference"
    ):
        get_backend("cudnn")


@pytest.mark.parametrize(
    ("changes", "supporting"),
    [
        ({}, {"flash", "pipeline", "reference"}),
        ({"causal": True}, {"flash", "pipeline", "reference"}),
        ({"dtype": "float64"}, {"pipeline", "reference"}),
        ({"masked": True}, {"flash", "reference"}),
        ({"masked": True, "causal": True}, {"flash", "reference"}),
        ({"head_dim": 42}, {"pipeline", "reference"}),
        ({"head_dim": 256}, {"flash", "pipeline", "reference"}),
        ({"head_dim": 260}, {"pipeline", "reference"}),
        ({"dropout": 0.1}, set()),
        ({"seq_q": 70_000}, {"flash", "reference"}),
        ({"heads": 70_000, "kv_heads": 1, "batch": 1}, {"reference"}),
        ({"dtype": "bfloat16", "layout": Layout.SEQ_MAJOR}, {"flash", "pipeline", "reference"}),
    ],
)
def test_an_unsupported_config_is_refused_before_any_call_and_names_who_supports_it(
    hip: FakeHip, changes: dict[str, Any], supporting: set[str]
) -> None:
    c = config(**changes)
    assert {name for name, backend in BACKENDS.items() if backend.supports(c)} == supporting
    for name in {"flash", "pipeline", "reference"} - supporting:
        with pytest.raises(UnsupportedConfigError) as caught:
            attention_forward(c, *tensors(c), backend=name)
        assert caught.value.backend == name
        assert set(caught.value.alternatives) == supporting
        assert all(other in str(caught.value) for other in supporting)
    assert hip.calls == []


@pytest.mark.parametrize(
    ("causal", "dtype", "head_dim", "symbol"),
    [
        (True, "float32", 16, "flash_attention_causal_kernel_d32"),
        (True, "float16", 36, "flash_attention_causal_kernel_d64_f16"),
        (False, "float32", 128, "flash_attention_nocausal_kernel_d128"),
        (False, "bfloat16", 132, "flash_attention_nocausal_kernel_d256_bf16"),
    ],
)
def test_flash_launches_one_kernel_and_waits(
    hip: FakeHip, causal: bool, dtype: str, head_dim: int, symbol: str
) -> None:
    c = config(causal=causal, dtype=dtype, head_dim=head_dim)
    result = attention_forward(c, *tensors(c))
    assert symbols(hip) == [symbol]
    assert (result.backend, result.device, result.fallback) == ("flash", "gpu", None)
    assert "hipMalloc" not in hip.calls
    assert hip.calls[-1] == "hipStreamSynchronize"


def test_forward_causal_and_forward_nocausal_choose_their_kernel_themselves(hip: FakeHip) -> None:
    c, backend = config(), FlashAttentionBackend()
    backend.forward_causal(c, *tensors(c))
    backend.forward_nocausal(c, *tensors(c))
    assert symbols(hip) == ["flash_attention_causal_kernel_d64", "flash_attention_nocausal_kernel_d64"]


def test_the_fused_kernels_get_their_arguments_in_the_order_that_they_declare(hip: FakeHip) -> None:
    flash_attention_causal_gpu_kernel(0x10, 0x20, 0x30, 0x40, **SIZES)
    flash_attention_gpu_kernel(
        *(0x10, 0x20, 0x30, 0x50, 0x40),
        **SIZES,
        scale=0.5,
        seq_major=True,
        kv_capacity=96,
        mask_strides=(8, 4),
        causal=True,
    )
    causal, masked = ([a.value for a in launch.arguments] for launch in hip.launches)
    assert causal == [0x10, 0x20, 0x30, 0x40, *WORDS, ctypes.c_float(40**-0.5).value]
    assert masked == [0x10, 0x20, 0x30, 0x50, 0x40, 4, 2, 70, 90, 96, 40, 1, 8, 4, 0.5, 1]


@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 400), st.integers(1, 64).map(lambda n: 4 * n))
def test_the_grid_covers_every_query_once(batch: int, heads: int, seq_q: int, head_dim: int) -> None:
    c = AttentionConfig(batch, heads, seq_q, 7, head_dim)
    geometry = flash_geometry(c)
    tile = flash_tile(head_dim)
    assert tile // 2 < max(head_dim, 17) <= tile
    assert (geometry.grid[0] - 1) * flash_rows(tile) < seq_q <= geometry.grid[0] * flash_rows(tile)
    assert geometry.grid[1:] == (heads, batch)
    assert geometry.shared_bytes <= 65536


@pytest.mark.parametrize(
    ("backend", "causal", "steps"),
    [
        (PipelineBackend(), True, ["qkt_matmul", "causal_mask", "softmax", "weighted_matmul"]),
        (PipelineBackend(), False, ["qkt_matmul", "softmax", "weighted_matmul"]),
        (
            PipelineBackend(separate_scale=True),
            True,
            ["qkt_matmul", "scale", "causal_mask", "softmax", "weighted_matmul"],
        ),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_the_pipeline_launches_its_steps_in_order_and_frees_the_scores(
    hip: FakeHip, backend: PipelineBackend, causal: bool, steps: list[str], dtype: str
) -> None:
    c = config(causal=causal, dtype=dtype)
    result = backend.forward(c, *tensors(c))
    own = {"float32": "", "float64": "_f64", "float16": "_f16", "bfloat16": "_bf16"}[dtype]
    between = "_f64" if dtype == "float64" else ""
    expected = [f"{s}_kernel{own if s.endswith('matmul') else between}" for s in steps]
    assert symbols(hip) == expected
    assert list(result.kernels) == [f"{s}_gpu_kernel" for s in steps]
    assert hip.buffers == {}
    scale = hip.launches[0].arguments[-1].value
    assert scale == (1.0 if backend.separate_scale else pytest.approx(40**-0.5))
    addresses = {launch.arguments[0].value for launch in hip.launches[1:]}
    assert addresses == {hip.launches[0].arguments[2].value}


@pytest.mark.parametrize("name", ["hipModuleLaunchKernel", "hipStreamSynchronize", "hipModuleLoadData"])
@pytest.mark.parametrize("backend", ["flash", "pipeline"])
def test_a_failing_call_raises_and_leaks_nothing(hip: FakeHip, backend: str, name: str) -> None:
    hip.failing[name] = hip.hipError_t.hipErrorUnknown
    c = config()
    with pytest.raises(HipError, match=name):
        attention_forward(c, *tensors(c), backend=backend)
    assert hip.buffers == {}


RAW = {**SIZES, "head_dim": 40}


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: flash_attention_causal_gpu_kernel(1, 16, 16, 16, **RAW), PointerError),
        (lambda: flash_attention_causal_gpu_kernel(0, 16, 16, 16, **RAW), PointerError),
        (lambda: flash_attention_nocausal_gpu_kernel(16, 16, 16, 16, **{**RAW, "head_dim": 42}), ShapeError),
        (lambda: flash_attention_nocausal_gpu_kernel(16, 16, 16, 16, **{**RAW, "seq_k": 0}), ShapeError),
        (lambda: flash_attention_nocausal_gpu_kernel(16, 16, 16, 16, **{**RAW, "kv_heads": 3}), ShapeError),
        (lambda: flash_attention_nocausal_gpu_kernel(16, 16, 16, 16, **RAW, dtype="float64"), DTypeError),
        (lambda: flash_attention_nocausal_gpu_kernel(16, 16, 16, 16, **RAW, kv_capacity=80), ShapeError),
        (lambda: flash_attention_gpu_kernel(16, 16, 16, 0, 16, **RAW), PointerError),
        (lambda: flash_attention_gpu_kernel(16, 16, 16, 16, 16, **RAW, mask_strides=(-1, 0)), ShapeError),
        (lambda: scale_gpu_kernel(16, 0, 1.0), ShapeError),
        (lambda: softmax_gpu_kernel(16, 2**24, 1), ShapeError),
        (lambda: causal_mask_gpu_kernel(16, 1, 70_000, 4), ShapeError),
        (lambda: config(scale=float("nan")), ShapeError),
        (lambda: config(dtype="int8"), DTypeError),
        (lambda: config(layout="rows"), ShapeError),
        (lambda: config(dropout=1.0), ShapeError),
        (lambda: DropoutState(seed=-1), ShapeError),
    ],
)
def test_wrong_calls_are_refused_before_any_call(
    hip: FakeHip, call: Callable[[], Any], error: type[KernelError]
) -> None:
    with pytest.raises(error):
        call()
    assert hip.calls == []


@pytest.mark.parametrize(
    ("which", "replaced", "error"),
    [
        (0, lambda t: DeviceTensor(t.ptr, (*t.shape[:-1], 44), t.dtype), ShapeError),
        (1, lambda t: DeviceTensor(t.ptr, t.shape, "float16"), DTypeError),
        (2, lambda t: DeviceTensor(0, t.shape, t.dtype), PointerError),
        (3, lambda t: np.zeros(t.shape, np.float32), PointerError),
        # The other layout has another shape.
        (0, lambda t: DeviceTensor(t.ptr, (2, 70, 160), t.dtype), ShapeError),
    ],
)
def test_tensors_that_do_not_fit_the_config_are_refused(
    hip: FakeHip, which: int, replaced: Callable[[DeviceTensor], Any], error: type[KernelError]
) -> None:
    c = config()
    given: list[Any] = list(tensors(c))
    given[which] = replaced(given[which])
    for backend in ("flash", "pipeline"):
        with pytest.raises(error):
            attention_forward(c, *given, backend=backend, allow_cpu_fallback=True)
    assert hip.calls == []


@pytest.mark.parametrize(
    ("shape", "strides"),
    [
        ((70, 90), (0, 0)),
        ((1, 1, 70, 90), (0, 0)),
        ((2, 1, 70, 90), (6300, 0)),
        ((1, 4, 70, 90), (0, 6300)),
        ((2, 4, 70, 90), (25200, 6300)),
    ],
)
def test_a_mask_may_be_shared_by_batches_and_heads(
    hip: FakeHip, shape: tuple[int, ...], strides: tuple[int, int]
) -> None:
    c = config(masked=True)
    attention_forward(c, *tensors(c), mask=DeviceTensor(0x9000, shape))
    assert tuple(a.value for a in hip.launches[0].arguments[-4:-2]) == strides
    with pytest.raises(ShapeError, match="the mask has shape"):
        attention_forward(c, *tensors(c), mask=DeviceTensor(0x9000, (*shape[:-1], 91)))
    with pytest.raises(ShapeError, match="brings no mask"):
        attention_forward(c, *tensors(c))
    with pytest.raises(DTypeError, match="masks are float32"):
        attention_forward(c, *tensors(c), mask=DeviceTensor(0x9000, shape, "float16"))


def on_device(hip: FakeHip, array: np.ndarray) -> DeviceTensor:
    _, address = hip.hipMalloc(array.nbytes)
    hip.view(address, array.nbytes)[:] = array.view(np.uint8).ravel()
    return DeviceTensor(address, array.shape, array.dtype.name)


def small(hip: FakeHip, **changes: Any) -> tuple[AttentionConfig, list[np.ndarray], list[DeviceTensor]]:
    c = AttentionConfig(1, 2, 3, 5, **{"head_dim": 6, "kv_heads": 1, "causal": True, **changes})
    rng, dtype = np.random.default_rng(1), ml_dtypes.bfloat16 if c.dtype == "bfloat16" else c.dtype
    shapes = (c.query_shape, c.key_shape, c.key_shape, c.query_shape)
    arrays = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    return c, arrays, [on_device(hip, array) for array in arrays]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_fallback_happens_only_when_allowed_and_is_recorded(hip: FakeHip, dtype: str) -> None:
    c, arrays, on_gpu = small(hip, dtype=dtype)
    with pytest.raises(UnsupportedConfigError, match="head_dim 6 is no multiple of 4"):
        attention_forward(c, *on_gpu)
    assert "hipMemcpy" not in hip.calls
    result = attention_forward(c, *on_gpu, allow_cpu_fallback=True)
    assert (result.backend, result.device, result.kernels) == ("reference", "cpu", ())
    assert "head_dim 6 is no multiple of 4" in str(result.fallback)
    assert hip.launches == []
    bits = [a.view(np.uint16) if dtype == "bfloat16" else a for a in arrays]
    expected = reference_attention(c, *bits[:3])
    np.testing.assert_array_equal(hip.array(on_gpu[3].ptr, expected.shape, expected.dtype), expected)


def test_a_failing_gpu_falls_back_only_when_allowed(hip: FakeHip, monkeypatch: pytest.MonkeyPatch) -> None:
    c, _, on_gpu = small(hip, head_dim=8)
    hip.failing["hipModuleLaunchKernel"] = hip.hipError_t.hipErrorUnknown
    with pytest.raises(HipError):
        attention_forward(c, *on_gpu)
    assert "hipModuleLaunchKernel" in str(attention_forward(c, *on_gpu, allow_cpu_fallback=True).fallback)
    monkeypatch.delenv("FLASH_ATTENTION_CAUSAL_HSACO")
    with pytest.raises(CodeObjectMissingError):
        attention_forward(c, *on_gpu)
    assert attention_forward(c, *on_gpu, allow_cpu_fallback=True).device == "cpu"


def test_the_reference_takes_host_arrays_only_and_says_that_it_is_the_cpu(hip: FakeHip) -> None:
    c, arrays, on_gpu = small(hip)
    hip.calls.clear()
    result = attention_forward(c, *arrays, backend="reference")
    assert (result.backend, result.device, result.fallback) == ("reference", "cpu", None)
    np.testing.assert_array_equal(arrays[3], reference_attention(c, *arrays[:3]))
    with pytest.raises(PointerError, match="NumPy arrays"):
        attention_forward(c, *on_gpu, backend="reference", allow_cpu_fallback=True)
    with pytest.raises(ShapeError):
        attention_forward(c, arrays[0][:, :1], *arrays[1:], backend="reference")
    with pytest.raises(DTypeError):
        attention_forward(c, arrays[0].astype(np.float64), *arrays[1:], backend="reference")
    assert hip.calls == []


def test_training_launches_forward_delta_queries_and_keys_and_frees_what_it_allocated(hip: FakeHip) -> None:
    c = config(dropout=0.25, causal=True, dtype="float16")
    q, k, v, out = tensors(c)
    given = {"q": q, "k": k, "v": v, "out": out, "dout": out, "dq": q, "dk": k, "dv": v}
    attention_gradients(c, given, DropoutState(seed=2**40 + 3, offset=7))
    assert symbols(hip) == [
        "flash_attention_dropout_kernel_d64_f16",
        "flash_attention_backward_delta_kernel_f16",
        "flash_attention_backward_q_kernel_d64_f16",
        "flash_attention_backward_kv_kernel_d64_f16",
    ]
    assert hip.buffers == {}
    for launch in (hip.launches[0], *hip.launches[2:]):
        assert [a.value for a in launch.arguments[-4:]] == [2**30, ctypes.c_float(4 / 3).value, 7, 2**40 + 3]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"head_dim": 132}, ShapeError),
        ({"dtype": "float64"}, DTypeError),
        ({"masked": True}, ShapeError),
        ({"kv_capacity": 100}, ShapeError),
    ],
)
def test_training_refuses_what_it_does_not_compute(
    hip: FakeHip, changes: dict[str, Any], error: type[KernelError]
) -> None:
    c = config(**changes)
    q, k, v, out = tensors(c)
    given = {"q": q, "k": k, "v": v, "out": out, "dout": out, "dq": q, "dk": k, "dv": v}
    with pytest.raises(error):
        attention_gradients(c, given)
    assert hip.calls == []
