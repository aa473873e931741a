"""Runs many single instructions in one kernel, each over rows of operands, and reads what they left.

A probe's text names registers by placeholders. Vector sources: {a} {b} {c} are 32-bit, {a2} {b2} {c2}
pairs; scalar sources: {sa} {sb} {sc}, {sa2} {sb2} {sc2}; destinations {d} {d2}, {sd} {sd2}, all
holding `old` before; {mask} is a lane mask of the wave's size and {vcc} VCC. EXEC is the row's while the
instruction runs, VCC and SCC are set from the row before it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler

VECTOR_INPUTS = ("a", "b", "c", "old")
SCALAR_INPUTS = ("sa", "sb", "sc", "sold", "vcc", "exec", "scc")
SLOTS_PER_WINDOW = {32: 15, 64: 7}
"""As far as the offsets of global stores reach on every family."""

RowMaker = Callable[[random.Random, int], "Row"]


@dataclass(frozen=True)
class Row:
    """Operands of one wave. Vectors and scalars are 64 bits wide, each instruction takes what it wants."""

    lanes: int
    a: list[int]
    b: list[int]
    c: list[int]
    old: list[int]
    sa: int
    sb: int
    sc: int
    sold: int
    vcc: int
    exec: int
    scc: int

    def active(self, lane: int) -> bool:
        return bool(self.exec >> lane & 1)


@dataclass(frozen=True)
class Seen:
    """What an instruction left: `v` 64-bit lanes of {d}, `s` the 64 bits of {sd}, then VCC, EXEC, SCC."""

    v: list[int] = field(default_factory=list)
    s: int = 0
    vcc: int = 0
    exec: int = 0
    scc: int = 0


@dataclass(frozen=True)
class Probe:
    """One instruction and what is checked of it: `vector` and `scalar` in dwords."""

    text: str
    vector: int = 0
    scalar: int = 0
    vcc: bool = False
    exec: bool = False
    scc: bool = False

    def body(self, lanes: int) -> list[str]:
        mask = "s50" if lanes == 32 else "s[50:51]"
        names = {
            "a": "v2", "a2": "v[2:3]", "b": "v4", "b2": "v[4:5]", "c": "v6", "c2": "v[6:7]",
            "d": "v12", "d2": "v[12:13]", "sa": "s32", "sa2": "s[32:33]", "sb": "s34", "sb2": "s[34:35]",
            "sc": "s36", "sc2": "s[36:37]", "sd": "s50", "sd2": "s[50:51]", "mask": mask,
            "vcc": "vcc_lo" if lanes == 32 else "vcc", "exec": "exec_lo" if lanes == 32 else "exec",
            "smask": "s40" if lanes == 32 else "s[40:41]", "al": "v2.l", "ah": "v2.h",
            "x": "v13", "y": "v12",
        }  # fmt: skip
        return self.text.format(**names).split(";")


def kernel_text(probes: Sequence[Probe], lanes: int) -> str:
    """Assembly of a kernel that runs every probe over the row that its workgroup id names."""
    bits = "b32" if lanes == 32 else "b64"
    exec_name, row_exec = ("exec_lo", "s42") if lanes == 32 else ("exec", "s[42:43]")
    lines = _prologue(lanes, sum(_slots(p) for p in probes))
    window = SLOTS_PER_WINDOW[lanes]
    slot = 0
    for probe in probes:
        lines += ["v_mov_b32 v12, v8", "v_mov_b32 v13, v9"] if probe.vector else []
        lines += ["s_mov_b64 s[50:51], s[38:39]"] if "{sd" in probe.text or "{mask" in probe.text else []
        lines += ["s_mov_b64 vcc, s[40:41]"]
        lines += ["s_cmp_lg_u32 s44, 0"] if probe.scalar or probe.scc or "scc" in probe.text else []
        lines += [f"s_mov_{bits} {exec_name}, {row_exec}", *probe.body(lanes)]
        lines += ["s_cselect_b32 s56, 1, 0"] if probe.scc else []
        lines += ["s_mov_b64 s[54:55], exec"] if probe.exec else []
        lines += [f"s_mov_{bits} {exec_name}, -1"]
        registers = [f"v{12 + i}" for i in range(probe.vector)]
        if _has_scalars(probe):
            lines += [f"v_writelane_b32 v16, s{r}, {i}" for i, r in enumerate((50, 51))]
            lines += ["v_writelane_b32 v16, vcc_lo, 2", "v_writelane_b32 v16, vcc_hi, 3"] if probe.vcc else []
            lines += [f"v_writelane_b32 v16, s{r}, {i}" for i, r in ((4, 54), (5, 55))] if probe.exec else []
            lines += ["v_writelane_b32 v16, s56, 6"] if probe.scc else []
            registers.append("v16")
        for register in registers:
            if slot and slot % window == 0:
                lines += [f"s_add_u32 s6, s6, {window * lanes * 4}", "s_addc_u32 s7, s7, 0"]
            lines.append(f"global_store_b32 v1, {register}, s[6:7] offset:{slot % window * lanes * 4}")
            slot += 1
    return "\n".join([*lines, "s_endpgm"])


def _prologue(lanes: int, slots: int) -> list[str]:
    lines = ["s_load_b128 s[4:7], s[0:1], 0x0", "s_load_b64 s[8:9], s[0:1], 0x10", "s_waitcnt lgkmcnt(0)"]
    sizes = ((4, 8 * lanes * 4), (6, slots * lanes * 4), (8, 64))
    for register, size in sizes:
        lines += [
            f"s_mul_i32 s10, s2, {size}",
            f"s_mul_hi_u32 s11, s2, {size}",
            f"s_add_u32 s{register}, s{register}, s10",
            f"s_addc_u32 s{register + 1}, s{register + 1}, s11",
        ]
    lines += ["v_lshlrev_b32 v1, 2, v0", "v_mov_b32 v16, 0"]
    lines += [f"global_load_b32 v{2 + i}, v1, s[4:5] offset:{i * lanes * 4}" for i in range(8)]
    return [*lines, "s_load_b512 s[32:47], s[8:9], 0x0", "s_waitcnt vmcnt(0) lgkmcnt(0)"]


def _has_scalars(probe: Probe) -> bool:
    return bool(probe.scalar or probe.vcc or probe.exec or probe.scc)


def _slots(probe: Probe) -> int:
    return probe.vector + _has_scalars(probe)


def run_probes(
    machine: Machine, assembler: Assembler, probes: Sequence[Probe], rows: Sequence[Row]
) -> list[list[Seen]]:
    """What every probe left for every row: result[probe][row]."""
    lanes = rows[0].lanes
    code = assembler.kernel(kernel_text(probes, lanes), lanes)
    total = sum(_slots(p) for p in probes)
    module = machine.load(code)
    memory = machine.memory
    vectors, scalars = _vector_block(rows), _scalar_block(rows)
    output_bytes = total * lanes * 4 * len(rows)
    pointers = [memory.malloc(vectors.nbytes), memory.malloc(output_bytes), memory.malloc(scalars.nbytes)]
    try:
        memory.write(pointers[0], vectors.tobytes())
        memory.write(pointers[2], scalars.tobytes())
        kernarg = b"".join(p.to_bytes(8, "little") for p in pointers)
        machine.launch(module.kernel("probe"), (len(rows), 1, 1), (lanes, 1, 1), 0, kernarg)
        raw = np.frombuffer(memory.read(pointers[1], output_bytes), np.uint32)
    finally:
        for pointer in pointers:
            memory.free(pointer)
        machine.unload(module)
    return _observations(probes, raw.reshape(len(rows), total, lanes))


def _vector_block(rows: Sequence[Row]) -> np.ndarray:
    block = np.array([[getattr(row, name) for name in VECTOR_INPUTS] for row in rows], np.uint64)
    low, high = block & np.uint64(0xFFFFFFFF), block >> np.uint64(32)
    return np.stack([low, high], axis=2).astype(np.uint32)


def _scalar_block(rows: Sequence[Row]) -> np.ndarray:
    block = np.array([[getattr(row, name) for name in SCALAR_INPUTS] + [0] for row in rows], np.uint64)
    return block.view(np.uint32)


def _observations(probes: Sequence[Probe], raw: np.ndarray) -> list[list[Seen]]:
    wide, slot, result = raw.astype(np.uint64), 0, []
    for probe in probes:
        seen = []
        for row in wide[:, slot : slot + _slots(probe)]:
            vector = row[0].copy() if probe.vector else np.zeros(0, np.uint64)
            if probe.vector == 2:
                vector |= row[1] << np.uint64(32)
            pairs = [0, 0, 0, 0]
            if _has_scalars(probe):
                tail = [int(value) for value in row[probe.vector][:8]]
                pairs = [tail[i] | tail[i + 1] << 32 for i in (0, 2, 4)] + [tail[6]]
            seen.append(Seen(vector.tolist(), *pairs))
        result.append(seen)
        slot += _slots(probe)
    return result
