"""Machines that count, and kernels of one memory access for their tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rocverify.device.emulator.counters import CounterInstrument, Counters
from rocverify.device.emulator.load.kernarg import Triple
from rocverify.device.emulator.machine import LaunchStats, LoadedKernel, Machine
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler

SCRATCH_BYTES = 256
APERTURES = {"lds": 0x10000 << 32, "scratch": 0x20000 << 32}


def counting_machine(toolchain: Toolchain, cache: Path, threads: int = 1) -> Machine:
    return Machine(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        threads=threads,
        cache_dir=cache,
        instruments=[CounterInstrument()],
    )


def counted(stats: LaunchStats) -> Counters:
    """The counters of a launch; all classes together are the instructions that the runtime counted."""
    counters = stats.counters
    assert counters is not None
    assert counters.wave_instructions == stats.wave_instructions
    return counters


def run_body(
    machine: Machine,
    assembler: Assembler,
    body: str,
    lanes: int = 32,
    *,
    grid: Triple = (1, 1, 1),
    block: Triple | None = None,
    lds: int = 0,
    scratch: int = 0,
    buffers: Sequence[bytes] = (),
) -> Counters:
    """Launches assembled code once; `buffers` are the arrays of its three pointers."""
    module, memory = machine.load(assembler.kernel(body, lanes, lds, scratch)), machine.memory
    pointers = [memory.malloc(len(data)) for data in buffers]
    try:
        for pointer, data in zip(pointers, buffers, strict=True):
            memory.write(pointer, data)
        kernarg = b"".join(p.to_bytes(8, "little") for p in [*pointers, 0, 0, 0][:3])
        return counted(machine.launch(module.kernel("probe"), grid, block or (lanes, 1, 1), 0, kernarg))
    finally:
        for pointer in pointers:
            memory.free(pointer)
        machine.unload(module)


def access_body(access: str, lanes: int) -> str:
    """A kernel that runs one access with the addresses (v[10:11]) and the EXEC that the host gives."""
    take_exec = "s_mov_b32 exec_lo, s12" if lanes == 32 else "s_mov_b64 exec, s[12:13]"
    return "\n".join(
        [
            "s_load_b64 s[4:5], s[0:1], 0x0",
            "s_load_b64 s[8:9], s[0:1], 0x8",
            "s_waitcnt lgkmcnt(0)",
            "s_load_b64 s[12:13], s[8:9], 0x0",
            "v_lshlrev_b32 v1, 3, v0",
            "global_load_b64 v[10:11], v1, s[4:5]",
            *(f"v_mov_b32 v{i}, 0" for i in range(4, 8)),
            "s_waitcnt vmcnt(0) lgkmcnt(0)",
            take_exec,
            access,
            "s_endpgm",
        ]
    )


class Prober:
    """Runs single accesses of a machine and gives the counters of that instruction alone."""

    def __init__(self, machine: Machine, assembler: Assembler) -> None:
        self.machine, self.assembler = machine, assembler
        self._kernels: dict[tuple[str, int], LoadedKernel] = {}
        self.data = machine.memory.malloc(1 << 16)

    def run(self, access: str, addresses: Sequence[int], active: int) -> Counters:
        """`addresses` of all lanes (32 or 64) as in v[10:11]; `active` is EXEC."""
        lanes, memory = len(addresses), self.machine.memory
        kernel = self._kernel(access, lanes)
        table = memory.malloc(8 * lanes)
        mask = memory.malloc(8)
        try:
            memory.write(table, np.array(addresses, np.uint64).tobytes())
            memory.write(mask, active.to_bytes(8, "little"))
            kernarg = b"".join(p.to_bytes(8, "little") for p in (table, mask, 0))
            counters = counted(self.machine.launch(kernel, (1, 1, 1), (lanes, 1, 1), 0, kernarg))
        finally:
            memory.free(table)
            memory.free(mask)
        name = access.partition(" ")[0]
        (found,) = [
            one.counters
            for one in counters.per_instruction()
            if one.text.startswith(name) and "s[" not in one.text
        ]
        return found

    def _kernel(self, access: str, lanes: int) -> LoadedKernel:
        if (access, lanes) not in self._kernels:
            code = self.assembler.kernel(access_body(access, lanes), lanes, 1 << 15, SCRATCH_BYTES)
            self._kernels[access, lanes] = self.machine.load(code).kernel("probe")
        return self._kernels[access, lanes]
