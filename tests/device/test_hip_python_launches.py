"""Launches through hip-python over the HIP library, with kernels that were really compiled."""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import numpy as np
import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.process.client import RemoteDevice
from rocverify.oracle.views import DeviceView

CODE = real_hip.hipError_t


def axpy_arguments(y: Any, x: Any, a: float, n: int) -> tuple[Any, ...]:
    return (y, x, ctypes.c_float(a), ctypes.c_uint32(n))


@pytest.mark.parametrize("n", [1, 31, 32, 33, 1000])
def test_axpy_equals_numpy(bench: Any, n: int) -> None:
    rng = np.random.default_rng(n)
    x, y = rng.standard_normal(n).astype(np.float32), rng.standard_normal(n).astype(np.float32)
    x_ptr, y_ptr = bench.upload(x), bench.upload(y)
    blocks = -(-n // 64)
    code = bench.launch("axpy", axpy_arguments(y_ptr, x_ptr, 2.0, n), grid=(blocks, 1, 1), block=(64, 1, 1))
    assert code == CODE.hipSuccess
    assert np.array_equal(bench.download(y_ptr, y), np.float32(2.0) * x + y)


def test_arguments_of_all_sizes_arrive(bench: Any) -> None:
    out = bench.upload(np.zeros(6))
    values = (-3, -300, -70000, 1.5, -(2**40), 2.25)
    kinds = (ctypes.c_char, ctypes.c_short, ctypes.c_int, ctypes.c_float, ctypes.c_long, ctypes.c_double)
    boxes = [ctypes.c_int8(-3), *[kind(value) for kind, value in list(zip(kinds, values, strict=True))[1:]]]
    code = bench.launch("arguments", (out, ctypes.c_byte(-3), *boxes[1:]))
    assert code == CODE.hipSuccess
    assert bench.download(out, np.zeros(6)).tolist() == list(values)
    again = bench.upload(np.zeros(6))
    assert bench.launch("arguments", None, parameters=[again.createRef(), *boxes]) == CODE.hipSuccess
    assert bench.download(again, np.zeros(6)).tolist() == list(values)


def test_barriers_and_static_lds(bench: Any) -> None:
    out = bench.upload(np.zeros(3, np.float32))
    assert bench.launch("shared_sum", (out,), grid=(3, 1, 1), block=(256, 1, 1)) == CODE.hipSuccess
    assert bench.download(out, np.zeros(3, np.float32)).tolist() == [255 * 128.0] * 3


def test_dynamic_lds_is_what_was_asked_for(bench: Any, emulator: RemoteDevice) -> None:
    out = bench.upload(np.zeros(1, np.float32))
    arguments = (out, ctypes.c_uint32(64))
    assert bench.launch("dynamic", arguments, block=(64, 1, 1), shared=256) == CODE.hipSuccess
    assert bench.download(out, np.zeros(1, np.float32)).tolist() == [63.0]
    assert bench.launch("dynamic", arguments, block=(64, 1, 1), shared=128) == CODE.hipErrorIllegalAddress
    fault = emulator.last_fault()
    assert fault is not None
    assert (fault.kind, fault.access, fault.kernel) == ("lds", "store", "dynamic")


@pytest.mark.parametrize(
    ("grid", "block", "shared", "code", "reason"),
    [
        ((0, 1, 1), (32, 1, 1), 0, "hipErrorInvalidConfiguration", "is empty"),
        ((1, 1, 1), (32, 0, 1), 0, "hipErrorInvalidConfiguration", "is empty"),
        ((1, 1, 1), (1025, 1, 1), 0, "hipErrorInvalidConfiguration", "at most 1024"),
        ((1, 1, 1), (32, 33, 1), 0, "hipErrorInvalidConfiguration", "at most 1024"),
        ((1, 1, 1), (65, 1, 1), 0, "hipErrorLaunchFailure", "takes at most 64"),
        ((2**27, 1, 1), (32, 1, 1), 0, "hipErrorInvalidConfiguration", "fewer than 2**32"),
        ((1, 1, 1), (32, 1, 1), 65537, "hipErrorInvalidValue", "more than 65536"),
    ],
)
def test_impossible_launches(
    bench: Any,
    emulator: RemoteDevice,
    grid: tuple[int, int, int],
    block: tuple[int, int, int],
    shared: int,
    code: str,
    reason: str,
) -> None:
    out = bench.upload(np.zeros(64, np.float32))
    assert bench.launch("bounded", (out,), grid=grid, block=block, shared=shared) == CODE[code]
    assert reason in (emulator.last_reason() or "")
    assert emulator.last_fault() is None
    assert not bench.download(out, np.zeros(64, np.float32)).any()


def test_too_few_arguments_are_refused_with_a_reason(bench: Any, emulator: RemoteDevice) -> None:
    y = bench.upload(np.zeros(4, np.float32))
    assert bench.launch("axpy", (y, y, ctypes.c_float(1))) == CODE.hipErrorInvalidValue
    assert emulator.last_reason() == "axpy takes 4 arguments in 24 bytes, the launch passes 20 bytes"
    assert emulator.hip.hipDeviceSynchronize() == (CODE.hipSuccess,)


def test_a_host_pointer_as_argument_is_a_fault(bench: Any, emulator: RemoteDevice) -> None:
    host = np.zeros(64, np.float32)
    y = bench.upload(host)
    assert bench.launch("axpy", axpy_arguments(y, host, 1.0, 4)) == CODE.hipErrorIllegalAddress
    fault = emulator.last_fault()
    assert fault is not None
    assert (fault.kind, fault.access, fault.address) == ("global", "load", host.ctypes.data)


def test_an_overrun_is_a_sticky_fault(bench: Any, emulator: RemoteDevice) -> None:
    hip = emulator.hip
    y = bench.upload(np.zeros(60, np.float32))
    assert bench.launch("unchecked", (y,), block=(64, 1, 1)) == CODE.hipErrorIllegalAddress
    fault = emulator.last_fault()
    assert fault is not None
    assert (fault.kernel, fault.kind, fault.access, fault.size) == ("unchecked", "global", "store", 4)
    assert (fault.workgroup, fault.workitem) == ((0, 0, 0), (60, 0, 0))
    assert fault.address == int(y) + 240
    assert "past the end of" in (fault.allocation or "")
    assert "unchecked" in str(fault)
    for call in (
        hip.hipDeviceSynchronize,
        lambda: hip.hipMemcpyDtoH(np.zeros(60, np.float32), y, 240),
        lambda: hip.hipStreamSynchronize(None),
        hip.hipPeekAtLastError,
        hip.hipGetLastError,
    ):
        assert call() == (CODE.hipErrorIllegalAddress,)
    assert hip.hipMalloc(4) == (CODE.hipErrorIllegalAddress, None)
    assert hip.hipGetDeviceCount() == (CODE.hipSuccess, 1)
    emulator.clear_fault()
    assert emulator.last_fault() is None
    assert hip.hipGetLastError() == (CODE.hipErrorIllegalAddress,), "it is the thread's last error still"
    assert hip.hipGetLastError() == (CODE.hipSuccess,)
    assert bench.launch("unchecked", (y,), block=(60, 1, 1)) == CODE.hipSuccess


def test_memory_can_be_freed_after_a_fault(bench: Any, emulator: RemoteDevice) -> None:
    hip = emulator.hip
    y = bench.upload(np.zeros(4, np.float32))
    bench.launch("unchecked", (y,))
    assert hip.hipFree(y) == (CODE.hipErrorIllegalAddress,)
    emulator.clear_fault()
    assert hip.hipFree(y) == (CODE.hipErrorInvalidValue,), "it was freed, as well as reported"


def test_use_after_free_is_a_fault(bench: Any, emulator: RemoteDevice) -> None:
    y = bench.upload(np.zeros(32, np.float32))
    emulator.hip.hipFree(y)
    assert bench.launch("unchecked", (y,)) == CODE.hipErrorIllegalAddress
    fault = emulator.last_fault()
    assert fault is not None
    assert "freed" in (fault.allocation or "")


def test_reset_clears_a_fault(bench: Any, emulator: RemoteDevice) -> None:
    bench.launch("unchecked", (bench.upload(np.zeros(4, np.float32)),))
    assert emulator.hip.hipDeviceReset() == (CODE.hipSuccess,)
    assert emulator.last_fault() is None
    assert emulator.hip.hipMalloc(4)[0] == CODE.hipSuccess


def test_an_empty_kernel_needs_no_arguments(bench: Any) -> None:
    assert bench.launch("nothing", None) == CODE.hipSuccess


def test_cooperative_launches_must_fit_on_the_device(bench: Any, emulator: RemoteDevice) -> None:
    hip, function = emulator.hip, bench.function("nothing")
    each = bench.ok(hip.hipModuleOccupancyMaxActiveBlocksPerMultiprocessor(function, 32, 0))
    units = bench.ok(
        hip.hipDeviceGetAttribute(hip.hipDeviceAttribute_t.hipDeviceAttributeMultiprocessorCount, 0)
    )

    def launch(groups: int) -> tuple[Any, ...]:
        return hip.hipModuleLaunchCooperativeKernel(function, groups, 1, 1, 32, 1, 1, 0, None, None)

    assert launch(each * units) == (CODE.hipSuccess,)
    assert launch(each * units + 1) == (CODE.hipErrorCooperativeLaunchTooLarge,)


def test_keyword_arguments_as_hip_python_names_them(bench: Any, emulator: RemoteDevice) -> None:
    assert emulator.hip.hipModuleLaunchKernel(
        bench.function("nothing"),
        *real_hip.dim3(x=1, y=1, z=1),
        *real_hip.dim3(x=32, y=1, z=1),
        sharedMemBytes=0,
        stream=None,
        kernelParams=None,
        extra=None,
    ) == (CODE.hipSuccess,)


def test_launches_from_several_threads(bench: Any) -> None:
    pointers = [bench.upload(np.zeros(32, np.float32)) for _ in range(4)]
    codes: list[Any] = []

    def work(pointer: Any) -> None:
        codes.extend(bench.launch("bounded", (pointer,)) for _ in range(5))

    threads = [threading.Thread(target=work, args=(pointer,)) for pointer in pointers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) == {CODE.hipSuccess}
    for pointer in pointers:
        assert bench.download(pointer, np.zeros(32, np.float32)).tolist() == list(range(32))


def test_errors_are_a_matter_of_each_thread(emulator: RemoteDevice) -> None:
    seen: list[Any] = []
    emulator.hip.hipGetLastError()

    def fail() -> None:
        emulator.hip.hipFree(12345)
        seen.append(emulator.hip.hipPeekAtLastError())

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert seen == [(CODE.hipErrorInvalidValue,)]
    assert emulator.hip.hipPeekAtLastError() == (CODE.hipSuccess,)


def test_arrays_of_contracts_are_taken_as_hip_pythons_own(bench: Any) -> None:
    out = DeviceView(int(bench.upload(np.ones(64, np.float32))), (64,), "float32")
    assert bench.hip.hipMemset(out, 0, 64 * 4) == (CODE.hipSuccess,)
    assert bench.launch("bounded", (out,), grid=(2, 1, 1)) == CODE.hipSuccess
    assert bench.download(out, np.ones(64, np.float32)).tolist()[:32] == list(range(32))
