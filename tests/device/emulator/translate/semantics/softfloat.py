"""IEEE 754 in Python integers: the reference for every floating-point instruction.

A float is handled by its bits. `unpack` gives a class and, for finite values, (sign, mantissa, exponent)
with value = (-1)**sign * mantissa * 2**exponent, exactly; `pack` rounds such a value once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property


@dataclass(frozen=True)
class Format:
    """A binary format; `man` counts the stored mantissa bits."""

    name: str
    bits: int
    man: int

    @cached_property
    def exp_ones(self) -> int:
        return (1 << self.bits - 1 - self.man) - 1

    @cached_property
    def bias(self) -> int:
        return self.exp_ones >> 1

    @cached_property
    def min_exponent(self) -> int:
        """Exponent of one unit in the last place of a denormal."""
        return 1 - self.bias - self.man

    @cached_property
    def sign_bit(self) -> int:
        return 1 << self.bits - 1

    @cached_property
    def inf(self) -> int:
        return self.exp_ones << self.man

    @cached_property
    def nan(self) -> int:
        return self.inf | 1 << self.man - 1

    @cached_property
    def mask(self) -> int:
        return (1 << self.bits) - 1


F16, F32, F64 = Format("f16", 16, 10), Format("f32", 32, 23), Format("f64", 64, 52)
BF16 = Format("bf16", 16, 7)
FORMATS = {f.name: f for f in (F16, F32, F64)}

Parts = tuple[int, int, int]


def is_nan(f: Format, x: int) -> bool:
    return x & ~f.sign_bit & f.mask > f.inf


def is_signalling(f: Format, x: int) -> bool:
    return is_nan(f, x) and not x >> f.man - 1 & 1


def is_inf(f: Format, x: int) -> bool:
    return x & ~f.sign_bit == f.inf


def is_zero(f: Format, x: int) -> bool:
    return x & ~f.sign_bit == 0


def is_denormal(f: Format, x: int) -> bool:
    return not is_zero(f, x) and x & f.inf == 0


def is_finite(f: Format, x: int) -> bool:
    return x & f.inf != f.inf


def sign_of(f: Format, x: int) -> int:
    return x >> f.bits - 1 & 1


def quiet(f: Format, x: int) -> int:
    return x | 1 << f.man - 1


def parts(f: Format, x: int) -> Parts:
    """A finite value exactly."""
    exponent, mantissa = x >> f.man & f.exp_ones, x & (1 << f.man) - 1
    if exponent:
        return sign_of(f, x), mantissa | 1 << f.man, exponent - 1 + f.min_exponent
    return sign_of(f, x), mantissa, f.min_exponent


def pack(
    f: Format, sign: int, mantissa: int, exponent: int, sticky: bool = False, towards_zero: bool = False
) -> int:
    """Rounds mantissa * 2**exponent (a little more if `sticky`) to nearest even, or towards zero."""
    top = sign << f.bits - 1
    if mantissa == 0:
        return top
    drop = max(mantissa.bit_length() - (f.man + 1), f.min_exponent - exponent)
    if drop > mantissa.bit_length() + 1:
        return top
    if drop <= 0:
        mantissa <<= -drop
    else:
        rest, half = mantissa & (1 << drop) - 1, 1 << drop - 1
        mantissa >>= drop
        up = rest > half or (rest == half and (sticky or mantissa & 1))
        mantissa += 1 if up and not towards_zero else 0
    exponent += drop
    if mantissa >> f.man + 1:
        mantissa, exponent = mantissa >> 1, exponent + 1
    if mantissa >> f.man == 0:
        return top | mantissa
    biased = exponent - f.min_exponent + 1
    if biased >= f.exp_ones:
        return top | (f.inf - 1 if towards_zero else f.inf)
    return top | biased << f.man | mantissa & (1 << f.man) - 1


def from_fraction(f: Format, value: Fraction, sign: int = 0, towards_zero: bool = False) -> int:
    """Rounds an exact value once; `sign` is that of a zero."""
    if value == 0:
        return sign << f.bits - 1
    number, scale = abs(value), 3 * f.man + 40
    shift = scale - (number.numerator.bit_length() - number.denominator.bit_length())
    scaled = number * Fraction(2) ** shift
    whole = scaled.numerator // scaled.denominator
    return pack(
        f, int(value < 0), whole, -shift, whole * scaled.denominator != scaled.numerator, towards_zero
    )


def to_fraction(f: Format, x: int) -> Fraction:
    sign, mantissa, exponent = parts(f, x)
    value = Fraction(mantissa) * Fraction(2) ** exponent
    return -value if sign else value


def to_float(f: Format, x: int) -> float:
    """As a Python float, exactly (NaN and infinity too)."""
    if is_nan(f, x):
        return math.nan
    if is_inf(f, x):
        return -math.inf if sign_of(f, x) else math.inf
    sign, mantissa, exponent = parts(f, x)
    return math.ldexp(-mantissa if sign else mantissa, exponent) if mantissa else (-0.0 if sign else 0.0)


def from_float(f: Format, value: float, towards_zero: bool = False) -> int:
    if math.isnan(value):
        return f.nan
    sign = int(math.copysign(1.0, value) < 0)
    if math.isinf(value):
        return sign << f.bits - 1 | f.inf
    mantissa, exponent = math.frexp(abs(value))
    return pack(f, sign, int(mantissa * 2.0**53), exponent - 53, towards_zero=towards_zero)


def neg(f: Format, x: int) -> int:
    return x ^ f.sign_bit


def absolute(f: Format, x: int) -> int:
    return x & ~f.sign_bit & f.mask


def _sum(f: Format, terms: list[Parts]) -> int:
    """The exact sum, rounded once. A zero sum is -0 only if every term is negative."""
    low = min(exponent for _, _, exponent in terms)
    total = sum((-m if s else m) << e - low for s, m, e in terms)
    if total == 0:
        return pack(f, int(all(s for s, _, _ in terms)), 0, 0)
    return pack(f, int(total < 0), abs(total), low)


def fma(f: Format, a: int, b: int, c: int) -> int:
    """a * b + c, rounded once."""
    if is_nan(f, a) or is_nan(f, b) or is_nan(f, c):
        return f.nan
    sign = sign_of(f, a) ^ sign_of(f, b)
    if is_inf(f, a) or is_inf(f, b):
        opposed = is_inf(f, c) and sign_of(f, c) != sign
        return f.nan if is_zero(f, a) or is_zero(f, b) or opposed else sign << f.bits - 1 | f.inf
    if is_inf(f, c):
        return c
    (_, ma, ea), (_, mb, eb) = parts(f, a), parts(f, b)
    return _sum(f, [(sign, ma * mb, ea + eb), parts(f, c)])


def mul(f: Format, a: int, b: int) -> int:
    if is_nan(f, a) or is_nan(f, b):
        return f.nan
    sign = sign_of(f, a) ^ sign_of(f, b)
    if is_inf(f, a) or is_inf(f, b):
        return f.nan if is_zero(f, a) or is_zero(f, b) else sign << f.bits - 1 | f.inf
    (_, ma, ea), (_, mb, eb) = parts(f, a), parts(f, b)
    return pack(f, sign, ma * mb, ea + eb)


def add(f: Format, a: int, b: int) -> int:
    if is_nan(f, a) or is_nan(f, b):
        return f.nan
    if is_inf(f, a):
        return f.nan if is_inf(f, b) and a != b else a
    if is_inf(f, b):
        return b
    return _sum(f, [parts(f, a), parts(f, b)])


def divide(f: Format, a: int, b: int) -> int:
    """Correctly rounded a / b."""
    sign = sign_of(f, a) ^ sign_of(f, b)
    if is_nan(f, a) or is_nan(f, b) or (is_inf(f, a) and is_inf(f, b)) or (is_zero(f, a) and is_zero(f, b)):
        return f.nan
    if is_inf(f, a) or is_zero(f, b):
        return sign << f.bits - 1 | f.inf
    if is_zero(f, a) or is_inf(f, b):
        return sign << f.bits - 1
    (_, ma, ea), (_, mb, eb) = parts(f, a), parts(f, b)
    quotient, rest = divmod(ma << 3 * f.man, mb)
    return pack(f, sign, quotient, ea - eb - 3 * f.man, rest != 0)


def square_root(f: Format, x: int) -> int:
    """Correctly rounded; of a negative number NaN, of -0 is -0."""
    if is_nan(f, x) or (sign_of(f, x) and not is_zero(f, x)):
        return f.nan
    if is_zero(f, x) or is_inf(f, x):
        return x
    _, mantissa, exponent = parts(f, x)
    mantissa, exponent = mantissa << 2 * f.man + exponent % 2, exponent - exponent % 2 - 2 * f.man
    root = math.isqrt(mantissa)
    return pack(f, 0, root, exponent // 2, root * root != mantissa)


def convert(source: Format, target: Format, x: int, towards_zero: bool = False) -> int:
    if is_nan(source, x):
        return target.nan
    if is_inf(source, x):
        return sign_of(source, x) << target.bits - 1 | target.inf
    return pack(target, *parts(source, x), towards_zero=towards_zero)


def less(f: Format, a: int, b: int) -> bool:
    """a < b as numbers; false with a NaN."""
    return not (is_nan(f, a) or is_nan(f, b)) and _order(f, a) < _order(f, b)


def equal(f: Format, a: int, b: int) -> bool:
    return not (is_nan(f, a) or is_nan(f, b)) and _order(f, a) == _order(f, b)


def _order(f: Format, x: int) -> int:
    magnitude = absolute(f, x)
    return -magnitude if sign_of(f, x) else magnitude


def ulps(f: Format, a: int, b: int) -> int:
    """How many representable values lie between two numbers."""
    return abs(_order(f, a) - _order(f, b))
