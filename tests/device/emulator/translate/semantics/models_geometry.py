"""Cube maps, v_mullit_f32 and v_trig_preop_f64, from the ISA manual's pseudocode."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.models import Valu, mask, valu
from tests.device.emulator.translate.semantics.softfloat import F32, F64, from_float

LOWEST = F32.sign_bit | F32.inf - 1


def _at_least(a: int, b: int) -> bool:
    """|a| >= |b|, false with a NaN."""
    a, b = sf.absolute(F32, a), sf.absolute(F32, b)
    return not (sf.is_nan(F32, a) or sf.is_nan(F32, b)) and a >= b


def _negative(x: int) -> bool:
    """x < 0: not so for -0 and NaN."""
    return sf.less(F32, x, 0)


def _axis(x: int, y: int, z: int) -> str:
    if _at_least(z, x) and _at_least(z, y):
        return "z"
    return "y" if _at_least(y, x) else "x"


def face(x: int, y: int, z: int) -> int:
    axis = _axis(x, y, z)
    number = 2 * "xyz".index(axis) + _negative({"x": x, "y": y, "z": z}[axis])
    return from_float(F32, float(number))


def across(x: int, y: int, z: int) -> int:
    match _axis(x, y, z):
        case "z":
            return sf.neg(F32, x) if _negative(z) else x
        case "y":
            return x
        case _:
            return z if _negative(x) else sf.neg(F32, z)


def down(x: int, y: int, z: int) -> int:
    if _axis(x, y, z) == "y":
        return sf.neg(F32, z) if _negative(y) else z
    return sf.neg(F32, y)


def major(x: int, y: int, z: int) -> int:
    return sf.mul(F32, {"x": x, "y": y, "z": z}[_axis(x, y, z)], from_float(F32, 2.0))


def lit(a: int, b: int, c: int) -> int:
    dark = sf.is_nan(F32, b) or b in (LOWEST, F32.sign_bit | F32.inf)
    if dark or sf.is_nan(F32, c) or not sf.less(F32, 0, c):
        return LOWEST
    return sf.mul(F32, a, b)


@cache
def two_over_pi_bits() -> int:
    """1201 bits of 2/pi, with pi from the Chudnovsky series in exact fractions."""
    total, k, term_bound = Fraction(0), 0, 1 << 2600
    numerator, denominator, power = 1, 1, 1
    while denominator * abs(power) < term_bound * numerator or k == 0:
        total += Fraction(numerator * (13591409 + 545140134 * k), denominator * power)
        for i in range(1, 7):
            numerator *= 6 * k + i
        denominator *= (3 * k + 1) * (3 * k + 2) * (3 * k + 3) * (k + 1) ** 3
        power *= -(640320**3)
        k += 1
    # pi = 426880 * sqrt(10005) / total; the square root by integers, with bits to spare.
    spare = 1400
    root = Fraction(_isqrt(10005 << 2 * spare), 1 << spare)
    value = 2 * total / (426880 * root)
    return value.numerator * (1 << 1201) // value.denominator


def _isqrt(value: int) -> int:
    guess = 1 << (value.bit_length() + 1) // 2
    while True:
        better = (guess + value // guess) // 2
        if better >= guess:
            return guess
        guess = better


def trig_preop(x: int, segment: int) -> int:
    exponent = x >> 52 & 0x7FF
    shift = (segment & 31) * 53 + max(0, exponent - 1077)
    bits = two_over_pi_bits()
    right = 1201 - 53 - shift
    window = (bits >> right if right >= 0 else bits << -right) & mask(53)
    return sf.pack(F64, 0, window, -53 - shift + (128 if exponent >= 1968 else 0))


MODELS: dict[str, Valu] = {
    "v_cubeid_f32": valu("f32", "f32 f32 f32", face),
    "v_cubesc_f32": valu("f32", "f32 f32 f32", across),
    "v_cubetc_f32": valu("f32", "f32 f32 f32", down),
    "v_cubema_f32": valu("f32", "f32 f32 f32", major),
    "v_mullit_f32": valu("f32", "f32 f32 f32", lit),
    "v_trig_preop_f64": valu("f64", "f64 b32", trig_preop),
}
