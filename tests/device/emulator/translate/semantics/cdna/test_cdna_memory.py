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
