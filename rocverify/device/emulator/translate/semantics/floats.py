"""Floating-point vector instructions and conversions, by family. Names are the ISA manual's.

Rounding is to nearest even; directed.py stands in where MODE may round otherwise. Denormals are flushed
where operands are read and results written (vector.py), as MODE says.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder import modes
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.vector import accumulate, saturated, valu
from rocverify.errors import DeviceError

K = WaveBuilder


def fma(k: K, a: Value, b: Value, c: Value) -> Value:
    """a * b + c, rounded once, to nearest even."""
    if a.type == k.shapes.f16:
        return _fma_half(k, *(k.b.fpext(value, k.shapes.f32) for value in (a, b, c)))
    return k.intrinsic("fma", a.type, [a, b, c])


def _fma_half(k: K, a: Value, b: Value, c: Value) -> Value:
    """f16 operands, widened: the product is exact in f32, the sum is rounded to odd there and to
    nearest afterwards, which equals one rounding. (LLVM would call a library's fmaf16.)"""
    product = k.b.fmul(a, b)
    total = k.b.fadd(product, c)
    shadow = k.b.fsub(total, product)
    error = k.b.fadd(k.b.fsub(product, k.b.fsub(total, shadow)), k.b.fsub(c, shadow))
    bits, integers = k.b.bitcast(total, k.shapes.i32), k.shapes.i32
    inexact = k.b.fcmp_ordered("!=", error, k.const(error.type, 0.0))
    even = k.b.icmp_unsigned("==", k.b.and_(bits, k.const(integers, 1)), k.const(integers, 0))
    opposed = k.b.icmp_signed("<", k.b.xor(bits, k.b.bitcast(error, integers)), k.const(integers, 0))
    step = k.b.select(opposed, k.const(integers, -1), k.const(integers, 1))
    odd = k.b.select(k.b.and_(inexact, even), k.b.add(bits, step), bits)
    return k.b.fptrunc(k.b.bitcast(odd, k.shapes.f32), k.shapes.f16)


def canonical(k: K, value: Value) -> Value:
    """The same number; a signalling NaN becomes a quiet one."""
    if value.type != k.shapes.f16:
        return k.intrinsic("canonicalize", value.type, [value])
    wide = k.b.fpext(value, k.shapes.f32)
    return k.b.fptrunc(k.intrinsic("canonicalize", wide.type, [wide]), value.type)


_ONES = {sign | one for bits, one in ((16, 0x3C00), (32, 0x3F800000), (64, 0x3FF << 52))
         for sign in (0, 1 << bits - 1)}  # fmt: skip
_NUMBER = re.compile(r"\b\d+\b(?=\)?$)")


def _is_one(value: Value) -> bool:
    """Whether a value is known to be 1 or -1 at translation: the bits of a constant, as a float."""
    if not isinstance(value, ir.CastInstr) or not isinstance(value.operands[0], ir.Constant):
        return False
    number = _NUMBER.search(value.operands[0].get_reference())
    return number is not None and int(number[0]) in _ONES


def multiply(k: K, a: Value, b: Value) -> Value:
    """LLVM drops a multiplication by one, which would leave a signalling NaN as it is."""
    product = k.b.fmul(a, b)
    return canonical(k, product) if _is_one(a) or _is_one(b) else product


def minimum(k: K, a: Value, b: Value) -> Value:
    """-0 is below +0; a quiet NaN gives the other operand, a signalling one a quiet NaN (IEEE mode)."""
    return _quieted(k, _lower(k, a, b), a, b)


def maximum(k: K, a: Value, b: Value) -> Value:
    """+0 is above -0; a quiet NaN gives the other operand, a signalling one a quiet NaN (IEEE mode)."""
    return _quieted(k, _higher(k, a, b), a, b)


def _lower(k: K, a: Value, b: Value) -> Value:
    return exact(k, "minimumnum", a, b)


def _higher(k: K, a: Value, b: Value) -> Value:
    return exact(k, "maximumnum", a, b)


def exact(k: K, name: str, *values: Value) -> Value:
    """An intrinsic that rounds nothing; halves go through f32, which the host can do."""
    if values[0].type != k.shapes.f16:
        return k.intrinsic(name, values[0].type, values)
    wide = k.intrinsic(name, k.shapes.f32, [k.b.fpext(value, k.shapes.f32) for value in values])
    return k.b.fptrunc(wide, k.shapes.f16)


_QUIET_BITS = {16: (0x0200, 0x7FFF, 0x7E00), 32: (1 << 22, (1 << 31) - 1, 0x7FC00000)} | {
    64: (1 << 51, (1 << 63) - 1, 0x7FF8 << 48)
}


def _quieted(k: K, result: Value, *sources: Value) -> Value:
    """A quiet NaN where a source is a signalling one, in IEEE mode. Families without that mode have no
    signalling NaN as a result."""
    ieee = k.mode.field(modes.IEEE)
    if ieee is None:
        raise DeviceError("a minimum or maximum where MODE's IEEE bit is not known at translation")
    if not ieee:
        return result if k.dialect.family.initial.clamp_bits else canonical(k, result)
    bits = {"half": 16, "float": 32, "double": 64}[str(result.type.element)]
    quiet, magnitude, nan = _QUIET_BITS[bits]
    integers = k.shapes.vector(ir.IntType(bits))
    found = None
    for source in dict.fromkeys(sources):
        flipped = k.b.xor(k.b.bitcast(source, integers), k.const(integers, quiet))
        one = k.b.icmp_signed(">", k.b.and_(flipped, k.const(integers, magnitude)), k.const(integers, nan))
        found = one if found is None else k.b.or_(found, one)
    return k.b.select(found, k.b.bitcast(k.const(integers, nan), result.type), result)


def _median(k: K, a: Value, b: Value, c: Value) -> Value:
    """The middle one; with a NaN among them the minimum of all three."""
    # Without the highest, the higher of the others. Zeros of either sign are equal here, as in the manual.
    top = _higher(k, _higher(k, a, b), c)
    middle = k.b.select(k.b.fcmp_ordered("==", top, b), _higher(k, a, c), _higher(k, a, b))
    middle = k.b.select(k.b.fcmp_ordered("==", top, a), _higher(k, b, c), middle)
    unordered = k.b.or_(k.b.fcmp_unordered("uno", a, b), k.b.fcmp_unordered("uno", c, c))
    return k.b.select(unordered, minimum(k, minimum(k, a, b), c), middle)


def _multiply_legacy(k: K, a: Value, b: Value) -> Value:
    """Zero times anything is zero."""
    zero = k.const(a.type, 0.0)
    none = k.b.or_(k.b.fcmp_ordered("==", a, zero), k.b.fcmp_ordered("==", b, zero))
    return k.b.select(none, zero, k.b.fmul(a, b))


def flush_denormals(k: K, value: Value) -> Value:
    """Signed zero for denormals: what the f32 transcendental unit does to operand and result."""
    integers = k.shapes.i32
    bits = k.b.bitcast(value, integers)
    exponent = k.b.and_(bits, k.const(integers, 0x7F800000))
    tiny = k.b.icmp_unsigned("==", exponent, k.const(integers, 0))
    zero = k.b.bitcast(k.b.and_(bits, k.const(integers, 0x80000000)), value.type)
    return k.b.select(tiny, zero, value)


def _reciprocal(k: K, value: Value) -> Value:
    return flush_denormals(k, k.b.fdiv(k.const(value.type, 1.0), flush_denormals(k, value)))


def _reciprocal_plain(k: K, value: Value) -> Value:
    return k.b.fdiv(k.const(value.type, 1.0), value)


def _square_root(k: K, value: Value) -> Value:
    return k.intrinsic("sqrt", value.type, [value])


def _square_root_f32(k: K, value: Value) -> Value:
    return _square_root(k, flush_denormals(k, value))


def _reciprocal_root(k: K, value: Value) -> Value:
    return k.b.fdiv(k.const(value.type, 1.0), _square_root(k, value))


def _reciprocal_root_f32(k: K, value: Value) -> Value:
    return _reciprocal_root(k, flush_denormals(k, value))


def _rounding(name: str) -> Callable[..., Value]:
    return lambda k, a: exact(k, name, a)


def _fraction(k: K, value: Value) -> Value:
    """x - floor(x), below one even where the subtraction rounds up to it; NaN of infinities."""
    bits = value.type.element
    below_one = {"half": 1 - 2.0**-11, "float": 1 - 2.0**-24, "double": 1 - 2.0**-53}[str(bits)]
    difference = k.b.fsub(value, exact(k, "floor", value))
    limit = k.const(value.type, below_one)
    return k.b.select(k.b.fcmp_unordered("<", difference, limit), difference, limit)


def _ldexp(k: K, value: Value, exponent: Value) -> Value:
    """Scales by two powers of two in three exact steps, so that one rounding remains."""
    limit = 3000
    low, high = k.const(exponent.type, -limit), k.const(exponent.type, limit)
    bounded = k.b.select(k.b.icmp_signed("<", exponent, low), low, exponent)
    bounded = k.b.select(k.b.icmp_signed(">", bounded, high), high, bounded)
    wide = k.b.fpext(value, k.shapes.f64) if value.type != k.shapes.f64 else value
    if value.type == k.shapes.f64:
        return scale_double(k, wide, bounded)
    inside = k.const(exponent.type, 600)
    bounded = k.b.select(k.b.icmp_signed(">", bounded, inside), inside, bounded)
    bounded = k.b.select(
        k.b.icmp_signed("<", bounded, k.const(exponent.type, -600)), k.const(exponent.type, -600), bounded
    )
    return k.b.fptrunc(k.b.fmul(wide, _power_of_two(k, bounded)), value.type)


def _ldexp_half(k: K, value: Value, exponent: Value) -> Value:
    """Exact in f32, whose range holds every product that does not vanish or overflow."""
    wide = k.b.sext(exponent, k.shapes.i32)
    for relation, bound in (("<", -60), (">", 60)):
        edge = k.const(wide.type, bound)
        wide = k.b.select(k.b.icmp_signed(relation, wide, edge), edge, wide)
    biased = k.b.shl(k.b.add(wide, k.const(wide.type, 127)), k.const(wide.type, 23))
    product = k.b.fmul(k.b.fpext(value, k.shapes.f32), k.b.bitcast(biased, k.shapes.f32))
    return k.b.fptrunc(product, value.type)


def _power_of_two(k: K, exponent: Value) -> Value:
    """2**n as a double, for n in the normal range."""
    biased = k.b.add(k.b.sext(exponent, k.shapes.i64), k.const(k.shapes.i64, 1023))
    return k.b.bitcast(k.b.shl(biased, k.const(k.shapes.i64, 52)), k.shapes.f64)


def scale_double(k: K, value: Value, exponent: Value) -> Value:
    """value * 2**exponent of doubles, in steps that do not overflow on the way."""
    for bound in (-1000, 1000):
        over = k.b.icmp_signed("<" if bound < 0 else ">", exponent, k.const(exponent.type, bound))
        for _ in range(2):
            factor = k.b.select(over, k.const(value.type, 2.0**bound), k.const(value.type, 1.0))
            value = k.b.fmul(value, factor)
            exponent = k.b.select(over, k.b.sub(exponent, k.const(exponent.type, bound)), exponent)
            over = k.b.icmp_signed("<" if bound < 0 else ">", exponent, k.const(exponent.type, bound))
    return k.b.fmul(value, _power_of_two(k, exponent))


def to_integer(bits: int, signed: bool) -> Callable[..., Value]:
    """Truncation towards zero, saturated; NaN is 0."""
    name = "fptosi.sat" if signed else "fptoui.sat"

    def compute(k: K, value: Value) -> Value:
        result = k.shapes.vector(ir.IntType(bits))
        element = {"half": "f16", "float": "f32", "double": "f64"}[str(value.type.element)]
        return k.call(f"llvm.{name}.v{k.lanes}i{bits}.v{k.lanes}{element}", result, [value])

    return compute


def _to_unsigned(k: K, value: Value) -> Value:
    """f32 to u32, towards zero, saturated, NaN is 0: through the signed conversion, which is native."""
    half, type_ = 2.0**31, k.shapes.i32
    positive = k.b.select(
        k.b.fcmp_ordered(">", value, k.const(value.type, 0.0)), value, k.const(value.type, 0.0)
    )
    upper = k.b.fcmp_ordered(">=", positive, k.const(value.type, half))
    reduced = k.b.select(upper, k.b.fsub(positive, k.const(value.type, half)), positive)
    fits = k.b.fcmp_ordered("<", reduced, k.const(value.type, half))
    low = k.b.fptosi(k.b.select(fits, reduced, k.const(value.type, 0.0)), type_)
    result = k.b.select(upper, k.b.xor(low, k.const(type_, 1 << 31)), low)
    return k.b.select(fits, result, k.const(type_, -1))


def to_half(k: K, value: Value) -> Value:
    """f32 to f16, rounded to nearest even."""
    return k.b.fptrunc(value, k.shapes.f16)


def to_half_towards_zero(k: K, value: Value) -> Value:
    """f32 to f16, rounded towards zero: the nearest, one step back where it grew."""
    near = k.b.fptrunc(value, k.shapes.f16)
    back = k.b.fpext(near, k.shapes.f32)
    grew = k.b.fcmp_ordered(
        ">", k.intrinsic("fabs", back.type, [back]), k.intrinsic("fabs", value.type, [value])
    )
    bits = k.b.bitcast(near, k.shapes.i16)
    return k.b.select(grew, k.b.sub(bits, k.const(bits.type, 1)), bits)


def pack16(k: K, low: Value, high: Value) -> Value:
    """Two 16-bit integers as the halves of a dword."""
    wide = k.b.shl(k.b.zext(high, k.shapes.i32), k.const(k.shapes.i32, 16))
    return k.b.or_(k.b.zext(low, k.shapes.i32), wide)


def _constant_multiplier(position: int) -> Handler:
    """v_fmamk_f32 (d = a * K + b) and v_fmaak_f32 (d = a * b + K)."""
    plain = {
        "f32": valu("f32", "f32 f32 f32", fma),
        "f16": valu("f16", "f16 f16 f16", fma),
    }

    def handle(k: K, inst: Instruction) -> None:
        if inst.operands[position].is_register:
            raise DeviceError(f"no literal where {inst.text} must have one")
        plain[inst.mnemonic[-3:]](k, inst)

    return handle


def _arithmetic(t: str) -> dict[str, Handler]:
    """What exists in f16, f32 and f64 alike."""
    two, three = f"{t} {t}", f"{t} {t} {t}"
    return {
        f"v_add_{t}": valu(t, two, lambda k, a, b: k.b.fadd(a, b)),
        f"v_mul_{t}": valu(t, two, multiply),
        f"v_min_{t}": valu(t, two, minimum),
        f"v_max_{t}": valu(t, two, maximum),
        f"v_fma_{t}": valu(t, three, fma),
        f"v_rndne_{t}": valu(t, t, _rounding("roundeven")),
        f"v_trunc_{t}": valu(t, t, _rounding("trunc")),
        f"v_floor_{t}": valu(t, t, _rounding("floor")),
        f"v_ceil_{t}": valu(t, t, _rounding("ceil")),
        f"v_fract_{t}": valu(t, t, _fraction),
    }


def _narrow(t: str) -> dict[str, Handler]:
    """What exists in f16 and f32 only."""
    two, three = f"{t} {t}", f"{t} {t} {t}"
    return {
        f"v_sub_{t}": valu(t, two, lambda k, a, b: k.b.fsub(a, b)),
        f"v_subrev_{t}": valu(t, two, lambda k, a, b: k.b.fsub(b, a)),
        f"v_fmac_{t}": accumulate(t, two, fma),
        f"v_fmamk_{t}": _constant_multiplier(2),
        f"v_fmaak_{t}": _constant_multiplier(3),
        f"v_min3_{t}": valu(t, three, lambda k, a, b, c: minimum(k, minimum(k, a, b), c)),
        f"v_max3_{t}": valu(t, three, lambda k, a, b, c: maximum(k, maximum(k, a, b), c)),
        f"v_med3_{t}": valu(t, three, _median),
        f"v_maxmin_{t}": valu(t, three, lambda k, a, b, c: minimum(k, maximum(k, a, b), c)),
        f"v_minmax_{t}": valu(t, three, lambda k, a, b, c: maximum(k, minimum(k, a, b), c)),
    }


CONVERSIONS: dict[str, Handler] = {
    "v_cvt_f32_u32": valu("f32", "u32", lambda k, a: k.b.uitofp(a, k.shapes.f32)),
    "v_cvt_f32_i32": valu("f32", "i32", lambda k, a: k.b.sitofp(a, k.shapes.f32)),
    "v_cvt_u32_f32": saturated(valu("u32", "f32", _to_unsigned)),
    "v_cvt_i32_f32": saturated(valu("i32", "f32", to_integer(32, signed=True))),
    "v_cvt_f16_f32": valu("f16", "f32", to_half),
    "v_cvt_f32_f16": valu("f32", "f16", lambda k, a: k.b.fpext(a, k.shapes.f32)),
    "v_cvt_f64_f32": valu("f64", "f32", lambda k, a: k.b.fpext(a, k.shapes.f64)),
    "v_cvt_f32_f64": valu("f32", "f64", lambda k, a: k.b.fptrunc(a, k.shapes.f32)),
    "v_cvt_f64_i32": valu("f64", "i32", lambda k, a: k.b.sitofp(a, k.shapes.f64)),
    "v_cvt_f64_u32": valu("f64", "u32", lambda k, a: k.b.uitofp(a, k.shapes.f64)),
    "v_cvt_i32_f64": saturated(valu("i32", "f64", to_integer(32, signed=True))),
    "v_cvt_u32_f64": saturated(valu("u32", "f64", to_integer(32, signed=False))),
    "v_cvt_f16_u16": valu("f16", "u16", lambda k, a: k.b.uitofp(a, k.shapes.f16)),
    "v_cvt_f16_i16": valu("f16", "i16", lambda k, a: k.b.sitofp(a, k.shapes.f16)),
    "v_cvt_u16_f16": saturated(valu("u16", "f16", to_integer(16, signed=False))),
    "v_cvt_i16_f16": saturated(valu("i16", "f16", to_integer(16, signed=True))),
    **{
        f"v_cvt_f32_ubyte{n}": valu(
            "f32",
            "b32",
            lambda k, a, n=n: k.b.uitofp(
                k.b.and_(k.b.lshr(a, k.const(a.type, 8 * n)), k.const(a.type, 0xFF)), k.shapes.f32
            ),
        )
        for n in range(4)
    },
}

SINGLE_FUNCTIONS = {"rcp": _reciprocal, "rsq": _reciprocal_root_f32, "sqrt": _square_root_f32}
HALF_FUNCTIONS = {"rcp": _reciprocal_plain, "rsq": _reciprocal_root, "sqrt": _square_root}
"""What the transcendental unit makes of one operand, by name."""

HANDLERS: dict[str, Handler] = {
    **_arithmetic("f16"),
    **_arithmetic("f32"),
    **_arithmetic("f64"),
    **_narrow("f16"),
    **_narrow("f32"),
    **CONVERSIONS,
    "v_fmac_f64": accumulate("f64", "f64 f64", fma),
    "v_mul_dx9_zero_f32": valu("f32", "f32 f32", _multiply_legacy),
    **{f"v_{name}_f32": valu("f32", "f32", compute) for name, compute in SINGLE_FUNCTIONS.items()},
    **{f"v_{name}_f16": valu("f16", "f16", compute) for name, compute in HALF_FUNCTIONS.items()},
    "v_rcp_iflag_f32": valu("f32", "f32", _reciprocal),
    "v_rcp_f64": valu("f64", "f64", _reciprocal_plain),
    "v_rsq_f64": valu("f64", "f64", _reciprocal_root),
    "v_sqrt_f64": valu("f64", "f64", _square_root),
    "v_ldexp_f16": valu("f16", "f16 i16", _ldexp_half),
    "v_ldexp_f32": valu("f32", "f32 i32", _ldexp),
    "v_ldexp_f64": valu("f64", "f64 i32", _ldexp),
}
