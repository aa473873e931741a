"""Accesses that the sanitizer takes many at a time (runtime/lines.h) are found as if they came one by one."""

from __future__ import annotations

import ctypes
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.sanitize.findings import Finding
from rocverify.device.emulator.sanitize.layout import LINE_BYTES, LINE_RECORD_BYTES
from rocverify.device.emulator.sanitize.memory import SanitizedMemory
from rocverify.device.emulator.sanitize.sanitizer import Sanitizer
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.compiling import compiled, line_of
from tests.device.emulator.scripts import GLOBAL_BYTES, Kind, Script, Shape, random_script

SOURCE = Path(__file__).parent / "scripted.hip"
WAVES = {32: "-mno-wavefrontsize64", 64: "-mwavefrontsize64"}
LINE = list(range(0, LINE_BYTES, 4))
LOG_SLOTS = 4096


@dataclass
class Scripted:
    """A machine that has loaded scripted.hip, with `memory` at the end of its allocation."""

    machine: Machine
    sanitizer: Sanitizer
    kernel: LoadedKernel
    lanes: int
    memory: int

    def found(self, script: Script) -> list[Finding]:
        findings = script.run(self.machine, self.kernel, self.memory)
        assert not findings.dropped
        return list(findings.found)

    def script(self, groups: int = 1, waves: int = 2) -> Script:
        return Script(Shape(groups, waves, self.lanes))

    def split_lines(self) -> None:
        """Has the next launch find every line of its memory split: each granule has its own record."""
        memory, first = self.machine.memory, self.sanitizer._next_segment
        assert isinstance(memory, SanitizedMemory)
        begin = (self.memory - memory.region.start) // LINE_BYTES
        for index in range(begin, begin + GLOBAL_BYTES // LINE_BYTES):
            ctypes.c_uint64.from_address(memory.lines + index * LINE_RECORD_BYTES).value = first


@pytest.fixture(scope="module", params=[32, 64])
def scripted(request: pytest.FixtureRequest, toolchain: Toolchain, translations: Path) -> Iterator[Scripted]:
    lanes = request.param
    code = compiled(translations, SOURCE, "clang-19", "-O1", "-gline-tables-only", WAVES[lanes])
    sanitizer = Sanitizer()
    machine = Machine(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        memory=SanitizedMemory(),
        cache_dir=translations,
        instruments=[sanitizer],
    )
    memory = machine.memory.malloc(GLOBAL_BYTES)
    machine.memory.write(memory, bytes(GLOBAL_BYTES))
    yield Scripted(machine, sanitizer, machine.load(code).kernel("scripted"), lanes, memory)
    machine.close()


def races(found: list[Finding]) -> dict[str, int]:
    """Counts of races by their hazard; nothing else was found."""
    assert {f.kind for f in found} <= {"race"}
    return {f.detail: f.count for f in found}


def partner(found: list[Finding]) -> tuple[int, int]:
    """The work-items of the two sides of the only finding."""
    (one,) = found
    assert one.other is not None
    return one.here.workitem[0], one.other.workitem[0]


# ---- the same as one by one

TENS = [0, *(pytest.param(first, marks=pytest.mark.long) for first in range(10, 60, 10))]


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize("first", TENS)
def test_lines_find_what_their_granules_find(scripted: Scripted, first: int) -> None:
    seen = 0
    for seed in range(first, first + 10):
        rng = random.Random(seed)
        shape = Shape(rng.choice((1, 1, 2, 3)), rng.choice((1, 2, 3, 4)), scripted.lanes)
        script = random_script(rng, shape, rng.randrange(3, 40)).everyone(Kind.MET)
        together = scripted.found(script)
        scripted.split_lines()
        assert together == scripted.found(script), seed
        seen += len(together)
    assert seen


@pytest.mark.parametrize("first", TENS)
def test_the_log_of_lds_finds_what_granules_find(scripted: Scripted, first: int) -> None:
    """Once a wave has fenced, its loads of LDS go to no log. Without atomics a fence
    orders nothing. (Reads after a write are counted once for a wave and dword without fences.)"""
    seen = 0
    for seed in range(first, first + 10):
        rng = random.Random(seed)
        shape = Shape(1, rng.choice((2, 3, 4)), scripted.lanes)
        logged = random_script(
            rng, shape, rng.randrange(3, 40), (Kind.LDS_LOAD, Kind.LDS_LOAD, Kind.LDS_STORE)
        )
        fenced = Script(shape).everyone(Kind.FENCE)
        for step in logged.steps:
            fenced.steps.append(step)
            if step[0] == Kind.MET << 24:
                fenced.everyone(Kind.FENCE)
        alone, apart = (races(scripted.found(script)) for script in (logged.everyone(Kind.MET), fenced))
        assert alone.keys() == apart.keys(), seed
        assert alone.get("WAR") == apart.get("WAR"), seed
        seen += alone.get("WAR", 0)
    assert seen


# ---- lines of global memory


@pytest.mark.parametrize(("size", "lane"), [(4, 5), (8, 2), (16, 1)])
def test_a_dword_of_a_line_names_the_lane_that_wrote_it(scripted: Scripted, size: int, lane: int) -> None:
    script = scripted.script().wave(0, 0, Kind.STORE, size, range(0, LINE_BYTES, size), first_lane=3)
    found = scripted.found(script.wave(0, 1, Kind.LOAD, 4, [20], first_lane=7))
    assert races(found) == {"RAW": 1}
    assert partner(found) == (scripted.lanes + 7, 3 + lane)
    assert found[0].address == scripted.memory + 20
    assert str(found[0].source).endswith(f":{line_of(SOURCE, '// mark: load')}")


@pytest.mark.parametrize(("missing", "count"), [(15, 0), (14, 1)])
def test_lanes_that_are_off_have_not_written(scripted: Scripted, missing: int, count: int) -> None:
    """The first 15 lanes store; the next one has the next address, but is off. Another wave reads."""
    script = scripted.script().wave(0, 0, Kind.STORE, 4, LINE[:15])
    script.wave(0, 0, Kind.NOTHING, 4, LINE[15:], first_lane=15).together()
    assert sum(races(scripted.found(script.wave(0, 1, Kind.LOAD, 4, [4 * missing]))).values()) == count


def test_lanes_in_another_order_are_compared_each(scripted: Scripted) -> None:
    script = scripted.script().wave(0, 0, Kind.STORE, 4, LINE[::-1])
    found = scripted.found(script.wave(0, 1, Kind.LOAD, 4, [8]))
    assert partner(found) == (scripted.lanes, 13)


def test_a_run_off_the_lines_is_compared_each(scripted: Scripted) -> None:
    """It covers the ends of two lines; two bytes more, and it shares a dword with both neighbours."""
    script = scripted.script().wave(0, 0, Kind.STORE, 4, [36 + at for at in LINE])
    script.wave(0, 1, Kind.LOAD, 4, [32]).wave(0, 1, Kind.LOAD, 4, [100])
    assert races(scripted.found(script)) == {}
    script.wave(0, 1, Kind.LOAD, 4, [36]).wave(0, 1, Kind.LOAD, 4, [96]).wave(0, 1, Kind.LOAD, 4, [98])
    assert races(scripted.found(script)) == {"RAW": 3}


def test_bytes_beside_each_other_do_not_race(scripted: Scripted) -> None:
    script = scripted.script().wave(0, 0, Kind.STORE, 1, [0, 2, 4]).wave(0, 1, Kind.STORE, 1, [1, 3, 5])
    script.wave(0, 0, Kind.STORE, 2, [64]).wave(0, 1, Kind.STORE, 2, [66]).wave(0, 0, Kind.STORE, 1, [8])
    assert races(scripted.found(script)) == {}
    assert races(scripted.found(script.wave(0, 1, Kind.STORE, 2, [8]))) == {"WAW": 1}


def test_a_byte_written_after_a_line_was_read_races(scripted: Scripted) -> None:
    script = scripted.script().wave(0, 0, Kind.LOAD, 4, LINE).wave(0, 1, Kind.STORE, 1, [63])
    found = scripted.found(script)
    assert races(found) == {"WAR": 1}
    assert partner(found) == (scripted.lanes, 15)


def test_whole_lines_race_between_workgroups_and_waves(scripted: Scripted) -> None:
    script = scripted.script(groups=2).wave(0, 0, Kind.STORE, 4, LINE).wave(0, 1, Kind.STORE, 4, LINE)
    script.wave(1, 0, Kind.LOAD, 4, LINE)
    assert races(scripted.found(script)) == {"WAW": 16, "RAW": 16}
    ordered = scripted.script().wave(0, 0, Kind.STORE, 4, LINE).everyone(Kind.MET)
    assert races(scripted.found(ordered.wave(0, 1, Kind.STORE, 4, LINE))) == {}


def test_an_atomic_splits_a_line_that_was_written(scripted: Scripted) -> None:
    script = scripted.script().wave(0, 0, Kind.STORE, 4, LINE).wave(0, 1, Kind.ATOMIC, 4, [60])
    assert races(scripted.found(script)) == {"WAW": 1}


def test_the_next_launch_knows_nothing_of_lines_before(scripted: Scripted) -> None:
    """Neither of whole ones nor of split ones; and a line that was split is whole again."""
    whole = scripted.script().wave(0, 0, Kind.STORE, 4, LINE)
    part = scripted.script().wave(0, 1, Kind.LOAD, 4, LINE[:3])
    other = scripted.script().wave(0, 1, Kind.STORE, 4, LINE)
    for script in (whole, part, other, part, whole, other):
        assert races(scripted.found(script)) == {}
    assert races(scripted.found(whole.wave(0, 1, Kind.LOAD, 4, [60]))) == {"RAW": 1}


def test_runs_end_with_the_allocation_and_go_on_in_the_next(scripted: Scripted) -> None:
    """The first half of the lanes has the last line of one allocation, the others the first of another."""
    memory = scripted.machine.memory
    one, two = sorted(memory.malloc(GLOBAL_BYTES) for _ in range(2))
    last = [GLOBAL_BYTES - LINE_BYTES + at for at in LINE]
    after = [two - one + at for at in LINE]
    assert after[-1] < 1 << 16
    here = replace(scripted, memory=one)
    try:
        script = scripted.script().wave(0, 0, Kind.STORE, 4, last + after)
        assert races(here.found(script)) == {}
        script.wave(0, 1, Kind.LOAD, 4, [last[-1], after[0]])
        found = here.found(script)
        assert races(found) == {"RAW": 2}
        assert isinstance(memory, SanitizedMemory)
        assert memory.is_defined(one + last[0], LINE_BYTES)
        assert memory.is_defined(two, LINE_BYTES)
        assert not memory.is_defined(two + LINE_BYTES, 4)
    finally:
        memory.free(one)
        memory.free(two)


def test_undefined_bits_in_a_whole_line_are_reported_by_lane(scripted: Scripted) -> None:
    script = scripted.script().wave(0, 0, Kind.SPOIL, 4, LINE)
    (found,) = scripted.found(script)
    assert (found.kind, found.detail, found.count) == ("uninitialized", "store", 16)


# ---- the log of LDS loads


def test_a_store_after_logged_loads_races_with_the_first_readers(scripted: Scripted) -> None:
    row = list(range(0, 4 * scripted.lanes, 4))
    script = scripted.script(waves=3).wave(0, 0, Kind.LDS_LOAD, 4, row).wave(0, 1, Kind.LDS_LOAD, 16, [64])
    found = scripted.found(script.wave(0, 2, Kind.LDS_STORE, 4, [row[9]]))
    assert races(found) == {"WAR": 1}
    assert partner(found) == (2 * scripted.lanes, 9)


def test_a_store_settles_its_block_and_leaves_the_others(scripted: Scripted) -> None:
    """A load across two blocks of the log, then a store to each."""
    script = scripted.script(waves=3).wave(0, 0, Kind.LDS_LOAD, 16, [1016, 2040])
    script.wave(0, 1, Kind.LDS_STORE, 4, [1016]).wave(0, 1, Kind.LDS_STORE, 4, [2052, 1012])
    found = scripted.found(script.wave(0, 2, Kind.LDS_LOAD, 4, [1016, 1020, 2048]))
    assert races(found) == {"WAR": 2, "RAW": 1}


def test_what_was_read_before_a_barrier_is_forgotten(scripted: Scripted) -> None:
    script = scripted.script().wave(0, 0, Kind.LDS_LOAD, 4, LINE).everyone(Kind.MET)
    assert races(scripted.found(script.wave(0, 1, Kind.LDS_STORE, 4, LINE))) == {}


def test_a_full_log_is_not_lost(scripted: Scripted) -> None:
    """The other wave does more in each step, so that its store is the last of all, turns or not."""
    script = scripted.script()
    for _ in range(LOG_SLOTS // 4):
        script.wave(0, 0, Kind.LDS_LOAD, 4, [8])
        for lane, size in enumerate((4, 8, 12, 16)):
            script.wave(0, 1, Kind.LDS_LOAD, size, [512], first_lane=lane).together()
    script.wave(0, 0, Kind.LDS_LOAD, 4, [16])
    assert races(scripted.found(script.wave(0, 1, Kind.LDS_STORE, 4, [8, 12, 16]))) == {"WAR": 2}


def test_a_byte_that_one_wave_has_read_survives_the_dword_of_the_next(scripted: Scripted) -> None:
    """The second reader writes: what it races with is the first one's byte."""
    script = scripted.script().wave(0, 0, Kind.LDS_LOAD, 1, [5]).wave(0, 1, Kind.LDS_LOAD, 4, [4])
    found = scripted.found(script.wave(0, 1, Kind.LDS_STORE, 4, [4]))
    assert races(found) == {"WAR": 1}
    assert partner(found) == (scripted.lanes, 0)
