"""The device's properties against HIP's own declarations: Debian's header, and hip-python's record."""

from __future__ import annotations

import ctypes
import re
import struct
import subprocess
from pathlib import Path

import pytest
from rocm.bindings import hip

from rocverify.device.hip import properties
from rocverify.device.hip.properties import (
    DeviceFacts,
    attribute,
    compute_capability,
    device_uuid,
    limit,
    pci_bus_id,
    properties_r0000,
    properties_r0600,
)

FACTS = DeviceFacts("gfx1100", 24 * 2**30 + 4096, ordinal=1)
HEADER = Path("/usr/include/hip/hip_runtime_api.h")

READER = r"""
#define __HIP_PLATFORM_AMD__
#include <hip/hip_runtime_api.h>
#include <stdio.h>
int main(void) {
    static hipDeviceProp_t p;
    printf("size %zu\n", sizeof p);
    if (fread(&p, sizeof p, 1, stdin) != 1) return 1;
    printf("name %s\ngcnArchName %s\n", p.name, p.gcnArchName);
#define N(member) printf(#member " %lld\n", (long long)p.member);
    N(totalGlobalMem) N(sharedMemPerBlock) N(regsPerBlock) N(warpSize) N(maxThreadsPerBlock)
    N(maxThreadsDim[0])
    N(maxThreadsDim[2]) N(maxGridSize[0]) N(maxGridSize[1]) N(clockRate) N(memoryClockRate) N(memoryBusWidth)
    N(totalConstMem) N(major) N(minor) N(multiProcessorCount) N(l2CacheSize) N(maxThreadsPerMultiProcessor)
    N(computeMode) N(clockInstructionRate) N(arch.hasDoubles) N(arch.hasWarpBallot) N(arch.hasFunnelShift)
    N(arch.has3dGrid) N(arch.hasDynamicParallelism) N(concurrentKernels) N(pciBusID)
    N(maxSharedMemoryPerMultiProcessor) N(canMapHostMemory) N(gcnArch) N(integrated) N(cooperativeLaunch)
    N(maxTexture3D[2]) N(memPitch) N(textureAlignment) N(texturePitchAlignment) N(kernelExecTimeoutEnabled)
    N(isLargeBar) N(asicRevision) N(managedMemory) N(pageableMemoryAccessUsesHostPageTables)
    return 0;
}
"""


@pytest.fixture(scope="module")
def seen_by_c(tmp_path_factory):
    folder = tmp_path_factory.mktemp("properties")
    (folder / "reader.c").write_text(READER)
    subprocess.run(["cc", "-w", folder / "reader.c", "-o", folder / "reader"], check=True)
    said = subprocess.run([folder / "reader"], input=properties_r0000(FACTS), capture_output=True, check=True)
    return dict(line.split(" ", 1) for line in said.stdout.decode().splitlines())


def test_the_older_layout_is_what_debians_header_declares(seen_by_c):
    expected = {
        "size": 792, "name": "AMD Radeon RX 7900 XTX", "gcnArchName": "gfx1100",
        "totalGlobalMem": 24 * 2**30 + 4096, "sharedMemPerBlock": 65536, "regsPerBlock": 196608,
        "warpSize": 32,
        "maxThreadsPerBlock": 1024, "maxThreadsDim[0]": 1024, "maxThreadsDim[2]": 1024,
        "maxGridSize[0]": 2**31 - 1, "maxGridSize[1]": 65535, "clockRate": 2_500_000,
        "memoryClockRate": 1_249_000, "memoryBusWidth": 384, "totalConstMem": 2**31 - 1, "major": 11,
        "minor": 0,
        "multiProcessorCount": 48, "l2CacheSize": 6 * 2**20, "maxThreadsPerMultiProcessor": 2048,
        "computeMode": 0, "clockInstructionRate": 100_000, "arch.hasDoubles": 1, "arch.hasWarpBallot": 1,
        "arch.hasFunnelShift": 0, "arch.has3dGrid": 1, "arch.hasDynamicParallelism": 0,
        "concurrentKernels": 1,
        "pciBusID": 4, "maxSharedMemoryPerMultiProcessor": 65536, "canMapHostMemory": 1, "gcnArch": 1100,
        "integrated": 0, "cooperativeLaunch": 1, "maxTexture3D[2]": 0, "memPitch": 2**31 - 1,
        "textureAlignment": 256, "texturePitchAlignment": 256, "kernelExecTimeoutEnabled": 0, "isLargeBar": 1,
        "asicRevision": 0, "managedMemory": 1, "pageableMemoryAccessUsesHostPageTables": 0,
    }  # fmt: skip
    assert seen_by_c == {name: str(value) for name, value in expected.items()}


def test_every_member_of_the_older_layout_is_known_where_debians_header_has_it(tmp_path):
    fields, size = properties._layout(properties._R0000)
    lines = "".join(f'printf("%zu ", offsetof(hipDeviceProp_t, {name}));' for name in fields)
    source = f"""
#define __HIP_PLATFORM_AMD__
#include <hip/hip_runtime_api.h>
#include <stddef.h>
#include <stdio.h>
int main(void) {{ {lines} printf("%zu", sizeof(hipDeviceProp_t)); return 0; }}
"""
    (tmp_path / "offsets.c").write_text(source)
    subprocess.run(["cc", "-w", tmp_path / "offsets.c", "-o", tmp_path / "offsets"], check=True)
    said = subprocess.run([tmp_path / "offsets"], capture_output=True, text=True, check=True).stdout
    assert [int(word) for word in said.split()] == [*(field.offset for field in fields.values()), size]


def test_the_newer_layout_is_what_hip_python_declares():
    data = properties_r0600(FACTS)
    record = hip.hipDeviceProp_t()
    assert record.c_sizeof() == len(data) == 1472
    ctypes.memmove(int(record), data, len(data))
    values = properties._values(FACTS)
    fields, _ = properties._layout(properties._R0600)
    for name in fields:
        if name in ("uuid", "arch", "reserved", "hipReserved", "luid", "hdpMemFlushCntl", "hdpRegFlushCntl"):
            continue
        seen, value = getattr(record, name), values.get(name, 0)
        if isinstance(value, bytes):
            assert seen.rstrip("\0") == value.decode(), name
        elif isinstance(seen, int):
            assert seen == value, name
        else:
            assert list(seen) == list(value if isinstance(value, tuple) else [value] * len(seen)), name
    assert record.arch.hasDoubles == 1
    assert record.arch.hasDynamicParallelism == 0


def test_the_newer_layout_has_every_member_of_hip_python_once():
    members = {
        name for name in dir(hip.hipDeviceProp_t)
        if not name.startswith("_") and not callable(getattr(hip.hipDeviceProp_t, name))
    }  # fmt: skip
    fields, _ = properties._layout(properties._R0600)
    assert set(fields) - {"luid", "reserved", "hipReserved"} <= members


def older_attributes(folder: Path) -> dict[str, int]:
    """Debian's enumeration, numbered by the compiler."""
    names = re.findall(r"^\s+(hipDeviceAttribute\w+)", HEADER.read_text(), re.MULTILINE)
    prints = "".join(f'printf("{name} %d\\n", {name});' for name in dict.fromkeys(names))
    (folder / "attributes.c").write_text(
        "#define __HIP_PLATFORM_AMD__\n#include <hip/hip_runtime_api.h>\n#include <stdio.h>\n"
        f"int main(void) {{ {prints} return 0; }}\n"
    )
    subprocess.run(["cc", "-w", folder / "attributes.c", "-o", folder / "attributes"], check=True)
    said = subprocess.run([folder / "attributes"], capture_output=True, text=True, check=True).stdout
    return {name: int(number) for name, number in (line.split() for line in said.splitlines())}


def test_no_attribute_has_another_number_in_newer_releases(tmp_path):
    older = older_attributes(tmp_path)
    newer = {member.name: member.value for member in hip.hipDeviceAttribute_t}
    assert len(older) > 100
    assert all(newer[name] == number for name, number in older.items() if name in newer)
    gone = {number for name, number in older.items() if name not in newer}
    # under other names (EccEnabled and ClockInstructionRate begin a range, PciDomainId), or not answered
    answered = {number for number in gone if attribute(FACTS, number) is not None}
    assert answered == {
        older[f"hipDeviceAttribute{n}"] for n in ("EccEnabled", "ClockInstructionRate", "PciDomainID")
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WarpSize", 32), ("MaxThreadsPerBlock", 1024), ("MaxBlockDimZ", 1024), ("MaxGridDimX", 2**31 - 1),
        ("MaxGridDimY", 65535), ("MultiprocessorCount", 48), ("ComputeCapabilityMajor", 11),
        ("ComputeCapabilityMinor", 0), ("MaxSharedMemoryPerBlock", 65536), ("TotalConstantMemory", 2**31 - 1),
        ("CanMapHostMemory", 1), ("PciBusId", 4), ("WallClockRate", 100_000), ("IsLargeBar", 1),
        ("MaxSharedMemoryPerMultiprocessor", 65536), ("PhysicalMultiProcessorCount", 48), ("ImageSupport", 0),
        ("MaxPitch", 2**31 - 1), ("TotalGlobalMem", None), ("Luid", None), ("HdpMemFlushCntl", None),
    ],
)  # fmt: skip
def test_an_attribute_says_what_the_structure_does(name, value):
    assert attribute(FACTS, getattr(hip.hipDeviceAttribute_t, f"hipDeviceAttribute{name}").value) == value


def test_every_attribute_of_newer_releases_has_a_place_in_the_tables():
    ends = ("CudaCompatibleEnd", "AmdSpecificEnd", "VendorSpecificBegin")
    numbers = {m.value for m in hip.hipDeviceAttribute_t if not m.name.endswith(ends)}
    low = {n for n in numbers if n < 10_000}
    assert low == set(range(len(properties._FROM_0)))
    assert numbers - low == set(range(10_000, 10_000 + len(properties._FROM_10000)))


@pytest.mark.parametrize("number", [-1, 96, 9999, 10_023, 19_999, 20_000, 2**31])
def test_a_number_that_is_no_attribute_is_none(number):
    assert attribute(FACTS, number) is None


def test_members_that_both_layouts_have_say_the_same():
    older, newer = properties_r0000(FACTS), properties_r0600(FACTS)
    fields, others = properties._layout(properties._R0000)[0], properties._layout(properties._R0600)[0]
    for name in set(fields) & set(others):
        one, other = fields[name], others[name]
        size = {"c": 1, "i": 4, "Q": 8}[one.kind] * one.count
        assert older[one.offset : one.offset + size] == newer[other.offset : other.offset + size], name


@pytest.mark.parametrize(
    ("target", "expected"),
    [("gfx1100", (11, 0)), ("gfx90a", (9, 0)), ("gfx942:sramecc+:xnack-", (9, 4)), ("gfx1201", (12, 0))],
)
def test_the_capability_is_the_targets_number(target, expected):
    assert compute_capability(target) == expected


def test_a_target_with_a_letter_has_both_layouts():
    facts = DeviceFacts("gfx90a", 2**34)
    fields, _ = properties._layout(properties._R0000)
    (number,) = struct.unpack_from("<i", properties_r0000(facts), fields["gcnArch"].offset)
    assert number == 910
    assert b"gfx90a\0" in properties_r0600(facts)


def test_the_names_of_a_device():
    assert len(device_uuid(FACTS)) == 16
    assert device_uuid(FACTS) != device_uuid(DeviceFacts("gfx1100", 1))
    assert pci_bus_id(FACTS) == "0000:04:00.0"
    assert limit(hip.hipLimit_t.hipLimitMallocHeapSize.value) == 8 * 2**20
    assert limit(99) is None
