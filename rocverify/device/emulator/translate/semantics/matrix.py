"""WMMA: products of 16x16 matrices that lie in the registers of a wave. Names are the ISA manual's.

The arithmetic, with its layout and its order of rounding, is the runtime's (runtime/matrix.c). EXEC is
ignored, as the RDNA3 ISA manual's chapter on wave matrix multiply-accumulate says; the modifiers are as
the instruction calculator of AMD's matrix instructions gives them: neg_lo and neg_hi negate the low and
the high halves of A and B; for C neg_lo negates and neg_hi takes the absolute value, that first. For
integers neg_lo says which of A and B is signed.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import OperandKind
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, DataType
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.errors import DeviceError

K = WaveBuilder


class Element(IntEnum):
    """What A and B hold, as rt_wmma numbers it."""

    F16 = 0
    BF16 = 1
    IU8 = 2
    IU4 = 3


DWORDS = {Element.F16: 8, Element.BF16: 8, Element.IU8: 4, Element.IU4: 2}
"""Registers of A, and of B."""

RESULT_ELEMENTS = 256
BF16 = TYPES["b16"]
"""No type of the host's: constants of it are the upper halves of singles."""
NARROW, CONSTANT, CLAMP, HIGH_HALF = (1 << bit for bit in (2, 3, 4, 5))
NEG_LO_BIT, NEG_HI_BIT = 8, 12


class _Matrix(NamedTuple):
    """One instruction: the elements of A and B, and the type of C and D."""

    element: Element
    result: DataType


def _form(inst: Instruction, matrix: _Matrix) -> int:
    """The `form` argument of rt_wmma."""
    integers = matrix.element in (Element.IU8, Element.IU4)
    low, high = inst.flags("neg_lo", 3, 0), inst.flags("neg_hi", 3, 0)
    if integers and (any(high) or low[2]):
        raise DeviceError(f"neg_hi, and neg_lo of C, mean nothing for integers: {inst.text}")
    narrow = matrix.result.bits == 16
    form = int(matrix.element) | (NARROW if narrow else 0)
    form |= CLAMP if "clamp" in inst.modifiers else 0
    form |= HIGH_HALF if narrow and inst.flags("op_sel", 3, 0)[2] else 0
    form |= sum(bit << NEG_LO_BIT + place for place, bit in enumerate(low))
    return form | sum(bit << NEG_HI_BIT + place for place, bit in enumerate(high))


def _constant(k: K, inst: Instruction, matrix: _Matrix) -> int:
    """The bits of an inline constant that stands for every element of C."""
    operand = inst.operands[3]
    bits = k.constant_bits(operand, matrix.result)
    if matrix.result is BF16 and operand.kind is OperandKind.FLOAT:
        bits >>= 16
    bits &= (1 << matrix.result.bits) - 1
    if matrix.result.bits == 16 and inst.flags("op_sel", 3, 0)[2] and bits:
        raise DeviceError(f"the high half of a constant as a matrix: {inst.text}")
    return bits


def wmma(element: Element, result: DataType) -> Handler:
    """`mnemonic vdst, A, B, C`, where C is a tuple of VGPRs or an inline constant."""
    matrix = _Matrix(element, result)

    def handle(k: K, inst: Instruction) -> None:
        target, a, b, c = inst.operands
        count = RESULT_ELEMENTS // k.lanes
        form, constant = _form(inst, matrix), 0
        registers = target.index | a.index << 8 | b.index << 16
        for operand in (a, b):
            k.flush_vgprs(operand.index, DWORDS[element])
        k.flush_vgprs(target.index, count)
        if c.kind is OperandKind.VGPR:
            registers |= c.index << 24
            k.flush_vgprs(c.index, count)
        else:
            form, constant = form | CONSTANT, _constant(k, inst, matrix)
        k.call_void("rt_wmma", [k.worker, k.wave, *(k.i32(word) for word in (registers, form, constant))])
        k.forget_vgprs(target.index, count)

    return handle


HANDLERS: dict[str, Handler] = {
    "v_wmma_f32_16x16x16_f16": wmma(Element.F16, TYPES["f32"]),
    "v_wmma_f32_16x16x16_bf16": wmma(Element.BF16, TYPES["f32"]),
    "v_wmma_f16_16x16x16_f16": wmma(Element.F16, TYPES["f16"]),
    "v_wmma_bf16_16x16x16_bf16": wmma(Element.BF16, BF16),
    "v_wmma_i32_16x16x16_iu8": wmma(Element.IU8, TYPES["i32"]),
    "v_wmma_i32_16x16x16_iu4": wmma(Element.IU4, TYPES["i32"]),
}
