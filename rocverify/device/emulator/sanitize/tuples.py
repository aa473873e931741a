"""Undefined bits of instructions that reach registers by pointer: relative moves and matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import OperandKind
from rocverify.device.emulator.sanitize.bits import shadowed, spread
from rocverify.device.emulator.translate.builder.registers import SHADOW
from rocverify.device.emulator.translate.builder.types import I32, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.matrix import DWORDS, RESULT_ELEMENTS, Element
from rocverify.device.emulator.translate.semantics.matrix_cdna import (
    PRODUCTS,
    Product,
    modifiers_of,
    registers_of,
)
from rocverify.device.emulator.translate.semantics.relative import HANDLERS as RELATIVE

K = WaveBuilder
ROWS = 16


def _relative(k: K, inst: Instruction) -> None:
    """v_movrel*, v_swaprel and s_movrel*: the same among the shadows. M0 is checked like an address."""
    twin = replace(inst, operands=tuple(shadowed(operand) for operand in inst.operands))
    RELATIVE[inst.mnemonic](k, twin)


def _matrix(element: Element) -> Callable[[K, Instruction], None]:
    """v_wmma_*: an element of D depends on a row of A, a column of B and its own element of C. Lane l holds
    what it has of row l % 16 of A and of column l % 16 of B; where elements of C and D lie, their family's
    model says (runtime/matrix.c, matrix_rdna4.c)."""

    def rule(k: K, inst: Instruction) -> None:
        target, a, b, c = inst.operands
        rows, columns = (_any(k, operand.index, operand.count) for operand in (a, b))
        in_parts = a.count < DWORDS[element]  # RDNA 4: each group of lanes has a part of a row
        if in_parts:
            rows, columns = (_of_all_groups(k, one) for one in (rows, columns))
        each = RESULT_ELEMENTS // k.lanes
        count = target.count if in_parts else each
        shadows = []
        for register in range(count):
            shadow = columns
            for part in range(each // count):
                place = register * (each // count) + part
                shadow = k.b.or_(shadow, _lanes_of(k, rows, _row_sources(k.lanes, place, in_parts)))
            if c.kind is OperandKind.VGPR:
                shadow = k.b.or_(shadow, spread(k, k.quiet_vgpr(SHADOW + c.index + register)))
            shadows.append(shadow)
        for register, shadow in enumerate(shadows):
            k.set_vgpr_all_lanes(SHADOW + target.index + register, shadow)

    return rule


def _row_sources(lanes: int, place: int, in_parts: bool) -> list[int]:
    """For each lane one that has the row of A which the lane's element of D at a place depends on. RDNA 3:
    row j * lanes / 16 + l / 16, of which each group of 16 lanes has a copy. RDNA 4: the first group has the
    first rows."""
    if in_parts:
        return [RESULT_ELEMENTS // lanes * (lane // ROWS) + place for lane in range(lanes)]
    return [lane // ROWS * ROWS + lanes // ROWS * place + lane // ROWS for lane in range(lanes)]


def _of_all_groups(k: K, value: Value) -> Value:
    """What any of the lanes has that are the same of a group of 16."""
    found = value
    for step in range(ROWS, k.lanes, ROWS):
        found = k.b.or_(found, _lanes_of(k, value, [(lane + step) % k.lanes for lane in range(k.lanes)]))
    return found


def _lanes_of(k: K, value: Value, sources: list[int]) -> Value:
    index = ir.Constant(ir.VectorType(I32, k.lanes), [ir.Constant(I32, source) for source in sources])
    return k.b.shuffle_vector(value, ir.Constant(value.type, ir.Undefined), index)


def _any(k: K, first: int, count: int) -> Value:
    """All ones in the lanes where any of the registers has an undefined bit."""
    return spread(k, reduce(k.b.or_, (k.quiet_vgpr(SHADOW + first + i) for i in range(count))))


def _matrix_of_cdna(product: Product) -> Callable[[K, Instruction], None]:
    """v_mfma_* and v_smfmac_*: the runtime does the same among the shadows."""

    def rule(k: K, inst: Instruction) -> None:
        target, a, b, c = inst.operands
        counts = product.dwords()
        for operand, count in zip((target, a, b), counts, strict=True):
            k.flush_vgprs(SHADOW + operand.index, count)
        if c.kind is OperandKind.VGPR:
            k.flush_vgprs(SHADOW + c.index, 1 if product.sparse else counts[0])
        form = product.form(constant=c.kind is not OperandKind.VGPR, flushes=False)
        words = (registers_of(inst), form, modifiers_of(inst, product))
        k.call_void("rt_mfma_shadow", [k.wave, *(k.i64(word) for word in words)])
        k.forget_vgprs(SHADOW + target.index, counts[0])

    return rule


RULES = {
    **{name: _matrix_of_cdna(product) for name, product in PRODUCTS.items()},
    **dict.fromkeys(RELATIVE, _relative),
    "v_wmma_f32_16x16x16_f16": _matrix(Element.F16),
    "v_wmma_f32_16x16x16_bf16": _matrix(Element.BF16),
    "v_wmma_f16_16x16x16_f16": _matrix(Element.F16),
    "v_wmma_bf16_16x16x16_bf16": _matrix(Element.BF16),
    "v_wmma_i32_16x16x16_iu8": _matrix(Element.IU8),
    "v_wmma_i32_16x16x16_iu4": _matrix(Element.IU4),
}
