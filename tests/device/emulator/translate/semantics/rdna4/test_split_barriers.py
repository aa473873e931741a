"""Barriers in two halves: side by side they are one barrier; what else could be between them is refused."""

from __future__ import annotations

import numpy as np
import pytest

from rocverify.device.emulator.machine import Machine
from rocverify.errors import UnsupportedInstructionError
from tests.device.emulator.assembling import Assembler

BEGIN = """s_load_b64 s[4:5], s[0:1], 0x0
v_lshlrev_b32 v1, 2, v0
v_xor_b32 v2, 0xfc, v1
ds_store_b32 v1, v0
s_wait_idle
"""
END = """
ds_load_b32 v3, v2
s_wait_idle
global_store_b32 v1, v3, s[4:5]
s_endpgm"""


def _ran(machine: Machine, assembler: Assembler, between: str) -> np.ndarray:
    module = machine.load(assembler.kernel(BEGIN + between + END, lds=256))
    out = machine.memory.malloc(256)
    try:
        kernarg = out.to_bytes(8, "little") + bytes(16)
        machine.launch(module.kernel("probe"), (1, 1, 1), (64, 1, 1), 0, kernarg)
        return np.frombuffer(machine.memory.read(out, 256), np.uint32)
    finally:
        machine.memory.free(out)
        machine.unload(module)


@pytest.mark.parametrize(
    "work", ["", "v_add_nc_u32 v4, 1, v1\n", "s_add_co_u32 s8, s8, 1\ns_wait_alu 0xfffe\n"]
)
def test_halves_with_arithmetic_between_are_a_barrier(
    machine: Machine, assembler: Assembler, work: str
) -> None:
    """Each of two waves reads what the other wrote."""
    seen = _ran(machine, assembler, f"s_barrier_signal -1\n{work}s_barrier_wait -1")
    np.testing.assert_array_equal(seen, np.arange(63, -1, -1))


@pytest.mark.parametrize(
    ("between", "reason"),
    [
        ("s_barrier_signal -1\nds_load_b32 v5, v1\ns_barrier_wait -1", "side by side"),
        ("s_barrier_signal -1", "side by side"),
        ("s_barrier_wait -1", "side by side"),
        ("s_barrier_signal m0\ns_barrier_wait 1", "with a number"),
        ("s_barrier_signal -1\ns_barrier_wait -2", "with a number"),
        ("s_barrier_signal -1\ns_mov_b32 exec_lo, 1\ns_barrier_wait -1", "side by side"),
    ],
)
def test_other_halves_are_refused(machine: Machine, assembler: Assembler, between: str, reason: str) -> None:
    with pytest.raises(UnsupportedInstructionError, match=reason):
        _ran(machine, assembler, between)


def test_named_barriers_are_refused_by_name(machine: Machine, assembler: Assembler) -> None:
    with pytest.raises(UnsupportedInstructionError, match="barriers with a number"):
        _ran(machine, assembler, "s_barrier_signal_isfirst -1")
