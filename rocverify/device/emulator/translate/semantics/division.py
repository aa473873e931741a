"""The steps of a division as compilers emit them: v_div_scale, v_div_fmas, v_div_fixup; v_frexp.

The scales are the ISA manual's. Where its pseudocode and hardware differ, hardware's rule stands:
v_div_fmas multiplies by 2**64 (f64: 2**128) or its inverse, whichever takes v_div_scale's factor back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.floats import fma, minimum
from rocverify.device.emulator.translate.semantics.vector import read, saturated, valu, write

K = WaveBuilder


class _Format(NamedTuple):
    """Layout and the thresholds of the division steps, exponents as they are stored."""

    name: str
    bits: int
    mantissa: int
    ones: int
    scale: int
    far: int
    tiny: int
    least: int

    @property
    def bias(self) -> int:
        return self.ones >> 1


F16 = _Format("f16", 16, 10, 0x1F, 0, 0, 0, 0)
F32 = _Format("f32", 32, 23, 0xFF, 64, 96, 23, -150)
F64 = _Format("f64", 64, 52, 0x7FF, 128, 768, 53, -1075)


def _bits(k: K, value: Value, f: _Format) -> Value:
    return k.b.bitcast(value, k.shapes.vector(ir.IntType(f.bits)))


def _exponent(k: K, value: Value, f: _Format) -> Value:
    bits = _bits(k, value, f)
    return k.b.and_(k.b.lshr(bits, k.const(bits.type, f.mantissa)), k.const(bits.type, f.ones))


def _magnitude(k: K, value: Value) -> Value:
    return k.intrinsic("fabs", value.type, [value])


def _equals(k: K, value: Value, number: float) -> Value:
    return k.b.fcmp_ordered("==", value, k.const(value.type, number))


def _below(k: K, value: Value, number: float) -> Value:
    """Nonzero, and of a magnitude below `number`."""
    size = _magnitude(k, value)
    small = k.b.fcmp_ordered("<", size, k.const(value.type, number))
    return k.b.and_(small, k.b.fcmp_ordered("!=", value, k.const(value.type, 0.0)))


def _either(k: K, *conditions: Value) -> Value:
    found = conditions[0]
    for condition in conditions[1:]:
        found = k.b.or_(found, condition)
    return found


def _scale(f: _Format) -> Handler:
    """v_div_scale: `vdst, mask, src0, denominator, numerator`; src0 is one of the other two."""
    type_ = TYPES[f.name]

    def handle(k: K, inst: Instruction) -> None:
        target, mask, *sources = inst.operands
        value, denominator, numerator = (read(k, inst, s, type_) for s in sources)
        result, scaled = _scaled(k, f, value, denominator, numerator)
        write(k, inst, target, result, type_)
        k.write_lane_mask(mask, k.active_bits(scaled))

    return handle


def _scaled(k: K, f: _Format, value: Value, denominator: Value, numerator: Value) -> tuple[Value, Value]:
    """The scaled source, and where the quotient will have to be scaled back."""
    smallest = 2.0 ** (1 - f.bias)
    ne, de = _exponent(k, numerator, f), _exponent(k, denominator, f)
    integers, plain = ne.type, value
    up = k.b.fmul(value, k.const(value.type, 2.0**f.scale))
    down = k.b.fmul(value, k.const(value.type, 2.0**-f.scale))
    is_denominator = k.b.fcmp_ordered("==", value, denominator)
    is_numerator = k.b.fcmp_ordered("==", value, numerator)
    far = k.b.icmp_signed(">=", k.b.sub(ne, de), k.const(integers, f.far))
    denormal = _below(k, denominator, smallest)
    inverse = k.b.fcmp_ordered(">", _magnitude(k, denominator), k.const(value.type, 2.0 ** (f.bias - 1)))
    quotient = _quotient_is_denormal(k, f, numerator, denominator)
    tiny = k.b.icmp_signed("<=", ne, k.const(integers, f.tiny))
    both = k.b.and_(inverse, quotient)

    result = k.b.select(tiny, up, plain)
    result = k.b.select(quotient, k.b.select(is_numerator, up, plain), result)
    result = k.b.select(inverse, down, result)
    # The manual's pseudocode scales up here, which would overflow: the denominator is the large one.
    result = k.b.select(both, k.b.select(is_denominator, down, plain), result)
    result = k.b.select(denormal, up, result)
    result = k.b.select(far, k.b.select(is_denominator, up, plain), result)
    invalid = k.b.or_(_equals(k, numerator, 0.0), _equals(k, denominator, 0.0))
    result = k.b.select(invalid, k.const(value.type, float("nan")), result)
    back = k.b.or_(far, k.b.and_(quotient, k.invert(denormal)))
    return result, k.b.and_(back, k.invert(invalid))


def _quotient_is_denormal(k: K, f: _Format, numerator: Value, denominator: Value) -> Value:
    if f.bits == 64:
        return _below_or_zero(k, k.b.fdiv(numerator, denominator), 2.0**-1022)
    wide = [k.b.fpext(value, k.shapes.f64) for value in (numerator, denominator)]
    return _below_or_zero(k, k.b.fdiv(*wide), 2.0**-126)


def _below_or_zero(k: K, value: Value, number: float) -> Value:
    return k.b.fcmp_ordered("<", _magnitude(k, value), k.const(value.type, number))


def _fmas(f: _Format) -> Handler:
    """v_div_fmas: fma, scaled back where VCC says so; rounded once."""
    type_ = TYPES[f.name]

    def handle(k: K, inst: Instruction) -> None:
        a, b, c = (read(k, inst, s, type_) for s in inst.operands[1:])
        exponent = _exponent(k, c, f)
        upwards = k.b.icmp_signed(">", exponent, k.const(exponent.type, f.bias))
        scaled = (_scaled_back_single if f.bits == 32 else _scaled_back_double)(k, a, b, c, upwards)
        wanted = k.lanes_of(k.read_mask(k.vcc))
        write(k, inst, inst.operands[0], k.b.select(wanted, scaled, fma(k, a, b, c)), type_)

    return handle


def _two_sum(k: K, a: Value, b: Value) -> tuple[Value, Value]:
    """The rounded sum and its exact error."""
    total = k.b.fadd(a, b)
    shadow = k.b.fsub(total, a)
    return total, k.b.fadd(k.b.fsub(a, k.b.fsub(total, shadow)), k.b.fsub(b, shadow))


def _scaled_back_single(k: K, a: Value, b: Value, c: Value, upwards: Value) -> Value:
    """In f64, where the product is exact; the sum is rounded to odd so that f32 rounds it once."""
    a, b, c = (k.b.fpext(value, k.shapes.f64) for value in (a, b, c))
    total, error = _two_sum(k, k.b.fmul(a, b), c)
    bits, integers = k.b.bitcast(total, k.shapes.i64), k.shapes.i64
    even = k.b.icmp_unsigned("==", k.b.and_(bits, k.const(integers, 1)), k.const(integers, 0))
    inexact = k.b.fcmp_ordered("!=", error, k.const(error.type, 0.0))
    opposed = k.b.icmp_signed("<", k.b.xor(bits, k.b.bitcast(error, integers)), k.const(integers, 0))
    step = k.b.select(opposed, k.const(integers, -1), k.const(integers, 1))
    odd = k.b.bitcast(k.b.select(k.b.and_(even, inexact), k.b.add(bits, step), bits), k.shapes.f64)
    factor = k.b.select(upwards, k.const(odd.type, 2.0**64), k.const(odd.type, 2.0**-64))
    return k.b.fptrunc(k.b.fmul(odd, factor), k.shapes.f32)


def _scaled_back_double(k: K, a: Value, b: Value, c: Value, upwards: Value) -> Value:
    """A result that becomes a denormal is rounded twice; a tie of the second time is settled by what
    the first one left over."""
    near, type_, integers = fma(k, a, b, c), a.type, k.shapes.i64
    product = k.b.fmul(a, b)
    total, error = _two_sum(k, product, c)
    rest = k.b.fadd(k.b.fsub(total, near), k.b.fadd(error, fma(k, a, b, k.b.fneg(product))))
    small = k.b.fmul(near, k.const(type_, 2.0**-128))
    missed = k.b.fsub(near, k.b.fmul(small, k.const(type_, 2.0**128)))
    tie = k.b.fcmp_ordered("==", _magnitude(k, missed), k.const(type_, 2.0**-947))
    same = k.b.fcmp_ordered(
        ">", k.b.fmul(k.b.fmul(missed, k.const(type_, 2.0**900)), rest), k.const(type_, 0.0)
    )
    bits = k.b.bitcast(small, integers)
    away = k.b.icmp_signed(">=", k.b.xor(bits, k.b.bitcast(missed, integers)), k.const(integers, 0))
    moved = k.b.add(bits, k.b.select(away, k.const(integers, 1), k.const(integers, -1)))
    down = k.b.bitcast(k.b.select(k.b.and_(tie, same), moved, bits), type_)
    return k.b.select(upwards, k.b.fmul(near, k.const(type_, 2.0**128)), down)


def _fixup(f: _Format) -> Callable[..., Value]:
    """v_div_fixup: the quotient, or what the operands' special values make of it."""

    def compute(k: K, quotient: Value, denominator: Value, numerator: Value) -> Value:
        type_, inf, nan = quotient.type, float("inf"), float("nan")
        integers = k.shapes.vector(ir.IntType(f.bits))
        top = k.const(integers, 1 << f.bits - 1)
        sign = k.b.and_(k.b.xor(_bits(k, denominator, f), _bits(k, numerator, f)), top)
        size = _magnitude(k, quotient)
        if f.bits != 16:
            gap = k.b.sub(_exponent(k, numerator, f), _exponent(k, denominator, f))
            vanishing = k.b.icmp_signed("<", gap, k.const(integers, f.least))
            size = k.b.select(vanishing, k.const(type_, 0.0), size)
            # So far apart that the steps before this one overflowed, and met themselves as a NaN.
            beyond = k.b.icmp_signed(">", gap, k.const(integers, f.bias + 2))
            size = k.b.select(beyond, k.const(type_, inf), size)
        n_zero, d_zero = _equals(k, numerator, 0.0), _equals(k, denominator, 0.0)
        n_inf, d_inf = (_equals(k, _magnitude(k, v), inf) for v in (numerator, denominator))
        size = k.b.select(k.b.or_(d_inf, n_zero), k.const(type_, 0.0), size)
        size = k.b.select(k.b.or_(d_zero, n_inf), k.const(type_, inf), size)
        signed = k.b.bitcast(k.b.or_(_bits(k, size, f), sign), type_)
        unordered = k.b.fcmp_unordered("uno", numerator, denominator)
        invalid = _either(k, unordered, k.b.and_(n_zero, d_zero), k.b.and_(n_inf, d_inf))
        return k.b.select(invalid, k.const(type_, nan), signed)

    return compute


def _normalised(k: K, value: Value, f: _Format) -> tuple[Value, Value]:
    """The bits of a value without denormals, and the exponent that v_frexp_exp gives, as lanes."""
    lift = f.mantissa + 1
    denormal = _below(k, value, 2.0 ** (1 - f.bias))
    lifted = k.b.select(denormal, k.b.fmul(value, k.const(value.type, 2.0**lift)), value)
    exponent = k.b.sub(_exponent(k, lifted, f), k.const(k.shapes.vector(ir.IntType(f.bits)), f.bias - 1))
    lowered = k.b.sub(exponent, k.const(exponent.type, lift))
    return _bits(k, lifted, f), k.b.select(denormal, lowered, exponent)


def _is_plain(k: K, value: Value) -> Value:
    """Finite and not zero."""
    finite = k.b.fcmp_ordered("<", _magnitude(k, value), k.const(value.type, float("inf")))
    return k.b.and_(finite, k.b.fcmp_ordered("!=", value, k.const(value.type, 0.0)))


def _frexp_mantissa(f: _Format) -> Callable[..., Value]:
    def compute(k: K, value: Value) -> Value:
        if f.bits == 16:
            return k.b.fptrunc(_frexp_mantissa(F32)(k, k.b.fpext(value, k.shapes.f32)), k.shapes.f16)
        bits, _ = _normalised(k, value, f)
        kept = k.b.and_(bits, k.const(bits.type, ~(f.ones << f.mantissa)))
        half = k.b.or_(kept, k.const(bits.type, f.bias - 1 << f.mantissa))
        quiet = minimum(k, value, value)
        return k.b.select(_is_plain(k, value), k.b.bitcast(half, value.type), quiet)

    return compute


def _frexp_exponent(f: _Format) -> Callable[..., Value]:
    def compute(k: K, value: Value) -> Value:
        if f.bits == 16:
            return k.b.trunc(_frexp_exponent(F32)(k, k.b.fpext(value, k.shapes.f32)), k.shapes.i16)
        _, exponent = _normalised(k, value, f)
        narrow = exponent if f.bits == 32 else k.b.trunc(exponent, k.shapes.i32)
        return k.b.select(_is_plain(k, value), narrow, k.const(narrow.type, 0))

    return compute


HANDLERS: dict[str, Handler] = {
    "v_div_scale_f32": _scale(F32),
    "v_div_scale_f64": _scale(F64),
    "v_div_fmas_f32": _fmas(F32),
    "v_div_fmas_f64": _fmas(F64),
    "v_div_fixup_f16": valu("f16", "f16 f16 f16", _fixup(F16)),
    "v_div_fixup_f32": valu("f32", "f32 f32 f32", _fixup(F32)),
    "v_div_fixup_f64": valu("f64", "f64 f64 f64", _fixup(F64)),
    "v_frexp_mant_f16": valu("f16", "f16", _frexp_mantissa(F16)),
    "v_frexp_mant_f32": valu("f32", "f32", _frexp_mantissa(F32)),
    "v_frexp_mant_f64": valu("f64", "f64", _frexp_mantissa(F64)),
    "v_frexp_exp_i16_f16": saturated(valu("i16", "f16", _frexp_exponent(F16))),
    "v_frexp_exp_i32_f32": saturated(valu("i32", "f32", _frexp_exponent(F32))),
    "v_frexp_exp_i32_f64": saturated(valu("i32", "f64", _frexp_exponent(F64))),
}
