"""Loads, stores and atomics of CDNA, of vector and of accumulation registers, against models on bytes."""

from __future__ import annotations

import random

import numpy as np
import pytest

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.running import run_wave
from tests.device.emulator.translate.semantics import models_memory as models
from tests.device.emulator.translate.semantics.models_memory import BLOCK, Access

LANES, WINDOW = 64, 15
EXEC = (0xA5F0FF0F, 0x7FFF0F19)
ACTIVE = [lane for lane in range(LANES) if EXEC[lane // 32] >> lane % 32 & 1]
OLD = (0xA1A2A3A4, 0xB1B2B3B4, 0xC1C2C3C4, 0xD1D2D3D4)
SIZES = {"b64": 8, "b96": 12, "b128": 16}
WAIT = "s_waitcnt vmcnt(0) lgkmcnt(0)"

# v2: the lane's block, v3: 32 bytes more; v[20:21], v[22:23]: its addresses in memory and in LDS
PROLOGUE = [
    "s_load_b128 s[4:7], s[0:1], 0x0", "s_load_b64 s[8:9], s[0:1], 0x10", WAIT,
    "v_lshlrev_b32 v1, 2, v0", "v_lshlrev_b32 v2, 6, v0", "v_add_nc_u32 v3, 32, v2",
    "v_mov_b32 v21, s5", "v_add_co_u32 v20, vcc, s4, v2", "v_add_co_ci_u32 v21, vcc, 0, v21, vcc",
    "s_mov_b64 s[10:11], src_shared_base", "v_mov_b32 v22, v2", "v_mov_b32 v23, s11",
    f"s_mov_b32 s14, {EXEC[0]:#x}", f"s_mov_b32 s15, {EXEC[1]:#x}",
    *(
        line for k in range(BLOCK // 4) for line in (
            f"global_load_b32 v30, v2, s[4:5] offset:{4 * k}", WAIT, f"ds_store_b32 v2, v30 offset:{4 * k}",
        )
    ),
    WAIT,
]  # fmt: skip


class Kernel:
    """Lines of a kernel, and what they append to the output, a dword a lane at a time."""

    def __init__(self) -> None:
        self.lines = list(PROLOGUE)
        self.slots = 0

    def masked(self, text: str) -> None:
        self.lines += ["s_mov_b64 exec, s[14:15]", text, WAIT, "s_mov_b64 exec, -1"]

    def set(self, file: str, values: tuple[int, ...]) -> None:
        self.lines += [f"v_mov_b32 v{40 + i}, {value:#x}" for i, value in enumerate(values)]
        if file == "a":
            self.lines += [f"v_accvgpr_write_b32 a{40 + i}, v{40 + i}" for i in range(len(values))]

    def put(self, register: str) -> None:
        if self.slots and self.slots % WINDOW == 0:
            self.lines += [f"s_add_u32 s6, s6, {WINDOW * LANES * 4}", "s_addc_u32 s7, s7, 0"]
        if register.startswith("a"):
            self.lines.append(f"v_accvgpr_read_b32 v30, {register}")
            register = "v30"
        self.lines.append(f"global_store_b32 v1, {register}, s[6:7] offset:{self.slots % WINDOW * LANES * 4}")
        self.slots += 1

    def run(self, machine: Machine, assembler: Assembler, data: bytes) -> tuple[np.ndarray, bytes]:
        """The output as [slot, lane], and the global blocks afterwards."""
        return run_wave(
            machine, assembler, self.lines, data, bytes(64), self.slots, lanes=LANES, lds=LANES * BLOCK
        )


def _registers(file: str, first: int, count: int) -> str:
    return f"{file}{first}" if count == 1 else f"{file}[{first}:{first + count - 1}]"


def _accesses(load: bool) -> list[Access]:
    """Those of memory and LDS that stay in the lane's block."""
    return [
        access
        for access in models.accesses(load)
        if access.space != "scratch" and 0 <= access.offset <= BLOCK - SIZES.get(access.name, 4)
    ]


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize("file", ["v", "a"])
def test_loads_of_every_width(machine: Machine, assembler: Assembler, file: str) -> None:
    tried, kernel, data = _accesses(load=True), Kernel(), random.Random(71).randbytes(LANES * BLOCK)
    for access in tried:
        count = models.dwords(access.name)
        kernel.set(file, OLD[:count])
        kernel.masked(f"{access.mnemonic} {_registers(file, 40, count)}, {access.address}")
        for i in range(count):
            kernel.put(f"{file}{40 + i}")
    seen, _ = kernel.run(machine, assembler, data)
    slot, wrong = 0, []
    for access in tried:
        count = models.dwords(access.name)
        for lane in range(LANES):
            block = data[lane * BLOCK + access.offset : (lane + 1) * BLOCK]
            expected = models.LOADS[access.name](block, OLD[0]) if lane in ACTIVE else list(OLD[:count])
            if seen[slot : slot + count, lane].tolist() != expected:
                wrong.append(f"{access.mnemonic} {access.address} lane {lane}")
        slot += count
    assert len(tried) > 150
    assert not wrong, "\n".join(wrong[:20])


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize("file", ["v", "a"])
def test_stores_of_every_width(machine: Machine, assembler: Assembler, file: str) -> None:
    """What was stored is read back, dword by dword, and put back as it was."""
    tried, kernel, data = _accesses(load=False), Kernel(), random.Random(72).randbytes(LANES * BLOCK)
    kernel.set(file, OLD)
    kernel.lines += [f"global_load_b32 v{44 + k}, v2, s[4:5] offset:{4 * k}" for k in range(BLOCK // 4)]
    for access in tried:
        stored = _registers(file, 40, models.dwords(access.name))
        where, _, offset = access.address.partition(" offset:")
        address, *base = where.split(", ", 1)
        kernel.masked(f"{access.mnemonic} {', '.join([address, stored, *base])} offset:{offset or 0}")
        for k in range(access.offset // 4, min(access.offset // 4 + 5, BLOCK // 4)):
            in_lds = access.space == "lds"
            read = "ds_load_b32 v30, v2" if in_lds else "global_load_b32 v30, v2, s[4:5]"
            back = f"ds_store_b32 v2, v{44 + k}" if in_lds else f"global_store_b32 v2, v{44 + k}, s[4:5]"
            kernel.lines += [f"{read} offset:{4 * k}", WAIT]
            kernel.put("v30")
            kernel.lines += [f"{back} offset:{4 * k}", WAIT]
    seen, after = kernel.run(machine, assembler, data)
    assert after == data
    slot, wrong = 0, []
    for access in tried:
        expected = bytearray(data)
        for lane in ACTIVE:
            place, written = lane * BLOCK + access.offset, models.STORES[access.name](list(OLD))
            expected[place : place + len(written)] = written
        words = np.frombuffer(bytes(expected), np.uint32).reshape(LANES, BLOCK // 4)
        for k in range(access.offset // 4, min(access.offset // 4 + 5, BLOCK // 4)):
            if seen[slot].tolist() != words[:, k].tolist():
                wrong.append(f"{access.mnemonic} {access.address} dword {k}")
            slot += 1
    assert len(tried) > 70
    assert not wrong, "\n".join(wrong[:20])


def _tried(assembler: Assembler, only: str) -> list[tuple[str, str, str, int, bool]]:
    """(instruction, model's name, prefix, bits, whether it returns) of what the assembler takes."""
    named = [
        stem + bits for stem in (*models.INTEGER_ATOMICS, "swap_b", "cmpswap_b") for bits in ("32", "64")
    ]
    floats = ["add_f32", "min_f32", "max_f32", "add_f64", "min_f64", "max_f64", "pk_add_f16", "pk_add_bf16"]
    made = []
    for name in named if only == "integers" else floats:
        bits = models.bits_of(name)
        for prefix in ("global", "flat", "ds"):
            for returns in (False, True):
                made.append((_atomic(prefix, name, bits, returns), name, prefix, bits, returns))
    refused = assembler.rejected([text for text, *_ in made], LANES)
    return [one for at, one in enumerate(made) if at not in refused]


def _atomic(prefix: str, name: str, bits: int, returns: bool) -> str:
    """v[4:5] is the operand, v[6:7] what is compared with, v[40:41] the old value."""
    wide = bits // 32
    data, compare = _registers("v", 4, wide), _registers("v", 6, wide)
    result = f"{_registers('v', 40, wide)}, " if returns else ""
    if prefix == "ds":
        stem, _, kind = name.replace("cmpswap", "cmpst").rpartition("_")
        stem = "wrxchg" if stem == "swap" else stem
        operands = f"{compare}, {data}" if stem == "cmpst" else data
        return f"ds_{stem}{'_rtn' if returns else ''}_{kind} {result}v2, {operands} offset:8"
    if name.startswith("cmpswap"):
        data = "v[8:9]" if bits == 32 else "v[4:7]"
    address, base = ("v[20:21]", "") if prefix == "flat" else ("v2", ", s[4:5]")
    return f"{prefix}_atomic_{name} {result}{address}, {data}{base} offset:8{' glc' if returns else ''}"


def _numbers(rng: random.Random, kind: str) -> int:
    """Numbers of moderate size in the lanes of the kind: what is tried is the atomic, not rounding alone."""
    if kind.startswith("integers"):
        return rng.choice([0, 1, rng.getrandbits(8), rng.getrandbits(64), (1 << 64) - 1, 1 << 63 | 1 << 31])
    value = rng.uniform(-100, 100)
    if kind == "f64":
        return int(np.float64(value).view(np.uint64))
    if kind == "f32":
        return int(np.float32(value).view(np.uint32))
    whole = [np.float32(rng.randrange(-60, 60) / 4) for _ in range(2)]
    if kind == "pk_add_f16":
        low, high = (int(np.float16(one).view(np.uint16)) for one in whole)
    else:
        low, high = (int(one.view(np.uint32)) >> 16 for one in whole)
    return high << 16 | low


@pytest.mark.drawn(2)
@pytest.mark.parametrize("kind", ["integers", "f32", "f64", "pk_add_f16", "pk_add_bf16"])
def test_atomics(machine: Machine, assembler: Assembler, target: str, kind: str) -> None:
    """Memory at 8, the operand at 16, what is compared at 24 of every lane's block."""
    rng = random.Random(kind)
    blocks = []
    for lane in range(LANES):
        old, operand = _numbers(rng, kind), _numbers(rng, kind)
        blocks.append((0, old, operand, old if lane % 3 else _numbers(rng, kind), 0, 0, 0, 0))
    tried = [one for one in _tried(assembler, kind) if kind == "integers" or one[1].endswith(kind)]
    least = {"integers": 154, "f32": 8, "f64": 18, "pk_add_f16": 2, "pk_add_bf16": 0}[kind]
    assert len(tried) >= (least + 4 if target == "gfx942" and kind.startswith("pk") else least)
    kernel = Kernel()
    kernel.lines += [f"global_load_b32 v{4 + i}, v2, s[4:5] offset:{16 + 4 * i}" for i in range(4)]
    kernel.lines += ["global_load_b64 v[16:17], v2, s[4:5] offset:8", WAIT]
    kernel.lines += ["v_mov_b32 v8, v4", "v_mov_b32 v9, v6"]
    for text, _, prefix, *_ in tried:
        kernel.set("v", OLD[:2])
        kernel.masked(text)
        in_lds = prefix == "ds"
        kernel.lines += [
            f"{'ds_load_b64 v[42:43], v2' if in_lds else 'global_load_b64 v[42:43], v2, s[4:5]'} offset:8",
            WAIT,
            f"{'ds_store_b64 v2, v[16:17]' if in_lds else 'global_store_b64 v2, v[16:17], s[4:5]'} offset:8",
            WAIT,
        ]
        for register in range(40, 44):
            kernel.put(f"v{register}")
    seen, _ = kernel.run(machine, assembler, np.array(blocks, np.uint64).tobytes())
    wrong = []
    for at, (text, name, prefix, bits, returns) in enumerate(tried):
        for lane, (_, old, operand, compare, *_) in enumerate(blocks):
            low, new, got = models.mask(bits), old, OLD[0] | OLD[1] << 32
            if lane in ACTIVE:
                made = models.atomic(name, bits, old & low, operand & low, compare & low, prefix, target)
                new, got = old & ~low | made, got & ~low | old & low if returns else got
            words = [got & 0xFFFFFFFF, got >> 32, new & 0xFFFFFFFF, new >> 32]
            if seen[4 * at : 4 * at + 4, lane].tolist() != words:
                wrong.append(f"{text} lane {lane}")
    assert not wrong, "\n".join(wrong[:20])
