"""Device memory through hip-python over the HIP library: allocations, copies, fills, pointer queries."""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rocm.bindings import hip as real_hip
from rocm.bindings.util.types import DeviceArray, Pointer

from rocverify.device.process.client import RemoteDevice

CODE = real_hip.hipError_t
KIND = real_hip.hipMemcpyKind
OK = (CODE.hipSuccess,)


def malloc(hip: Any, size: int) -> Any:
    code, pointer = hip.hipMalloc(size)
    assert code == CODE.hipSuccess
    return pointer


def contents(hip: Any, pointer: Any, size: int) -> bytes:
    back = np.zeros(size, np.uint8)
    assert hip.hipMemcpyDtoH(back, pointer, size) == OK
    return back.tobytes()


def test_malloc_returns_hip_pythons_device_array(emulator: RemoteDevice) -> None:
    array = malloc(emulator.hip, 96)
    assert type(array) is DeviceArray
    assert (array.shape, array.size, array.itemsize) == ((96,), 96, 1)
    assert int(array) == Pointer.fromObj(array).as_c_void_p().value == int(array.as_c_void_p().value)
    assert not array.is_ptr_null
    array.configure(typestr="float32", shape=(4, 6))
    assert array.__cuda_array_interface__["shape"] == (4, 6)
    assert array.__cuda_array_interface__["data"] == (int(array), False)
    assert int(array[2]) - int(array) == 2 * 6 * 4
    assert int(array[1:3, :]) - int(array) == 6 * 4


def test_malloc_of_nothing_is_a_null_pointer_and_success(emulator: RemoteDevice) -> None:
    assert emulator.hip.hipMalloc(0) == (CODE.hipSuccess, None)
    assert emulator.hip.hipFree(None) == OK


def test_malloc_beyond_the_device_is_out_of_memory(emulator: RemoteDevice) -> None:
    assert emulator.hip.hipMalloc(1 << 50) == (CODE.hipErrorOutOfMemory, None)
    assert emulator.hip.hipGetLastError() == (CODE.hipErrorOutOfMemory,)
    assert emulator.hip.hipGetLastError() == OK


@pytest.mark.parametrize("given", [int, ctypes.c_void_p, lambda d: d, lambda d: d.as_c_void_p(), Pointer])
def test_every_form_of_pointer_is_taken(emulator: RemoteDevice, given: Any) -> None:
    data = np.arange(16, dtype=np.uint8)
    array = malloc(emulator.hip, 16)
    pointer = given(int(array)) if given in (int, ctypes.c_void_p) else given(array)
    assert emulator.hip.hipMemcpy(pointer, data, 16, KIND.hipMemcpyHostToDevice) == OK
    back = np.zeros_like(data)
    assert emulator.hip.hipMemcpyDtoH(back, pointer, 16) == OK
    assert np.array_equal(back, data)


@pytest.mark.parametrize(
    "host",
    [
        np.arange(8, dtype=np.float32),
        np.arange(16, dtype=np.float16),
        np.arange(16).astype(ml_dtypes.bfloat16),
        bytearray(range(32)),
        (ctypes.c_uint32 * 8)(*range(8)),
        memoryview(bytearray(range(32))),
        bytes(range(32)),
    ],
    ids=["f32", "f16", "bf16", "bytearray", "ctypes", "memoryview", "bytes"],
)
def test_host_buffers_that_hip_python_takes(emulator: RemoteDevice, host: Any) -> None:
    pointer = malloc(emulator.hip, 32)
    raw = host.tobytes() if isinstance(host, np.ndarray) else bytes(host)
    assert emulator.hip.hipMemcpyHtoD(pointer, host, 32) == OK
    assert contents(emulator.hip, pointer, 32) == raw


def test_a_wrong_host_address_is_an_error_and_not_a_crash(emulator: RemoteDevice) -> None:
    pointer = malloc(emulator.hip, 16)
    for wild in (8, 0xDEAD0000, 2**64 - 8):
        assert emulator.hip.hipMemcpyHtoD(pointer, wild, 16) == (CODE.hipErrorInvalidValue,)
        assert emulator.hip.hipMemcpyDtoH(wild, pointer, 16) == (CODE.hipErrorInvalidValue,)


def test_a_right_host_address_works(emulator: RemoteDevice) -> None:
    data, back = np.arange(64, dtype=np.uint8), np.zeros(64, np.uint8)
    pointer = malloc(emulator.hip, 64)
    assert emulator.hip.hipMemcpyHtoD(pointer, data.ctypes.data, 64) == OK
    assert emulator.hip.hipMemcpyDtoH(back.ctypes.data, pointer, 64) == OK
    assert np.array_equal(data, back)


def test_a_kind_that_contradicts_the_pointers_is_refused(emulator: RemoteDevice) -> None:
    data, pointer = np.arange(8, dtype=np.uint8), malloc(emulator.hip, 8)
    wrong = (CODE.hipErrorInvalidValue,)
    assert emulator.hip.hipMemcpy(pointer, data, 8, KIND.hipMemcpyDeviceToHost) == wrong
    assert emulator.hip.hipMemcpy(pointer, data, 8, KIND.hipMemcpyDeviceToDevice) == wrong
    assert emulator.hip.hipMemcpy(data, pointer, 8, KIND.hipMemcpyHostToDevice) == wrong
    assert emulator.hip.hipMemcpy(pointer, data, 8, KIND.hipMemcpyDefault) == OK


def test_host_to_host_needs_a_kind_that_allows_it(emulator: RemoteDevice) -> None:
    data, back = np.arange(8, dtype=np.uint8), np.zeros(8, np.uint8)
    assert emulator.hip.hipMemcpy(back, data, 8, KIND.hipMemcpyHostToDevice) == (CODE.hipErrorInvalidValue,)
    assert not back.any()
    assert emulator.hip.hipMemcpy(back, data, 8, KIND.hipMemcpyDefault) == OK
    assert np.array_equal(back, data)


def test_copies_outside_an_allocation_fail_and_change_nothing(emulator: RemoteDevice) -> None:
    first, second = malloc(emulator.hip, 256), malloc(emulator.hip, 256)
    emulator.hip.hipMemset(second, 7, 256)
    data = np.ones(300, np.uint8)
    assert emulator.hip.hipMemcpyHtoD(first, data, 257) == (CODE.hipErrorInvalidValue,)
    assert "1 more than the 256 that are left" in (emulator.last_reason() or "")
    assert emulator.hip.hipMemcpyDtoD(second, first, 257) == (CODE.hipErrorInvalidValue,)
    assert set(contents(emulator.hip, second, 256)) == {7}


def test_freed_memory_is_gone(emulator: RemoteDevice) -> None:
    pointer, back = malloc(emulator.hip, 64), np.zeros(64, np.uint8)
    assert emulator.hip.hipFree(pointer) == OK
    assert emulator.hip.hipMemcpyDtoH(back, pointer, 64) == (CODE.hipErrorInvalidValue,)
    assert "freed" in (emulator.last_reason() or "")
    assert emulator.hip.hipMemset(pointer, 0, 1) == (CODE.hipErrorInvalidValue,)
    assert emulator.hip.hipFree(pointer) == (CODE.hipErrorInvalidValue,)


def test_free_takes_only_what_malloc_gave(emulator: RemoteDevice) -> None:
    pointer = malloc(emulator.hip, 64)
    _, pinned = emulator.hip.hipHostMalloc(64, 0)
    assert emulator.hip.hipFree(int(pointer) + 16) == (CODE.hipErrorInvalidValue,)
    assert emulator.hip.hipFree(np.zeros(4)) == (CODE.hipErrorInvalidValue,)
    assert emulator.hip.hipFree(pinned) == (CODE.hipErrorInvalidValue,)
    assert emulator.hip.hipHostFree(pointer) == (CODE.hipErrorInvalidValue,)
    assert emulator.hip.hipHostFree(pinned) == OK
    assert emulator.hip.hipFreeAsync(pointer, None) == OK


def test_null_pointers_are_refused(emulator: RemoteDevice) -> None:
    pointer = malloc(emulator.hip, 4)
    assert emulator.hip.hipMemcpyDtoH(None, pointer, 4) == (CODE.hipErrorInvalidValue,)
    assert emulator.hip.hipMemcpyHtoD(pointer, None, 4) == (CODE.hipErrorInvalidValue,)
    assert emulator.hip.hipMemcpyHtoD(pointer, None, 0) == OK
    assert emulator.hip.hipPointerGetAttributes(None)[0] == CODE.hipErrorInvalidValue


def test_pinned_memory_is_seen_from_both_sides(emulator: RemoteDevice) -> None:
    _, pinned = emulator.hip.hipHostMalloc(32, 0)
    view = np.ctypeslib.as_array((ctypes.c_uint8 * 32).from_address(int(pinned)))
    view[:] = 5
    pointer = malloc(emulator.hip, 32)
    assert emulator.hip.hipMemcpyHtoD(pointer, pinned, 32) == OK
    assert set(contents(emulator.hip, pointer, 32)) == {5}
    code, attributes = emulator.hip.hipPointerGetAttributes(pinned)
    assert (code, attributes.type) == (CODE.hipSuccess, real_hip.hipMemoryType.hipMemoryTypeHost)
    assert int(emulator.hip.hipHostGetDevicePointer(pinned, 0)[1]) == int(pinned)


@pytest.mark.parametrize(
    ("allocate", "kind", "managed"), [("hipMalloc", "Device", 0), ("hipMallocManaged", "Managed", 1)]
)
def test_pointer_attributes(emulator: RemoteDevice, allocate: str, kind: str, managed: int) -> None:
    extra = (1,) if managed else ()
    _, pointer = getattr(emulator.hip, allocate)(32, *extra)
    code, attributes = emulator.hip.hipPointerGetAttributes(int(pointer) + 8)
    assert code == CODE.hipSuccess
    assert attributes.type == real_hip.hipMemoryType[f"hipMemoryType{kind}"]
    assert attributes.isManaged == managed
    assert int(attributes.devicePointer) == int(pointer) + 8


def test_ordinary_host_memory_is_unregistered(emulator: RemoteDevice) -> None:
    host = np.zeros(4)
    code, attributes = emulator.hip.hipPointerGetAttributes(host)
    assert (code, attributes.type) == (CODE.hipSuccess, real_hip.hipMemoryType.hipMemoryTypeUnregistered)


def test_address_range(emulator: RemoteDevice) -> None:
    pointer = malloc(emulator.hip, 100)
    code, base, size = emulator.hip.hipMemGetAddressRange(int(pointer) + 60)
    assert (code, int(base), size) == (CODE.hipSuccess, int(pointer), 100)
    assert emulator.hip.hipMemGetAddressRange(int(pointer) + 100)[0] == CODE.hipErrorNotFound
    assert emulator.hip.hipMemPtrGetInfo(pointer) == (CODE.hipSuccess, 100)


def test_memory_info_counts_what_is_allocated(emulator: RemoteDevice) -> None:
    _, before, total = emulator.hip.hipMemGetInfo()
    pointer = malloc(emulator.hip, 4096)
    _, after, _ = emulator.hip.hipMemGetInfo()
    assert before - after == 4096
    assert 0 < after < total
    emulator.hip.hipFree(pointer)
    assert emulator.hip.hipMemGetInfo()[1] == before


@pytest.mark.parametrize(
    ("function", "value", "count", "dtype", "expected"),
    [
        ("hipMemset", 0x1FF, 12, np.uint8, 0xFF),
        ("hipMemset", -1, 12, np.uint8, 0xFF),
        ("hipMemsetD8", 0xAB, 12, np.uint8, 0xAB),
        ("hipMemsetD16", 0x1234, 6, np.uint16, 0x1234),
        ("hipMemsetD32", 0x12345678, 3, np.uint32, 0x12345678),
        ("hipMemsetD32", -2, 3, np.int32, -2),
    ],
)
@pytest.mark.parametrize("asynchronous", [False, True])
def test_memset(
    emulator: RemoteDevice,
    function: str,
    value: int,
    count: int,
    dtype: Any,
    expected: int,
    asynchronous: bool,
) -> None:
    pointer = malloc(emulator.hip, 16)
    emulator.hip.hipMemset(pointer, 0x11, 16)
    call = getattr(emulator.hip, function + ("Async" if asynchronous else ""))
    assert call(pointer, value, count, *((None,) if asynchronous else ())) == OK
    raw = contents(emulator.hip, pointer, 16)
    assert (np.frombuffer(raw[:12], dtype) == expected).all()
    assert raw[12:] == b"\x11" * 4


def test_memset_past_the_end_fails(emulator: RemoteDevice) -> None:
    pointer = malloc(emulator.hip, 16)
    assert emulator.hip.hipMemsetD32(pointer, 1, 5) == (CODE.hipErrorInvalidValue,)


@settings(max_examples=40, deadline=None)
@given(
    width=st.integers(1, 24),
    height=st.integers(1, 8),
    pads=st.tuples(st.integers(0, 9), st.integers(0, 9)),
    seed=st.integers(0, 2**32 - 1),
)
def test_2d_copies_equal_numpys(
    shared_emulator: RemoteDevice, width: int, height: int, pads: tuple[int, int], seed: int
) -> None:
    hip = shared_emulator.hip
    host = np.random.default_rng(seed).integers(0, 256, (height, width + pads[0]), np.uint8)
    pitch = width + pads[1]
    pointer = malloc(hip, pitch * height)
    hip.hipMemset(pointer, 0xEE, pitch * height)
    copied = hip.hipMemcpy2D(pointer, pitch, host, width + pads[0], width, height, KIND.hipMemcpyHostToDevice)
    assert copied == OK
    seen = np.frombuffer(contents(shared_emulator.hip, pointer, pitch * height), np.uint8)
    expected = np.full((height, pitch), 0xEE, np.uint8)
    expected[:, :width] = host[:, :width]
    assert np.array_equal(seen.reshape(height, pitch), expected)
    back = np.zeros((height, width), np.uint8)
    assert (
        hip.hipMemcpy2DAsync(back, width, pointer, pitch, width, height, KIND.hipMemcpyDeviceToHost, None)
        == OK
    )
    assert np.array_equal(back, host[:, :width])
    assert hip.hipFree(pointer) == OK


def test_a_pitch_below_the_width_is_refused(emulator: RemoteDevice) -> None:
    pointer = malloc(emulator.hip, 64)
    code = emulator.hip.hipMemcpy2D(pointer, 4, np.zeros(64, np.uint8), 8, 8, 2, KIND.hipMemcpyHostToDevice)
    assert code == (CODE.hipErrorInvalidPitchValue,)


def test_overlapping_device_copy_moves(emulator: RemoteDevice) -> None:
    pointer = malloc(emulator.hip, 64)
    data = np.arange(64, dtype=np.uint8)
    emulator.hip.hipMemcpyHtoD(pointer, data, 64)
    assert emulator.hip.hipMemcpyDtoD(int(pointer) + 8, pointer, 48) == OK
    assert contents(emulator.hip, pointer, 64) == bytes([*range(8), *range(48), *range(56, 64)])


def test_reset_gives_everything_back(emulator: RemoteDevice) -> None:
    _, before, _ = emulator.hip.hipMemGetInfo()
    pointer = malloc(emulator.hip, 64)
    _, stream = emulator.hip.hipStreamCreate()
    assert emulator.hip.hipDeviceReset() == OK
    assert emulator.hip.hipMemGetInfo()[1] == before
    assert emulator.hip.hipFree(pointer) == (CODE.hipErrorInvalidValue,)
    assert emulator.hip.hipStreamSynchronize(stream) == (CODE.hipErrorInvalidHandle,)
