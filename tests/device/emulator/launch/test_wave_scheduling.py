"""Waves that wait for one another take turns; those that wait in vain are reported, never hung on."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.machine import LoadedModule, Machine
from rocverify.device.faults import FaultReport
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.compiling import compiled, line_of

SOURCE = Path(__file__).with_name("waiting.hip")
FLAGS = ("-O2", "-gline-tables-only", "-DCODE_OBJECT_VERSION=5", "-mcode-object-version=5")
TIMEOUT_S = 60.0


@pytest.fixture(scope="module")
def module(machine: Machine, translations: Path) -> Iterator[LoadedModule]:
    loaded = machine.load(compiled(translations, SOURCE, "clang-19", *FLAGS), SOURCE.name)
    yield loaded
    machine.unload(loaded)


@pytest.fixture
def buffer(machine: Machine) -> Iterator[int]:
    address = machine.memory.malloc(1 << 16, "buffer")
    machine.memory.fill(address, 0, 1 << 16)
    yield address
    machine.memory.free(address)


def _words(machine: Machine, address: int, count: int) -> np.ndarray:
    return np.frombuffer(machine.memory.read(address, 4 * count), np.int32)


def _fault(machine: Machine, module: LoadedModule, name: str, buffer: int, *, grid: int = 1, block: int = 64,
           timeout_s: float = TIMEOUT_S) -> FaultReport:  # fmt: skip
    with pytest.raises(KernelFaultError) as caught:
        machine.launch(
            module.kernel(name),
            (grid, 1, 1),
            (block, 1, 1),
            0,
            struct.pack("<Q", buffer),
            timeout_s=timeout_s,
        )
    return caught.value.report


@pytest.mark.parametrize("waves", [2, 8, 32])
def test_a_spin_lock_among_waves(machine: Machine, module: LoadedModule, buffer: int, waves: int) -> None:
    kernarg = struct.pack("<Qi", buffer, 3)
    machine.launch(module.kernel("spin_lock"), (1, 1, 1), (32 * waves, 1, 1), 0, kernarg, timeout_s=TIMEOUT_S)
    assert _words(machine, buffer, 1)[0] == 3 * waves


@pytest.mark.parametrize("waves", [2, 5, 32])
def test_waves_hand_on_through_lds(machine: Machine, module: LoadedModule, buffer: int, waves: int) -> None:
    laps, value = 4, 0
    kernarg = struct.pack("<Qi", buffer, laps)
    machine.launch(module.kernel("ring"), (1, 1, 1), (32 * waves, 1, 1), 0, kernarg, timeout_s=TIMEOUT_S)
    for _ in range(laps):
        for wave in range(waves):
            value = (value * 3 + wave) & 0xFFFFFFFF
    seen = _words(machine, buffer, 32 * waves).astype(np.uint32)
    assert (seen == value).all()


def test_a_wave_that_sleeps_lets_the_others_go_on(
    machine: Machine, module: LoadedModule, buffer: int
) -> None:
    stats = machine.launch(
        module.kernel("sleeper"), (1, 1, 1), (64, 1, 1), 0, struct.pack("<Q", buffer), timeout_s=TIMEOUT_S
    )
    assert stats.wave_instructions < 200
    assert (_words(machine, buffer, 64) == 1).all()


@pytest.mark.parametrize("leaving", [0, 1, 3])
def test_a_barrier_waits_for_the_waves_that_are_left(
    machine: Machine, module: LoadedModule, buffer: int, leaving: int
) -> None:
    kernarg = struct.pack("<Qi", buffer, leaving)
    machine.launch(module.kernel("some_leave"), (1, 1, 1), (128, 1, 1), 0, kernarg, timeout_s=TIMEOUT_S)
    seen = _words(machine, buffer, 128)
    assert (seen[: 32 * leaving] == 0).all()
    assert (seen[32 * leaving :] >= 2).all()


@pytest.mark.parametrize("waves", [2, 9])
def test_a_deadlock_at_a_barrier_is_named(
    machine: Machine, module: LoadedModule, buffer: int, waves: int
) -> None:
    report = _fault(machine, module, "never_comes", buffer, block=32 * waves)
    assert report.kind == "deadlock"
    poll, wait = line_of(SOURCE, "polled in vain"), line_of(SOURCE, "waited at in vain")
    others = "wave 1 waits" if waves == 2 else f"waves 1-{waves - 1} wait"
    assert f"waiting.hip:{poll}, {others} at the barrier" in report.message
    assert "wave 0 polls at" in report.message
    assert f"waiting.hip:{wait}" in report.message
    assert report.source_line is not None
    assert report.source_line.endswith(f"waiting.hip:{poll}")


def test_locks_taken_crosswise(machine: Machine, module: LoadedModule, buffer: int) -> None:
    report = _fault(machine, module, "crossed_locks", buffer)
    assert report.kind == "deadlock"
    place = f"polls at ./waiting.hip:{line_of(SOURCE, 'both for ever')} for LDS offset"
    assert f"wave 0 {place} 4, which holds 1" in report.message
    assert f"wave 1 {place} 0, which holds 1" in report.message


def test_a_timeout_says_where_the_waves_are(machine: Machine, module: LoadedModule, buffer: int) -> None:
    report = _fault(machine, module, "counts_on", buffer, timeout_s=0.3)
    assert report.kind == "stopped"
    assert "wave 0 runs at" in report.message
    assert "wave 1 waits at the barrier" in report.message


def test_the_instruction_limit_holds_among_waves(
    toolchain: Toolchain, translations: Path, module: LoadedModule
) -> None:
    machine = Machine(
        "gfx1100", objdump=toolchain.objdump, clang=toolchain.clang, threads=1,
        cache_dir=translations, instruction_limit=1 << 20,
    )  # fmt: skip
    own, flag = machine.load(module.content), machine.memory.malloc(4)
    report = _fault(machine, own, "counts_on", flag)
    assert (report.kind, "wave 1 waits at the barrier" in report.message) == ("limit", True)
    machine.close()


@pytest.mark.parametrize(("groups", "block"), [(2, 32), (70, 128), (1536, 32)])
def test_waiting_for_a_later_workgroup(
    machine: Machine, module: LoadedModule, buffer: int, groups: int, block: int
) -> None:
    """All workgroups that a GPU would hold run at a time, in a launch that is not cooperative."""
    machine.launch(
        module.kernel("waits_for_the_last_group"), (groups, 1, 1), (block, 1, 1), 0,
        struct.pack("<Q", buffer), timeout_s=TIMEOUT_S,
    )  # fmt: skip
    assert _words(machine, buffer, 1)[0] == 1


@pytest.mark.long
def test_more_workgroups_than_are_resident(machine: Machine, module: LoadedModule, buffer: int) -> None:
    report = _fault(machine, module, "waits_for_the_last_group", buffer, grid=97, block=1024)
    line = line_of(SOURCE, "for the last workgroup")
    assert report.kind == "deadlock"
    assert f"of workgroups 0-95 poll at ./waiting.hip:{line} for " in report.message
    assert "byte 0 of allocation" in report.message
    assert "(buffer) of 65536 bytes" in report.message
    assert "which holds 0" in report.message
    assert report.message.endswith("1 workgroup has not begun: the device holds 96 of this kernel at a time")


def test_waiting_for_the_workgroup_before(machine: Machine, module: LoadedModule, buffer: int) -> None:
    """Workgroups begin in order: what a chained scan relies on."""
    machine.launch(
        module.kernel("waits_for_the_group_before"), (3000, 1, 1), (64, 1, 1), 0, struct.pack("<Q", buffer),
        timeout_s=TIMEOUT_S,
    )  # fmt: skip
    assert (_words(machine, buffer, 3000) == np.arange(1, 3001)).all()


def test_turns_do_not_change_counts(machine: Machine, module: LoadedModule, buffer: int) -> None:
    """A wave executes what it executes, however many others take turns with it."""
    kernel, counts = module.kernel("work"), []
    for waves in (1, 2, 32):
        kernarg = struct.pack("<Qi", buffer, 20000)
        stats = machine.launch(kernel, (1, 1, 1), (32 * waves, 1, 1), 0, kernarg, timeout_s=TIMEOUT_S)
        counts.append(stats.wave_instructions / waves)
    assert counts[0] == counts[1] == counts[2]
    assert counts[0] > 1 << 15
