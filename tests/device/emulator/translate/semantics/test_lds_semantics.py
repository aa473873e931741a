"""LDS instructions that do more than load, store or combine; addresses made of the lane; alignment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from rocverify.device.emulator.launch.faults import KernelFaultError
from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.running import random_words, run_wave

LDS_BYTES = 4096
MASKS = {32: 0x9FF7FF6E, 64: 0x7FFFF0F19FF7FF6E}
Effect = Callable[[bytearray, int, list[int]], list[int]]


def dword(memory: bytearray, at: int) -> int:
    return int.from_bytes(memory[at : at + 4], "little")


def put(memory: bytearray, at: int, value: int) -> None:
    memory[at : at + 4] = (value & 0xFFFFFFFF).to_bytes(4, "little")


@dataclass(frozen=True)
class LdsCase:
    """`text` has its result in v40 and up, its operands in v30 to v33 and 16 times the lane in v3;
    `effect` changes memory and gives the result of one lane."""

    text: str
    effect: Effect
    results: int
    before: str = ""


def exchange_two(dwords: int, scale: int, offsets: tuple[int, int]) -> Effect:
    unit = 4 * dwords * scale

    def effect(memory: bytearray, lane: int, data: list[int]) -> list[int]:
        result = []
        for number, offset in enumerate(offsets):
            for k in range(dwords):
                at = 16 * lane + offset * unit + 4 * k
                result.append(dword(memory, at))
                put(memory, at, data[2 * number + k])
        return result

    return effect


def exchange_if(memory: bytearray, lane: int, data: list[int]) -> list[int]:
    at = 16 * lane + 8
    old = [dword(memory, at), dword(memory, at + 4)]
    for k in range(2):
        if data[k] >> 31:
            put(memory, at + 4 * k, data[k] & 0x7FFFFFFF)
    return old


def load_by_lane(memory: bytearray, lane: int, _: list[int]) -> list[int]:
    return [dword(memory, 128 + 20 + 4 * lane)]


def store_by_lane(memory: bytearray, lane: int, data: list[int]) -> list[int]:
    put(memory, 128 + 20 + 4 * lane, data[0])
    return []


CASES = [
    LdsCase(
        "ds_storexchg_2addr_rtn_b32 v[40:41], v3, v30, v32 offset0:1 offset1:3", exchange_two(1, 1, (1, 3)), 2
    ),
    LdsCase(
        "ds_storexchg_2addr_rtn_b64 v[40:43], v3, v[30:31], v[32:33] offset0:1", exchange_two(2, 1, (1, 0)), 4
    ),
    LdsCase(
        "ds_storexchg_2addr_stride64_rtn_b32 v[40:41], v3, v30, v32 offset0:4 offset1:9",
        exchange_two(1, 64, (4, 9)), 2,
    ),
    LdsCase(
        "ds_storexchg_2addr_stride64_rtn_b64 v[40:43], v3, v[30:31], v[32:33] offset0:2 offset1:5",
        exchange_two(2, 64, (2, 5)), 4,
    ),
    LdsCase("ds_condxchg32_rtn_b64 v[40:41], v3, v[30:31] offset:13", exchange_if, 2),
    LdsCase("ds_load_addtid_b32 v40 offset:20", load_by_lane, 1, "s_mov_b32 m0, 0xff000080"),
    LdsCase("ds_store_addtid_b32 v30 offset:20", store_by_lane, 0, "s_movk_i32 m0, 128"),
]  # fmt: skip


def _prologue(lanes: int) -> list[str]:
    """LDS from the regions, operands from the inputs; v1 is 4 times the lane."""
    copies = range(0, LDS_BYTES, 4 * lanes)
    return [
        "s_load_b128 s[4:7], s[0:1], 0x0", "s_load_b64 s[8:9], s[0:1], 0x10", "s_waitcnt lgkmcnt(0)",
        "v_lshlrev_b32 v1, 2, v0", "v_lshlrev_b32 v3, 4, v0",
        *(f"global_load_b32 v{30 + i}, v1, s[8:9] offset:{i * 4 * lanes}" for i in range(4)),
        *(line for at in copies for line in (
            f"v_add_nc_u32 v21, {at}, v1", "global_load_b32 v20, v21, s[4:5]", "s_waitcnt vmcnt(0)",
            f"ds_store_b32 v1, v20 offset:{at}",
        )),
        *(f"v_mov_b32 v{40 + i}, {0x11111111 * (i + 1):#x}" for i in range(4)),
    ]  # fmt: skip


def _epilogue(lanes: int) -> list[str]:
    """Results, then LDS, to the output."""
    exec_name, mov = ("exec_lo", "s_mov_b32") if lanes == 32 else ("exec", "s_mov_b64")
    lines = [f"{mov} {exec_name}, -1"]
    lines += [f"global_store_b32 v1, v{40 + i}, s[6:7] offset:{i * 4 * lanes}" for i in range(4)]
    lines += [f"s_add_u32 s6, s6, {16 * lanes}", "s_addc_u32 s7, s7, 0"]
    for at in range(0, LDS_BYTES, 4 * lanes):
        lines += [f"ds_load_b32 v20, v1 offset:{at}", "s_waitcnt lgkmcnt(0)"]
        lines += [
            "global_store_b32 v1, v20, s[6:7]",
            f"s_add_u32 s6, s6, {4 * lanes}",
            "s_addc_u32 s7, s7, 0",
        ]
    return lines


def _masked(text: str, lanes: int) -> list[str]:
    if lanes == 32:
        return [f"s_mov_b32 exec_lo, {MASKS[32]:#x}", text]
    low, high = MASKS[64] & 0xFFFFFFFF, MASKS[64] >> 32
    return [f"s_mov_b32 exec_lo, {low:#x}", f"s_mov_b32 exec_hi, {high:#x}", text]


def _run(
    machine: Machine, assembler: Assembler, text: str, before: str, lanes: int
) -> tuple[bytearray, np.ndarray, np.ndarray, bytes]:
    """LDS before, the operands as [register, lane], results likewise, and LDS afterwards."""
    image, operands = random_words(1, LDS_BYTES // 4), random_words(2, 4 * lanes).reshape(4, lanes)
    lines = [*_prologue(lanes), *([before] if before else []), *_masked(text, lanes), *_epilogue(lanes)]
    rows = 4 + LDS_BYTES // 4 // lanes
    seen, _ = run_wave(
        machine, assembler, lines, image.tobytes(), operands.tobytes(), rows, lanes=lanes, lds=LDS_BYTES
    )
    return bytearray(image.tobytes()), operands, seen[:4], seen[4:].tobytes()


@pytest.mark.drawn(3, fast=5)
@pytest.mark.parametrize("lanes", [32, 64])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text.split()[0])
def test_lds_instruction(machine: Machine, assembler: Assembler, case: LdsCase, lanes: int) -> None:
    memory, operands, results, after = _run(machine, assembler, case.text, case.before, lanes)
    for lane in range(lanes):
        expected = [0x11111111 * (i + 1) for i in range(4)]
        if MASKS[lanes] >> lane & 1:
            expected[: case.results] = case.effect(memory, lane, operands[:, lane].tolist())
        assert results[:, lane].tolist() == expected, lane
    assert after == bytes(memory)


@pytest.mark.parametrize("lanes", [32, 64])
@pytest.mark.parametrize(("name", "sign"), [("ds_append", 1), ("ds_consume", -1)])
def test_counters(machine: Machine, assembler: Assembler, name: str, sign: int, lanes: int) -> None:
    """M0 plus the offset; once for the wave, by the number of active lanes."""
    memory, _, results, after = _run(machine, assembler, f"{name} v40 offset:12", "s_movk_i32 m0, 64", lanes)
    before = dword(memory, 76)
    put(memory, 76, before + sign * MASKS[lanes].bit_count())
    assert after == bytes(memory)
    for lane in range(lanes):
        assert results[0, lane] == (before if MASKS[lanes] >> lane & 1 else 0x11111111)


def test_results_over_operands(machine: Machine, assembler: Assembler) -> None:
    """The result takes the registers of the second operand and of the address."""
    text = "v_mov_b32 v41, v32\nds_storexchg_2addr_rtn_b32 v[40:41], v3, v30, v41 offset1:1"
    memory, operands, results, after = _run(machine, assembler, text, "", 32)
    effect = exchange_two(1, 1, (0, 1))
    for lane in range(32):
        if MASKS[32] >> lane & 1:
            assert results[:2, lane].tolist() == effect(memory, lane, operands[:, lane].tolist())
    assert after == bytes(memory)


@pytest.mark.parametrize("lanes", [32, 64])
def test_global_memory_by_lane(machine: Machine, assembler: Assembler, lanes: int) -> None:
    image = random_words(3, 256)
    lines = [
        *_prologue(lanes)[:5], *(f"v_mov_b32 v{40 + i}, 7" for i in range(4)),
        *_masked("global_load_addtid_b32 v40, s[4:5] offset:16", lanes), "s_waitcnt vmcnt(0)",
        "global_store_addtid_b32 v40, s[4:5] offset:512", *_epilogue(lanes)[:5],
    ]  # fmt: skip
    seen, after = run_wave(machine, assembler, lines, image.tobytes(), bytes(64), 4, lanes=lanes)
    active = np.array([MASKS[lanes] >> lane & 1 for lane in range(lanes)], bool)
    loaded = image[4 : 4 + lanes]
    np.testing.assert_array_equal(seen[0], np.where(active, loaded, 7))
    expected = image.copy()
    expected[128 : 128 + lanes][active] = loaded[active]
    np.testing.assert_array_equal(np.frombuffer(after, np.uint32), expected)


UNALIGNED = (
    "ds_load_b64 v[40:41], v3 offset:1", "ds_load_b96 v[40:42], v3 offset:2",
    "ds_load_b128 v[40:43], v3 offset:4",
    "ds_load_2addr_b64 v[40:43], v4 offset0:1 offset1:2", "ds_load_u16 v40, v3 offset:3",
)  # fmt: skip


@pytest.mark.drawn(3, fast=2)
@pytest.mark.parametrize("text", UNALIGNED)
def test_lds_loads_need_no_alignment(machine: Machine, assembler: Assembler, text: str) -> None:
    """ROCm starts waves in unaligned access mode."""
    memory, _, results, _ = _run(machine, assembler, f"v_add_nc_u32 v4, 3, v3\n{text}", "", 32)
    name = text.split()[0]
    for lane in range(32):
        base = 16 * lane
        if name == "ds_load_u16":
            expected = [int.from_bytes(memory[base + 3 : base + 5], "little")]
        elif "2addr" in name:
            expected = [dword(memory, base + 3 + at) for at in (8, 12, 16, 20)]
        else:
            offset, count = int(text.rpartition(":")[2]), int(name[-3:].strip("b")) // 32
            expected = [dword(memory, base + offset + 4 * k) for k in range(count)]
        if MASKS[32] >> lane & 1:
            assert results[: len(expected), lane].tolist() == expected


MISALIGNED = (
    "ds_add_u32 v3, v30 offset:2", "ds_add_u64 v3, v[30:31] offset:4",
    "ds_storexchg_2addr_rtn_b64 v[40:43], v4, v[30:31], v[32:33]",
    "global_atomic_add_u32 v3, v30, s[4:5] offset:1", "global_atomic_add_u64 v3, v[30:31], s[4:5] offset:4",
    "s_load_b32 s20, s[4:5], 0x2", "s_load_b64 s[20:21], s[4:5], 0x1",
)  # fmt: skip


@pytest.mark.drawn(3, fast=2)
@pytest.mark.parametrize("text", MISALIGNED)
def test_atomics_and_scalar_loads_need_alignment(machine: Machine, assembler: Assembler, text: str) -> None:
    with pytest.raises(KernelFaultError, match="aligned") as caught:
        _run(machine, assembler, f"v_or_b32 v4, 4, v3\n{text}", "", 32)
    assert caught.value.report.kind == "unaligned"
