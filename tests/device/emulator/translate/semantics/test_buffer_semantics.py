"""MUBUF and s_buffer_load against models_buffer: every width, form of address and kind of bounds."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence

import numpy as np
import pytest

from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.running import random_words, run_wave
from tests.device.emulator.translate.semantics import models_buffer as models
from tests.device.emulator.translate.semantics import models_memory
from tests.device.emulator.translate.semantics.models_buffer import (
    LANES,
    REGION,
    RESOURCES,
    BufferCase,
    Resource,
)

EXEC = 0x9FF7FF6F
ACTIVE = [lane for lane in range(LANES) if EXEC >> lane & 1]
OLD = (0xA1A2A3A4, 0xB1B2B3B4, 0xC1C2C3C4, 0xD1D2D3D4)
OUTPUTS = 4
SLOT = LANES * 4


def _registers(first: int, count: int) -> str:
    return f"v{first}" if count == 1 else f"v[{first}:{first + count - 1}]"


def resource_lines(resource: Resource, family: str) -> list[str]:
    """s[16:19] from the base address in s[4:5]."""
    first, second, third = resource.words(family)
    return [
        "s_mov_b32 s16, s4", f"s_or_b32 s17, s5, {first:#x}", f"s_mov_b32 s18, {second:#x}",
        f"s_mov_b32 s19, {third:#x}",
    ]  # fmt: skip


def _kernel(cases: Sequence[BufferCase], data: str, suffix: str, family: str) -> list[str]:
    """Each case has a region of its own; what v40.. hold afterwards goes to the output. v[30:33] is the
    data of stores and the operand of atomics, `data` the register that the instruction names."""
    lines = [
        "s_load_b128 s[4:7], s[0:1], 0x0", "s_load_b64 s[8:9], s[0:1], 0x10", "s_waitcnt lgkmcnt(0)",
        "v_lshlrev_b32 v1, 2, v0",
        *(f"global_load_b32 v{30 + i}, v1, s[8:9] offset:{i * SLOT}" for i in range(4)),
        f"s_add_u32 s8, s8, {4 * SLOT}", "s_addc_u32 s9, s9, 0",
    ]  # fmt: skip
    for case in cases:
        lines += ["global_load_b32 v10, v1, s[8:9]", f"global_load_b32 v11, v1, s[8:9] offset:{SLOT}"]
        lines += [
            *resource_lines(case.resource, family),
            f"s_movk_i32 s20, {case.soffset}",
            "s_waitcnt vmcnt(0)",
        ]
        if data == "v40":
            lines += [f"v_mov_b32 v{40 + i}, {old:#x}" for i, old in enumerate(OLD)]
        else:
            lines += [f"v_mov_b32 v{40 + i}, v{30 + i}" for i in range(4)]
        count = _count(case)
        lines += [f"s_mov_b32 exec_lo, {EXEC:#x}", case.text(_registers(40, count), suffix)]
        lines += ["s_waitcnt vmcnt(0)", "s_mov_b32 exec_lo, -1"]
        lines += [f"global_store_b32 v1, v{40 + i}, s[6:7] offset:{i * SLOT}" for i in range(OUTPUTS)]
        for register, step in ((4, REGION), (6, OUTPUTS * SLOT), (8, 2 * SLOT)):
            lines += [
                f"s_add_u32 s{register}, s{register}, {step}",
                f"s_addc_u32 s{register + 1}, s{register + 1}, 0",
            ]
    return lines


def _count(case: BufferCase) -> int:
    words = max(case.size // 4, 1)
    return 2 * words if case.name.startswith("cmpswap") else words


def _inputs(values: np.ndarray, cases: Sequence[BufferCase]) -> bytes:
    places = [np.array(column, np.uint32) for case in cases for column in (case.index, case.offset)]
    return b"".join([values.astype(np.uint32).tobytes(), *(column.tobytes() for column in places)])


def _of_family(assembler: Assembler, cases: Sequence[BufferCase]) -> list[BufferCase]:
    """The cases whose resource the family has."""
    known = models.resources(assembler.family.name)
    return [case for case in cases if case.resource in known]


def _check_loads(machine: Machine, assembler: Assembler, tried: Sequence[BufferCase]) -> None:
    cases = _of_family(assembler, tried)
    regions = random_words(1, len(cases) * REGION // 4).tobytes()
    values = np.zeros((4, LANES), np.uint32)
    lines = _kernel(cases, "v40", "", assembler.family.name)
    seen, _ = run_wave(machine, assembler, lines, regions, _inputs(values, cases), len(cases) * OUTPUTS)
    wrong = []
    for number, case in enumerate(cases):
        region = regions[number * REGION : (number + 1) * REGION]
        for lane in range(LANES):
            expected = models.loaded(case, region, lane, OLD[0]) if lane in ACTIVE else []
            expected += OLD[len(expected) :]
            got = seen[number * OUTPUTS : (number + 1) * OUTPUTS, lane].tolist()
            if got != list(expected):
                wrong.append(f"{case.text('v40')} {case.resource} lane {lane}: {got}, not {expected}")
    assert not wrong, "\n".join(wrong[:5])


def _some(verb: str, names: list[str], part: int) -> list[BufferCase]:
    return [case for i, case in enumerate(models.cases(verb, names, 3)) if i % part == 0]


def test_buffer_loads(machine: Machine, assembler: Assembler) -> None:
    _check_loads(machine, assembler, _some("load", list(models_memory.LOADS), 3))


@pytest.mark.exhaustive
def test_every_buffer_load(machine: Machine, assembler: Assembler) -> None:
    for seed in range(4):
        _check_loads(machine, assembler, list(models.cases("load", list(models_memory.LOADS), seed)))


def _check_stores(machine: Machine, assembler: Assembler, tried: Sequence[BufferCase]) -> None:
    cases = _of_family(assembler, tried)
    regions = random_words(2, len(cases) * REGION // 4).tobytes()
    values = random_words(3, 4 * LANES).reshape(4, LANES)
    lines = _kernel(cases, "v30", "", assembler.family.name)
    _, after = run_wave(machine, assembler, lines, regions, _inputs(values, cases), len(cases) * OUTPUTS)
    wrong = []
    for number, case in enumerate(cases):
        region = bytearray(regions[number * REGION : (number + 1) * REGION])
        for lane in ACTIVE:
            models.stored(case, region, lane, values[:, lane].tolist())
        got = after[number * REGION : (number + 1) * REGION]
        if got != bytes(region):
            at = next(i for i in range(REGION) if got[i] != region[i])
            wrong.append(
                f"{case.text('v40')} {case.resource}: byte {at} is {got[at]:#x}, not {region[at]:#x}"
            )
    assert not wrong, "\n".join(wrong[:5])


@pytest.mark.long
def test_buffer_stores(machine: Machine, assembler: Assembler) -> None:
    _check_stores(machine, assembler, _some("store", list(models_memory.STORES), 2))


@pytest.mark.exhaustive
def test_every_buffer_store(machine: Machine, assembler: Assembler) -> None:
    for seed in range(4):
        _check_stores(machine, assembler, list(models.cases("store", list(models_memory.STORES), seed)))


@pytest.mark.long
@pytest.mark.parametrize("returns", [False, True])
def test_buffer_atomics(machine: Machine, assembler: Assembler, returns: bool) -> None:
    names = [n for n in models_memory.memory_atomics(assembler.family.name) if n[-3] != "f"]
    cases = [
        case
        for i, case in enumerate(models.cases("atomic", names, 5))
        if (i % 3 == 0 or not returns) and (returns or case.name != "csub_u32")
    ]
    cases = _of_family(assembler, cases)
    words = random_words(4, len(cases) * REGION // 4)
    regions, values = words.tobytes(), random_words(5, 4 * LANES).reshape(4, LANES)
    lines = _kernel(cases, "v30", " glc" if returns else "", assembler.family.name)
    seen, after = run_wave(machine, assembler, lines, regions, _inputs(values, cases), len(cases) * OUTPUTS)
    wrong = []
    for number, case in enumerate(cases):
        region = bytearray(regions[number * REGION : (number + 1) * REGION])
        results = [_atomic(case, region, lane, values[:, lane].tolist()) for lane in ACTIVE]
        if after[number * REGION : (number + 1) * REGION] != bytes(region):
            wrong.append(f"{case.text('v40')} {case.resource}: memory differs")
        got = seen[number * OUTPUTS : number * OUTPUTS + case.size // 4, ACTIVE].T.tolist()
        kept = [values[: case.size // 4, lane].tolist() for lane in ACTIVE]
        if got != (results if returns else kept):
            wrong.append(f"{case.text('v40')} {case.resource}: results differ")
    assert not wrong, "\n".join(wrong[:5])


def _atomic(case: BufferCase, region: bytearray, lane: int, values: list[int]) -> list[int]:
    """Applies a lane's atomic to the region; the old value as dwords, 0 out of range."""
    (place,), words, bits = case.places(lane), case.size // 4, 8 * case.size
    if place is None:
        return [0] * words
    numbers = [sum(values[i + k] << 32 * k for k in range(words)) for i in (0, words)]
    old = int.from_bytes(region[place : place + case.size], "little")
    new = models_memory.atomic(case.name, bits, old, numbers[0], numbers[1], "global")
    region[place : place + case.size] = new.to_bytes(case.size, "little")
    return [old >> 32 * k & 0xFFFFFFFF for k in range(words)]


def test_in_range_but_in_no_allocation(machine: Machine, assembler: Assembler) -> None:
    """The resource promises more than there is: a fault, where out of range would have been 0."""
    resource = Resource(records=1 << 20)
    case = BufferCase("load", "b32", resource, False, True, 0, 0, (0,) * LANES, tuple(range(0, 65536, 2048)))
    values = np.zeros((4, LANES), np.uint32)
    lines = _kernel([case], "v40", "", assembler.family.name)
    with pytest.raises(KernelFaultError, match="outside every allocation") as caught:
        run_wave(machine, assembler, lines, bytes(REGION), _inputs(values, [case]), OUTPUTS)
    assert caught.value.report.instruction is not None
    assert "buffer_load_b32" in caught.value.report.instruction
    assert caught.value.report.workitem == (next(i for i in ACTIVE if i >= REGION // 2048), 0, 0)


@pytest.mark.parametrize("bits", [32, 64, 128, 256, 512])
def test_scalar_buffer_loads(machine: Machine, assembler: Assembler, bits: int) -> None:
    """Bytes, or elements of a stride; dwords past the end are 0."""
    count = bits // 32
    target = "s24" if count == 1 else f"s[24:{23 + count}]"
    region = random_words(6, 64).tobytes()
    lines = ["s_load_b128 s[4:7], s[0:1], 0x0", "s_waitcnt lgkmcnt(0)", "v_lshlrev_b32 v1, 2, v0"]
    lines += ["s_mov_b32 s20, 8"]
    expected: list[int] = []
    forms = (("0x14", 0x14), ("s20", 8), ("s20 offset:0x20", 0x28))
    for resource, size in ((Resource(records=48), 48), (Resource(stride=12, records=5), 60)):
        lines += resource_lines(resource, assembler.family.name)
        for text, offset in forms:
            lines += [f"s_buffer_load_b{bits} {target}, s[16:19], {text}", "s_waitcnt lgkmcnt(0)"]
            for k in range(count):
                lines += [f"v_mov_b32 v2, s{24 + k}", "global_store_b32 v1, v2, s[6:7]"]
                lines += [f"s_add_u32 s6, s6, {SLOT}", "s_addc_u32 s7, s7, 0"]
                at = offset + 4 * k
                expected.append(struct.unpack_from("<I", region, at)[0] if at + 4 <= size else 0)
    seen, _ = run_wave(machine, assembler, lines, region, bytes(64), len(expected))
    assert seen[:, 0].tolist() == expected


def test_resources_cover_every_kind_of_bounds() -> None:
    assert {resource.bounds for resource in RESOURCES} == {0, 1, 2, 3}
    rng = random.Random(1)
    assert all(0 <= resource.place(rng.randrange(8), 0) < REGION for resource in RESOURCES)
