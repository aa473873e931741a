"""What a device says of itself, in HIP's layouts and numbers: hipDeviceProp_t, attributes, limits, its names.

The structure has two layouts: R0000 (792 bytes, ROCm 5) and R0600 (1472 bytes, ROCm 6 and 7). The attributes
have one numbering: ROCm 6 took away and added some, and moved none. Sources: hip_runtime_api.h of ROCm 5.2,
the declarations of hip-python 10 (tests compare with both).
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rocverify.device.emulator.isa.targets import PROCESSORS, Target, processor
from rocverify.device.launch_limits import MOST_BLOCK, MOST_GRID, MOST_THREADS, MULTIPROCESSORS

HIP_VERSION = 60_000_000
"""The interface follows HIP 6.0, in HIP's numbering (major * 10**7 + minor * 10**5 + patch)."""


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What is true of one device. `total_memory` is in bytes, `ordinal` its number among devices, `product`
    its name if it is not the emulator. `runtime` is the hipDeviceProp_tR0600 of a GPU's own runtime."""

    target: str
    total_memory: int
    ordinal: int = 0
    product: str = ""
    runtime: bytes | None = None

    @property
    def name(self) -> str:
        """The product's name: of an emulated device that of a GPU of its target, so that host code does on it
        what it would do there."""
        return self.product or self.processor.product

    @property
    def processor(self) -> Target:
        """The record of its target. A GPU that is not known here tells all that stands there itself."""
        return processor(self.target) or PROCESSORS["gfx1100"]


def compute_capability(target: str) -> tuple[int, int]:
    """(11, 0) of gfx1100, (9, 0) of gfx90a: the last two digits are minor version and stepping."""
    digits = target.partition(":")[0].removeprefix("gfx")
    return int(digits[:-2]), int(digits[-2], 16)


def device_uuid(facts: DeviceFacts) -> bytes:
    """hipUUID: 16 bytes, text as AMD's are."""
    if facts.runtime is not None:
        return _member(facts.runtime, "uuid")
    return f"rocverify-{facts.ordinal:06x}".encode()


def pci_bus_id(facts: DeviceFacts) -> str:
    """What hipDeviceGetPCIBusId writes, domain:bus:device.function."""
    domain, bus, device = _PCI_DOMAIN, _PCI_FIRST_BUS + facts.ordinal, 0
    if facts.runtime is not None:
        names = ("pciDomainID", "pciBusID", "pciDeviceID")
        domain, bus, device = (int.from_bytes(_member(facts.runtime, n), "little") for n in names)
    return f"{domain:04x}:{bus:02x}:{device:02x}.0"


_PCI_DOMAIN, _PCI_FIRST_BUS = 0, 3

_R0000 = """
char name[256]; size_t totalGlobalMem, sharedMemPerBlock; int regsPerBlock, warpSize, maxThreadsPerBlock,
maxThreadsDim[3], maxGridSize[3], clockRate, memoryClockRate, memoryBusWidth; size_t totalConstMem; int
major, minor, multiProcessorCount, l2CacheSize, maxThreadsPerMultiProcessor, computeMode,
clockInstructionRate, arch, concurrentKernels, pciDomainID, pciBusID, pciDeviceID; size_t
maxSharedMemoryPerMultiProcessor; int isMultiGpuBoard, canMapHostMemory, gcnArch; char gcnArchName[256]; int
integrated, cooperativeLaunch, cooperativeMultiDeviceLaunch, maxTexture1DLinear, maxTexture1D,
maxTexture2D[2], maxTexture3D[3]; size_t hdpMemFlushCntl, hdpRegFlushCntl, memPitch, textureAlignment,
texturePitchAlignment; int kernelExecTimeoutEnabled, ECCEnabled, tccDriver,
cooperativeMultiDeviceUnmatchedFunc, cooperativeMultiDeviceUnmatchedGridDim,
cooperativeMultiDeviceUnmatchedBlockDim, cooperativeMultiDeviceUnmatchedSharedMem, isLargeBar, asicRevision,
managedMemory, directManagedMemAccessFromHost, concurrentManagedAccess, pageableMemoryAccess,
pageableMemoryAccessUsesHostPageTables;
"""

_R0600 = """
char name[256], uuid[16], luid[8]; int luidDeviceNodeMask; size_t totalGlobalMem, sharedMemPerBlock; int
regsPerBlock, warpSize; size_t memPitch; int maxThreadsPerBlock, maxThreadsDim[3], maxGridSize[3],
clockRate; size_t totalConstMem; int major, minor; size_t textureAlignment, texturePitchAlignment; int
deviceOverlap, multiProcessorCount, kernelExecTimeoutEnabled, integrated, canMapHostMemory, computeMode,
maxTexture1D, maxTexture1DMipmap, maxTexture1DLinear, maxTexture2D[2], maxTexture2DMipmap[2],
maxTexture2DLinear[3], maxTexture2DGather[2], maxTexture3D[3], maxTexture3DAlt[3], maxTextureCubemap,
maxTexture1DLayered[2], maxTexture2DLayered[3], maxTextureCubemapLayered[2], maxSurface1D, maxSurface2D[2],
maxSurface3D[3], maxSurface1DLayered[2], maxSurface2DLayered[3], maxSurfaceCubemap,
maxSurfaceCubemapLayered[2]; size_t surfaceAlignment; int concurrentKernels, ECCEnabled, pciBusID,
pciDeviceID, pciDomainID, tccDriver, asyncEngineCount, unifiedAddressing, memoryClockRate, memoryBusWidth,
l2CacheSize, persistingL2CacheMaxSize, maxThreadsPerMultiProcessor, streamPrioritiesSupported,
globalL1CacheSupported, localL1CacheSupported; size_t sharedMemPerMultiprocessor; int regsPerMultiprocessor,
managedMemory, isMultiGpuBoard, multiGpuBoardGroupID, hostNativeAtomicSupported,
singleToDoublePrecisionPerfRatio, pageableMemoryAccess, concurrentManagedAccess, computePreemptionSupported,
canUseHostPointerForRegisteredMem, cooperativeLaunch, cooperativeMultiDeviceLaunch; size_t
sharedMemPerBlockOptin; int pageableMemoryAccessUsesHostPageTables, directManagedMemAccessFromHost,
maxBlocksPerMultiProcessor, accessPolicyMaxWindowSize; size_t reservedSharedMemPerBlock; int
hostRegisterSupported, sparseHipArraySupported, hostRegisterReadOnlySupported,
timelineSemaphoreInteropSupported, memoryPoolsSupported, gpuDirectRDMASupported,
gpuDirectRDMAFlushWritesOptions, gpuDirectRDMAWritesOrdering, memoryPoolSupportedHandleTypes,
deferredMappingHipArraySupported, ipcEventSupported, clusterLaunch, unifiedFunctionPointers, reserved[63],
hipReserved[32]; char gcnArchName[256]; size_t maxSharedMemoryPerMultiProcessor; int clockInstructionRate,
arch; size_t hdpMemFlushCntl, hdpRegFlushCntl; int cooperativeMultiDeviceUnmatchedFunc,
cooperativeMultiDeviceUnmatchedGridDim, cooperativeMultiDeviceUnmatchedBlockDim,
cooperativeMultiDeviceUnmatchedSharedMem, isLargeBar, asicRevision;
"""


@dataclass(frozen=True, slots=True)
class _Field:
    """A member of a structure: where it lies, of what kind (c, i or Q of the struct module), how many."""

    offset: int
    kind: str
    count: int

    def put(self, record: bytearray, value: int | Sequence[int] | bytes) -> None:
        """Writes a value; text is cut so that its NUL has room."""
        if isinstance(value, bytes):
            data = value[: self.count]
            record[self.offset : self.offset + len(data)] = data
            return
        values = (value,) if isinstance(value, int) else tuple(value)
        struct.pack_into(f"<{len(values)}{self.kind}", record, self.offset, *values)


_KINDS = {"char": ("c", 1), "int": ("i", 4), "size_t": ("Q", 8)}
_SIZES = dict(_KINDS.values())


# What depends on what this library serves, whatever the GPU could do: no images, no pageable memory, no
# processes that share handles.
_OURS = (
    "maxTexture", "maxSurface", "canMapHostMemory", "canUseHostPointer", "hostRegister", "unifiedAddressing",
    "managedMemory", "concurrentManaged", "directManaged", "pageable", "cooperativeMultiDevice", "memoryPool",
    "ipcEvent", "sparse", "deferred", "timeline", "gpuDirect", "clusterLaunch",
)  # fmt: skip


def _is_ours(name: str) -> bool:
    return name.startswith(_OURS)


def _member(record: bytes, name: str) -> bytes:
    """A member's bytes in a hipDeviceProp_tR0600."""
    field = _layout(_R0600)[0][name]
    return record[field.offset : field.offset + field.count * _SIZES[field.kind]]


@functools.cache
def _layout(declarations: str) -> tuple[Mapping[str, _Field], int]:
    """The members of a structure by name, and its size, as C lays them out on x86-64."""
    fields, offset = {}, 0
    for declaration in declarations.replace("\n", " ").split(";")[:-1]:
        kind, members = declaration.split(None, 1)
        code, size = _KINDS[kind]
        for member in members.split(","):
            name, count = re.fullmatch(r"\s*(\w+)(?:\[(\d+)\])?\s*", member).groups()  # type: ignore[union-attr]
            offset = -(-offset // size) * size
            fields[name] = _Field(offset, code, int(count or 1))
            offset += size * int(count or 1)
    return fields, -(-offset // 8) * 8


# Atomics, doubles, votes, shuffles, a fence of the system, 3-D grids: as AMD's devices have them.
_ARCH_FEATURES = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 0, 1, 0)


def _scalars(target: Target) -> dict[str, int]:
    """Members that are numbers, of every device; what is not named is zero (there are no images)."""
    lanes, waves = target.wave_sizes[0], target.family.simds * target.family.waves_per_simd
    registers = target.family.simds * target.vgprs * lanes
    return {
        "sharedMemPerBlock": target.lds_bytes,
        "sharedMemPerMultiprocessor": target.lds_bytes,
        "maxSharedMemoryPerMultiProcessor": target.lds_bytes,
        "sharedMemPerBlockOptin": target.lds_bytes,
        "regsPerBlock": registers,
        "regsPerMultiprocessor": registers,
        "warpSize": lanes,
        "maxThreadsPerBlock": MOST_THREADS,
        "maxThreadsPerMultiProcessor": waves * lanes,
        "maxBlocksPerMultiProcessor": waves,
        "multiProcessorCount": MULTIPROCESSORS,
        "memPitch": 2**31 - 1,
        "totalConstMem": 2**31 - 1,
        "textureAlignment": 256,
        "texturePitchAlignment": 256,
        "surfaceAlignment": 256,
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
        "asyncEngineCount": 1,
        "deviceOverlap": 1,
        "streamPrioritiesSupported": 1,
        "hostRegisterSupported": 1,
        "canUseHostPointerForRegisteredMem": 1,
        "memoryPoolsSupported": 1,
        "isLargeBar": 1,
        "arch": sum(bit << place for place, bit in enumerate(_ARCH_FEATURES)),
    }


def _values(facts: DeviceFacts) -> dict[str, int | tuple[int, ...] | bytes]:
    major, minor = compute_capability(facts.target)
    processor = facts.target.partition(":")[0].removeprefix("gfx")
    return {
        **_scalars(facts.processor),
        "name": facts.name.encode()[:255],
        "uuid": device_uuid(facts),
        "gcnArchName": facts.target.encode()[:255],
        "gcnArch": int(processor)
        if processor.isdecimal()
        else major * 100 + minor * 10 + int(processor[-1], 16),
        "totalGlobalMem": facts.total_memory,
        "major": major,
        "minor": minor,
        "maxThreadsDim": MOST_BLOCK,
        "maxGridSize": MOST_GRID,
        "pciDomainID": _PCI_DOMAIN,
        "pciBusID": _PCI_FIRST_BUS + facts.ordinal,
        "pciDeviceID": 0,
    }


def _structure(facts: DeviceFacts, declarations: str) -> bytes:
    fields, size = _layout(declarations)
    record = bytearray(size)
    for name, value in _values(facts).items():
        if name in fields:
            fields[name].put(record, value)
    if facts.runtime is not None:
        for name in fields.keys() & _layout(_R0600)[0].keys():
            if not _is_ours(name):
                data = _member(facts.runtime, name)
                record[fields[name].offset : fields[name].offset + len(data)] = data
    return bytes(record)


def properties_r0000(facts: DeviceFacts) -> bytes:
    """hipDeviceProp_t as programs built with ROCm 5's headers have it, 792 bytes."""
    return _structure(facts, _R0000)


def properties_r0600(facts: DeviceFacts) -> bytes:
    """hipDeviceProp_tR0600, of ROCm 6 and 7, 1472 bytes."""
    return _structure(facts, _R0600)


# By number, from 0: the member of the structure that says the same ("name[i]": one of several), a number
# itself, or None for what no AMD device answers (results that are no integer, numbers out of use).
_FROM_0: tuple[str | int | None, ...] = (
    "ECCEnabled", "accessPolicyMaxWindowSize", "asyncEngineCount", "canMapHostMemory",
    "canUseHostPointerForRegisteredMem", "clockRate", "computeMode", "computePreemptionSupported",
    "concurrentKernels", "concurrentManagedAccess", "cooperativeLaunch", "cooperativeMultiDeviceLaunch",
    "deviceOverlap", "directManagedMemAccessFromHost", "globalL1CacheSupported", "hostNativeAtomicSupported",
    "integrated", "isMultiGpuBoard", "kernelExecTimeoutEnabled", "l2CacheSize",
    "localL1CacheSupported", None, None, "major",
    "managedMemory", "maxBlocksPerMultiProcessor", "maxThreadsDim[0]", "maxThreadsDim[1]",
    "maxThreadsDim[2]", "maxGridSize[0]", "maxGridSize[1]", "maxGridSize[2]",
    "maxSurface1D", None, None, None,
    None, "maxSurfaceCubemap", None, "maxTexture1D",
    None, "maxTexture1DLinear", "maxTexture1DMipmap", "maxTexture2D[0]",
    "maxTexture2D[1]", None, None, None,
    None, "maxTexture3D[0]", "maxTexture3D[1]", "maxTexture3D[2]",
    None, "maxTextureCubemap", None, None,
    "maxThreadsPerBlock", "maxThreadsPerMultiProcessor", "memPitch", "memoryBusWidth",
    "memoryClockRate", "minor", "multiGpuBoardGroupID", "multiProcessorCount",
    None, "pageableMemoryAccess", "pageableMemoryAccessUsesHostPageTables", "pciBusID",
    "pciDeviceID", "pciDomainID", "persistingL2CacheMaxSize", "regsPerBlock",
    "regsPerMultiprocessor", "reservedSharedMemPerBlock", "sharedMemPerBlock", "sharedMemPerBlockOptin",
    "sharedMemPerMultiprocessor", "singleToDoublePrecisionPerfRatio", "streamPrioritiesSupported",
    "surfaceAlignment", "tccDriver", "textureAlignment", "texturePitchAlignment", "totalConstMem",
    None, "unifiedAddressing", None, "warpSize",
    "memoryPoolsSupported", 0, "hostRegisterSupported", "memoryPoolSupportedHandleTypes",
    0, 0, 0, 0,
)  # fmt: skip

# From 10000 on: AMD's own. Virtual memory calls, images, more than one die or chip are not there: 0.
_FROM_10000: tuple[str | int | None, ...] = (
    "clockInstructionRate", None, "maxSharedMemoryPerMultiProcessor", None, None, None, None,
    "cooperativeMultiDeviceUnmatchedFunc", "cooperativeMultiDeviceUnmatchedGridDim",
    "cooperativeMultiDeviceUnmatchedBlockDim", "cooperativeMultiDeviceUnmatchedSharedMem", "isLargeBar",
    "asicRevision", 1, 0, "multiProcessorCount", 1, "clockInstructionRate", 1, 256, 0, 0, 0,
)  # fmt: skip


def attribute(facts: DeviceFacts, number: int) -> int | None:
    """hipDeviceGetAttribute's answer, an int of C (larger values are cut to its largest); None for a number
    that HIP does not know or whose value is no integer."""
    table, place = (_FROM_10000, number - 10_000) if number >= 10_000 else (_FROM_0, number)
    named = table[place] if 0 <= place < len(table) else None
    if named is None or isinstance(named, int):
        return named
    name, _, index = named.partition("[")
    value = _values(facts).get(name, 0)
    if isinstance(value, tuple):
        value = value[int(index.rstrip("]"))]
    assert isinstance(value, int)  # the tables name members that are numbers
    return min(value, 2**31 - 1)


def told_by_runtime(number: int) -> bool:
    """Whether an attribute is one that a GPU's own runtime knows best."""
    table, place = (_FROM_10000, number - 10_000) if number >= 10_000 else (_FROM_0, number)
    named = table[place] if 0 <= place < len(table) else None
    return isinstance(named, str) and not _is_ours(named)


_LIMITS: Mapping[int, int] = {0: 1024, 1: 2**20, 2: 8 * 2**20}


def limit(number: int) -> int | None:
    """hipDeviceGetLimit's answer before a program sets another, in bytes: 0 a work-item's stack, 1 the buffer
    of printf, 2 the heap of device code; None for a limit that is not served."""
    return _LIMITS.get(number)


def name_and_arch(record: bytes) -> tuple[str, str]:
    """The product's name and the full target (`gfx90a:sramecc+:xnack-`) in a hipDeviceProp_tR0600."""
    fields, _ = _layout(_R0600)
    texts = (record[f.offset : f.offset + f.count] for f in (fields["name"], fields["gcnArchName"]))
    name, arch = (text.partition(b"\0")[0].decode("utf-8", "replace") for text in texts)
    return name, arch
