"""The AMD device, as far as this goes without a GPU: what is missing is said exactly.

The real hip-python is used with whatever libamdhip64 is installed, and with none; a scripted one shows
what happens on a machine with a GPU.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.amd import PROPERTIES_SYMBOL, AmdDevice
from rocverify.device.base import Device, RejectedDevice
from rocverify.errors import DeviceUnavailableError

CODE = real_hip.hipError_t
TYPES = real_hip.hipMemoryType


class ScriptedHip:
    """hip-python on a machine with one gfx90a."""

    hipError_t = CODE  # noqa: N815
    hipMemoryType = TYPES  # noqa: N815

    def __init__(self, **results: Any) -> None:
        self.missing: set[str] = set()
        self.last_error = CODE.hipSuccess
        self.forgotten = 0
        self.attributes: dict[int, Any] = {}
        self.results = {
            "hipInit": (CODE.hipSuccess,),
            "hipGetDeviceCount": (CODE.hipSuccess, 1),
            "hipSetDevice": (CODE.hipSuccess,),
            "hipRuntimeGetVersion": (CODE.hipSuccess, 60_342_134),
            "hipKernelNameRef": (CODE.hipSuccess, None),
            "hipGetDeviceProperties": (
                CODE.hipSuccess,
                SimpleNamespace(
                    gcnArchName="gfx90a:sramecc+:xnack-",
                    name="AMD Instinct MI210",
                    multiProcessorCount=104,
                    warpSize=64,
                    totalGlobalMem=64 << 30,
                ),
            ),
            **results,
        }

    def has_symbol(self, name: str) -> bool:
        return name not in self.missing

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.results[name]

    def hipPointerGetAttributes(self, address: int) -> tuple[Any, Any]:  # noqa: N802
        if address not in self.attributes:
            self.last_error = CODE.hipErrorInvalidValue
            return CODE.hipErrorInvalidValue, SimpleNamespace(type=0)
        return CODE.hipSuccess, SimpleNamespace(type=self.attributes[address])

    def hipPeekAtLastError(self) -> tuple[Any]:  # noqa: N802
        return (self.last_error,)

    def hipGetLastError(self) -> tuple[Any]:  # noqa: N802
        error, self.last_error = self.last_error, CODE.hipSuccess
        self.forgotten += 1
        return (error,)


def test_an_opened_gpu_tells_its_target() -> None:
    hip = ScriptedHip()
    rejected = (RejectedDevice("other", "absent"),)
    device = AmdDevice.open(hip=hip, rejected=rejected)
    assert isinstance(device, Device)
    assert (device.kind, device.name, device.target) == ("amd", "AMD Instinct MI210", "gfx90a")
    assert device.hip is hip
    assert device.info.arch == "gfx90a:sramecc+:xnack-"
    assert device.info.runtime == "HIP 6.3.42134"
    assert device.info.rejected == rejected
    assert device.info.details["wavefront_size"] == 64
    assert device.last_fault() is None
    device.clear_fault()
    device.close()


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({"hipInit": (CODE.hipErrorNoDevice,)}, "hipInit returned hipErrorNoDevice"),
        ({"hipInit": (CODE.hipErrorInvalidDevice,)}, "hipInit returned hipErrorInvalidDevice"),
        ({"hipGetDeviceCount": (CODE.hipErrorNoDevice, 0)}, "hipGetDeviceCount returned hipErrorNoDevice"),
        ({"hipGetDeviceCount": (CODE.hipSuccess, 0)}, "the HIP runtime sees 0 GPUs"),
        ({"hipSetDevice": (CODE.hipErrorInvalidDevice,)}, "hipSetDevice returned hipErrorInvalidDevice"),
        (
            {"hipGetDeviceProperties": (CODE.hipErrorUnknown, None)},
            "hipGetDeviceProperties returned hipErrorUnknown",
        ),
    ],
)
def test_what_keeps_a_gpu_from_opening_is_named(results: dict[str, Any], message: str) -> None:
    with pytest.raises(DeviceUnavailableError, match=message) as caught:
        AmdDevice.open(hip=ScriptedHip(**results))
    assert "--device emulator" in (caught.value.hint or "")


def test_an_old_runtime_is_named_with_its_version() -> None:
    hip = ScriptedHip(hipRuntimeGetVersion=(CODE.hipSuccess, 50_221_153))
    hip.missing.add(PROPERTIES_SYMBOL)
    with pytest.raises(DeviceUnavailableError, match=r"HIP runtime 5\.2\.21153 is too old"):
        AmdDevice.open(hip=hip)


def test_no_library_at_all() -> None:
    hip = ScriptedHip()
    hip.missing.add("hipInit")
    with pytest.raises(DeviceUnavailableError, match="libamdhip64"):
        AmdDevice.open(hip=hip)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("Device", True), ("Managed", True), ("Array", True), ("Host", False), ("Unregistered", False)],
)
def test_where_an_address_lies(kind: str, expected: bool) -> None:
    hip = ScriptedHip()
    hip.attributes[0x1000] = TYPES[f"hipMemoryType{kind}"]
    assert AmdDevice.open(hip=hip).is_device_address(0x1000) is expected


def test_asking_about_host_memory_leaves_no_error_behind() -> None:
    hip = ScriptedHip()
    device = AmdDevice.open(hip=hip)
    assert device.is_device_address(0x2000) is False
    assert hip.last_error is CODE.hipSuccess
    hip.last_error = CODE.hipErrorOutOfMemory
    forgotten = hip.forgotten
    assert device.is_device_address(0x2000) is False
    assert hip.forgotten == forgotten, "an error of the caller's is not taken away"


def test_kernel_names() -> None:
    assert AmdDevice.open(hip=ScriptedHip()).kernel_name(1) is None
    hip = ScriptedHip(hipKernelNameRef=(CODE.hipSuccess, "rope_kernel"))
    assert AmdDevice.open(hip=hip).kernel_name(1) == "rope_kernel"


USED = """
    has_symbol hipInit hipGetDeviceCount hipSetDevice hipGetDeviceProperties hipRuntimeGetVersion
    hipPeekAtLastError hipGetLastError hipPointerGetAttributes hipKernelNameRef hipMemoryType
"""


def test_everything_it_uses_exists_in_hip_python() -> None:
    assert [name for name in USED.split() if not hasattr(real_hip, name)] == []
    properties = real_hip.hipDeviceProp_t()
    for field in ("gcnArchName", "name", "multiProcessorCount", "warpSize", "totalGlobalMem"):
        assert hasattr(properties, field)
    assert isinstance(int(real_hip.hipPointerAttribute_t().type), int)


@pytest.mark.skipif(Path("/dev/kfd").exists(), reason="this machine may have an AMD GPU")
def test_the_real_library_without_a_gpu() -> None:
    with pytest.raises(DeviceUnavailableError) as caught:
        AmdDevice.open()
    if real_hip.has_symbol("hipInit"):
        assert "returned hipError" in caught.value.message
        assert "(there is no /dev/kfd)" in caught.value.message
    else:
        assert "libamdhip64" in caught.value.message


def test_the_real_hip_python_with_the_library_hidden(tmp_path: Path) -> None:
    library = tmp_path / "lib" / "libamdhip64.so"
    library.parent.mkdir()
    library.write_text("no library")
    program = (
        "from rocverify.device.amd import AmdDevice\n"
        "from rocverify.errors import DeviceUnavailableError\n"
        "try:\n    AmdDevice.open()\n"
        "except DeviceUnavailableError as error:\n    print(error.message)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "ROCM_PATH": str(tmp_path)},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "the HIP runtime (libamdhip64) cannot be loaded"
