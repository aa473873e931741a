"""Dot products of the packed fields of two dwords. Names are the ISA manual's.

The order in which hardware rounds sums of halves is not documented. Here the third source comes first, then
one fused multiply-add in single precision for the low halves and one for the high ones; results of 16 bits
are rounded once, to nearest even. Single-precision results have no denormals: LLVM takes it so for
v_dot2_f32_f16, and the others are the same unit's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, Value, inline_float_bits
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.floats import flush_denormals, fma
from rocverify.device.emulator.translate.semantics.vector import clamp01, commit_bits, limit, read
from rocverify.errors import DeviceError

K = WaveBuilder
HALF_SIGN = 0x8000


def fields(k: K, value: Value, bits: int, signed: bool) -> Sequence[Value]:
    """The fields of a dword from the low one on, as i32 lanes."""
    top = k.const(value.type, 32 - bits)
    shift = k.b.ashr if signed else k.b.lshr
    return [shift(k.b.shl(value, k.const(value.type, 32 - bits - at)), top) for at in range(0, 32, bits)]


def _integers(bits: int, signed: bool | None) -> Handler:
    """v_dot4 and v_dot8; `signed` None: the iu forms, where neg_lo says which of the two sources is signed.
    The sum is signed unless both sources never are."""

    def handle(k: K, inst: Instruction) -> None:
        first, second, base = (read(k, inst, s, TYPES["b32"]) for s in inst.operands[1:])
        signs = inst.flags("neg_lo", 3, 0)[:2] if signed is None else (signed, signed)
        pairs = zip(
            fields(k, first, bits, bool(signs[0])), fields(k, second, bits, bool(signs[1])), strict=True
        )
        if "clamp" not in inst.modifiers:
            for a, b in pairs:
                base = k.b.add(base, k.b.mul(a, b))
            commit_bits(k, inst.operands[0], base)
            return
        wide = k.shapes.i64
        total = (k.b.zext if signed is False else k.b.sext)(base, wide)
        for a, b in pairs:
            total = k.b.add(total, k.b.sext(k.b.mul(a, b), wide))
        commit_bits(k, inst.operands[0], limited_sum(k, total, signed is not False))

    return handle


def limited_sum(k: K, total: Value, signed: bool) -> Value:
    """A sum in i64 lanes, held within 32 bits."""
    bounds = (-(1 << 31), (1 << 31) - 1) if signed else (0, (1 << 32) - 1)
    return k.b.trunc(limit(k, total, *bounds), k.shapes.i32)


def signed_fields(bits: int) -> Handler:
    """v_dot4_i32_i8 and v_dot8_i32_i4 of families before RDNA 3."""
    return _integers(bits, signed=True)


# ---- sums of two products of halves


class _Signs(NamedTuple):
    """What a modifier does to one half: absolute value first."""

    absolute: bool
    negate: bool


def _constant_bits(operand: Operand, element: str) -> int:
    """The dword of a constant: an inline float is one half, in the low bits."""
    if operand.kind is not OperandKind.FLOAT:
        return operand.integer & 0xFFFFFFFF
    if element == "bf16":
        return inline_float_bits(operand.value, 32) >> 16
    return inline_float_bits(operand.value, 16)


def _half_bits(k: K, inst: Instruction, operand: Operand, element: str, high: bool) -> Value:
    """One half of a source, without modifiers, as i16 lanes."""
    if operand.kind in (OperandKind.SGPR, OperandKind.VGPR):
        return read(k, inst, operand, TYPES["b16"], high=high)
    return k.const(k.shapes.i16, _constant_bits(operand, element) >> 16 * high & 0xFFFF)


def _widened(k: K, bits: Value, element: str, signs: _Signs) -> Value:
    """A half as a single, which is exact."""
    if signs.absolute:
        bits = k.b.and_(bits, k.const(bits.type, HALF_SIGN - 1))
    if signs.negate:
        bits = k.b.xor(bits, k.const(bits.type, HALF_SIGN))
    if element == "f16":
        return k.b.fpext(k.b.bitcast(bits, k.shapes.f16), k.shapes.f32)
    return k.b.bitcast(k.b.shl(k.b.zext(bits, k.shapes.i32), k.const(k.shapes.i32, 16)), k.shapes.f32)


def _to_bfloat(k: K, value: Value) -> Value:
    """A single rounded to nearest even, as the i16 lanes of a bfloat."""
    bits, type_ = k.b.bitcast(value, k.shapes.i32), k.shapes.i32
    odd = k.b.and_(k.b.lshr(bits, k.const(type_, 16)), k.const(type_, 1))
    rounded = k.b.add(bits, k.b.add(odd, k.const(type_, 0x7FFF)))
    quiet = k.b.or_(bits, k.const(type_, 0x400000))
    chosen = k.b.select(k.b.fcmp_unordered("uno", value, value), quiet, rounded)
    return k.b.trunc(k.b.lshr(chosen, k.const(type_, 16)), k.shapes.i16)


def _products(element: str, accumulates: bool = False) -> Handler:
    """v_dot2_f32_*: VOP3P, where neg_lo and neg_hi negate a half each; of the third source, a single,
    neg_lo negates. LLVM sets neg_hi with it, so that it has no effect of its own there."""

    def handle(k: K, inst: Instruction) -> None:
        target = inst.operands[0]
        sources = [*inst.operands[1:], *([target] if accumulates else [])]
        negated = {"low": inst.flags("neg_lo", 3, 0), "high": inst.flags("neg_hi", 3, 0)}
        if negated["high"][2] and not negated["low"][2]:
            raise DeviceError(f"neg_hi without neg_lo on a single: {inst.text}")
        total = read(k, inst, sources[2], TYPES["f32"])
        total = k.b.fneg(total) if negated["low"][2] else total
        for name, select, default in (("low", "op_sel", 0), ("high", "op_sel_hi", 1)):
            halves = inst.flags(select, 3, default)
            a, b = (
                _widened(
                    k,
                    _half_bits(k, inst, source, element, bool(halves[i])),
                    element,
                    _Signs(False, bool(negated[name][i])),
                )
                for i, source in enumerate(sources[:2])
            )
            total = fma(k, a, b, total)
        total = flush_denormals(k, total)
        total = clamp01(k, total) if "clamp" in inst.modifiers else total
        commit_bits(k, target, k.b.bitcast(total, k.shapes.i32))

    return handle


def _narrow_products(element: str) -> Handler:
    """v_dot2_f16_f16 and v_dot2_bf16_bf16: VOP3, whose source modifiers act on both halves, as LLVM emits
    them for vectors; op_sel names the halves of the third source and of the result."""

    def handle(k: K, inst: Instruction) -> None:
        signs = [_Signs(operand.absolute, operand.negate) for operand in inst.operands[1:]]
        operands = [replace(operand, absolute=False, negate=False) for operand in inst.operands]
        plain, halves = replace(inst, operands=tuple(operands)), inst.flags("op_sel", 4, 0)
        addend = _half_bits(k, plain, operands[3], element, bool(halves[2]))
        total = _widened(k, addend, element, signs[2])
        for high in (False, True):
            a, b = (
                _widened(k, _half_bits(k, plain, operands[1 + i], element, high), element, signs[i])
                for i in range(2)
            )
            total = fma(k, a, b, total)
        result = (
            k.b.bitcast(k.b.fptrunc(total, k.shapes.f16), k.shapes.i16)
            if element == "f16"
            else _to_bfloat(k, total)
        )
        commit_bits(k, operands[0], result, high=bool(halves[3]))

    return handle


HANDLERS: dict[str, Handler] = {
    "v_dot4_i32_iu8": _integers(8, signed=None),
    "v_dot8_i32_iu4": _integers(4, signed=None),
    "v_dot4_u32_u8": _integers(8, signed=False),
    "v_dot8_u32_u4": _integers(4, signed=False),
    "v_dot2_f32_f16": _products("f16"),
    "v_dot2_f32_bf16": _products("bf16"),
    "v_dot2acc_f32_f16": _products("f16", accumulates=True),
    "v_dot2_f16_f16": _narrow_products("f16"),
    "v_dot2_bf16_bf16": _narrow_products("bf16"),
}
