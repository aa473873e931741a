"""Runs a kernel written in assembly on one wave, with three buffers, and reads back what it left."""

from __future__ import annotations

import numpy as np

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler


def run_wave(
    machine: Machine,
    assembler: Assembler,
    lines: list[str],
    regions: bytes,
    inputs: bytes,
    slots: int,
    *,
    lanes: int = 32,
    lds: int = 0,
) -> tuple[np.ndarray, bytes]:
    """The kernel's arguments are `regions`, room for `slots` rows of a dword a lane, and `inputs`; the
    result is the rows as [slot, lane] and the regions afterwards."""
    module = machine.load(assembler.kernel("\n".join([*lines, "s_endpgm"]), lanes, lds=lds))
    memory, sizes = machine.memory, (len(regions), max(slots, 1) * lanes * 4, len(inputs))
    pointers = [memory.malloc(size) for size in sizes]
    try:
        memory.write(pointers[0], regions)
        memory.write(pointers[2], inputs)
        kernarg = b"".join(p.to_bytes(8, "little") for p in pointers)
        machine.launch(module.kernel("probe"), (1, 1, 1), (lanes, 1, 1), 0, kernarg)
        seen = np.frombuffer(memory.read(pointers[1], sizes[1]), np.uint32).reshape(-1, lanes)
        return seen, memory.read(pointers[0], sizes[0])
    finally:
        for pointer in pointers:
            memory.free(pointer)
        machine.unload(module)


def random_words(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 1 << 32, count, dtype=np.uint64).astype(np.uint32)
