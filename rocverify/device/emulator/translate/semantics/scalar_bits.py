"""Bits of scalar operands: fields, masks, counts and searches, packing, quads."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from rocverify.device.emulator.translate.builder.types import I32, I64, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder

K = WaveBuilder


def nonzero(k: K, value: Value) -> Value:
    """Whether any bit is set."""
    return k.b.icmp_unsigned("!=", value, k.const(value.type, 0))


def field(bits: int, signed: bool) -> Callable[..., Value]:
    """The offset in the low bits of the second source, the width from bit 16."""

    def compute(k: K, value: Value, control: Value) -> Value:
        type_ = value.type
        control = k.b.zext(control, type_) if bits == 64 else control
        offset = k.b.and_(control, k.const(type_, bits - 1))
        width = k.b.and_(k.b.lshr(control, k.const(type_, 16)), k.const(type_, 127))
        none, whole = k.b.icmp_unsigned("==", width, k.const(type_, 0)), k.const(type_, bits)
        moved = (k.b.ashr if signed else k.b.lshr)(value, offset)
        spare = k.b.sub(whole, k.b.select(k.b.icmp_unsigned(">", width, whole), whole, width))
        spare = k.b.select(none, k.const(type_, 0), spare)
        up = k.b.shl(moved, spare)
        field = (k.b.ashr if signed else k.b.lshr)(up, spare)
        return k.b.select(none, k.const(type_, 0), field)

    return compute


def field_mask(k: K, width: Value, offset: Value) -> Value:
    """`width` ones from bit `offset` on, 32 bits."""
    mask = k.b.sub(k.b.shl(k.i32(1), k.b.and_(width, k.i32(31))), k.i32(1))
    return k.b.shl(mask, k.b.and_(offset, k.i32(31)))


def field_mask64(k: K, width: Value, offset: Value) -> Value:
    """`width` ones from bit `offset` on, 64 bits."""
    wide = [k.b.zext(k.b.and_(v, k.i32(63)), I64) for v in (width, offset)]
    return k.b.shl(k.b.sub(k.b.shl(k.i64(1), wide[0]), k.i64(1)), wide[1])


def pack(low_high: bool, high_high: bool) -> Callable[..., Value]:
    """An operation that packs a half of each source, the low or the high one, into a dword."""

    def compute(k: K, a: Value, b: Value) -> Value:
        low = k.b.lshr(a, k.i32(16)) if low_high else k.b.and_(a, k.i32(0xFFFF))
        high = k.b.and_(b, k.i32(0xFFFF0000)) if high_high else k.b.shl(b, k.i32(16))
        return k.b.or_(low, high)

    return compute


def find(name: str) -> Callable[..., Value]:
    """An operation that counts zeros by an intrinsic (ctlz, cttz), and gives -1 for zero."""

    def compute(k: K, value: Value) -> Value:
        count = k.intrinsic(name, value.type, [value, ir.Constant(ir.IntType(1), 0)])
        count = count if count.type == I32 else k.b.trunc(count, I32)
        return k.b.select(nonzero(k, value), count, k.i32(-1))

    return compute


def leading_sign(k: K, value: Value) -> Value:
    """How many bits from the top are as the sign is; -1 where all are."""
    sign = k.b.ashr(value, k.const(value.type, value.type.width - 1))
    return find("ctlz")(k, k.b.xor(value, sign))


def population(k: K, value: Value) -> Value:
    """How many bits are one."""
    count = k.intrinsic("ctpop", value.type, [value])
    return count if count.type == I32 else k.b.trunc(count, I32)


def whole_quads(bits: int) -> Callable[..., Value]:
    """s_wqm: every quad with one bit set becomes full."""

    def compute(k: K, value: Value) -> Value:
        type_ = value.type
        pattern = sum(1 << bit for bit in range(0, bits, 4))
        any_bit = value
        for step in (1, 2):
            any_bit = k.b.or_(any_bit, k.b.lshr(any_bit, k.const(type_, step)))
        first = k.b.and_(any_bit, k.const(type_, pattern))
        return k.b.mul(first, k.const(type_, 0xF))

    return compute


def quad_mask(bits: int) -> Callable[..., Value]:
    """s_quadmask: one bit for every quad that has a bit set."""

    def compute(k: K, value: Value) -> Value:
        type_, result = value.type, k.const(value.type, 0)
        for quad in range(bits // 4):
            part = k.b.and_(value, k.const(type_, 0xF << 4 * quad))
            bit = k.b.zext(nonzero(k, part), type_)
            result = k.b.or_(result, k.b.shl(bit, k.const(type_, quad)))
        return result

    return compute


def replicate(k: K, value: Value) -> Value:
    """s_bitreplicate: every bit twice."""
    wide = k.b.zext(value, I64)
    for shift in (16, 8, 4, 2, 1):
        kept = (1 << 64) // ((1 << shift) + 1)
        wide = k.b.and_(k.b.or_(wide, k.b.shl(wide, k.i64(shift))), k.i64(kept))
    return k.b.or_(wide, k.b.shl(wide, k.i64(1)))
