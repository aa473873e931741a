"""Kernels that need more of a GPU than one workgroup at a time: each runs, plain and under the sanitizer."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.machine import LaunchStats, LoadedModule, Machine
from rocverify.device.emulator.sanitize.memory import SanitizedMemory
from rocverify.device.emulator.sanitize.sanitizer import Sanitizer
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.compiling import compiled, line_of

FOLDER = Path(__file__).parent / "cases"
FLAGS = ("-O3", "-gline-tables-only", "-mcode-object-version=5")
TIMEOUT_S = 120.0


class Runner:
    """A machine, plain or with the sanitizer, that runs kernels of the cases on arrays of dwords."""

    def __init__(self, machine: Machine, translations: Path) -> None:
        self.machine, self.memory = machine, machine.memory
        self._translations = translations
        self._modules: dict[str, LoadedModule] = {}

    def array(self, data: np.ndarray) -> int:
        address = self.memory.malloc(data.nbytes)
        self.memory.write(address, data.tobytes())
        return address

    def words(self, address: int, count: int, dtype: type = np.int32) -> np.ndarray:
        return np.frombuffer(self.memory.read(address, count * np.dtype(dtype).itemsize), dtype)

    def launch(
        self, source: str, kernel: str, form: str, *values: int, grid: int = 1, block: int = 64
    ) -> LaunchStats:
        if source not in self._modules:
            code = compiled(self._translations, FOLDER / f"{source}.hip", "clang-19", *FLAGS)
            self._modules[source] = self.machine.load(code, source)
        found = self._modules[source].kernel(kernel)
        kernarg = struct.pack(f"<{form}", *values)
        return self.machine.launch(found, (grid, 1, 1), (block, 1, 1), 0, kernarg, timeout_s=TIMEOUT_S)

    def clean(self, *arguments: object, **shape: int) -> LaunchStats:
        """The same, and nothing is found."""
        stats = self.launch(*arguments, **shape)  # type: ignore[arg-type]
        assert not (stats.findings.found if stats.findings else ())
        return stats


@pytest.fixture(scope="module", params=["plain", pytest.param("sanitized", marks=pytest.mark.long)])
def runner(request: pytest.FixtureRequest, toolchain: Toolchain, translations: Path) -> Iterator[Runner]:
    sanitized = request.param == "sanitized"
    machine = Machine(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        threads=2,
        cache_dir=translations,
        memory=SanitizedMemory() if sanitized else None,
        instruments=[Sanitizer()] if sanitized else [],
    )
    yield Runner(machine, translations)
    machine.close()


def zeros(count: int, dtype: type = np.int32) -> np.ndarray:
    return np.zeros(count, dtype)


# ---- workgroups that wait for one another


@pytest.mark.parametrize(("grid", "block"), [(2, 32), (48, 256), (500, 64)])
def test_a_grid_barrier_made_by_hand(runner: Runner, grid: int, block: int) -> None:
    count, x, out = (
        runner.array(zeros(1)),
        runner.array(zeros(grid * block)),
        runner.array(zeros(grid * block)),
    )
    runner.clean("waiting_groups", "grid_barrier", "QQQ", count, x, out, grid=grid, block=block)
    wanted = (np.arange(grid * block) + block) % (grid * block)
    assert (runner.words(out, grid * block) == wanted).all()


@pytest.mark.parametrize("grid", [6, 700])
def test_a_chained_scan(runner: Runner, grid: int) -> None:
    x = np.arange(64 * grid, dtype=np.int32) % 7
    given, total, ready, before = (runner.array(a) for a in (x, zeros(grid), zeros(grid), zeros(grid)))
    runner.clean("waiting_groups", "scan", "QQQQ", given, total, ready, before, grid=grid)
    assert (runner.words(total, grid) == x.reshape(grid, 64).sum(1).cumsum()).all()


@pytest.mark.parametrize("kernel", ["scan_without_release", "scan_without_acquire"])
def test_a_scan_that_lacks_half_of_the_order(runner: Runner, kernel: str) -> None:
    arrays = [runner.array(zeros(count)) for count in (6 * 64, 6, 6, 6)]
    stats = runner.launch("waiting_groups", kernel, "QQQQ", *arrays, grid=6)
    if stats.findings is not None:
        (found,) = stats.findings.found
        assert found.kind == "race"
        assert f":{line_of(FOLDER / 'waiting_groups.hip', 'handed on')}" in str(found.here.source)


@pytest.mark.parametrize("grid", [2, 90])
def test_handing_back_from_the_last_to_the_first(runner: Runner, grid: int) -> None:
    value = runner.array(zeros(grid))
    runner.clean("waiting_groups", "hand_back", "Q", value, grid=grid, block=32)
    assert (runner.words(value, grid) == np.arange(grid, 0, -1)).all()


# ---- clocks


def test_a_clock_goes_on(runner: Runner) -> None:
    x, t = runner.array(zeros(32)), runner.array(zeros(2))
    runner.clean("clocks", "timed", "QQ", x, t, block=32)
    assert 0 < runner.words(t, 1, np.int64)[0] < 10_000


def test_the_wall_clock_goes_on_from_launch_to_launch(runner: Runner) -> None:
    t, seen = runner.array(zeros(4)), []
    for _ in range(2):
        runner.clean("clocks", "wall", "Q", t, block=32)
        seen += runner.words(t, 2, np.uint64).tolist()
    assert seen == sorted(set(seen))
    slept = 100 * 10 * 64 / 25  # ticks of 25 cycles
    assert slept < seen[1] - seen[0] < 2 * slept


def test_time_passes_while_others_work(runner: Runner) -> None:
    t, work = runner.array(zeros(2)), runner.array(zeros(64))
    runner.clean("clocks", "beside_work", "QQ", t, work)
    assert runner.words(t, 1, np.uint64)[0] > 1000


def test_a_loop_until_time_has_passed(runner: Runner) -> None:
    turns = runner.array(zeros(1))
    runner.clean("clocks", "until_late", "QQ", 10_000, turns, block=1)
    assert runner.words(turns, 1)[0] > 100


def test_workgroups_lie_on_many_units(runner: Runner) -> None:
    out = runner.array(zeros(96))
    runner.clean("clocks", "units", "Q", out, grid=96, block=32)
    seen = runner.words(out, 96)
    assert len(set(seen.tolist())) == 48
    assert (seen[:48] == seen[48:]).all()


# ---- the heap of device malloc


def test_small_blocks(runner: Runner) -> None:
    out = runner.array(zeros(256))
    runner.clean("heap", "small", "Q", out, grid=4)
    assert (runner.words(out, 256) == np.tile(2 * np.arange(64) + 3, 4)).all()


@pytest.mark.long
def test_new_and_delete(runner: Runner) -> None:
    out = runner.array(zeros(192))
    runner.clean("heap", "list", "Qi", out, 10, grid=3)
    assert (runner.words(out, 192) == np.tile(10 * np.arange(64) + 45, 3)).all()


@pytest.mark.long
@pytest.mark.parametrize("size", [64, 3072, 4000, 1 << 20])
def test_memory_outlives_its_kernel(runner: Runner, size: int) -> None:
    slots, out = runner.array(zeros(128)), runner.array(zeros(64))
    runner.clean("heap", "keep", "QQ", slots, size)
    kept = runner.words(slots, 64, np.uint64)
    assert len(set(kept.tolist())) == 64
    used = runner.memory.used
    runner.clean("heap", "give_back", "QQQ", slots, out, size)
    assert (runner.words(out, 64) == 2 * np.arange(64) + 1000).all()
    if size > 3072:
        assert used - runner.memory.used >= 64 * size
        with pytest.raises(KernelFaultError, match="outside every allocation"):
            runner.launch("heap", "used_after_free", "QQ", slots, out)


def test_more_than_there_is(runner: Runner) -> None:
    slots = runner.array(np.ones(128, np.int32))
    runner.clean("heap", "keep", "QQ", slots, 1 << 45)
    assert not runner.words(slots, 64, np.uint64).any()


def test_many_blocks_of_every_size(runner: Runner) -> None:
    """No two blocks meet, and none begins a page: free takes such addresses for large ones."""
    taken: list[tuple[int, int]] = []
    for size in (1, 16, 17, 24, 33, 100, 128, 500, 1025, 2000, 3072):
        slots = runner.array(zeros(512))
        runner.clean("heap", "keep", "QQ", slots, max(size, 8), block=256)
        taken += [(int(at), max(size, 8)) for at in runner.words(slots, 256, np.uint64)]
    taken.sort()
    assert all(at % 4096 and at % 8 == 0 for at, _ in taken)
    assert all(a + size <= b for (a, size), (b, _) in itertools.pairwise(taken))
