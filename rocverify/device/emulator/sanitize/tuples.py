"""Undefined bits of instructions that reach registers by pointer: relative moves and matrices."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

from llvmlite import ir

from rocverify.device.emulator.disassembly import Instruction
from rocverify.device.emulator.operands import Operand, OperandKind
from rocverify.device.emulator.sanitize.bits import shadowed, spread
from rocverify.device.emulator.translate import quiet
from rocverify.device.emulator.translate.matrix import DWORDS, RESULT_ELEMENTS, Element
from rocverify.device.emulator.translate.quiet import SHADOW
from rocverify.device.emulator.translate.relative import VGPRS, relative_vgpr
from rocverify.device.emulator.translate.types import I8, I32, Value
from rocverify.device.emulator.translate.wave import WaveBuilder

K = WaveBuilder
ROWS = 16


def _pointer(k: K, operand: Operand) -> Value:
    """Where the shadow lies of the register M0 after the operand."""
    offset = k.i64(SHADOW * 4 * k.lanes)
    return k.b.gep(relative_vgpr(k, operand, None).pointer, [offset], inbounds=True, source_etype=I8)


def _from_relative(k: K, inst: Instruction) -> None:
    """v_movrels_b32."""
    target, source = inst.operands
    k.flush_vgprs(SHADOW, VGPRS)
    k.commit(shadowed(target), k.b.load(_pointer(k, source), typ=k.shapes.i32, align=64))


def _to_relative(k: K, inst: Instruction) -> None:
    """v_movreld_b32."""
    target, source = inst.operands
    shadow = _shadow(k, source)
    k.flush_vgprs(SHADOW, VGPRS)
    pointer = _pointer(k, target)
    old = k.b.load(pointer, typ=k.shapes.i32, align=64)
    k.b.store(k.b.select(k.exec_mask(), shadow, old), pointer, align=64)
    k.forget_vgprs(SHADOW, VGPRS)


def _shadow(k: K, operand: Operand) -> Value:
    if operand.kind is OperandKind.VGPR:
        return quiet.vgpr(k, SHADOW + operand.index)
    if operand.kind is OperandKind.SGPR:
        return k.splat(quiet.sgpr(k, SHADOW + operand.index))
    return k.const(k.shapes.i32, 0)


def _matrix(element: Element) -> Callable[[K, Instruction], None]:
    """v_wmma_*: an element of D depends on a row of A, a column of B and its own element of C. Lane l holds
    row l % 16 of A, column l % 16 of B, and in register j of C and D the row j * lanes / 16 + l / 16."""

    def rule(k: K, inst: Instruction) -> None:
        target, a, b, c = inst.operands
        rows, columns = (_any(k, operand.index, DWORDS[element]) for operand in (a, b))
        shadows = []
        for register in range(RESULT_ELEMENTS // k.lanes):
            sources = [k.lanes // ROWS * register + lane // ROWS for lane in range(k.lanes)]
            index = ir.Constant(ir.VectorType(I32, k.lanes), [ir.Constant(I32, row) for row in sources])
            row = k.b.shuffle_vector(rows, ir.Constant(rows.type, ir.Undefined), index)
            shadow = k.b.or_(row, columns)
            if c.kind is OperandKind.VGPR:
                shadow = k.b.or_(shadow, spread(k, quiet.vgpr(k, SHADOW + c.index + register)))
            shadows.append(shadow)
        for register, shadow in enumerate(shadows):
            k.set_vgpr_all_lanes(SHADOW + target.index + register, shadow)

    return rule


def _any(k: K, first: int, count: int) -> Value:
    """All ones in the lanes where any of the registers has an undefined bit."""
    return spread(k, reduce(k.b.or_, (quiet.vgpr(k, SHADOW + first + i) for i in range(count))))


RULES = {
    "v_movrels_b32": _from_relative,
    "v_movreld_b32": _to_relative,
    "v_wmma_f32_16x16x16_f16": _matrix(Element.F16),
    "v_wmma_f32_16x16x16_bf16": _matrix(Element.BF16),
    "v_wmma_f16_16x16x16_f16": _matrix(Element.F16),
    "v_wmma_bf16_16x16x16_bf16": _matrix(Element.BF16),
    "v_wmma_i32_16x16x16_iu8": _matrix(Element.IU8),
    "v_wmma_i32_16x16x16_iu4": _matrix(Element.IU4),
}
