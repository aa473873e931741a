"""Loading code objects and asking about kernels, as hip-python's callers do it."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.process.client import RemoteDevice
from rocverify.toolchain.codeobject import read_code_object

CODE = real_hip.hipError_t


def bundle(*entries: tuple[str, bytes]) -> bytes:
    """An offload bundle, as clang's documentation lays it out."""
    head = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(entries))
    size = len(head) + sum(24 + len(name) for name, _ in entries)
    table, body = b"", b""
    for name, data in entries:
        table += struct.pack("<QQQ", size + len(body), len(data), len(name)) + name.encode()
        body += data
    return head + table + body


def named(target: str, image: bytes) -> tuple[str, bytes]:
    return f"hipv4-amdgcn-amd-amdhsa--{target}", image


HOST = ("host-x86_64-unknown-linux-gnu-", b"")


@pytest.mark.parametrize(
    "form",
    [
        bytes,
        bytearray,
        memoryview,
        lambda image: np.frombuffer(image, np.uint8),
        lambda image: ctypes.create_string_buffer(image, len(image)),
    ],
    ids=["bytes", "bytearray", "memoryview", "numpy", "ctypes"],
)
def test_load_data_takes_every_buffer(emulator: RemoteDevice, image: bytes, form: Any) -> None:
    code, module = emulator.hip.hipModuleLoadData(form(image))
    assert code == CODE.hipSuccess
    assert type(module) is real_hip.ihipModule_t
    assert emulator.hip.hipModuleUnload(module) == (CODE.hipSuccess,)


def test_load_data_takes_an_address(emulator: RemoteDevice, image: bytes) -> None:
    for data in (image, bundle(HOST, named("gfx1100", image))):
        buffer = ctypes.create_string_buffer(data, len(data) + 64)
        code, module = emulator.hip.hipModuleLoadData(ctypes.c_void_p(ctypes.addressof(buffer)))
        assert code == CODE.hipSuccess
        assert emulator.hip.hipModuleGetFunction(module, b"axpy")[0] == CODE.hipSuccess
    wild = emulator.hip.hipModuleLoadData(ctypes.c_void_p(64))
    assert wild == (CODE.hipErrorInvalidImage, None)


def test_load_from_a_file(emulator: RemoteDevice, compiled: Callable[[str], Path], tmp_path: Path) -> None:
    path = str(compiled("gfx1100"))
    for name in (path, path.encode()):
        code, module = emulator.hip.hipModuleLoad(name)
        assert (code, module is None) == (CODE.hipSuccess, False)
    missing = str(tmp_path / "none.co")
    assert emulator.hip.hipModuleLoad(missing) == (CODE.hipErrorFileNotFound, None)
    assert emulator.hip.hipModuleLoad(str(tmp_path)) == (CODE.hipErrorFileNotFound, None)
    assert emulator.hip.hipModuleLoad("")[0] != CODE.hipSuccess


def test_load_fat_binary(emulator: RemoteDevice, image: bytes) -> None:
    assert emulator.hip.hipModuleLoadFatBinary(bundle(named("gfx1100", image)))[0] == CODE.hipSuccess


def test_a_foreign_code_object_has_no_binary_for_this_gpu(
    emulator: RemoteDevice, compiled: Callable[[str], Path]
) -> None:
    foreign = compiled("gfx1030").read_bytes()
    assert emulator.hip.hipModuleLoadData(foreign) == (CODE.hipErrorNoBinaryForGpu, None)
    assert emulator.last_reason() == (
        "the image holds gfx1030; this device is gfx1100: compile with --offload-arch=gfx1100 or use --target"
    )
    packed = bundle(HOST, named("gfx1030", foreign), named("gfx90a:xnack-", foreign))
    assert emulator.hip.hipModuleLoadData(packed) == (CODE.hipErrorNoBinaryForGpu, None)
    assert "gfx90a:xnack-" in (emulator.last_reason() or "")


@pytest.mark.parametrize("garbage", [b"\0" * 64, b"not an image", b"\x7fELF", b"CCOB" + b"\0" * 60])
def test_garbage_is_an_invalid_image(emulator: RemoteDevice, garbage: bytes) -> None:
    assert emulator.hip.hipModuleLoadData(garbage) == (CODE.hipErrorInvalidImage, None)
    assert emulator.last_reason()


def test_null_images(emulator: RemoteDevice) -> None:
    assert emulator.hip.hipModuleLoadData(None) == (CODE.hipErrorInvalidValue, None)


def test_functions_by_name(emulator: RemoteDevice, bench: Any, image: bytes) -> None:
    hip = emulator.hip
    first = bench.function("axpy")
    assert type(first) is real_hip.ihipModuleSymbol_t
    assert int(hip.hipModuleGetFunction(bench.module, "axpy")[1]) == int(first)
    assert str(hip.hipKernelNameRef(first)[1]) == "axpy"
    assert hip.hipModuleGetFunction(bench.module, b"axpi") == (CODE.hipErrorNotFound, None)
    assert "axpy" in (emulator.last_reason() or "")
    assert hip.hipModuleGetFunctionCount(bench.module)[1] == len(read_code_object(image, "image").kernels)


def test_handles_end_with_their_module(emulator: RemoteDevice, bench: Any) -> None:
    function = bench.function("nothing")
    assert emulator.hip.hipModuleUnload(bench.module) == (CODE.hipSuccess,)
    assert emulator.hip.hipModuleUnload(bench.module) == (CODE.hipErrorInvalidHandle,)
    assert emulator.hip.hipModuleGetFunction(bench.module, b"nothing") == (CODE.hipErrorInvalidHandle, None)
    launched = emulator.hip.hipModuleLaunchKernel(function, 1, 1, 1, 1, 1, 1, 0, None, None, None)
    assert launched == (CODE.hipErrorInvalidHandle,)


def test_handles_of_another_device_mean_nothing(
    emulator: RemoteDevice, shared_emulator: RemoteDevice, bench: Any
) -> None:
    assert shared_emulator.hip.hipModuleGetFunction(bench.module, b"axpy") == (
        CODE.hipErrorInvalidHandle,
        None,
    )
    assert emulator.hip.hipModuleGetFunction(None, b"axpy") == (CODE.hipErrorInvalidHandle, None)


def test_globals_are_device_memory(emulator: RemoteDevice, bench: Any) -> None:
    hip = emulator.hip
    code, pointer, size = hip.hipModuleGetGlobal(bench.module, b"answer")
    assert (code, size) == (CODE.hipSuccess, 4)
    out = bench.upload(np.zeros(1, np.int32))
    assert bench.launch("read_answer", (out,)) == CODE.hipSuccess
    assert bench.download(out, np.zeros(1, np.int32)).tolist() == [42]
    assert hip.hipMemcpyHtoD(pointer, np.array([7], np.int32), 4) == (CODE.hipSuccess,)
    assert bench.launch("read_answer", (out,)) == CODE.hipSuccess
    assert bench.download(out, np.zeros(1, np.int32)).tolist() == [7]
    assert hip.hipModuleGetGlobal(bench.module, b"nobody")[0] == CODE.hipErrorNotFound
    assert hip.hipFree(pointer) == (CODE.hipErrorInvalidValue,)


@pytest.mark.parametrize(
    ("attribute", "field"),
    [
        ("MAX_THREADS_PER_BLOCK", "max_workgroup_size"),
        ("SHARED_SIZE_BYTES", "lds_bytes"),
        ("LOCAL_SIZE_BYTES", "scratch_bytes"),
        ("NUM_REGS", "vgprs"),
    ],
)
def test_function_attributes_are_the_metadata(
    emulator: RemoteDevice, bench: Any, image: bytes, attribute: str, field: str
) -> None:
    kernel = read_code_object(image, "image").kernels["shared_sum"]
    member = real_hip.hipFunction_attribute[f"HIP_FUNC_ATTRIBUTE_{attribute}"]
    seen = emulator.hip.hipFuncGetAttribute(member, bench.function("shared_sum"))
    assert seen == (CODE.hipSuccess, getattr(kernel, field))


def test_occupancy(emulator: RemoteDevice, bench: Any) -> None:
    ask = emulator.hip.hipModuleOccupancyMaxActiveBlocksPerMultiprocessor
    axpy = bench.function("axpy")
    # 64 wave slots of 32 lanes in a WGP, 131072 bytes of LDS, of which a workgroup can have half.
    assert ask(axpy, 32, 0) == (CODE.hipSuccess, 64)
    assert ask(axpy, 256, 0) == (CODE.hipSuccess, 8)
    assert ask(axpy, 32, 32768) == (CODE.hipSuccess, 4)
    assert ask(axpy, 32, 65537) == (CODE.hipSuccess, 0)
    assert ask(axpy, 2000, 0)[0] == CODE.hipErrorInvalidValue
    code, grid, block = emulator.hip.hipModuleOccupancyMaxPotentialBlockSize(axpy, 0, 256)
    assert (code, block) == (CODE.hipSuccess, 256)
    assert grid == 48 * 8
