"""What a GPU faults on is reported: kind, instruction, source line, who, which allocation."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.machine import LaunchStats, LoadedModule, Machine
from rocverify.device.faults import FaultReport
from rocverify.errors import DeviceError, UnsupportedInstructionError
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry

SOURCE = Path(__file__).with_name("faulty.hip")
SIZES = (1, 2, 4, 8, 16)
Launch = Callable[..., LaunchStats]


@pytest.fixture(scope="module")
def code(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    root = tmp_path_factory.mktemp("faulty")
    shutil.copy(SOURCE, root / "faulty.hip")
    entry = ManifestEntry("faulty.hip", (), "FAULTY", flags=("-O1", "-gline-tables-only"))
    return Builder(root, toolchain, root / "cache").build(entry, "gfx1100").path.read_bytes()


@pytest.fixture(scope="module")
def module(machine: Machine, code: bytes) -> Iterator[LoadedModule]:
    loaded = machine.load(code, "faulty.hip")
    yield loaded
    machine.unload(loaded)


@pytest.fixture
def buffer(machine: Machine) -> Iterator[int]:
    address = machine.memory.malloc(64, "victim")
    yield address
    machine.memory.free(address)


def _line(text: str) -> int:
    return next(n for n, line in enumerate(SOURCE.read_text().splitlines(), 1) if text in line)


def _launch(
    machine: Machine, module: LoadedModule, name: str, layout: str, *values: int,
    grid: int = 1, block: int = 1, shared: int = 0,
) -> LaunchStats:  # fmt: skip
    kernarg = struct.pack("<" + layout, *values)
    return machine.launch(module.kernel(name), (grid, 1, 1), (block, 1, 1), shared, kernarg)


def _fault(
    machine: Machine, module: LoadedModule, name: str, layout: str, *values: int, **how: int
) -> FaultReport:
    with pytest.raises(KernelFaultError) as caught:
        _launch(machine, module, name, layout, *values, **how)
    report = caught.value.report
    assert report is not None
    assert report.kernel == name
    return report


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("access", ["load", "store"])
def test_one_byte_past_the_end(
    machine: Machine, module: LoadedModule, buffer: int, access: str, size: int
) -> None:
    layout, extra = ("QqixxxxQ", (buffer,)) if access == "load" else ("Qqi", ())
    _launch(machine, module, f"{access}_at", layout, buffer, 64 - size, size, *extra)
    # Wide loads of one address for all lanes are scalar, which align down to four bytes.
    beyond = 64 - size + (1 if size < 16 else 4)
    report = _fault(machine, module, f"{access}_at", layout, buffer, beyond, size, *extra)
    assert (report.kind, report.access) == ("global", access)
    assert report.address is not None
    assert report.size is not None
    assert buffer <= report.address <= buffer + 64 < report.address + report.size
    assert "1 byte(s) past the end of allocation" in report.message
    assert "(victim) of 64 bytes" in report.message
    assert report.source_line is not None


@pytest.mark.parametrize("access", ["load", "store"])
def test_one_byte_before_the_start(machine: Machine, module: LoadedModule, buffer: int, access: str) -> None:
    layout, extra = ("QqixxxxQ", (buffer,)) if access == "load" else ("Qqi", ())
    report = _fault(machine, module, f"{access}_at", layout, buffer, -1, 4, *extra)
    assert "1 byte(s) before allocation" in report.message


def test_the_source_line_of_a_fault(machine: Machine, module: LoadedModule, buffer: int) -> None:
    report = _fault(machine, module, "store_at", "Qqi", buffer, 64, 4)
    assert report.source_line is not None
    assert report.source_line.endswith(f":{_line('case 4: *(volatile int *)')}")
    assert report.instruction is not None
    assert report.instruction.startswith(("global_store_b32", "flat_store_b32"))


def test_use_after_free(machine: Machine, module: LoadedModule) -> None:
    address = machine.memory.malloc(64, "gone")
    machine.memory.free(address)
    report = _fault(machine, module, "store_at", "Qqi", address, 8, 4)
    assert "byte 8 of the freed allocation" in report.message


def test_an_unaligned_atomic(machine: Machine, module: LoadedModule, buffer: int) -> None:
    _launch(machine, module, "atomic_at", "Qq", buffer, 4)
    report = _fault(machine, module, "atomic_at", "Qq", buffer, 5)
    assert (report.kind, report.access) == ("unaligned", "atomic")
    assert _fault(machine, module, "atomic_at", "Qq", buffer, 64).kind == "global"


def test_lds_beyond_what_the_launch_asked_for(machine: Machine, module: LoadedModule, buffer: int) -> None:
    _launch(machine, module, "lds_at", "ixxxxQ", 15, buffer, shared=64)
    report = _fault(machine, module, "lds_at", "ixxxxQ", 16, buffer, shared=64)
    assert (report.kind, report.access) == ("lds", "store")
    assert "LDS offset 64, of 64" in report.message


def test_scratch_beyond_the_frame(machine: Machine, module: LoadedModule, buffer: int) -> None:
    _launch(machine, module, "scratch_at", "ixxxxQ", 15, buffer)
    assert machine.memory.read(buffer, 4) == struct.pack("<i", 15)
    assert _fault(machine, module, "scratch_at", "ixxxxQ", 1 << 20, buffer).kind == "scratch"


def test_an_endless_loop_is_stopped(toolchain: Toolchain, code: bytes) -> None:
    machine = Machine(
        "gfx1100", objdump=toolchain.objdump, clang=toolchain.clang,
        threads=2, instruction_limit=1 << 21,
    )  # fmt: skip
    module, flag = machine.load(code), machine.memory.malloc(4)
    report = _fault(machine, module, "endless", "Q", flag)
    assert report.kind == "limit"
    report = _fault(machine, module, "endless", "Q", flag, grid=8)
    assert report.kind == "deadlock"
    machine.close()


def test_a_jump_to_nowhere(machine: Machine, module: LoadedModule) -> None:
    report = _fault(machine, module, "jump", "q", 0x1234)
    assert report.kind == "jump"
    assert "0x1234" in report.message


def test_a_trap(machine: Machine, module: LoadedModule, buffer: int) -> None:
    machine.memory.fill(buffer, 0, 64)
    assert _fault(machine, module, "trapped", "Q", buffer).kind == "trap"
    machine.memory.fill(buffer, 1, 64)
    _launch(machine, module, "trapped", "Q", buffer)


def test_what_is_not_supported_is_named(machine: Machine, module: LoadedModule, buffer: int) -> None:
    with pytest.raises(UnsupportedInstructionError) as caught:
        _launch(machine, module, "trap_state", "Q", buffer)
    text = str(caught.value)
    assert "hardware register HW_REG_TRAPSTS is not supported" in text
    assert f"faulty.hip:{_line('s_getreg')}" in text
    assert "trap_state+0x" in text


def test_the_workitem_of_a_fault(machine: Machine, module: LoadedModule) -> None:
    address = machine.memory.malloc(4 * 1024)
    report = _fault(machine, module, "one_of_many", "Qi", address, 1024, grid=8, block=128)
    assert (report.workgroup, report.workitem) == ((6, 0, 0), (9, 0, 0))
    machine.memory.free(address)


def test_faults_leave_the_machine_usable(machine: Machine, module: LoadedModule, buffer: int) -> None:
    for _ in range(3):
        _fault(machine, module, "store_at", "Qqi", buffer, 64, 4)
        _launch(machine, module, "store_at", "Qqi", buffer, 0, 4)


def test_impossible_launches_are_refused(machine: Machine, module: LoadedModule, buffer: int) -> None:
    for how in ({"block": 0}, {"block": 1025}, {"grid": 0}, {"shared": 1 << 17}, {"grid": 1 << 32}):
        with pytest.raises(DeviceError):
            _launch(machine, module, "store_at", "Qqi", buffer, 0, 4, **how)
    with pytest.raises(DeviceError, match="bytes of arguments"):
        machine.launch(module.kernel("store_at"), (1, 1, 1), (1, 1, 1), 0, b"\0" * 8)
    with pytest.raises(DeviceError, match="no kernel absent"):
        module.kernel("absent")


def test_results_do_not_depend_on_the_number_of_threads(
    toolchain: Toolchain, code: bytes, tmp_path: Path
) -> None:
    given, results, stats = np.random.default_rng(5).integers(0, 1 << 32, 5000, dtype=np.uint32), [], []
    for threads in (1, 2, 3):
        machine = Machine(
            "gfx1100", objdump=toolchain.objdump, clang=toolchain.clang,
            threads=threads, cache_dir=tmp_path,
        )  # fmt: skip
        module, memory = machine.load(code), machine.memory
        source, target = memory.malloc(given.nbytes), memory.malloc(given.nbytes)
        memory.write(source, given.tobytes())
        done = _launch(machine, module, "busy", "QQi", source, target, 5000, grid=79, block=64)
        results.append(memory.read(target, given.nbytes))
        stats.append((done.wave_instructions, done.waves, done.workgroups))
        machine.close()
    assert results[0] == results[1] == results[2]
    assert stats[0] == stats[1] == stats[2]
    assert stats[0][1:] == (158, 79)
