"""VOP3P: two 16-bit halves at once, with a choice of half for every source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder import modes
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, DataType, Value, inline_float_bits
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.floats import fma, maximum, minimum, multiply
from rocverify.device.emulator.translate.semantics.vector import clamp01, commit_bits, limit, read

K = WaveBuilder


def packed(type_name: str, count: int, compute: Callable[..., Value]) -> Handler:
    """`mnemonic vdst, src0, ...`: the low half from op_sel, the high half from op_sel_hi."""
    type_ = TYPES[type_name]

    def handle(k: K, inst: Instruction) -> None:
        clamped = "clamp" in inst.modifiers
        one = partial(_clamped, k, type_, compute) if clamped else partial(compute, k)
        low = one(*_sources(k, inst, type_, count, "op_sel", "neg_lo", 0))
        high = one(*_sources(k, inst, type_, count, "op_sel_hi", "neg_hi", 1))
        if type_.is_float:
            low, high = (modes.flush_output(k, value, 16) for value in (low, high))
        bits = [k.b.bitcast(v, k.shapes.i16) if type_.is_float else v for v in (low, high)]
        upper = k.b.shl(k.b.zext(bits[1], k.shapes.i32), k.const(k.shapes.i32, 16))
        commit_bits(k, inst.operands[0], k.b.or_(k.b.zext(bits[0], k.shapes.i32), upper))

    return handle


def _accumulate(type_name: str, compute: Callable[..., Value]) -> Handler:
    """`mnemonic vdst, src0, src1`, where the destination is the third source as well."""
    plain = packed(type_name, 3, compute)

    def handle(k: K, inst: Instruction) -> None:
        plain(k, replace(inst, operands=(*inst.operands, inst.operands[0])))

    return handle


def _clamped(k: K, type_: DataType, compute: Callable[..., Value], *sources: Value) -> Value:
    """Floats to [0, 1]; integers to their type's range, from the exact result."""
    if type_.is_float:
        return clamp01(k, compute(k, *sources))
    extend = k.b.sext if type_.signed else k.b.zext
    exact = compute(k, *(extend(source, k.shapes.i64) for source in sources))
    low, high = (-0x8000, 0x7FFF) if type_.signed else (0, 0xFFFF)
    return k.b.trunc(limit(k, exact, low, high), k.shapes.i16)


def _constant_half(operand: Operand, type_: DataType, high: bool) -> Operand:
    """One half of a constant: inline constants are dwords, floats of 16 bits in the low half."""
    if operand.kind is OperandKind.FLOAT:
        bits = inline_float_bits(operand.value, 16 if type_.is_float else 32)
    else:
        bits = operand.index & 0xFFFFFFFF
    return Operand(OperandKind.LITERAL, bits >> 16 * high & 0xFFFF, name=operand.name)


def _sources(
    k: K, inst: Instruction, type_: DataType, count: int, select: str, negate: str, default: int
) -> list[Value]:
    halves, negated = inst.flags(select, count, default), inst.flags(negate, count, 0)
    values = []
    for operand, half, minus in zip(inst.operands[1 : 1 + count], halves, negated, strict=True):
        if operand.kind in (OperandKind.INTEGER, OperandKind.FLOAT, OperandKind.LITERAL):
            value = read(k, inst, _constant_half(operand, type_, bool(half)), type_)
        else:
            value = read(k, inst, operand, type_, high=bool(half))
        values.append(k.b.fneg(value) if minus and type_.is_float else value)
    return values


def _shift(name: str) -> Callable[..., Value]:
    def compute(k: K, count: Value, value: Value) -> Value:
        return getattr(k.b, name)(value, k.b.and_(count, k.const(count.type, 15)))

    return compute


def _extreme(relation: str, signed: bool) -> Callable[..., Value]:
    def compute(k: K, a: Value, b: Value) -> Value:
        return k.b.select((k.b.icmp_signed if signed else k.b.icmp_unsigned)(relation, a, b), a, b)

    return compute


HANDLERS: dict[str, Handler] = {
    "v_pk_add_f16": packed("f16", 2, lambda k, a, b: k.b.fadd(a, b)),
    "v_pk_mul_f16": packed("f16", 2, multiply),
    "v_pk_fma_f16": packed("f16", 3, fma),
    "v_pk_fmac_f16": _accumulate("f16", fma),
    "v_pk_min_f16": packed("f16", 2, minimum),
    "v_pk_max_f16": packed("f16", 2, maximum),
    "v_pk_add_u16": packed("u16", 2, lambda k, a, b: k.b.add(a, b)),
    "v_pk_add_i16": packed("i16", 2, lambda k, a, b: k.b.add(a, b)),
    "v_pk_sub_u16": packed("u16", 2, lambda k, a, b: k.b.sub(a, b)),
    "v_pk_sub_i16": packed("i16", 2, lambda k, a, b: k.b.sub(a, b)),
    "v_pk_mul_lo_u16": packed("u16", 2, lambda k, a, b: k.b.mul(a, b)),
    "v_pk_mad_u16": packed("u16", 3, lambda k, a, b, c: k.b.add(k.b.mul(a, b), c)),
    "v_pk_mad_i16": packed("i16", 3, lambda k, a, b, c: k.b.add(k.b.mul(a, b), c)),
    "v_pk_lshlrev_b16": packed("b16", 2, _shift("shl")),
    "v_pk_lshrrev_b16": packed("b16", 2, _shift("lshr")),
    "v_pk_ashrrev_i16": packed("i16", 2, _shift("ashr")),
    "v_pk_min_u16": packed("u16", 2, _extreme("<", signed=False)),
    "v_pk_max_u16": packed("u16", 2, _extreme(">", signed=False)),
    "v_pk_min_i16": packed("i16", 2, _extreme("<", signed=True)),
    "v_pk_max_i16": packed("i16", 2, _extreme(">", signed=True)),
}
