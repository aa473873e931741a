"""What the sanitizer's findings say, counted by hand, and which bytes HIP's copies leave undefined."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rocm.bindings import hip as real_hip

from rocverify.device.emulator.sanitize.findings import Finding
from rocverify.device.process.client import RemoteDevice
from rocverify.device.select import device_options
from rocverify.errors import DeviceUnavailableError
from rocverify.settings import Settings
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from tests.device.emulator.compiling import line_of
from tests.devices import device_process, emulated

SOURCE = Path(__file__).parent / "sanitized.hip"
SIZE = 4 * 32


class Watched:
    """A sanitizing device that has loaded sanitized.hip, with short ways to use it."""

    def __init__(self, device: RemoteDevice, image: bytes) -> None:
        self.device, self.hip = device, device.hip
        self._image = image
        self.load()

    def load(self) -> None:
        self.module = self.ok(self.hip.hipModuleLoadData(self._image))

    @staticmethod
    def ok(result: tuple[Any, ...]) -> Any:
        code, *values = result
        assert code == real_hip.hipError_t.hipSuccess, code
        return values[0] if values else None

    def malloc(self, size: int = SIZE) -> Any:
        return self.ok(self.hip.hipMalloc(size))

    def zeros(self, size: int = SIZE) -> Any:
        pointer = self.malloc(size)
        self.ok(self.hip.hipMemset(pointer, 0, size))
        return pointer

    def launch(self, name: str, *arguments: Any, grid: int = 1, block: int = 32) -> Any:
        """The error code of a launch; `found` has what it brought up."""
        function = self.ok(self.hip.hipModuleGetFunction(self.module, name.encode()))
        self.device.take_findings()
        self.ok(self.hip.hipModuleLaunchKernel(function, grid, 1, 1, block, 1, 1, 0, None, None, arguments))
        (code,) = self.hip.hipDeviceSynchronize()
        return code

    def found(self, name: str, *arguments: Any, grid: int = 1, block: int = 32) -> list[Finding]:
        code = self.launch(name, *arguments, grid=grid, block=block)
        assert code == real_hip.hipError_t.hipSuccess
        return self.device.take_findings()


@pytest.fixture
def watched(
    toolchain: Toolchain, translations: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    root = tmp_path_factory.mktemp("sanitized")
    shutil.copy(SOURCE, root)
    entry = ManifestEntry(SOURCE.name, (), "SANITIZED_HSACO", flags=("-O1", "-gline-tables-only"))
    image = Builder(root, toolchain, translations).build(entry, "gfx1100").path.read_bytes()
    with emulated(toolchain, translations, sanitize=True) as device:
        yield Watched(device, image)


def place(mark: str) -> str:
    return f"{SOURCE.name}:{line_of(SOURCE, f'// mark: {mark}')}"


# ---- what a finding says


def test_a_race_names_both_sides_and_counts_every_pair(watched: Watched) -> None:
    """Of two workgroups of two waves each: the second wave reads what the first has written, and writes
    what nobody of the first has read (RAW, 32 lanes each); the first read of unwritten LDS is one more."""
    x, y = watched.zeros(4 * 128), watched.malloc(4 * 128)
    found = watched.found("neighbours", x, y, ctypes.c_int(128), grid=2, block=64)
    races = [f for f in found if f.kind == "race"]
    assert {f.kind for f in found} == {"race", "uninitialized"}
    assert {f.detail for f in races} == {"RAW", "WAR"}
    assert {f.detail: f.count for f in races} == {"RAW": 2 * 32, "WAR": 2 * 32}
    (race,) = (f for f in races if f.detail == "RAW")
    assert (race.kernel, race.space, race.size) == ("neighbours", "lds", 4)
    assert (race.here.access, race.other.access) == ("load", "store") if race.other else False
    assert race.other is not None
    assert race.here.source is not None
    assert race.other.source is not None
    assert race.here.source.endswith(place("read"))
    assert race.other.source.endswith(place("write"))
    assert race.here.instruction.startswith("flat_load_b32")
    assert race.other.instruction.startswith("flat_store_b32")
    assert race.here.workgroup == race.other.workgroup == (0, 0, 0)
    assert (race.here.wave, race.other.wave) == (1, 0)
    reader, writer = race.here.workitem[0], race.other.workitem[0]
    assert reader + writer == 63
    assert race.address is not None
    assert race.address == 4 * writer
    text = str(race)
    for words in (
        f"{place('read')}: race: RAW in LDS", "in kernel neighbours", f"LDS offset {race.address}",
        f"workgroup (0, 0, 0) workitem ({reader}, 0, 0) (wave 1)", "seen 64 time(s)", "__syncthreads()",
    ):  # fmt: skip
        assert words in text


def test_global_findings_name_the_allocation_and_its_line(watched: Watched) -> None:
    y = watched.malloc(16)
    made = line_of(Path(__file__), "y = watched.malloc(16)")
    assert made
    (race,) = watched.found("everyone", y, grid=3)
    assert (race.kind, race.detail, race.space) == ("race", "WAW", "global")
    assert race.count == 2
    assert race.address == int(y)
    assert race.allocation is not None
    assert "of 16 bytes" in race.allocation
    assert race.other is not None
    assert (race.here.workgroup, race.other.workgroup) == ((1, 0, 0), (0, 0, 0))
    assert (race.made_at or "").rpartition(":")[0].endswith(Path(__file__).name)
    data = race.to_json()
    assert data["address"] == hex(int(y))
    assert data["here"]["workgroup"] == (1, 0, 0)
    assert data["hint"] == race.hint


def test_an_undefined_branch_names_the_load(watched: Watched) -> None:
    x, y, seen = watched.malloc(), watched.malloc(), watched.zeros(4)
    found = watched.found("chosen", x, y, seen)
    assert {(f.kind, f.detail) for f in found} == {("uninitialized", "branch")}
    assert all((f.source or "").endswith(place("branch")) for f in found)
    assert found[0].other is not None
    assert found[0].other.access == "load of undefined bits"
    assert found[0].space == "global"
    assert found[0].address is not None
    assert int(x) <= found[0].address < int(x) + SIZE


# ---- what is defined


def test_only_what_was_written_is_defined(watched: Watched) -> None:
    x, y = watched.malloc(), watched.malloc()
    (found,) = watched.found("copied", x, y)
    assert (found.kind, found.detail, found.count) == ("uninitialized", "store", 32)
    assert found.source.endswith(place("copy"))


def test_memset_and_copies_from_the_host_define(watched: Watched) -> None:
    assert watched.found("copied", watched.zeros(), watched.malloc()) == []
    x, given = watched.malloc(), np.arange(16, dtype=np.uint32)
    kind = watched.hip.hipMemcpyKind.hipMemcpyHostToDevice
    watched.ok(watched.hip.hipMemcpy(x, given, given.nbytes, kind))
    (found,) = watched.found("copied", x, watched.malloc())
    assert found.count == 16


def test_copies_on_the_device_carry_what_is_defined(watched: Watched) -> None:
    x, other = watched.malloc(), watched.zeros()
    watched.ok(watched.hip.hipMemset(x, 1, 4 * 8))
    kind = watched.hip.hipMemcpyKind.hipMemcpyDeviceToDevice
    watched.ok(watched.hip.hipMemcpy(other, x, SIZE, kind))
    (found,) = watched.found("copied", other, watched.malloc())
    assert found.count == 32 - 8


def test_what_a_kernel_has_stored_is_defined_and_freed_memory_is_not(watched: Watched) -> None:
    x, y = watched.zeros(), watched.malloc()
    assert watched.found("copied", x, y) == []
    assert watched.found("copied", y, x) == []
    watched.ok(watched.hip.hipFree(y))
    again = watched.malloc()
    (found,) = watched.found("copied", again, x)
    assert found.count == 32


# ---- launches


def test_two_launches_are_in_order(watched: Watched) -> None:
    """The second writes what the first has written, from another workgroup: no race between the two."""
    y = watched.malloc()
    assert watched.found("everyone", y, grid=1, block=1) == []
    assert watched.found("everyone", y, grid=1, block=1) == []
    assert watched.found("copied", y, watched.malloc(), block=1) == []


def test_a_fault_stops_the_launch_and_not_the_next_device_life(watched: Watched) -> None:
    y = watched.malloc()
    illegal = real_hip.hipError_t.hipErrorIllegalAddress
    assert watched.launch("past", y, ctypes.c_uint32(1 << 20)) == illegal
    fault = watched.device.last_fault()
    assert fault is not None
    assert (fault.source_line or "").endswith(place("past"))
    (again,) = watched.hip.hipDeviceSynchronize()
    assert again == illegal
    watched.ok(watched.hip.hipDeviceReset())
    watched.load()
    assert watched.found("past", watched.malloc(), ctypes.c_uint32(0)) == []


def test_a_gpu_cannot_be_opened_with_the_sanitizer(toolchain: Toolchain) -> None:
    with pytest.raises(DeviceUnavailableError, match="a GPU has no sanitizer") as refused:
        device_process().open(replace(device_options(Settings(), toolchain), kind="amd", sanitize=True))
    assert refused.value.hint == "use --device emulator"
