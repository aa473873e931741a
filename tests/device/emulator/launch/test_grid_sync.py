"""Cooperative launches: workgroups that wait for one another."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.machine import LoadedModule, Machine
from rocverify.errors import DeviceError
from tests.device.emulator.compiling import compiled, line_of

SOURCE = Path(__file__).with_name("waiting.hip")
TIMEOUT_S = 60.0


def _flags(version: int) -> tuple[str, ...]:
    return (
        "-O2",
        "-gline-tables-only",
        f"-DCODE_OBJECT_VERSION={version}",
        f"-mcode-object-version={version}",
    )


VERSIONS = [
    ("clang-19", 5),
    *(pytest.param(way, marks=pytest.mark.long) for way in (("clang-19", 4), ("clang-15", 4))),
]


@pytest.fixture(scope="module", params=VERSIONS, ids=str)
def module(request: pytest.FixtureRequest, machine: Machine, translations: Path) -> Iterator[LoadedModule]:
    compiler, version = request.param
    loaded = machine.load(compiled(translations, SOURCE, compiler, *_flags(version)), SOURCE.name)
    yield loaded
    machine.unload(loaded)


@pytest.fixture
def buffer(machine: Machine) -> Iterator[int]:
    address = machine.memory.malloc(1 << 17, "buffer")
    machine.memory.fill(address, 0, 1 << 17)
    yield address
    machine.memory.free(address)


@pytest.mark.parametrize(("groups", "block"), [(1, 32), (7, 96), (300, 32)])
def test_a_sum_in_phases(
    machine: Machine, module: LoadedModule, buffer: int, groups: int, block: int
) -> None:
    given = np.random.default_rng(groups).integers(0, 1 << 32, 1 << 14, dtype=np.uint32)
    machine.memory.write(buffer, given.tobytes())
    stats = machine.launch(
        module.kernel("grid_sum"), (groups, 1, 1), (block, 1, 1), 0, struct.pack("<QI", buffer, given.size),
        timeout_s=TIMEOUT_S, cooperative=True,
    )  # fmt: skip
    assert stats.workgroups == groups
    assert struct.unpack("<I", machine.memory.read(buffer, 4))[0] == int(given.sum(dtype=np.uint32))


def test_the_record_of_the_hidden_argument(machine: Machine, module: LoadedModule, buffer: int) -> None:
    groups = 40
    machine.launch(
        module.kernel("grid_by_record"), (groups, 1, 1), (64, 1, 1), 0,
        struct.pack("<QQ", buffer, buffer + (1 << 16)), timeout_s=TIMEOUT_S, cooperative=True,
    )  # fmt: skip
    seen = np.frombuffer(machine.memory.read(buffer, 4 * groups), np.uint32)
    assert (seen == groups).all()


def test_an_ordinary_launch_cannot_synchronise_its_grid(
    machine: Machine, module: LoadedModule, buffer: int
) -> None:
    with pytest.raises(KernelFaultError) as caught:
        machine.launch(
            module.kernel("grid_sum"), (2, 1, 1), (32, 1, 1), 0, struct.pack("<QI", buffer, 4),
            timeout_s=TIMEOUT_S,
        )  # fmt: skip
    report = caught.value.report
    assert report.kind == "grid_sync"
    assert "not cooperative" in report.message
    assert "hipModuleLaunchCooperativeKernel" in (report.hint or "")
    assert (report.source_line or "").endswith(f"waiting.hip:{line_of(SOURCE, 'grid.sync();')}")


def test_a_workgroup_that_does_not_come(machine: Machine, module: LoadedModule, buffer: int) -> None:
    with pytest.raises(KernelFaultError) as caught:
        machine.launch(
            module.kernel("grid_without_one"), (3, 1, 1), (64, 1, 1), 0, struct.pack("<Q", buffer),
            timeout_s=TIMEOUT_S, cooperative=True,
        )  # fmt: skip
    report = caught.value.report
    assert report.kind == "deadlock"
    line = line_of(SOURCE, "never complete")
    assert f"wave 0 of workgroups 0, 2 waits at the grid barrier ./waiting.hip:{line}" in report.message
    assert report.message.endswith("; workgroup 1 has ended")


def test_a_grid_that_does_not_fit(machine: Machine, module: LoadedModule, buffer: int) -> None:
    with pytest.raises(DeviceError, match="48 compute units hold"):
        machine.launch(
            module.kernel("grid_sum"), (1000, 1, 1), (1024, 1, 1), 0, struct.pack("<QI", buffer, 4),
            cooperative=True,
        )  # fmt: skip
