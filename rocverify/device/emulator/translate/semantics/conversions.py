"""Conversions that pack, saturate or round in their own way."""

from __future__ import annotations

from collections.abc import Callable

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.floats import fma, pack16, to_half_towards_zero, to_integer
from rocverify.device.emulator.translate.semantics.vector import (
    accumulate,
    clamp01,
    commit_bits,
    limit,
    read,
    saturated,
    valu,
)

K = WaveBuilder


def _join(k: K, low: Value, high: Value) -> Value:
    """Two halves, of which the low bits count, as a dword."""
    wide = k.shapes.i32
    low, high = (k.b.zext(v, wide) if v.type.element.width < 32 else v for v in (low, high))
    low = k.b.and_(low, k.const(wide, 0xFFFF))
    return k.b.or_(low, k.b.shl(high, k.const(wide, 16)))


def _pack_saturated(signed: bool) -> Callable[..., Value]:
    def compute(k: K, a: Value, b: Value) -> Value:
        if signed:
            return _join(k, *(limit(k, v, -0x8000, 0x7FFF) for v in (a, b)))
        most = k.const(a.type, 0xFFFF)
        return _join(k, *(k.b.select(k.b.icmp_unsigned(">", v, most), most, v) for v in (a, b)))

    return compute


def _pack_converted(signed: bool) -> Callable[..., Value]:
    """Two floats to 16-bit integers, towards zero."""
    return lambda k, a, b: _join(k, *(to_integer(16, signed)(k, v) for v in (a, b)))


def _normalised(signed: bool) -> Callable[..., Value]:
    """A float of [-1, 1] or [0, 1] to the full range of 16-bit integers, to nearest even."""

    def compute(k: K, value: Value) -> Value:
        wide = k.b.fpext(value, k.shapes.f32) if value.type == k.shapes.f16 else value
        scaled = k.b.fmul(wide, k.const(wide.type, 32767.0 if signed else 65535.0))
        whole = k.intrinsic("roundeven", wide.type, [scaled])
        if not signed:
            return to_integer(16, signed=False)(k, whole)
        return limit(k, to_integer(32, signed=True)(k, whole), -0x7FFF, 0x7FFF)

    return compute


def _pack_normalised(signed: bool) -> Callable[..., Value]:
    one = _normalised(signed)
    return lambda k, a, b: _join(k, one(k, a), one(k, b))


def _normalised_half(signed: bool) -> Callable[..., Value]:
    """v_cvt_norm_i16_f16 and v_cvt_norm_u16_f16."""

    def compute(k: K, value: Value) -> Value:
        whole = _normalised(signed)(k, value)
        return whole if whole.type == k.shapes.i16 else k.b.trunc(whole, k.shapes.i16)

    return compute


def _pack_byte(k: K, value: Value, place: Value, base: Value) -> Value:
    """v_cvt_pk_u8_f32: one byte of a dword, converted to nearest even and saturated."""
    whole = k.intrinsic("roundeven", value.type, [value])
    byte = k.b.zext(to_integer(8, signed=False)(k, whole), k.shapes.i32)
    shift = k.b.shl(k.b.and_(place, k.const(place.type, 3)), k.const(place.type, 3))
    cleared = k.b.and_(base, k.invert(k.b.shl(k.const(base.type, 0xFF), shift)))
    return k.b.or_(cleared, k.b.shl(byte, shift))


def _saturate_bytes(k: K, value: Value) -> Value:
    """v_sat_pk_u8_i16: two signed halves to two bytes."""
    low = k.b.sext(k.b.trunc(value, k.shapes.i16), k.shapes.i32)
    high = k.b.ashr(value, k.const(value.type, 16))
    low, high = (limit(k, v, 0, 0xFF) for v in (low, high))
    return k.b.trunc(k.b.or_(low, k.b.shl(high, k.const(high.type, 8))), k.shapes.i16)


def _rounded_to_integer(name: str) -> Callable[..., Value]:
    def compute(k: K, value: Value) -> Value:
        if name == "nearest":  # floor(x + 0.5), without rounding the sum: that would move 0.5 - ulp
            wide = k.b.fpext(value, k.shapes.f64)
            whole = k.intrinsic("floor", wide.type, [k.b.fadd(wide, k.const(wide.type, 0.5))])
        else:
            whole = k.intrinsic(name, value.type, [value])
        return to_integer(32, signed=True)(k, whole)

    return compute


def _offset_nibble(k: K, value: Value) -> Value:
    """v_cvt_off_f32_i4: a signed nibble in sixteenths."""
    nibble = k.b.ashr(k.b.shl(value, k.const(value.type, 28)), k.const(value.type, 28))
    return k.b.fmul(k.b.sitofp(nibble, k.shapes.f32), k.const(k.shapes.f32, 1 / 16))


def _fma_dx9(k: K, a: Value, b: Value, c: Value) -> Value:
    """v_fma_dx9_zero_f32: zero times anything is zero."""
    zero = k.const(a.type, 0.0)
    none = k.b.or_(k.b.fcmp_ordered("==", a, zero), k.b.fcmp_ordered("==", b, zero))
    return k.b.select(none, k.b.fadd(zero, c), fma(k, a, b, c))


def _pack_towards_zero(k: K, inst: Instruction) -> None:
    """v_cvt_pk_rtz_f16_f32: clamped before it is converted, which is the same as afterwards."""
    halves = [read(k, inst, source, TYPES["f32"]) for source in inst.operands[1:]]
    if "clamp" in inst.modifiers:
        halves = [clamp01(k, half) for half in halves]
    commit_bits(k, inst.operands[0], pack16(k, *(to_half_towards_zero(k, half) for half in halves)))


def _pack_b32_f16(k: K, inst: Instruction) -> None:
    """v_pack_b32_f16 moves bits; neither half is rounded."""
    halves = inst.flags("op_sel", 2, 0)
    low, high = (
        k.b.bitcast(read(k, inst, s, TYPES["f16"], high=bool(h)), k.shapes.i16)
        for s, h in zip(inst.operands[1:], halves, strict=True)
    )
    commit_bits(k, inst.operands[0], pack16(k, low, high))


def _widened(signed: bool) -> Callable[..., Value]:
    return lambda k, a: (k.b.sext if signed else k.b.zext)(a, k.shapes.i32)


HANDLERS: dict[str, Handler] = {
    "v_cvt_pk_i16_i32": saturated(valu("b32", "i32 i32", _pack_saturated(signed=True))),
    "v_cvt_pk_u16_u32": saturated(valu("b32", "u32 u32", _pack_saturated(signed=False))),
    "v_cvt_pk_i16_f32": saturated(valu("b32", "f32 f32", _pack_converted(signed=True))),
    "v_cvt_pk_u16_f32": saturated(valu("b32", "f32 f32", _pack_converted(signed=False))),
    "v_cvt_pk_norm_i16_f32": saturated(valu("b32", "f32 f32", _pack_normalised(signed=True))),
    "v_cvt_pk_norm_u16_f32": saturated(valu("b32", "f32 f32", _pack_normalised(signed=False))),
    "v_cvt_pk_norm_i16_f16": saturated(valu("b32", "f16 f16", _pack_normalised(signed=True))),
    "v_cvt_pk_norm_u16_f16": saturated(valu("b32", "f16 f16", _pack_normalised(signed=False))),
    "v_cvt_pk_u8_f32": saturated(valu("b32", "f32 u32 b32", _pack_byte)),
    "v_cvt_pk_rtz_f16_f32": _pack_towards_zero,
    "v_pack_b32_f16": _pack_b32_f16,
    "v_cvt_norm_i16_f16": saturated(valu("i16", "f16", _normalised_half(signed=True))),
    "v_cvt_norm_u16_f16": saturated(valu("u16", "f16", _normalised_half(signed=False))),
    "v_sat_pk_u8_i16": valu("b16", "b32", _saturate_bytes),
    "v_cvt_floor_i32_f32": saturated(valu("i32", "f32", _rounded_to_integer("floor"))),
    "v_cvt_nearest_i32_f32": saturated(valu("i32", "f32", _rounded_to_integer("nearest"))),
    "v_cvt_off_f32_i4": valu("f32", "b32", _offset_nibble),
    "v_cvt_u32_u16": valu("u32", "u16", _widened(signed=False)),
    "v_cvt_i32_i16": valu("i32", "i16", _widened(signed=True)),
    "v_fma_dx9_zero_f32": valu("f32", "f32 f32 f32", _fma_dx9),
    "v_fmac_dx9_zero_f32": accumulate("f32", "f32 f32", _fma_dx9),
}
