"""A real AMD GPU: hip-python itself, opened only if everything that a run needs is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rocverify.device.base import DeviceInfo, RejectedDevice
from rocverify.device.faults import FaultReport
from rocverify.device.trace.proxy import real_hip
from rocverify.errors import DeviceUnavailableError

PROPERTIES_SYMBOL = "hipGetDevicePropertiesR0600"
"""What hip-python's hipGetDeviceProperties calls; HIP runtimes before 6.0 lack it."""

_INSTALL_HINT = "install ROCm 6.0 or later and set ROCM_PATH, or use --device emulator"
_DRIVER_HINT = (
    "check that the amdgpu driver is loaded, that this user is in the groups render and video, and "
    "HIP_VISIBLE_DEVICES; or use --device emulator"
)
_DEVICE_MEMORY_TYPES = frozenset({"Device", "Managed", "Array", "Unified"})


class AmdDevice:
    """The first visible AMD GPU. Its functions are hip-python's own."""

    kind = "amd"

    def __init__(self, hip: Any, info: DeviceInfo) -> None:
        self.hip = hip
        self.info = info
        self._device_types = {int(hip.hipMemoryType[f"hipMemoryType{name}"]) for name in _DEVICE_MEMORY_TYPES}

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def target(self) -> str:
        return self.info.target

    @classmethod
    def open(
        cls, *, ordinal: int = 0, rejected: tuple[RejectedDevice, ...] = (), hip: Any = None
    ) -> AmdDevice:
        """Opens a GPU; DeviceUnavailableError with the exact reason if there is none to open."""
        hip = real_hip() if hip is None else hip
        _require_library(hip)
        _require_device(hip, ordinal)
        _require_version(hip)
        _expect(hip, "hipSetDevice", hip.hipSetDevice(ordinal))
        properties = _expect(hip, "hipGetDeviceProperties", hip.hipGetDeviceProperties(ordinal))
        return cls(hip, _info(hip, properties, rejected))

    def is_device_address(self, address: int) -> bool | None:
        """Asks the runtime, which knows no ordinary host memory; an error that only this question
        raised is taken back."""
        success = self.hip.hipError_t.hipSuccess
        clean = self.hip.hipPeekAtLastError()[0] == success
        code, attributes = self.hip.hipPointerGetAttributes(address)
        if code == success:
            return int(attributes.type) in self._device_types
        if clean:
            self.hip.hipGetLastError()
        return False

    def kernel_name(self, function: int) -> str | None:
        _, name = self.hip.hipKernelNameRef(function)
        return None if name is None else str(name)

    def last_fault(self) -> FaultReport | None:
        """None: the HIP runtime reports a fault by its error code or by ending the process."""
        return None

    def last_reason(self) -> str | None:
        return None

    def clear_fault(self) -> None:
        """Nothing to do: a GPU's fault outlives every call of this process."""

    def close(self) -> None:
        """Nothing to give up: the HIP runtime cleans up at the end of the process, and a reset would
        pull the device from under other users of hip-python."""


def _require_library(hip: Any) -> None:
    if not hip.has_symbol("hipInit"):
        raise DeviceUnavailableError("the HIP runtime (libamdhip64) cannot be loaded", hint=_INSTALL_HINT)


def _require_version(hip: Any) -> None:
    if not hip.has_symbol(PROPERTIES_SYMBOL):
        raise DeviceUnavailableError(
            f"HIP runtime {_runtime_version(hip)} is too old for hip-python, it lacks {PROPERTIES_SYMBOL}",
            hint=_INSTALL_HINT,
        )


def _require_device(hip: Any, ordinal: int) -> None:
    (code,) = hip.hipInit(0)
    if code != hip.hipError_t.hipSuccess:
        raise DeviceUnavailableError(f"hipInit returned {code.name}{_driver_note()}", hint=_DRIVER_HINT)
    code, count = hip.hipGetDeviceCount()
    if code != hip.hipError_t.hipSuccess:
        raise DeviceUnavailableError(
            f"hipGetDeviceCount returned {code.name}{_driver_note()}", hint=_DRIVER_HINT
        )
    if count <= ordinal:
        raise DeviceUnavailableError(f"the HIP runtime sees {count} GPUs", hint=_DRIVER_HINT)


def _driver_note() -> str:
    return "" if Path("/dev/kfd").exists() else " (there is no /dev/kfd)"


def _expect(hip: Any, call: str, result: tuple[Any, ...]) -> Any:
    code, *values = result
    if code != hip.hipError_t.hipSuccess:
        raise DeviceUnavailableError(f"{call} returned {code.name}", hint=_DRIVER_HINT)
    return values[0] if values else None


def _runtime_version(hip: Any) -> str:
    """`6.3.42134` from HIP's one number."""
    _, number = hip.hipRuntimeGetVersion()
    return f"{number // 10_000_000}.{number // 100_000 % 100}.{number % 100_000}"


def _info(hip: Any, properties: Any, rejected: tuple[RejectedDevice, ...]) -> DeviceInfo:
    arch = str(properties.gcnArchName)
    return DeviceInfo(
        kind=AmdDevice.kind,
        name=str(properties.name),
        target=arch.partition(":")[0],
        arch=arch,
        runtime=f"HIP {_runtime_version(hip)}",
        rejected=rejected,
        details={
            "multiprocessors": properties.multiProcessorCount,
            "wavefront_size": properties.warpSize,
            "global_memory_bytes": properties.totalGlobalMem,
        },
    )
