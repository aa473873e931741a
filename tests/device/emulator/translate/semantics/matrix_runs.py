"""Launches of one wave that loads registers, executes one matrix instruction and stores D."""

from __future__ import annotations

import numpy as np

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.translate.semantics.models_matrix import Registers


def destination(machine: Machine, code: bytes, registers: Registers, lanes: int, count: int) -> np.ndarray:
    """The `count` registers of D after kernel `probe` of `code`, a row each."""
    module, memory = machine.load(code), machine.memory
    block = np.array(registers, np.uint32)
    pointers = [memory.malloc(block.nbytes), memory.malloc(count * lanes * 4)]
    try:
        memory.write(pointers[0], block.tobytes())
        kernarg = b"".join(p.to_bytes(8, "little") for p in (*pointers, 0))
        machine.launch(module.kernel("probe"), (1, 1, 1), (lanes, 1, 1), 0, kernarg)
        return np.frombuffer(memory.read(pointers[1], count * lanes * 4), np.uint32).reshape(count, lanes)
    finally:
        for pointer in pointers:
            memory.free(pointer)
        machine.unload(module)
