"""Barriers in two halves: a wave says that it has come (s_barrier_signal), and waits for the others.

Compilers put one right before the other, with nothing but arithmetic between, which is a barrier as other
families have it: it is where the wave waits. What a wave does between the halves is ordered with neither side
of the barrier: code that accesses memory there, or has one half without the other, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import OperandKind
from rocverify.device.emulator.translate.lowering.flow import BLOCK_ENDS, Graph
from rocverify.device.emulator.translate.lowering.refusal import refusal
from rocverify.device.emulator.translate.semantics.rdna4 import SIGNAL

WAIT = "s_barrier"
OF_WORKGROUP = -1
"""The number of the barrier that all waves of the workgroup share."""

_INSTEAD = "use __syncthreads()"
_ACCESSES = ("global_", "flat_", "buffer_", "tbuffer_", "ds_", "s_buffer_load_", "s_send", "s_sleep")
_CHANGES_EXEC = re.compile(r"s_\w+_(saveexec|wrexec)_b\d+|v_cmpx_\w+")


def check_barriers(graph: Graph) -> None:
    """UnsupportedInstructionError where a half of a barrier stands alone, or is of another barrier."""
    for block in graph.blocks.values():
        for place, inst in enumerate(block):
            if inst.mnemonic == SIGNAL:
                _check_signal(inst, block[place + 1 :])
            elif inst.mnemonic == WAIT and inst.text.startswith("s_barrier_wait"):
                _check_wait(inst, block[:place])


def _check_signal(inst: Instruction, after: Sequence[Instruction]) -> None:
    operand = inst.operands[0]
    if operand.kind is not OperandKind.INTEGER or operand.integer != OF_WORKGROUP:
        raise refusal(inst, "barriers with a number are not modelled", _INSTEAD)
    if _first(after) != WAIT:
        raise refusal(inst, "a barrier whose halves do not stand side by side is not modelled", _INSTEAD)


def _check_wait(inst: Instruction, before: Sequence[Instruction]) -> None:
    if inst.word & 0xFFFF != OF_WORKGROUP & 0xFFFF:
        raise refusal(inst, "barriers with a number are not modelled", _INSTEAD)
    if _first(before[::-1]) != SIGNAL:
        raise refusal(inst, "a barrier whose halves do not stand side by side is not modelled", _INSTEAD)


def _first(code: Sequence[Instruction]) -> str | None:
    """The first instruction that is more than arithmetic. Scratch is the lane's own, and scalar loads are of
    what no kernel writes while it runs."""
    return next((inst.mnemonic for inst in code if _is_more(inst)), None)


def _is_more(inst: Instruction) -> bool:
    name = inst.mnemonic
    if name in BLOCK_ENDS or name == SIGNAL or name.startswith(_ACCESSES):
        return True
    written = bool(inst.operands) and inst.operands[0].name.startswith("exec")
    return written or _CHANGES_EXEC.fullmatch(name) is not None
