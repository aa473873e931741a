"""What compilers' hidden arguments tell kernels, for code object versions 4 and 5; variables of modules."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.machine import LoadedModule, Machine
from tests.device.emulator.compiling import compiled

SOURCE = Path(__file__).parents[1] / "talking.hip"
GEOMETRIES = [
    ((1, 1, 1), (1, 1, 1)),
    ((3, 2, 4), (8, 4, 2)),
    ((70000, 1, 1), (33, 1, 1)),
    ((1, 5, 1), (1, 1, 7)),
]


VERSIONS = [
    ("clang-19", 5),
    *(pytest.param(way, marks=pytest.mark.long) for way in (("clang-19", 4), ("clang-15", 4))),
]


@pytest.fixture(scope="module", params=VERSIONS, ids=str)
def module(request: pytest.FixtureRequest, machine: Machine, translations: Path) -> Iterator[LoadedModule]:
    compiler, version = request.param
    flags = (
        "-O1",
        "-gline-tables-only",
        f"-DCODE_OBJECT_VERSION={version}",
        f"-mcode-object-version={version}",
    )
    loaded = machine.load(compiled(translations, SOURCE, compiler, *flags), SOURCE.name)
    yield loaded
    machine.unload(loaded)


@pytest.mark.parametrize(("grid", "block"), GEOMETRIES)
def test_sizes_counts_and_offsets(
    machine: Machine, module: LoadedModule, grid: tuple[int, int, int], block: tuple[int, int, int]
) -> None:
    out = machine.memory.malloc(256)
    try:
        machine.launch(module.kernel("launch_facts"), grid, block, 0, struct.pack("<Q", out))
        seen = np.frombuffer(machine.memory.read(out, 60), np.uint32).tolist()
    finally:
        machine.memory.free(out)
    wanted: list[int] = []
    for axis in range(3):
        wanted += [block[axis], block[axis] * grid[axis], grid[axis], 0]
    dimensions = max([axis + 1 for axis in range(3) if grid[axis] * block[axis] > 1], default=1)
    packed = [size[0] * 10000 + size[1] * 100 + size[2] for size in (block, grid)]
    assert seen == [*wanted, dimensions, *packed]


def test_what_is_not_there_has_a_name(machine: Machine, translations: Path) -> None:
    flags = ("-O1", "-gline-tables-only", "-DCODE_OBJECT_VERSION=5", "-mcode-object-version=5")
    module = machine.load(compiled(translations, SOURCE, "clang-19", *flags), SOURCE.name)
    out = machine.memory.malloc(256)
    with pytest.raises(KernelFaultError) as caught:
        machine.launch(module.kernel("queue_user"), (1, 1, 1), (1, 1, 1), 0, struct.pack("<Q", out))
    assert "unsupported: the queue of device-side enqueue" in caught.value.report.message
    machine.memory.free(out)
    machine.unload(module)


def test_variables_of_a_module(machine: Machine, module: LoadedModule) -> None:
    memory, out = machine.memory, machine.memory.malloc(256)
    table, size = module.symbol("table")
    counter, counter_size = module.symbol("counter")
    assert (size, counter_size) == (16, 4)
    kernel, argument = module.kernel("variables"), struct.pack("<Q", out)
    for constants, count in (((1.0, 2.0, 3.0, 4.0), 5), ((10.5, -2.0, 0.25, 8.0), 100)):
        memory.write(table, struct.pack("<4f", *constants))
        memory.write(counter, struct.pack("<i", count))
        machine.launch(kernel, (1, 1, 1), (8, 1, 1), 0, argument)
        assert struct.unpack("<8f", memory.read(out, 32)) == tuple(c + count for c in constants * 2)
        assert struct.unpack("<i", memory.read(counter, 4)) == (count + 1,)
    memory.free(out)
