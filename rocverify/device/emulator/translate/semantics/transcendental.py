"""v_exp, v_log, v_sin, v_cos: powers and logarithms to the base 2, angles in turns.

Computed in f64 by polynomials and rounded once at the end: within 1 ULP of the exact value, as the
hardware is (its sine and cosine are less exact than ours). The f32 forms flush denormals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.floats import flush_denormals, fma
from rocverify.device.emulator.translate.semantics.vector import valu

K = WaveBuilder

EXP_COEFFICIENTS = tuple(math.log(2) ** n / math.factorial(n) for n in range(11))
LOG_COEFFICIENTS = tuple(2 / math.log(2) / (2 * n + 1) for n in range(9))
SIN_COEFFICIENTS = tuple((-1) ** n / math.factorial(2 * n + 1) for n in range(11))


def _horner(k: K, x: Value, coefficients: Sequence[float]) -> Value:
    """coefficients[0] + coefficients[1] * x + ..."""
    result = k.const(x.type, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        result = fma(k, result, x, k.const(x.type, coefficient))
    return result


def _exp2(k: K, x: Value) -> Value:
    """2**x in f64, for f32 results: far outside their range the operand is held back."""
    edge = 400.0
    held = k.b.select(k.b.fcmp_ordered(">", x, k.const(x.type, edge)), k.const(x.type, edge), x)
    held = k.b.select(k.b.fcmp_ordered("<", held, k.const(x.type, -edge)), k.const(x.type, -edge), held)
    whole = k.intrinsic("roundeven", x.type, [held])
    part = _horner(k, k.b.fsub(held, whole), EXP_COEFFICIENTS)
    defined = k.b.select(k.b.fcmp_ordered("==", x, x), whole, k.const(x.type, 0.0))
    biased = k.b.add(k.b.sext(k.b.fptosi(defined, k.shapes.i32), k.shapes.i64), k.const(k.shapes.i64, 1023))
    return k.b.fmul(part, k.b.bitcast(k.b.shl(biased, k.const(k.shapes.i64, 52)), x.type))


def _log2(k: K, x: Value) -> Value:
    """log2(x) in f64, for x that was an f32 or f16 and so is no denormal."""
    bits, i64 = k.b.bitcast(x, k.shapes.i64), k.shapes.i64
    # Centred on one: the mantissa goes from sqrt(1/2) to sqrt(2).
    shifted = k.b.sub(bits, k.const(i64, 0x3FE6A09E667F3BCD))
    exponent = k.b.ashr(shifted, k.const(i64, 52))
    mantissa = k.b.bitcast(k.b.sub(bits, k.b.shl(exponent, k.const(i64, 52))), x.type)
    one = k.const(x.type, 1.0)
    ratio = k.b.fdiv(k.b.fsub(mantissa, one), k.b.fadd(mantissa, one))
    series = _horner(k, k.b.fmul(ratio, ratio), LOG_COEFFICIENTS)
    whole = k.b.sitofp(k.b.trunc(exponent, k.shapes.i32), x.type)
    value = fma(k, ratio, series, whole)
    value = k.b.select(k.b.fcmp_unordered("<", x, k.const(x.type, 0.0)), k.const(x.type, math.nan), value)
    value = k.b.select(k.b.fcmp_ordered("==", x, k.const(x.type, 0.0)), k.const(x.type, -math.inf), value)
    infinite = k.b.fcmp_ordered("==", x, k.const(x.type, math.inf))
    return k.b.select(infinite, k.const(x.type, math.inf), value)


def _sine(k: K, turns: Value) -> Value:
    """sin(2 * pi * turns) in f64; NaN of infinities."""
    part = k.b.fsub(turns, k.intrinsic("roundeven", turns.type, [turns]))
    half = k.intrinsic("copysign", part.type, [k.const(part.type, 0.5), part])
    beyond = k.b.fcmp_ordered(">", k.intrinsic("fabs", part.type, [part]), k.const(part.type, 0.25))
    angle = k.b.fmul(k.b.select(beyond, k.b.fsub(half, part), part), k.const(part.type, 2 * math.pi))
    return k.b.fmul(angle, _horner(k, k.b.fmul(angle, angle), SIN_COEFFICIENTS))


def _cosine(k: K, turns: Value) -> Value:
    part = k.b.fsub(turns, k.intrinsic("roundeven", turns.type, [turns]))
    return _sine(k, k.b.fadd(part, k.const(turns.type, 0.25)))


def _signed_zero(k: K, result: Value, x: Value) -> Value:
    """A zero operand's sign goes through."""
    return k.b.select(k.b.fcmp_ordered("==", x, k.const(x.type, 0.0)), x, result)


def _single(compute: Callable[[K, Value], Value], odd: bool = False) -> Callable[[K, Value], Value]:
    """Of singles, without denormals."""

    def run(k: K, value: Value) -> Value:
        x = flush_denormals(k, value)
        result = flush_denormals(k, k.b.fptrunc(compute(k, k.b.fpext(x, k.shapes.f64)), k.shapes.f32))
        return _signed_zero(k, result, x) if odd else result

    return run


def _half(compute: Callable[[K, Value], Value], odd: bool = False) -> Callable[[K, Value], Value]:
    """Of halves."""

    def run(k: K, value: Value) -> Value:
        wide = compute(k, k.b.fpext(k.b.fpext(value, k.shapes.f32), k.shapes.f64))
        result = k.b.fptrunc(k.b.fptrunc(wide, k.shapes.f32), k.shapes.f16)
        return _signed_zero(k, result, value) if odd else result

    return run


SINGLE = {
    "exp": _single(_exp2),
    "log": _single(_log2),
    "sin": _single(_sine, odd=True),
    "cos": _single(_cosine),
}
HALF = {"exp": _half(_exp2), "log": _half(_log2), "sin": _half(_sine, odd=True), "cos": _half(_cosine)}
"""By the name of the function."""

HANDLERS: dict[str, Handler] = {
    **{f"v_{name}_f32": valu("f32", "f32", compute) for name, compute in SINGLE.items()},
    **{f"v_{name}_f16": valu("f16", "f16", compute) for name, compute in HALF.items()},
}
