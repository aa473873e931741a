"""Stores of what was loaded just before: values that are copied and not computed with.

Whoever copies a struct copies the padding between its fields, which nobody writes. So undefined bytes beside
defined ones of a copied dword go along with it and decide nothing yet. A dword of which nothing is defined is
reported all the same, and so are bytes that were put together, and a single dword: it is a number rather than
a struct.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind

_LOADS = re.compile(r"\w+?_(load|read)2?(_2addr)?(st64|_stride64)?_(b(32|64|96|128)|dword(x[234])?)")
_MOVES = ("v_mov_b32", "v_mov_b32_e32", "v_mov_b32_e64", "v_dual_mov_b32")


def is_copied(block: Sequence[Instruction], store: Instruction, first: int, dwords: int) -> bool:
    """Whether each of the VGPRs that a store of this basic block takes was loaded in the block, whole, or
    moved from one that was. first: the first VGPR."""
    before = [one for one in block if one.address < store.address]
    return all(_is_loaded(before, index) for index in range(first, first + dwords))


def _is_loaded(before: Sequence[Instruction], index: int) -> bool:
    for place in range(len(before) - 1, -1, -1):
        for part in (before[place], before[place].second):
            if part is None or not any(_has(one, index) for one in part.operands[:2]):
                continue
            source = part.operands[-1]
            if part.mnemonic in _MOVES and not part.modifiers and _has(part.operands[0], index):
                return source.kind is OperandKind.VGPR and _is_loaded(before[:place], source.index)
            if _has(part.operands[0], index):
                return _LOADS.fullmatch(part.mnemonic) is not None
            if part.mnemonic.startswith("v_swap"):
                return False
    return False


def _has(operand: Operand, index: int) -> bool:
    return operand.kind is OperandKind.VGPR and operand.index <= index < operand.index + operand.count
