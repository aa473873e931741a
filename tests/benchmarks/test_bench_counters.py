"""What counting costs: rope_kernel, and a transpose through LDS, counted against plain, in one run.

    make bench

`extra_info` of each benchmark holds the ratio of the medians, both measured here in turns. Without it
there is nothing to compare: the machine's speed differs from run to run.
"""

from __future__ import annotations

import shutil
import statistics
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rocverify.device.emulator.counters import CounterInstrument
from rocverify.device.emulator.machine import LaunchStats, Machine
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from tests.benchmarks.conftest import Rope

pytestmark = pytest.mark.long

ROUNDS = 15
MOST = 2.0
"""Counting may take this many times as long as running; measured: 1.1 to 1.3."""

Launch = Callable[[], LaunchStats]


@pytest.fixture
def machines(toolchain: Toolchain) -> Iterator[tuple[Machine, Machine]]:
    """One that runs, one that counts as well."""
    made = [
        Machine(
            "gfx1100",
            objdump=toolchain.objdump,
            clang=toolchain.clang,
            threads=1,
            instruments=instruments,
        )
        for instruments in ((), (CounterInstrument(),))
    ]
    yield made[0], made[1]
    for machine in made:
        machine.close()


@pytest.fixture(scope="module")
def transpose_code(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    root = tmp_path_factory.mktemp("transpose")
    shutil.copy(Path(__file__).parents[1] / "device" / "emulator" / "counters" / "counted.hip", root)
    entry = ManifestEntry("counted.hip", (), "COUNTED", flags=("-O2",))
    return Builder(root, toolchain, root / "cache").build(entry, "gfx1100").path.read_bytes()


def transpose(machine: Machine, code: bytes) -> Launch:
    """As many bank conflicts as there can be: what costs most to count."""
    kernel = machine.load(code).kernel("transpose_conflicts")
    kernarg = struct.pack("<QQ", *(machine.memory.malloc(4096) for _ in range(2)))
    return lambda: machine.launch(kernel, (500, 1, 1), (32, 32, 1), 0, kernarg)


def ratio(plain: Launch, counted: Launch) -> float:
    """Of the medians, measured in turns."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for launch, taken in zip((plain, counted), times, strict=True):
            begun = time.perf_counter()
            launch()
            taken.append(time.perf_counter() - begun)
    return statistics.median(times[1]) / statistics.median(times[0])


@pytest.mark.parametrize("name", ["rope", "transpose"])
def test_counting_against_running(
    benchmark: Any,
    machines: tuple[Machine, Machine],
    rope_code_object: bytes,
    transpose_code: bytes,
    name: str,
) -> None:
    plain, counted = (
        Rope.on(machine, rope_code_object, seq=256) if name == "rope" else transpose(machine, transpose_code)
        for machine in machines
    )
    assert plain().counters is None
    counters = counted().counters
    assert counters is not None
    assert counters.wave_instructions == plain().wave_instructions
    benchmark(counted)
    benchmark.extra_info["ratio"] = round(ratio(plain, counted), 2)
    assert benchmark.extra_info["ratio"] < MOST
