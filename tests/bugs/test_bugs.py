"""Faults that public reports tell of, one kernel each, and the same kernels mended: tests/bugs/cases.

Those above 28 are our own.
A case's `cmd` has arguments of `rocverify emulate`, its `expected` what a report said. A seed decides the
data and the order of waves and workgroups. The fast suite runs some cases with one, CI others with
seeds, and draws both; all, with all ten, are exhaustive.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.emulator.machine import Machine
from rocverify.toolchain.discover import Toolchain
from tests.bugs.emulated import Seen, emulate
from tests.device.emulator.compiling import compiled

CASES = Path(__file__).parent / "cases"
SEEDS = range(10)
LARGE = ("05_index_2g",)
"""With arrays of gigabytes: one seed, which decides nothing of what they do."""


def drawn(count: int) -> list[int]:
    """So many of the seeds. A failure names its own."""
    return sorted(random.SystemRandom().sample(SEEDS, count))


@dataclass(frozen=True)
class Case:
    """`command` counts the lines of `cmd`. `found` are kinds of findings, or of the fault, with their source
    lines; nothing is to be found in the mended kernel. `twin` is its line of `cmd`, None where there is
    none."""

    name: str
    found: frozenset[tuple[str, int]]
    command: int = 0
    twin: int | None = 0
    fast: bool = False

    def __str__(self) -> str:
        return f"{self.name}-{self.command}"


def case(
    name: str, *found: tuple[str, int], command: int = 0, twin: int | None = 0, fast: bool = False
) -> Case:
    return Case(name, frozenset(found), command, twin, fast)


NOTICED = (
    case("01_tail_rows", ("global", 8), fast=True),
    case("02_lds_reuse", ("race", 13)),
    case("05_index_2g", ("global", 9)),
    case("09_uninit_lds", ("uninitialized", 16)),
    case("10_last_block_fence", ("race", 26)),
    case("15_barrier_early_return", ("barrier", 17), ("barrier", 20)),
    case("15_barrier_early_return", ("barrier", 17), command=1, twin=1),
    case("18_optimised_race", ("race", 16)),
    case("19_lockstep", ("lockstep", 6), ("uninitialized", 12), command=1, twin=1, fast=True),
    case("25_uninit_acc", ("uninitialized", 9), command=1),
    case("28_lookback", ("race", 20)),
    case("28_lookback_relaxed", ("race", 21), fast=True),
    case("29_ticket_acquire", ("race", 18)),
    case("30_hasty_invalidation", ("race", 19)),
    case("t10_lds_neighbour", ("overrun", 13), fast=True),
    case("t1_origin", ("uninitialized", 11), twin=None),
    case("t2_reduce_origin", ("uninitialized", 16), twin=None, fast=True),
)


def lines(name: str) -> list[str]:
    return [line for line in (CASES / name / "cmd").read_text().splitlines() if line.strip()]


def run(name: str, command: int = 0, *more: str, source: str = "kernel", seed: int = 0) -> Seen:
    flags = CASES / name / "flags"
    given = tuple(flags.read_text().split()) if flags.exists() else ()
    order = ("--seed", str(seed), "--order", "drawn" if seed else "fixed")
    return emulate(CASES / name / f"{source}.hip", lines(name)[command], *order, *more, flags=given)


def check(one: Case, seed: int) -> None:
    seen = run(one.name, one.command, seed=seed)
    assert seen.code == 1, seed
    if seed == 0:
        assert seen.places == one.found
    else:  # another order may show a race from its other side
        assert {kind for kind, _ in seen.places} == {kind for kind, _ in one.found}, seed
    if one.twin is not None:
        twin = run(one.name, one.twin, source="twin", seed=seed)
        assert (twin.code, twin.places, twin.told) == (0, set(), ""), seed


@pytest.mark.drawn(2)
@pytest.mark.parametrize("one", NOTICED, ids=str)
def test_the_fault_is_noticed_and_the_twin_is_clean_under_seeds_that_are_drawn(one: Case) -> None:
    for seed in drawn(1 if one.name in LARGE else 3):
        check(one, seed)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("one", NOTICED, ids=str)
def test_the_fault_is_noticed_and_the_twin_is_clean_under_ten_seeds(one: Case) -> None:
    for seed in SEEDS:
        check(one, seed)


@pytest.mark.parametrize("one", [one for one in NOTICED if one.fast], ids=str)
def test_the_fault_is_noticed_and_the_twin_is_clean(one: Case) -> None:
    check(one, 0)


@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        pytest.param(name, seeds, marks=mark)
        for seeds, mark in ((3, pytest.mark.long), (len(SEEDS), pytest.mark.exhaustive))
        for name in ("08_packed_blocks", "t3_global_barrier", "t5_lds_flag")
    ],
)
def test_what_is_right_is_clean_under_all_seeds(name: str, seeds: int) -> None:
    for seed in drawn(seeds):
        seen = run(name, seed=seed)
        assert (seen.code, seen.places, seen.told) == (0, set(), ""), seed


def test_an_access_off_its_alignment_is_told_where_that_is_asked_for() -> None:
    command = lines("08_misaligned_global")[0]
    told = emulate(CASES / "08_misaligned_global" / "kernel.hip", command, "--portable")
    assert (told.code, {kind for kind, _ in told.places}) == (1, {"alignment"})
    assert {line for _, line in told.places} == {13}
    assert run("08_misaligned_global").code == 0
    twin = emulate(CASES / "08_misaligned_global" / "twin.hip", command, "--portable")
    assert (twin.code, twin.places) == (0, set())


def test_a_wave_barrier_makes_no_difference_where_lanes_run_in_lockstep() -> None:
    seen = run("19_lockstep", source="twin")
    assert (seen.code, seen.places) == (0, set())


def test_a_value_handed_over_through_lds_is_clean_and_arrives() -> None:
    seen = run("t5_lds_flag")
    assert (seen.code, seen.places) == (0, set())
    assert seen.array(1) == [3.0]


def test_the_origin_of_an_undefined_value_is_followed_through_lds() -> None:
    """The sum is stored in line 16, from b[7], which line 12 made of a[255], which nobody wrote."""
    (finding,) = run("t2_reduce_origin").findings
    assert finding["other"]["source"].endswith("kernel.hip:9")
    assert (finding["space"], finding["address"]) == ("lds", hex(4 * 255))
    assert finding["other"]["workitem"] == [255, 0, 0]


@pytest.mark.long
def test_literals_of_another_wave_size_give_other_numbers() -> None:
    """0 + 1 + ... + 255, reduced over 64 lanes in waves of 32; 96 votes, counted by 32 in waves of 64."""
    assert run("03_wave32_literal64", source="twin").array(1) == [32640.0]
    assert run("03_wave32_literal64").array(1) != [32640.0]
    assert run("03_wave64_literal32", source="twin").array(1) == [96.0]
    assert run("03_wave64_literal32").array(1) != [96.0]


REFUSED = (
    "70000 workgroups along y, at most 65535", "70000 workgroups along z, at most 65535",
    "1025 work-items, at most 1024", "1056 work-items, at most 1024", "4294967296 work-items along x",
    "65792 bytes of dynamic LDS", None, "'0' holds a number", "'0' holds a number", "the value given has 8",
    "a value was given", "takes 2 argument(s), 1 given", "the array holds f64",
)  # fmt: skip


@pytest.mark.parametrize("command", range(len(REFUSED)))
def test_a_launch_that_the_runtime_refuses_is_refused(command: int) -> None:
    seen, words = run("11_grid_limits", command), REFUSED[command]
    assert seen.code == (0 if words is None else 2)
    assert (words or "") in seen.told


def test_more_work_items_than_the_launch_bounds_are_refused() -> None:
    seen = run("12_launch_bounds")
    assert seen.code == 2
    assert "takes at most 256" in seen.told


@pytest.mark.long
@pytest.mark.parametrize(("source", "read"), [("kernel", 3), ("twin", 7)])
def test_an_offset_that_wraps_at_four_gib_reads_another_element(
    source: str, read: int, toolchain: Toolchain, kept: Path
) -> None:
    """Row 17,599,999 of 256 bytes; 32 bits hold its offset less 2**32. No access is out of bounds: what a
    reference says tells the two apart."""
    at, columns = 17_599_999 * 256, 256
    machine = Machine(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        threads=1,
        cache_dir=kept,
    )
    memory = machine.memory
    try:
        code = compiled(kept, CASES / "05_index_4g_wrap" / f"{source}.hip", "clang-19", "-O3")
        kernel = machine.load(code).kernel("gather")
        table, ids, out = memory.malloc(at + columns), memory.malloc(8), memory.malloc(2 * columns)
        memory.fill(table + at, 7, columns)
        memory.fill(table + at % (1 << 32), 3, columns)
        memory.write(ids, struct.pack("<II", 0, 17_599_999))
        kernarg = struct.pack("<QQQI", table, ids, out, columns)
        machine.launch(kernel, (2, 1, 1), (256, 1, 1), 0, kernarg)
        assert memory.read(out + columns, columns) == bytes([read]) * columns
    finally:
        machine.close()


@pytest.mark.long
def test_kernels_with_assertions_prints_clocks_and_traps_run() -> None:
    assert run("t6_assert", 0).code == run("t6_assert", 2).code == 0
    clean = run("t6_assert", 0, "--sanitize")
    assert (clean.code, clean.places, clean.told) == (0, set(), "")
    assert "Device-side assertion" in run("t6_assert", 1).document["fault"]["message"]
    assert [run("t6_debug_code", command).code for command in range(4)] == [0, 0, 1, 0]
    assert run("t6_debug_code", 2).document["fault"]["kind"] == "trap"


@pytest.mark.long
def test_an_index_that_overflows_after_two_billion_elements_faults() -> None:
    seen = run("26_loop_overflow")
    assert (seen.code, {kind for kind, _ in seen.places}) == (1, {"global"})


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
def test_an_index_of_64_bits_passes_two_billion_elements() -> None:
    twin = run("26_loop_overflow", source="twin")
    assert (twin.code, twin.places, twin.told) == (0, set(), "")


@pytest.mark.parametrize("source", ["kernel", "twin"])
def test_sums_by_float_atomics_are_clean_in_any_order(source: str) -> None:
    """Their last bits follow the order; that is told where a contract compares them, and is no fault."""
    sums = []
    for seed in (0, 1):
        seen = run("20_float_atomics", source=source, seed=seed)
        assert (seen.code, seen.places, seen.told) == (0, set(), ""), seed
        sums += seen.array(1)
    assert all(np.isfinite(sums))


def test_sums_by_float_atomics_are_clean_without_optimisation() -> None:
    name = "20_float_atomics"
    seen = emulate(CASES / name / "kernel.hip", lines(name)[0], flags=("-O0",))
    assert (seen.code, seen.places) == (0, set())


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "source", "command"),
    [
        *(("03_wave32_literal64", source, 0) for source in ("kernel", "twin")),
        *(("03_wave64_literal32", source, 0) for source in ("kernel", "twin")),
        *(("08_misaligned_global", source, 0) for source in ("kernel", "twin")),
        *(("12_launch_bounds", "kernel", command) for command in range(1)),
        *(("t6_assert", "kernel", command) for command in range(3)),
        *(("t6_debug_code", "kernel", command) for command in (0, 2)),
    ],
)
def test_what_is_seen_does_not_depend_on_the_seed(name: str, source: str, command: int) -> None:
    """Results, faults and refusals of the cases that are judged under the first seed above."""

    def seen(seed: int) -> tuple[object, ...]:
        one = run(name, command, source=source, seed=seed)
        sums = [] if "random" in lines(name)[command] else one.document.get("buffers", ())
        return one.code, one.places, one.told, [buffer["sha256"] for buffer in sums]

    first = seen(0)
    assert [seed for seed in SEEDS if seen(seed) != first] == []
