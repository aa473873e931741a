"""The backend for AMD GPUs. rocverify's own HIP library stands in for ROCm's: behind it is a second device
process, with an emulated GPU."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.hip import properties
from rocverify.device.library_build import hip_library_folder
from rocverify.device.process.attach import INDEX_VARIABLE, SOCKET_VARIABLE
from rocverify.device.process.client import DeviceProcess, RemoteDevice
from rocverify.device.process.devices import DeviceOptions
from rocverify.device.trace.events import TraceEvent
from rocverify.errors import DeviceUnavailableError

CODE, KIND = real_hip.hipError_t, real_hip.hipMemcpyKind
LIBRARY = "libamdhip64.so"
NO_DEVICE = {SOCKET_VARIABLE: "", INDEX_VARIABLE: ""}


def options(library: Path) -> DeviceOptions:
    return DeviceOptions("amd", "gfx1100", library=library)


@pytest.fixture
def amd(emulator: RemoteDevice) -> Iterator[RemoteDevice]:
    """A GPU behind a HIP runtime, in a device process of its own."""
    process = DeviceProcess(environment=emulator.environment())
    device = process.open(options(hip_library_folder() / LIBRARY))
    yield device
    device.close()
    process.close()


@dataclass
class Host:
    """Host code that is the same on every device: what it computes, and the calls that it makes."""

    hip: Any
    image: bytes

    def ok(self, result: tuple[Any, ...]) -> Any:
        code, *values = result
        assert code == CODE.hipSuccess, code
        return values[0] if values else None

    def upload(self, array: np.ndarray) -> Any:
        pointer = self.ok(self.hip.hipMalloc(array.nbytes))
        self.ok(self.hip.hipMemcpy(pointer, array, array.nbytes, KIND.hipMemcpyHostToDevice))
        return pointer

    def download(self, pointer: Any, like: np.ndarray) -> np.ndarray:
        result = np.empty_like(like)
        self.ok(self.hip.hipMemcpy(result, pointer, like.nbytes, KIND.hipMemcpyDeviceToHost))
        return result

    def function(self, name: str) -> Any:
        return self.ok(self.hip.hipModuleGetFunction(self.module, name.encode()))

    def load(self) -> Any:
        self.module = self.ok(self.hip.hipModuleLoadData(self.image))
        return self.module

    def axpy(self, y: Any, x: Any, n: int) -> Any:
        """The code of y = 2 x + y, and of waiting for it."""
        arguments = (y, x, ctypes.c_float(2.0), ctypes.c_uint32(n))
        shape = (-(-n // 64), 1, 1, 64, 1, 1, 0)
        code = self.hip.hipModuleLaunchKernel(self.function("axpy"), *shape, None, None, arguments)[0]
        return code or self.hip.hipDeviceSynchronize()[0]


def copies(host: Host) -> Any:
    """Both ways and within the device, long ones too."""
    numbers = np.arange(1_000_003, dtype=np.float32)
    first = host.upload(numbers)
    second = host.ok(host.hip.hipMalloc(numbers.nbytes))
    host.ok(host.hip.hipMemcpy(second, first, numbers.nbytes, KIND.hipMemcpyDeviceToDevice))
    found = host.download(second, numbers)
    assert np.array_equal(found, numbers)
    for pointer in (first, second):
        host.ok(host.hip.hipFree(pointer))
    return found


def fills(host: Host) -> Any:
    pointer = host.upload(np.zeros(24, np.uint32))
    host.ok(host.hip.hipMemset(pointer, 0xA5, 32))
    host.ok(host.hip.hipMemsetD16(int(pointer) + 32, 0xBEEF, 16))
    host.ok(host.hip.hipMemsetD32(int(pointer) + 64, -2, 8))
    found = host.download(pointer, np.zeros(24, np.uint32))
    assert found.tolist() == [0xA5A5A5A5] * 8 + [0xBEEFBEEF] * 8 + [0xFFFFFFFE] * 8
    return found


def launches(host: Host) -> Any:
    """By workgroups, by work-items, and cooperatively."""
    host.load()
    x = np.arange(192, dtype=np.float32)
    to, source = host.upload(x), host.upload(x)
    assert host.axpy(to, source, 192) == CODE.hipSuccess
    axpy = host.function("axpy")
    values = [ctypes.c_void_p(int(to)), ctypes.c_void_p(int(source)), ctypes.c_float(2), ctypes.c_uint32(192)]
    table = (ctypes.c_void_p * 4)(*(ctypes.addressof(value) for value in values))
    by_workitems = ctypes.CDLL(str(hip_library_folder() / LIBRARY)).hipExtModuleLaunchKernel
    shape = (192, 1, 1, 64, 1, 1, ctypes.c_size_t(0))
    assert by_workitems(ctypes.c_void_p(int(axpy)), *shape, None, table, None, None, None, 0) == 0
    host.ok(host.hip.hipModuleLaunchCooperativeKernel(axpy, 3, 1, 1, 64, 1, 1, 0, None, table))
    found = host.download(to, x)
    assert np.array_equal(found, 7 * x)
    sums = host.upload(np.zeros(3, np.float32))
    shape = (3, 1, 1, 256, 1, 1, 0)
    host.ok(host.hip.hipModuleLaunchKernel(host.function("shared_sum"), *shape, None, None, (sums,)))
    assert host.download(sums, np.zeros(3, np.float32)).tolist() == [255 * 128.0] * 3
    return found


def globals_(host: Host) -> Any:
    code, table, size = host.hip.hipModuleGetGlobal(host.load(), b"table")
    assert (code, size) == (CODE.hipSuccess, 16)
    assert host.download(table, np.zeros(4, np.int32)).tolist() == [1, 2, 3, 4]
    assert host.hip.hipModuleGetGlobal(host.module, b"absent")[0] == CODE.hipErrorNotFound
    code, answer, _ = host.hip.hipModuleGetGlobal(host.module, b"answer")
    host.ok(host.hip.hipMemcpy(answer, np.array([7], np.int32), 4, KIND.hipMemcpyHostToDevice))
    out = host.upload(np.zeros(1, np.int32))
    shape = (1, 1, 1, 1, 1, 1, 0)
    host.ok(host.hip.hipModuleLaunchKernel(host.function("read_answer"), *shape, None, None, (out,)))
    found = host.download(out, np.zeros(1, np.int32))
    assert found.tolist() == [7]
    host.ok(host.hip.hipModuleUnload(host.module))
    return found


def events(host: Host) -> Any:
    start, stop = (host.ok(host.hip.hipEventCreate()) for _ in range(2))
    host.load()
    x = np.arange(4096, dtype=np.float32)
    to = host.upload(x)
    host.ok(host.hip.hipEventRecord(start, None))
    assert host.axpy(to, to, 4096) == CODE.hipSuccess
    host.ok(host.hip.hipEventRecord(stop, None))
    host.ok(host.hip.hipEventSynchronize(stop))
    assert host.ok(host.hip.hipEventElapsedTime(start, stop)) > 0
    return host.download(to, x)


def refusals(host: Host) -> Any:
    """What HIP refuses before anything is executed, and what does not fit."""
    host.load()
    to = host.upload(np.zeros(8, np.float32))
    code = host.hip.hipModuleLaunchKernel(host.function("bounded"), 1, 1, 1, 65, 1, 1, 0, None, None, (to,))[
        0
    ]
    assert code == CODE.hipErrorLaunchFailure
    assert host.hip.hipMalloc(1 << 60)[0] == CODE.hipErrorOutOfMemory
    assert host.hip.hipMemcpy(np.zeros(9, np.float32), to, 36, KIND.hipMemcpyDeviceToHost)[0] != 0
    assert host.hip.hipModuleLoadData(b"\x7fELF" + bytes(200))[0] != CODE.hipSuccess
    host.ok(host.hip.hipFree(to))
    assert host.hip.hipFree(to)[0] == CODE.hipErrorInvalidValue
    return None


def faults(host: Host) -> Any:
    """An overrun ends the device's use; after a reset all works again."""
    host.load()
    short = host.upload(np.zeros(4, np.float32))
    shape = (1 << 12, 1, 1, 64, 1, 1, 0)
    unchecked = host.function("unchecked")
    code = host.hip.hipModuleLaunchKernel(unchecked, *shape, None, None, (short,))[0]
    code = code or host.hip.hipDeviceSynchronize()[0]
    assert code == CODE.hipErrorIllegalAddress
    assert host.hip.hipDeviceSynchronize()[0] == CODE.hipErrorIllegalAddress
    assert host.hip.hipMalloc(64)[0] == CODE.hipErrorIllegalAddress
    host.ok(host.hip.hipDeviceReset())
    return launches(host)


HOSTS = (copies, fills, launches, globals_, events, refusals, faults)


def seen(events: list[TraceEvent]) -> list[tuple[Any, ...]]:
    """What must not depend on the device."""
    return [
        (
            *(event.function, event.category, event.result, event.bytes, event.kernel),
            *(event.grid, event.block, event.shared_bytes, event.code_object),
            None if event.args is None else tuple((one.ctype, one.size) for one in event.args),
        )
        for event in events
    ]


@pytest.mark.parametrize("code", HOSTS, ids=lambda code: code.__name__.strip("_"))
def test_the_same_host_has_the_same_trace(
    code: Callable[[Host], Any], emulator: RemoteDevice, amd: RemoteDevice, image: bytes
) -> None:
    found, traces = [], []
    for device in (emulator, amd):
        mark = device.mark()
        found.append(code(Host(device.hip, image)))
        traces.append(seen(list(device.events(mark))))
    assert traces[1] == traces[0]
    assert np.array_equal(*found)


def test_all_is_given_back(emulator: RemoteDevice, amd: RemoteDevice, image: bytes) -> None:
    """What a client leaves is freed in the runtime, after a fault too."""
    host = Host(amd.hip, image)
    host.load()
    short = host.upload(np.zeros(4, np.float32))
    shape = (1 << 12, 1, 1, 64, 1, 1, 0)
    host.hip.hipModuleLaunchKernel(host.function("unchecked"), *shape, None, None, (short,))
    assert host.hip.hipDeviceSynchronize()[0] == CODE.hipErrorIllegalAddress
    fault = amd.last_fault()
    assert fault is not None
    assert (fault.kind, fault.kernel) == ("global", "unchecked")
    assert "returned 700" in str(fault)
    amd.close()
    state = emulator.state()
    assert (state["allocations"], state["modules"]) == (0, 0)


def test_another_client_after_a_fault(amd: RemoteDevice, image: bytes) -> None:
    host = Host(amd.hip, image)
    host.load()
    shape = (1, 1, 1, 64, 1, 1, 0)
    host.hip.hipModuleLaunchKernel(host.function("unchecked"), *shape, None, None, (ctypes.c_void_p(64),))
    assert host.hip.hipDeviceSynchronize()[0] == CODE.hipErrorIllegalAddress
    amd.close()
    again = amd.process.open(options(hip_library_folder() / LIBRARY))
    launches(Host(again.hip, image))
    again.close()


# ---- what the device says of itself

RUNTIME = r"""
#include <string.h>
int hipInit(unsigned flags) { return 0; }
int hipGetDeviceCount(int *count) { *count = DEVICES; return 0; }
int hipSetDevice(int device) { return 0; }
int hipRuntimeGetVersion(int *version) { *version = VERSION; return 0; }
int hipMemGetInfo(size_t *free, size_t *total) { *free = 1 << 20; *total = 1 << 21; return 0; }
const char *hipGetErrorString(int code) { return "some error"; }
int hipHostRegister(void *p, size_t size, unsigned flags) { return 0; }
int hipHostUnregister(void *p) { return 0; }
int hipDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 63 ? 96 : attribute == 87 ? 32 : 1000 + attribute;
    return attribute == 5;
}
#if VERSION >= 60000000
int hipGetDevicePropertiesR0600(char *p, int device) {
    memset(p, 0, 1472);
    strcpy(p, "AMD Radeon RX 7900 XTX");
    strcpy(p + 256, "GPU-of-the-test");
    *(int *)(p + MULTIPROCESSORS_AT) = 96;
    *(int *)(p + TEXTURE_AT) = 16384;
    strcpy(p + ARCH_AT, "gfx1100");
    return 0;
}
#endif
"""


def runtime_of_test(folder: Path, *, devices: int = 1, version: int = 60_200_000) -> Path:
    """A HIP runtime that does no more than to say what it is."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no gcc on the PATH")
    fields, _ = properties._layout(properties._R0600)
    defines = {
        "DEVICES": devices,
        "VERSION": version,
        "MULTIPROCESSORS_AT": fields["multiProcessorCount"].offset,
        "TEXTURE_AT": fields["maxTexture1D"].offset,
        "ARCH_AT": fields["gcnArchName"].offset,
    }
    source, library = folder / "runtime.c", folder / LIBRARY
    source.write_text(RUNTIME)
    flags = [f"-D{name}={value}" for name, value in defines.items()]
    subprocess.run([compiler, "-shared", "-fPIC", *flags, str(source), "-o", str(library)], check=True)
    return library


def test_properties_and_attributes_are_the_runtime_s(tmp_path: Path) -> None:
    """But for what depends on the library: it serves no images, whatever the GPU has."""
    process = DeviceProcess()
    device = process.open(options(runtime_of_test(tmp_path)))
    assert (device.info.name, device.info.arch) == ("AMD Radeon RX 7900 XTX", "gfx1100")
    assert device.info.runtime == "HIP 6.2.0"
    hip = device.hip
    code, said = hip.hipGetDeviceProperties(0)
    assert code == CODE.hipSuccess
    assert (said.name, said.multiProcessorCount, said.maxTexture1D) == ("AMD Radeon RX 7900 XTX", 96, 0)
    assert said.gcnArchName == "gfx1100"
    names = hip.hipDeviceAttribute_t
    asked = {
        name: hip.hipDeviceGetAttribute(getattr(names, name), 0)[1]
        for name in (
            "hipDeviceAttributeL2CacheSize",
            "hipDeviceAttributeMultiprocessorCount",
            "hipDeviceAttributeMaxTexture1DWidth",
        )
    }
    assert list(asked.values()) == [1019, 96, 0]
    assert hip.hipMemGetInfo() == (CODE.hipSuccess, 1 << 20, 1 << 21)
    device.close()
    process.close()


# ---- why there is none


def refusal(library: Path, environment: dict[str, str]) -> str:
    process = DeviceProcess(environment=environment)
    with pytest.raises(DeviceUnavailableError) as caught:
        process.open(options(library))
    process.close()
    return str(caught.value)


def test_no_library(tmp_path: Path) -> None:
    words = refusal(tmp_path / LIBRARY, {})
    assert "the HIP runtime (libamdhip64) cannot be loaded" in words
    assert str(tmp_path / LIBRARY) in words
    assert "No such file or directory" in words


def test_a_runtime_without_a_device() -> None:
    words = refusal(hip_library_folder() / LIBRARY, NO_DEVICE)
    assert "returned 100 (no ROCm-capable device is detected)" in words


def test_a_runtime_that_sees_no_gpu(tmp_path: Path) -> None:
    assert "the HIP runtime sees 0 GPUs" in refusal(runtime_of_test(tmp_path, devices=0), {})


def test_a_runtime_that_is_too_old(tmp_path: Path) -> None:
    words = refusal(runtime_of_test(tmp_path, version=50_700_000), {})
    assert "HIP runtime 5.7.0 is too old, it lacks hipGetDevicePropertiesR0600" in words


@pytest.mark.parametrize(("how", "words"), [("sanitize", "no sanitizer"), ("counters", "does not count")])
def test_what_only_the_emulator_does(how: str, words: str) -> None:
    process = DeviceProcess()
    with pytest.raises(DeviceUnavailableError, match=words):
        process.open(DeviceOptions("amd", "gfx1100", **{how: True}))
    process.close()
