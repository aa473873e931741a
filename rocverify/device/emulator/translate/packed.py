"""VOP3P: two 16-bit halves at once, with a choice of half for every source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rocverify.device.emulator.disassembly import Instruction
from rocverify.device.emulator.operands import OperandKind
from rocverify.device.emulator.translate.floats import fma, maximum, minimum
from rocverify.device.emulator.translate.types import TYPES, DataType, Value
from rocverify.device.emulator.translate.vector import Handler, clamp01, commit_bits, read, refuse_dpp
from rocverify.device.emulator.translate.wave import WaveBuilder
from rocverify.errors import DeviceError

K = WaveBuilder


def packed(type_name: str, count: int, compute: Callable[..., Value]) -> Handler:
    """`mnemonic vdst, src0, ...`: the low half from op_sel, the high half from op_sel_hi."""
    type_ = TYPES[type_name]

    def handle(k: K, inst: Instruction) -> None:
        refuse_dpp(inst)
        low = compute(k, *_sources(k, inst, type_, count, "op_sel", "neg_lo", 0))
        high = compute(k, *_sources(k, inst, type_, count, "op_sel_hi", "neg_hi", 1))
        if "clamp" in inst.modifiers:
            low, high = _clamp(k, inst, type_, low), _clamp(k, inst, type_, high)
        bits = [k.b.bitcast(v, k.shapes.i16) if type_.is_float else v for v in (low, high)]
        upper = k.b.shl(k.b.zext(bits[1], k.shapes.i32), k.const(k.shapes.i32, 16))
        commit_bits(k, inst.operands[0], k.b.or_(k.b.zext(bits[0], k.shapes.i32), upper))

    return handle


def _clamp(k: K, inst: Instruction, type_: DataType, value: Value) -> Value:
    if not type_.is_float:
        raise DeviceError(f"clamp on an integer result: {inst.text}")
    return clamp01(k, value)


def _sources(
    k: K, inst: Instruction, type_: DataType, count: int, select: str, negate: str, default: int
) -> list[Value]:
    halves, negated = inst.flags(select, count, default), inst.flags(negate, count, 0)
    values = []
    for operand, half, minus in zip(inst.operands[1 : 1 + count], halves, negated, strict=True):
        # An inline constant stands in the low half; its high half is zero.
        if operand.kind in (OperandKind.INTEGER, OperandKind.FLOAT) and half and type_.is_float:
            value = k.const(k.shapes.vector(type_.scalar), 0.0)
        elif operand.kind is OperandKind.LITERAL:
            value = read(k, inst, replace(operand, index=operand.index >> 16 * half & 0xFFFF), type_)
        elif operand.kind is OperandKind.INTEGER and half:
            value = k.const(k.shapes.vector(type_.scalar), -1 if operand.index < 0 else 0)
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
    "v_pk_mul_f16": packed("f16", 2, lambda k, a, b: k.b.fmul(a, b)),
    "v_pk_fma_f16": packed("f16", 3, fma),
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
