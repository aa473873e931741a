"""The wrappers: what they ask of HIP, what they refuse, and what they leave behind when HIP fails."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernels.errors import (
    CodeObjectMissingError,
    DTypeError,
    HipError,
    KernelError,
    PointerError,
    PositionError,
    ShapeError,
)
from kernels.position_embeddings import apply_position_embeddings_device, position_embeddings_gpu_kernel
from kernels.rope import apply_rope_device, rope_gpu_kernel
from kernels.tensor import WORKGROUP, DeviceTensor, as_device_tensor, rotary_geometry
from tests.fakes.hip_device import FakeHip

X = DeviceTensor(0x1000, (4, 6, 8))
Q, K = DeviceTensor(0x1000, (4, 6, 8)), DeviceTensor(0x2000, (4, 2, 8))
POSITIONS = [0, 1, 2, 3]
LIMIT: dict[str, Any] = {"max_seq_len": 16}

rope_call = lambda **k: rope_gpu_kernel(0x1000, 0x2000, 0x3000, 4, 6, 8, **k)  # noqa: E731
layer_call = lambda **k: position_embeddings_gpu_kernel(1, 2, 3, 4, 4, 6, 2, 8, **k)  # noqa: E731


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", np.float16, np.dtype("float32")])
@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize(
    ("call", "family"), [(rope_call, "rope"), (layer_call, "position_embeddings")], ids=["rope", "layer"]
)
def test_each_dtype_and_layout_launches_its_own_symbol(
    hip: FakeHip, call: Callable[..., None], family: str, interleaved: bool, dtype: Any
) -> None:
    call(dtype=dtype, interleaved=interleaved)
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    suffix = {"float32": "", "float16": "_f16", "bfloat16": "_bf16"}[name]
    layout = "_interleaved" if interleaved else ""
    assert [launch.symbol for launch in hip.launches] == [f"{family}{layout}_kernel{suffix}"]


def test_arguments_have_the_order_types_and_values_that_the_kernel_declares(hip: FakeHip) -> None:
    rope_call()
    layer_call()
    rope, layer = (
        [(type(argument), argument.value) for argument in launch.arguments] for launch in hip.launches
    )
    pointer, word = ctypes.c_void_p, ctypes.c_uint32
    assert rope == [(pointer, 0x1000), (pointer, 0x2000), (pointer, 0x3000), (word, 4), (word, 6), (word, 8)]
    assert layer == [*((pointer, n) for n in (1, 2, 3, 4)), (word, 4), (word, 6), (word, 2), (word, 8)]


def test_the_stream_is_passed_on_and_no_shared_memory_asked_for(hip: FakeHip) -> None:
    rope_call(stream="a stream")
    assert hip.launches[0].stream == "a stream"
    assert hip.launches[0].shared == 0


@settings(max_examples=200)
@given(st.integers(1, 5000), st.integers(1, 200), st.integers(1, 600))
def test_the_grid_covers_every_pair_and_no_workgroup_is_superfluous(seq: int, heads: int, pairs: int) -> None:
    geometry = rotary_geometry(seq, heads, 2 * pairs)
    (gx, gy, gz), (bx, by, bz) = geometry.grid, geometry.block
    assert gx == seq
    assert (gy - 1) * by < heads <= gy * by
    assert (gz - 1) * bx < pairs <= gz * bx
    assert bz == 1
    assert prod(geometry.block) <= WORKGROUP
    assert bx % 32 == 0


@pytest.mark.parametrize("sizes", [(2**27, 1, 64), (1, 65536 * 8, 64), (2, 2, 2 * 256 * 65536)])
def test_what_one_launch_cannot_cover_is_refused(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ShapeError, match="too large for one launch"):
        rotary_geometry(*sizes)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((0x1000, 0x2000, 0x3000, 4, 6, 7), ShapeError),
        ((0x1000, 0x2000, 0x3000, 4, 6, 0), ShapeError),
        ((0x1000, 0x2000, 0x3000, 0, 6, 8), ShapeError),
        ((0x1000, 0x2000, 0x3000, 4, -1, 8), ShapeError),
        ((0, 0x2000, 0x3000, 4, 6, 8), PointerError),
        ((0x1000, None, 0x3000, 4, 6, 8), PointerError),
    ],
)
def test_rope_refuses_before_any_call(hip: FakeHip, arguments: tuple[Any, ...], error: type) -> None:
    with pytest.raises(error):
        rope_gpu_kernel(*arguments)
    assert hip.calls == []


@pytest.mark.parametrize("dtype", ["float64", "int32", np.float64, "half"])
def test_other_dtypes_are_refused(hip: FakeHip, dtype: Any) -> None:
    for call in (rope_call, layer_call):
        with pytest.raises(DTypeError, match="there are kernels for float32"):
            call(dtype=dtype)
    assert hip.calls == []


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: apply_rope_device(DeviceTensor(1, (4, 8)), POSITIONS, **LIMIT), ShapeError),
        (lambda: apply_rope_device(DeviceTensor(1, (4, 6, 7)), POSITIONS, **LIMIT), ShapeError),
        (lambda: apply_rope_device(DeviceTensor(1, (0, 6, 8)), [], **LIMIT), ShapeError),
        (lambda: apply_rope_device(DeviceTensor(0, (4, 6, 8)), POSITIONS, **LIMIT), PointerError),
        (lambda: apply_rope_device(DeviceTensor(1, (4, 6, 8), "int8"), POSITIONS, **LIMIT), DTypeError),
        (lambda: apply_rope_device(np.zeros((4, 6, 8)), POSITIONS, **LIMIT), KernelError),
        (lambda: apply_rope_device(X, [0, 1, 2], **LIMIT), ShapeError),
        (lambda: apply_rope_device(X, [0, 1, 2, 16], **LIMIT), PositionError),
        (lambda: apply_rope_device(X, [0, -1, 2, 3], **LIMIT), PositionError),
        (lambda: apply_rope_device(X, [0.0, 1.0, 2.0, 3.0], **LIMIT), PositionError),
        (lambda: apply_rope_device(X, POSITIONS, theta=0.0, **LIMIT), ShapeError),
        (
            lambda: apply_position_embeddings_device(Q, DeviceTensor(1, (5, 2, 8)), POSITIONS, **LIMIT),
            ShapeError,
        ),
        (
            lambda: apply_position_embeddings_device(Q, DeviceTensor(1, (4, 2, 6)), POSITIONS, **LIMIT),
            ShapeError,
        ),
        (
            lambda: apply_position_embeddings_device(Q, DeviceTensor(1, (4, 4, 8)), POSITIONS, **LIMIT),
            ShapeError,
        ),
        (
            lambda: apply_position_embeddings_device(
                Q, DeviceTensor(1, (4, 2, 8), "float16"), POSITIONS, **LIMIT
            ),
            DTypeError,
        ),
        (
            lambda: apply_position_embeddings_device(Q, DeviceTensor(0, (4, 2, 8)), POSITIONS, **LIMIT),
            PointerError,
        ),
        (lambda: apply_position_embeddings_device(Q, K, [0, 1, 2, 99], **LIMIT), PositionError),
        (lambda: apply_position_embeddings_device(Q, None, [0, 1, 2, 99], **LIMIT), PositionError),
    ],
)
def test_device_functions_refuse_before_any_call(hip: FakeHip, call: Callable[[], None], error: type) -> None:
    with pytest.raises(error):
        call()
    assert hip.calls == []


def test_the_last_position_is_accepted(hip: FakeHip) -> None:
    apply_rope_device(X, [15, 0, 15, 3], **LIMIT)
    assert len(hip.launches) == 1


@pytest.mark.parametrize("keys", [K, None])
def test_a_device_function_uploads_the_tables_launches_waits_and_frees(
    hip: FakeHip, keys: DeviceTensor | None
) -> None:
    apply_position_embeddings_device(Q, keys, POSITIONS, **LIMIT)
    calls = [name for name in hip.calls if name not in ("hipGetDevice", "hipModuleGetFunction")]
    assert calls == [
        "hipMalloc", "hipMemcpy", "hipMalloc", "hipMemcpy", "hipModuleLoadData", "hipModuleLaunchKernel",
        "hipStreamSynchronize", "hipFree", "hipFree",
    ]  # fmt: skip
    assert hip.buffers == {}
    assert hip.launches[0].symbol == ("position_embeddings_kernel" if keys else "rope_kernel")


def test_the_kernel_gets_the_tables_of_the_positions(hip: FakeHip) -> None:
    seen: dict[str, np.ndarray] = {}

    def kernel(device: FakeHip, _x: int, cos: int, sin: int, seq: int, _heads: int, head_dim: int) -> None:
        for name, address in (("cos", cos), ("sin", sin)):
            seen[name] = device.array(address, (seq, head_dim // 2), np.float32).copy()

    hip.kernels["rope_kernel"] = kernel
    apply_rope_device(X, [3, 0, 9, 15], theta=100.0, **LIMIT)
    angles = np.outer([3, 0, 9, 15], [100.0 ** (-d / 8) for d in (0, 2, 4, 6)])
    np.testing.assert_allclose(seen["cos"], np.cos(angles), atol=1e-7)
    np.testing.assert_allclose(seen["sin"], np.sin(angles), atol=1e-7)


FAILURES = ["hipMalloc", "hipMemcpy", "hipModuleLoadData", "hipModuleGetFunction", "hipModuleLaunchKernel"]


@pytest.mark.parametrize("name", [*FAILURES, "hipStreamSynchronize"])
def test_a_failing_call_is_named_and_nothing_is_leaked(hip: FakeHip, name: str) -> None:
    hip.failing[name] = hip.hipError_t.hipErrorUnknown
    with pytest.raises(HipError, match=f"{name} returned hipErrorUnknown") as caught:
        apply_rope_device(X, POSITIONS, **LIMIT)
    assert caught.value.call == name
    assert caught.value.code == hip.hipError_t.hipErrorUnknown
    assert hip.buffers == {}


def test_a_failing_free_is_not_silent(hip: FakeHip) -> None:
    hip.failing["hipFree"] = hip.hipError_t.hipErrorInvalidValue
    with pytest.raises(HipError, match="hipFree"):
        apply_rope_device(X, POSITIONS, **LIMIT)


def test_a_code_object_is_loaded_once_for_each_file_and_device(hip: FakeHip) -> None:
    rope_call()
    rope_call(dtype="float16")
    assert len(hip.loaded) == 1
    hip.device = 1
    rope_call()
    assert len(hip.loaded) == 2
    path = Path(os.environ["ROPE_HSACO"])
    path.write_bytes(b"rebuilt, and longer than before")
    rope_call()
    assert hip.loaded[-1] == b"rebuilt, and longer than before"


@pytest.mark.parametrize("value", [None, "", "/nowhere/rope.co"])
def test_a_missing_code_object_is_told(
    hip: FakeHip, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv("ROPE_HSACO")
    else:
        monkeypatch.setenv("ROPE_HSACO", value)
    with pytest.raises(CodeObjectMissingError, match="ROPE_HSACO"):
        rope_call()
    assert hip.launches == []


class CudaArray:
    """What PyTorch and CuPy offer."""

    def __init__(self, shape: tuple[int, ...], typestr: str, strides: tuple[int, ...] | None = None) -> None:
        self.__cuda_array_interface__ = {
            "data": (0x1000, False),
            "shape": shape,
            "typestr": typestr,
            "strides": strides,
        }


def test_arrays_of_other_libraries_are_taken() -> None:
    assert as_device_tensor(CudaArray((4, 6, 8), "<f4")) == DeviceTensor(0x1000, (4, 6, 8), "float32")
    assert as_device_tensor(CudaArray((4, 6, 8), "<f2", (96, 16, 2))).dtype == "float16"


@pytest.mark.parametrize(
    ("array", "error"),
    [
        (CudaArray((4, 6, 8), "<f4", (32, 128, 4)), ShapeError),
        (CudaArray((4, 6, 8), "<f8"), DTypeError),
        (object(), PointerError),
    ],
)
def test_arrays_that_the_kernels_do_not_take_are_refused(array: Any, error: type) -> None:
    with pytest.raises(error):
        as_device_tensor(array)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 64), st.integers(1, 16), st.integers(1, 8), st.integers(1, 64))
def test_any_grouping_of_heads_is_one_launch(
    hip: FakeHip, seq: int, k_heads: int, group: int, pairs: int
) -> None:
    hip.launches.clear()
    q = DeviceTensor(0x1000, (seq, k_heads * group, 2 * pairs))
    k = DeviceTensor(0x2000, (seq, k_heads, 2 * pairs))
    apply_position_embeddings_device(q, k, np.arange(seq), max_seq_len=seq)
    (launch,) = hip.launches
    assert launch.grid[1] * launch.block[1] >= k_heads * group + k_heads
