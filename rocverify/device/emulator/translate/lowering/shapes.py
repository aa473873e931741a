"""Whether the translator has semantics for instructions, without translating programs.

Each shape is tried once: two instructions have one shape if the translator can tell them apart by the numbers
of plain registers, literals and offsets only.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cache

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.family import Family
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder.modes import WRITERS, Mode, after
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.lowering.flow import BLOCK_ENDS
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
        self._builder: WaveBuilder | None = None
        self._known: dict[Hashable, str | None] = {}
        self._by_words: dict[Mode, dict[tuple[str, str], str | None]] = {}

    def refused(self, block: Sequence[Instruction], mode: Mode) -> Iterator[tuple[Instruction, str]]:
        """The instructions that the translator would refuse in a block that begins in this mode, with why."""
        known = self._by_words.setdefault(mode, {})
        for inst in block:
            words = (inst.mnemonic, inst.text)
            if words not in known:
                known[words] = self._reason(inst, mode)
            reason = known[words]
            if reason is not None:
                yield inst, reason
            if inst.mnemonic in WRITERS:
                mode = after(mode, inst)
                known = self._by_words.setdefault(mode, {})

    def _reason(self, inst: Instruction, mode: Mode) -> str | None:
        if inst.mnemonic in BLOCK_ENDS:
            return None
        shape = (_shape(inst), mode)
        if shape not in self._known:
            self._known[shape] = self._tried(inst, mode)
        return self._known[shape]

    def _tried(self, inst: Instruction, mode: Mode) -> str | None:
        k = self._builder or wave_builder(self._family, ir.Module(), "scratch", self._lanes)
        self._builder = None  # until it is known to be as it was: not after an error half way
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
        self._builder = k
        return None


@cache
def shapes_of(family: Family, lanes: int) -> Shapes:
    """What is known so far of a family's translator: the kernels of a file have many shapes in common."""
    return Shapes(family, lanes)


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
