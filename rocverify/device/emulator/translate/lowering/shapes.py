"""Whether the translator has semantics for instructions, without translating programs.

Each shape is tried once: two instructions have one shape if the translator can tell them apart by the numbers
of plain registers, literals and offsets only.
"""

from __future__ import annotations

from collections.abc import Hashable

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.family import Family
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder.modes import Mode
from rocverify.device.emulator.translate.lowering.flow import BRANCHES, ENDS
from rocverify.device.emulator.translate.lowering.program import handler_name, wave_builder
from rocverify.device.emulator.translate.semantics import directed
from rocverify.device.emulator.translate.semantics.refused import no_semantics
from rocverify.errors import DeviceError

_PLAIN_SGPRS = 100
_NUMBERS = frozenset(("offset", "offset0", "offset1"))


class Shapes:
    """What a family's translator says to instructions in waves of so many lanes."""

    def __init__(self, family: Family, lanes: int) -> None:
        self._family, self._lanes = family, lanes
        self._known: dict[Hashable, str | None] = {}
        self._by_words: dict[Hashable, str | None] = {}

    def refused(self, inst: Instruction, mode: Mode) -> str | None:
        """Why the translator would refuse an instruction where this mode holds; None if it would not."""
        if inst.mnemonic in BRANCHES or inst.mnemonic in ENDS:
            return None
        words = (inst.mnemonic, inst.text, inst.encoding, mode)
        if words not in self._by_words:
            shape = (_shape(inst), mode)
            if shape not in self._known:
                self._known[shape] = self._tried(inst, mode)
            self._by_words[words] = self._known[shape]
        return self._by_words[words]

    def _tried(self, inst: Instruction, mode: Mode) -> str | None:
        k = wave_builder(self._family, ir.Module(), "scratch", self._lanes)
        known = k.dialect.handlers
        k.start_block(k.function.append_basic_block())
        k.mode, k.lane_override = mode, None
        parts = [inst] if inst.second is None else [inst, inst.second]
        try:
            if len(parts) == 2:
                k.begin_pair()
            for part in parts:
                name = handler_name(part)
                handler = directed.handler(name, known) if mode.directed else known.get(name)
                if handler is None:
                    return no_semantics(part.mnemonic)
                handler(k, part)
            if len(parts) == 2:
                k.end_pair()
        except DeviceError as error:
            return error.message
        return None


def _shape(inst: Instruction) -> Hashable:
    modifiers = ((name, value) for name, value in inst.modifiers.items() if name not in _NUMBERS)
    second = None if inst.second is None else _shape(inst.second)
    operands = tuple(_operand_shape(one) for one in inst.operands)
    named = tuple(name for name in inst.modifiers if name in _NUMBERS)
    # Destination and source in one register, and the order of pairs, are told by which operands are the same.
    same = tuple(inst.operands.index(one) for one in inst.operands)
    text = "" if inst.operands else inst.text
    return (inst.mnemonic, inst.encoding, operands, tuple(modifiers), named, same, second, text)


def _operand_shape(one: Operand) -> Hashable:
    signs = (one.count, one.half, one.negate, one.absolute)
    if one.kind is OperandKind.VGPR:
        return ("v", *signs)
    if one.kind is OperandKind.SGPR and one.index < _PLAIN_SGPRS:
        return ("s", one.index % 2, *signs)
    if one.kind is OperandKind.LITERAL:
        return ("literal", *signs)
    return (one.kind, one.index, one.value, one.name, *signs)
