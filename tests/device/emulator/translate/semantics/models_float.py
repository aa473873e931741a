"""Floating-point vector instructions and conversions, from the RDNA3 ISA manual's definitions.

MODE is HIP's: nearest even, denormals kept, IEEE on (minimum and maximum quiet a signalling NaN).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial

from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.models import Near, Valu, valu
from tests.device.emulator.translate.semantics.softfloat import F16, F32, F64, Format


def minimum(f: Format, a: int, b: int) -> int:
    """-0 is below +0; a quiet NaN gives the other operand, a signalling one a NaN."""
    if sf.is_signalling(f, a) or sf.is_signalling(f, b):
        return f.nan
    if sf.is_nan(f, a) or sf.is_nan(f, b):
        return a if sf.is_nan(f, b) else b
    below = sf.less(f, a, b) or (sf.is_zero(f, a) and sf.is_zero(f, b) and sf.sign_of(f, a))
    return a if below else b


def maximum(f: Format, a: int, b: int) -> int:
    return sf.neg(f, minimum(f, sf.neg(f, a), sf.neg(f, b)))


def median(f: Format, a: int, b: int, c: int) -> int:
    """The middle one; with a NaN the minimum of the three."""
    if any(sf.is_nan(f, x) for x in (a, b, c)):
        return minimum(f, minimum(f, a, b), c)
    top = maximum(f, maximum(f, a, b), c)
    if sf.equal(f, top, a):
        return maximum(f, b, c)
    return maximum(f, a, c) if sf.equal(f, top, b) else maximum(f, a, b)


def flushed(f: Format, x: int) -> int:
    return x & f.sign_bit if sf.is_denormal(f, x) else x


def rounded(how: Callable[[Fraction], int], f: Format, x: int) -> int:
    """To an integral value of the same format; the sign of a zero stays."""
    if sf.is_nan(f, x):
        return f.nan
    if not sf.is_finite(f, x):
        return x
    return sf.from_fraction(f, Fraction(how(sf.to_fraction(f, x))), sf.sign_of(f, x))


def fraction(f: Format, x: int) -> int:
    """x - floor(x); the largest value below one where that rounds to one."""
    if not sf.is_finite(f, x):
        return f.nan
    value = sf.to_fraction(f, x)
    one = sf.from_float(f, 1.0)
    return min(sf.from_fraction(f, value - math.floor(value)), one - 1)


def reciprocal(f: Format, x: int) -> Near:
    """One ULP; the f32 unit flushes denormals of operand and result."""
    return _transcendental(f, x, lambda v: sf.divide(f, sf.from_float(f, 1.0), v))


def root(f: Format, x: int) -> Near:
    return _transcendental(f, x, lambda v: sf.square_root(f, v))


def reciprocal_root(f: Format, x: int) -> Near:
    def compute(v: int) -> int:
        if sf.is_nan(f, v) or (sf.sign_of(f, v) and not sf.is_zero(f, v)):
            return f.nan
        if sf.is_zero(f, v):
            return v | f.inf
        if sf.is_inf(f, v):
            return 0
        value = sf.to_fraction(f, v)
        scale = 4 * f.man + 2 * abs(parts_exponent(f, v))
        return sf.from_fraction(
            f, Fraction(1 << 2 * scale, math.isqrt(int(value * (1 << 2 * scale)) << 2 * scale))
        )

    return _transcendental(f, x, compute)


def parts_exponent(f: Format, x: int) -> int:
    return sf.parts(f, x)[2]


def _transcendental(f: Format, x: int, compute: Callable[[int], int]) -> Near:
    result = compute(flushed(f, x) if f is F32 else x)
    return Near(flushed(f, result) if f is F32 else result, 1)


def ldexp(f: Format, x: int, exponent: int) -> int:
    if sf.is_nan(f, x):
        return f.nan
    if not sf.is_finite(f, x):
        return x
    sign, mantissa, base = sf.parts(f, x)
    return sf.pack(f, sign, mantissa, base + exponent)


def to_integer(
    f: Format, bits: int, signed: bool, x: int, how: Callable[[Fraction], int] = math.trunc
) -> int:
    """Saturated; NaN is 0."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    if sf.is_nan(f, x):
        return 0
    if sf.is_inf(f, x):
        return low if sf.sign_of(f, x) else high
    return min(max(how(sf.to_fraction(f, x)), low), high)


def from_integer(f: Format, x: int) -> int:
    return sf.pack(f, int(x < 0), abs(x), 0)


def multiply_dx9(a: int, b: int) -> int:
    return 0 if sf.is_zero(F32, a) or sf.is_zero(F32, b) else sf.mul(F32, a, b)


def half_to_even(value: Fraction) -> int:
    return round(value)


def floor_plus_half(value: Fraction) -> int:
    return math.floor(value + Fraction(1, 2))


def mantissa(f: Format, x: int) -> int:
    """In [0.5, 1)."""
    if not sf.is_finite(f, x) or sf.is_zero(f, x):
        return x
    sign, value, _ = sf.parts(f, x)
    return sf.pack(f, sign, value, -value.bit_length())


def exponent(f: Format, x: int) -> int:
    if not sf.is_finite(f, x) or sf.is_zero(f, x):
        return 0
    _, value, place = sf.parts(f, x)
    return place + value.bit_length()


def pack_halves(low: int, high: int) -> int:
    return (low & 0xFFFF) | (high & 0xFFFF) << 16


def _shared(f: Format) -> dict[str, Valu]:
    t, two, three = f.name, f"{f.name} {f.name}", f"{f.name} {f.name} {f.name}"
    return {
        f"v_add_{t}": valu(t, two, partial(sf.add, f)),
        f"v_mul_{t}": valu(t, two, partial(sf.mul, f)),
        f"v_min_{t}": valu(t, two, partial(minimum, f)),
        f"v_max_{t}": valu(t, two, partial(maximum, f)),
        f"v_fma_{t}": valu(t, three, partial(sf.fma, f)),
        f"v_rndne_{t}": valu(t, t, partial(rounded, half_to_even, f)),
        f"v_trunc_{t}": valu(t, t, partial(rounded, math.trunc, f)),
        f"v_floor_{t}": valu(t, t, partial(rounded, math.floor, f)),
        f"v_ceil_{t}": valu(t, t, partial(rounded, math.ceil, f)),
        f"v_fract_{t}": valu(t, t, partial(fraction, f)),
        f"v_rcp_{t}": valu(t, t, partial(reciprocal, f)),
        f"v_rsq_{t}": valu(t, t, partial(reciprocal_root, f)),
        f"v_sqrt_{t}": valu(t, t, partial(root, f)),
        f"v_ldexp_{t}": valu(t, f"{t} {'i16' if f is F16 else 'i32'}", partial(ldexp, f)),
        f"v_frexp_mant_{t}": valu(t, t, partial(mantissa, f)),
        f"v_frexp_exp_{'i16' if f is F16 else 'i32'}_{t}": valu(
            "i16" if f is F16 else "i32", t, partial(exponent, f), saturates=True
        ),
    }


def _narrow(f: Format) -> dict[str, Valu]:
    t, two, three = f.name, f"{f.name} {f.name}", f"{f.name} {f.name} {f.name}"
    low, high = partial(minimum, f), partial(maximum, f)
    return {
        f"v_sub_{t}": valu(t, two, lambda a, b: sf.add(f, a, sf.neg(f, b))),
        f"v_subrev_{t}": valu(t, two, lambda a, b: sf.add(f, b, sf.neg(f, a))),
        f"v_fmac_{t}": valu(t, two, partial(sf.fma, f), accumulates=True),
        f"v_min3_{t}": valu(t, three, lambda a, b, c: low(low(a, b), c)),
        f"v_max3_{t}": valu(t, three, lambda a, b, c: high(high(a, b), c)),
        f"v_med3_{t}": valu(t, three, partial(median, f)),
        f"v_maxmin_{t}": valu(t, three, lambda a, b, c: low(high(a, b), c)),
        f"v_minmax_{t}": valu(t, three, lambda a, b, c: high(low(a, b), c)),
    }


def _byte(n: int) -> Valu:
    return valu("f32", "b32", lambda x: from_integer(F32, x >> 8 * n & 0xFF))


MODELS: dict[str, Valu] = {
    **_shared(F16),
    **_shared(F32),
    **_shared(F64),
    **_narrow(F16),
    **_narrow(F32),
    "v_fmac_f64": valu("f64", "f64 f64", partial(sf.fma, F64), accumulates=True),
    "v_rcp_iflag_f32": valu("f32", "f32", partial(reciprocal, F32)),
    "v_mul_dx9_zero_f32": valu("f32", "f32 f32", multiply_dx9),
    "v_cvt_f32_u32": valu("f32", "u32", partial(from_integer, F32)),
    "v_cvt_f32_i32": valu("f32", "i32", partial(from_integer, F32)),
    "v_cvt_f64_u32": valu("f64", "u32", partial(from_integer, F64)),
    "v_cvt_f64_i32": valu("f64", "i32", partial(from_integer, F64)),
    "v_cvt_f16_u16": valu("f16", "u16", partial(from_integer, F16)),
    "v_cvt_f16_i16": valu("f16", "i16", partial(from_integer, F16)),
    "v_cvt_u32_f32": valu("u32", "f32", partial(to_integer, F32, 32, False), saturates=True),
    "v_cvt_i32_f32": valu("i32", "f32", partial(to_integer, F32, 32, True), saturates=True),
    "v_cvt_u32_f64": valu("u32", "f64", partial(to_integer, F64, 32, False), saturates=True),
    "v_cvt_i32_f64": valu("i32", "f64", partial(to_integer, F64, 32, True), saturates=True),
    "v_cvt_u16_f16": valu("u16", "f16", partial(to_integer, F16, 16, False), saturates=True),
    "v_cvt_i16_f16": valu("i16", "f16", partial(to_integer, F16, 16, True), saturates=True),
    "v_cvt_floor_i32_f32": valu(
        "i32", "f32", lambda x: to_integer(F32, 32, True, x, math.floor), saturates=True
    ),
    "v_cvt_nearest_i32_f32": valu(
        "i32", "f32", lambda x: to_integer(F32, 32, True, x, floor_plus_half), saturates=True
    ),
    "v_cvt_f16_f32": valu("f16", "f32", partial(sf.convert, F32, F16)),
    "v_cvt_f32_f16": valu("f32", "f16", partial(sf.convert, F16, F32)),
    "v_cvt_f64_f32": valu("f64", "f32", partial(sf.convert, F32, F64)),
    "v_cvt_f32_f64": valu("f32", "f64", partial(sf.convert, F64, F32)),
    "v_pack_b32_f16": valu("b32", "f16 f16", pack_halves),
    **{f"v_cvt_f32_ubyte{n}": _byte(n) for n in range(4)},
}
