"""What the emulated device says of itself: hipGetDeviceProperties, attributes, versions."""

# Names and parameters are HIP's interface, also those that mean nothing here.
# ruff: noqa: N802, N803
from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Mapping
from typing import Any

from rocverify.device.emulator.api_state import HipCallError, HipCalls, HipState, offered
from rocverify.device.emulator.api_values import DeviceAttribute, Int, Limit, UInt, c_string
from rocverify.device.emulator.isa.occupancy import LIMITS
from rocverify.device.trace.proxy import real_hip

DEVICES = 1
HIP_VERSION = 60_000_000
"""The interface follows HIP 6.0, in HIP's numbering (major * 10**7 + minor * 10**5 + patch)."""


_SCALARS: Mapping[str, int] = {
    "sharedMemPerBlock": LIMITS.lds_bytes,
    "sharedMemPerMultiprocessor": LIMITS.lds_bytes,
    "maxSharedMemoryPerMultiProcessor": LIMITS.lds_bytes,
    "sharedMemPerBlockOptin": LIMITS.lds_bytes,
    "regsPerBlock": LIMITS.simds * LIMITS.vgprs_per_simd * LIMITS.wavefront_size,
    "regsPerMultiprocessor": LIMITS.simds * LIMITS.vgprs_per_simd * LIMITS.wavefront_size,
    "warpSize": LIMITS.wavefront_size,
    "maxThreadsPerBlock": LIMITS.threads_per_block,
    "maxThreadsPerMultiProcessor": LIMITS.threads_per_multiprocessor,
    "maxBlocksPerMultiProcessor": LIMITS.simds * LIMITS.waves_per_simd,
    "multiProcessorCount": LIMITS.multiprocessors,
    "memPitch": 2**31 - 1,
    "totalConstMem": 2**31 - 1,
    "textureAlignment": 256,
    "clockRate": 2_500_000,
    "clockInstructionRate": 100_000,
    "memoryClockRate": 1_249_000,
    "memoryBusWidth": 384,
    "l2CacheSize": 6 * 2**20,
    "canMapHostMemory": 1,
    "unifiedAddressing": 1,
    "managedMemory": 1,
    "concurrentManagedAccess": 0,
    "concurrentKernels": 1,
    "cooperativeLaunch": 1,
    "cooperativeMultiDeviceLaunch": 0,
    "isLargeBar": 1,
}
"""Fields of hipDeviceProp_t; what is not named is zero."""

_ATTRIBUTES: Mapping[str, str] = {
    "MaxThreadsPerBlock": "maxThreadsPerBlock",
    "WarpSize": "warpSize",
    "MultiprocessorCount": "multiProcessorCount",
    "PhysicalMultiProcessorCount": "multiProcessorCount",
    "MaxSharedMemoryPerBlock": "sharedMemPerBlock",
    "SharedMemPerBlockOptin": "sharedMemPerBlockOptin",
    "SharedMemPerMultiprocessor": "sharedMemPerMultiprocessor",
    "MaxSharedMemoryPerMultiprocessor": "maxSharedMemoryPerMultiProcessor",
    "MaxRegistersPerBlock": "regsPerBlock",
    "MaxRegistersPerMultiprocessor": "regsPerMultiprocessor",
    "MaxThreadsPerMultiProcessor": "maxThreadsPerMultiProcessor",
    "MaxBlocksPerMultiProcessor": "maxBlocksPerMultiProcessor",
    "MaxPitch": "memPitch",
    "TotalConstantMemory": "totalConstMem",
    "ClockRate": "clockRate",
    "ClockInstructionRate": "clockInstructionRate",
    "MemoryClockRate": "memoryClockRate",
    "MemoryBusWidth": "memoryBusWidth",
    "L2CacheSize": "l2CacheSize",
    "TextureAlignment": "textureAlignment",
    "CanMapHostMemory": "canMapHostMemory",
    "UnifiedAddressing": "unifiedAddressing",
    "ManagedMemory": "managedMemory",
    "ConcurrentManagedAccess": "concurrentManagedAccess",
    "ConcurrentKernels": "concurrentKernels",
    "CooperativeLaunch": "cooperativeLaunch",
    "CooperativeMultiDeviceLaunch": "cooperativeMultiDeviceLaunch",
    "IsLargeBar": "isLargeBar",
}
"""Members of hipDeviceAttribute_t (without the prefix) by the field that says the same."""

_AXES: Mapping[str, int] = {
    **{f"MaxBlockDim{axis}": size for axis, size in zip("XYZ", LIMITS.block, strict=True)},
    **{f"MaxGridDim{axis}": size for axis, size in zip("XYZ", LIMITS.grid, strict=True)},
}


def device_name(target: str) -> str:
    """The product's name, which says that it is none."""
    return f"rocverify emulator ({target})"


def compute_capability(target: str) -> tuple[int, int]:
    """(11, 0) of gfx1100: the last two digits are minor version and stepping."""
    digits = target.removeprefix("gfx")
    return int(digits[:-2]), int(digits[-2], 16)


class DeviceCalls(HipCalls):
    """hip-python's functions about devices. There is one, number 0."""

    def _check_ordinal(self, ordinal: int) -> None:
        if ordinal != 0:
            raise HipCallError("hipErrorInvalidDevice", f"there is only device 0, not {ordinal}")

    @offered(faulted="allow")
    def hipInit(self, flags: UInt) -> None:
        if flags:
            raise HipCallError("hipErrorInvalidValue", "hipInit takes no flags")

    @offered(0, faulted="allow")
    def hipGetDeviceCount(self) -> int:
        return DEVICES

    @offered(0, faulted="allow")
    def hipGetDevice(self) -> int:
        return 0

    @offered(0, faulted="allow")
    def hipDeviceGet(self, ordinal: Int) -> int:
        self._check_ordinal(ordinal)
        return 0

    @offered(faulted="allow")
    def hipSetDevice(self, deviceId: Int) -> None:
        self._check_ordinal(deviceId)

    @offered(None, faulted="allow")
    def hipDeviceGetName(self, len: Int, device: Int) -> Any:
        self._check_ordinal(device)
        if len <= 0:
            raise HipCallError("hipErrorInvalidValue", f"a name of {len} characters was asked for")
        return c_string(device_name(self._state.target)[: len - 1])

    @offered(0, faulted="allow")
    def hipDeviceTotalMem(self, device: Int) -> int:
        self._check_ordinal(device)
        return self._state.memory.capacity

    @offered(0, 0, faulted="allow")
    def hipDeviceComputeCapability(self, device: Int) -> tuple[int, int]:
        self._check_ordinal(device)
        return compute_capability(self._state.target)

    @offered(0, faulted="allow")
    def hipDriverGetVersion(self) -> int:
        return HIP_VERSION

    @offered(0, faulted="allow")
    def hipRuntimeGetVersion(self) -> int:
        return HIP_VERSION

    def hipGetDeviceProperties(self, deviceId: Any) -> tuple[Any, Any]:
        """Everything the device says of itself; an empty record for a device that does not exist."""
        code, properties = self._properties(deviceId)
        return code, real_hip().hipDeviceProp_t() if properties is None else properties

    @offered(None, faulted="allow")
    def _properties(self, deviceId: Int) -> Any:
        self._check_ordinal(deviceId)
        return _filled_properties(self._state)

    @offered(0, faulted="allow")
    def hipDeviceGetAttribute(self, attr: DeviceAttribute, deviceId: Int) -> int:
        self._check_ordinal(deviceId)
        name = attr.name.removeprefix("hipDeviceAttribute")
        if name in _AXES:
            return _AXES[name]
        if name in _ATTRIBUTES:
            return _SCALARS[_ATTRIBUTES[name]]
        if name in ("ComputeCapabilityMajor", "ComputeCapabilityMinor"):
            return compute_capability(self._state.target)[name.endswith("Minor")]
        raise HipCallError("hipErrorInvalidValue", f"{attr.name} is not known of the emulator")

    @offered(0, faulted="allow")
    def hipDeviceGetLimit(self, limit: Limit) -> int:
        raise HipCallError("hipErrorUnsupportedLimit", f"{limit.name} is not known of the emulator")


def _filled_properties(state: HipState) -> Any:
    properties = real_hip().hipDeviceProp_t()
    for name, value in _SCALARS.items():
        setattr(properties, name, value)
    properties.totalGlobalMem = state.memory.capacity
    properties.major, properties.minor = compute_capability(state.target)
    _write_array(properties, "name", device_name(state.target).encode() + b"\0")
    _write_array(properties, "gcnArchName", state.target.encode() + b"\0")
    _write_array(properties, "maxThreadsDim", struct.pack("<3i", *LIMITS.block))
    _write_array(properties, "maxGridSize", struct.pack("<3i", *LIMITS.grid))
    return properties


def _write_array(properties: Any, field: str, data: bytes) -> None:
    """Sets a field that hip-python lets nobody set: its arrays are read-only attributes."""
    ctypes.memmove(int(properties) + _offset_of(field), data, len(data))


@functools.cache
def _offset_of(field: str) -> int:
    """Where a field lies in hipDeviceProp_t, found by reading it from a record of known content, so
    that the layout stays hip-python's business."""
    probe = real_hip().hipDeviceProp_t()
    size = probe.c_sizeof()
    pattern = "".join(f"{index:08x}" for index in range(size // 8)).encode()
    ctypes.memmove(int(probe), pattern, len(pattern))
    value = getattr(probe, field)
    seen = value.encode() if isinstance(value, str) else struct.pack(f"<{len(value)}i", *value)
    return pattern.index(seen)
