"""Compiled kernels whose counts follow from their sizes; the same counts on one thread and two, from fresh
and cached translations; attribution to lines."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.emulator.counters import CounterInstrument, Counters, launches_to_json
from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.load.kernarg import Triple
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.sanitize.memory import SanitizedMemory
from rocverify.device.emulator.sanitize.sanitizer import Sanitizer
from rocverify.device.emulator.translate.lowering import program
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry
from tests.device.emulator.counters.counting import counted, counting_machine
from tests.toolchain.support import find_toolchain

SOURCE = Path(__file__).parent / "counted.hip"
WAVES = {32: "-mno-wavefrontsize64", 64: "-mwavefrontsize64"}
Code = Callable[[int], bytes]


@pytest.fixture(scope="module")
def code(translations: Path) -> Code:
    """counted.hip for a wave size, with line tables; kept from run to run."""
    root = translations / "counted"
    root.mkdir(exist_ok=True)
    shutil.copy(SOURCE, root)
    builder = Builder(root, find_toolchain("clang-19"), translations / "counted-cache")

    def build(lanes: int) -> bytes:
        entry = ManifestEntry("counted.hip", (), "COUNTED", flags=("-O2", "-gline-tables-only", WAVES[lanes]))
        return builder.build(entry, "gfx1100").path.read_bytes()

    return build


@pytest.fixture(scope="module")
def machine(toolchain: Toolchain, translations: Path) -> Iterator[Machine]:
    made = counting_machine(toolchain, translations)
    yield made
    made.close()


def line_of(mark: str) -> int:
    lines = SOURCE.read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if line.endswith(f"// mark: {mark}"))


def at_mark(counters: Counters, mark: str) -> Counters:
    (found,) = [
        one for name, one in counters.per_line().items() if name.endswith(f"counted.hip:{line_of(mark)}")
    ]
    return found


def launch(
    machine: Machine, code: bytes, kernel: str, grid: Triple, block: Triple, sizes: list[int], *scalars: int
) -> Counters:
    """One launch with arrays of zeros, of these sizes in bytes, and 32-bit scalars after them."""
    module, memory = machine.load(code), machine.memory
    pointers = [memory.malloc(size) for size in sizes]
    try:
        for pointer, size in zip(pointers, sizes, strict=True):
            memory.write(pointer, bytes(size))
        kernarg = struct.pack(f"<{len(pointers)}Q{len(scalars)}i", *pointers, *scalars)
        return counted(machine.launch(module.kernel(kernel), grid, block, 0, kernarg))
    finally:
        for pointer in pointers:
            memory.free(pointer)
        machine.unload(module)


def vector_add(machine: Machine, code: bytes, n: int, groups: int) -> Counters:
    return launch(machine, code, "vector_add", (groups, 1, 1), (256, 1, 1), [4 * n] * 3, n)


# ---- by their sizes


@pytest.mark.parametrize("lanes", WAVES)
def test_vector_add_with_a_tail(machine: Machine, code: Code, lanes: int) -> None:
    """1000 of 1024 work-items: 31 full groups of 32 and one of 8."""
    seen = vector_add(machine, code(lanes), 1000, 4)
    assert (seen.global_load_bytes, seen.global_store_bytes, seen.global_atomic_bytes) == (8000, 4000, 0)
    assert (seen.global_load_segments, seen.global_store_segments) == (2 * 32, 32)
    assert (seen.flops.f32, seen.flops.total) == (1000, 1000)
    assert seen.arithmetic_intensity == 1000 / 12000
    assert seen.divergent_branches == 1
    assert seen.instructions.end == 1024 // lanes
    assert seen.coalescing == 12000 / (128 * 96)


@pytest.mark.parametrize(("stride", "segments"), [(1, 8), (2, 16), (32, 256), (100, 256), (0, 8)])
def test_strided_loads(machine: Machine, code: Code, stride: int, segments: int) -> None:
    """256 work-items in 8 waves: from one segment a wave to one a lane."""
    seen = launch(
        machine, code(32), "strided", (1, 1, 1), (256, 1, 1), [1024, 4 * (255 * stride + 1)], stride
    )
    assert seen.global_load_segments == segments
    assert seen.global_store_segments == 8
    assert seen.global_bytes == 2048


@pytest.mark.parametrize("lanes", WAVES)
@pytest.mark.parametrize(("m", "n", "k"), [(24, 40, 16), (7, 33, 5), (16, 16, 1)])
def test_gemm_has_two_operations_for_each_product(
    machine: Machine, code: Code, lanes: int, m: int, n: int, k: int
) -> None:
    grid, sizes = (-(-n // 16), -(-m // 16), 1), [4 * m * n, 4 * m * k, 4 * k * n]
    seen = launch(machine, code(lanes), "gemm", grid, (16, 16, 1), sizes, m, n, k)
    assert seen.flops.f32 == seen.flops.total == 2 * m * n * k
    assert seen.global_load_bytes == 2 * 4 * m * n * k
    assert seen.global_store_bytes == 4 * m * n
    assert at_mark(seen, "product").flops.f32 == 2 * m * n * k
    assert at_mark(seen, "result").global_bytes == 4 * m * n


@pytest.mark.parametrize("lanes", WAVES)
@pytest.mark.parametrize(("kernel", "column"), [("transpose_conflicts", 32 * 32), ("transpose_padded", 32)])
def test_transpose_through_lds(machine: Machine, code: Code, lanes: int, kernel: str, column: int) -> None:
    """32 rows written in a pass each; 32 columns read in a pass each, or in 32 where one bank has all."""
    seen = launch(machine, code(lanes), kernel, (1, 1, 1), (32, 32, 1), [4096, 4096])
    assert (seen.lds_passes, seen.lds_conflict_passes) == (32 + column, column - 32)
    assert seen.lds_conflict_ratio == (column - 32) / (32 + column)
    assert (seen.lds_load_bytes, seen.lds_store_bytes) == (4096, 4096)
    assert at_mark(seen, "tile").lds_conflict_passes == 0
    assert at_mark(seen, "column").lds_conflict_passes == column - 32
    assert seen.barriers == seen.instructions.barrier == 1024 // lanes


def test_histogram_atomics(machine: Machine, code: Code) -> None:
    """All values fall into bin 0: the banks take the lanes of a wave one after the other."""
    seen = launch(machine, code(32), "histogram", (3, 1, 1), (128, 1, 1), [128, 4 * 384])
    assert (seen.lds_atomic_lanes, seen.global_atomic_lanes) == (384, 96)
    assert seen.lds_atomic_bytes == 4 * 384
    assert seen.global_atomic_segments == 3
    assert seen.lds_conflict_passes == 31 * 4 * 3
    assert at_mark(seen, "atomic").lds_atomic_lanes == 384
    assert at_mark(seen, "barrier").barriers == 4 * 3


# ---- the same however they came about


@pytest.mark.parametrize("lanes", WAVES)
def test_one_thread_and_two_count_alike(
    toolchain: Toolchain, translations: Path, machine: Machine, code: Code, lanes: int
) -> None:
    n, groups = 255_003, 1000
    one = vector_add(machine, code(lanes), n, groups)
    other = counting_machine(toolchain, translations, threads=2)
    try:
        for _ in range(3):
            two = vector_add(other, code(lanes), n, groups)
            assert two == one
            assert two.per_line() == one.per_line()
    finally:
        other.close()
    assert one.flops.f32 == n


def test_the_sanitizer_changes_no_count(
    toolchain: Toolchain, translations: Path, machine: Machine, code: Code
) -> None:
    both = Machine(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        cache_dir=translations,
        memory=SanitizedMemory(),
        instruments=[Sanitizer(), CounterInstrument()],
    )
    sizes = [4 * 35, 4 * 21, 4 * 15]
    try:
        watched = launch(both, code(32), "gemm", (1, 1, 1), (16, 16, 1), sizes, 7, 5, 3)
    finally:
        both.close()
    assert watched == launch(machine, code(32), "gemm", (1, 1, 1), (16, 16, 1), sizes, 7, 5, 3)


def test_a_cached_translation_counts_alike(
    toolchain: Toolchain, tmp_path: Path, code: Code, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, cached = (counting_machine(toolchain, tmp_path) for _ in range(2))
    try:
        first = launch(fresh, code(32), "transpose_conflicts", (1, 1, 1), (32, 32, 1), [4096, 4096])

        def refuse(*_: object) -> None:
            raise AssertionError("translated again")

        monkeypatch.setattr(program, "translate", refuse)
        second = launch(cached, code(32), "transpose_conflicts", (1, 1, 1), (32, 32, 1), [4096, 4096])
    finally:
        fresh.close()
        cached.close()
    assert second == first
    assert [one.counters for one in second.per_instruction()] == [
        one.counters for one in first.per_instruction()
    ]


def test_other_kernels_of_a_machine_do_not_mix(machine: Machine, code: Code) -> None:
    before = vector_add(machine, code(32), 1000, 4)
    launch(machine, code(32), "histogram", (3, 1, 1), (128, 1, 1), [128, 4 * 384])
    assert vector_add(machine, code(32), 1000, 4) == before


def test_without_the_instrument_there_are_no_counters(code: Code, toolchain: Toolchain) -> None:
    plain = Machine("gfx1100", objdump=toolchain.objdump, clang=toolchain.clang)
    try:
        module = plain.load(code(32))
        out = plain.memory.malloc(4096)
        stats = plain.launch(
            module.kernel("transpose_padded"), (1, 1, 1), (32, 32, 1), 0, struct.pack("<QQ", out, out)
        )
        assert stats.counters is None
    finally:
        plain.close()


def test_a_launch_that_faults_has_counters_too(machine: Machine, code: Code) -> None:
    with pytest.raises(KernelFaultError) as caught:
        launch(machine, code(32), "strided", (1, 1, 1), (256, 1, 1), [1024, 512], 1)
    seen = caught.value.observed["counters"]
    assert isinstance(seen, Counters)
    assert seen.global_load_bytes == 512


# ---- attribution and sums


def test_lines_and_instructions_add_up(machine: Machine, code: Code) -> None:
    seen = vector_add(machine, code(32), 1000, 4)
    assert sum(seen.per_line().values(), Counters()) == seen
    assert sum((one.counters for one in seen.per_instruction()), Counters()) == seen
    assert at_mark(seen, "add").global_bytes == 12000
    (store,) = [one for one in seen.per_instruction() if one.text.startswith("global_store")]
    assert (store.kernel, store.executions) == ("vector_add", 32)
    assert store.counters.global_store_bytes == 4000


def test_launches_add_up(machine: Machine, code: Code) -> None:
    first = vector_add(machine, code(32), 1000, 4)
    second = vector_add(machine, code(32), 7, 1)
    third = launch(machine, code(32), "transpose_padded", (1, 1, 1), (32, 32, 1), [4096, 4096])
    total = sum([first, second, third])
    assert isinstance(total, Counters)
    assert total.flops.f32 == 1007
    assert total.wave_instructions == sum(one.wave_instructions for one in (first, second, third))
    assert total.global_bytes == 12 * 1007 + 8192
    assert at_mark(total, "add").flops.f32 == 1007
    assert at_mark(total, "tile").lds_store_bytes == 4096
    assert {one.kernel for one in total.per_instruction()} == {"vector_add", "transpose_padded"}
    assert total == Counters() + total


def test_json_holds_every_counter(machine: Machine, code: Code) -> None:
    seen = vector_add(machine, code(32), 1000, 4)
    (document,) = json.loads(json.dumps(launches_to_json([("vector_add", seen)]), allow_nan=False))
    assert document["kernel"] == "vector_add"
    counters = document["counters"]
    assert counters["flops"]["f32"] == 1000
    assert counters["global_load_bytes"] == 8000
    assert counters["derived"]["global_bytes"] == 12000
    assert sum(counters["instructions"].values()) == counters["derived"]["wave_instructions"]
    assert np.isclose(counters["derived"]["lane_utilisation"], seen.valu_lanes / seen.valu_lane_slots)
