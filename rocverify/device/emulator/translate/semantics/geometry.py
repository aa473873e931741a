"""Vector instructions for cube maps and lighting, and the argument reduction of f64 sines."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from llvmlite import ir

from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import I32, I64, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.floats import canonical, scale_double
from rocverify.device.emulator.translate.semantics.vector import valu

K = WaveBuilder
LARGEST_SINGLE = 3.4028234663852886e38

# ---- cube maps: the face that the longest axis of (x, y, z) names, z before y before x


def _by_axis(
    along_x: Callable[..., Value], along_y: Callable[..., Value], along_z: Callable[..., Value]
) -> Handler:
    def compute(k: K, x: Value, y: Value, z: Value) -> Value:
        size_x, size_y, size_z = (k.intrinsic("fabs", v.type, [v]) for v in (x, y, z))
        z_longest = k.b.and_(k.b.fcmp_ordered(">=", size_z, size_x), k.b.fcmp_ordered(">=", size_z, size_y))
        y_longest = k.b.fcmp_ordered(">=", size_y, size_x)
        other = k.b.select(y_longest, along_y(k, x, y, z), along_x(k, x, y, z))
        return canonical(k, k.b.select(z_longest, along_z(k, x, y, z), other))

    return valu("f32", "f32 f32 f32", compute)


def _by_sign(k: K, axis: Value, negative: Value, positive: Value) -> Value:
    return k.b.select(k.b.fcmp_ordered("<", axis, k.const(axis.type, 0.0)), negative, positive)


def _face(k: K, axis: Value, negative: float, positive: float) -> Value:
    return _by_sign(k, axis, k.const(axis.type, negative), k.const(axis.type, positive))


def _twice(k: K, axis: Value) -> Value:
    return k.b.fmul(axis, k.const(axis.type, 2.0))


def _lit(k: K, a: Value, b: Value, c: Value) -> Value:
    """v_mullit_f32: a product, or the lowest number where the light's exponent or base makes none."""
    lowest = k.const(a.type, -LARGEST_SINGLE)
    none = k.b.or_(k.b.fcmp_unordered("<=", b, lowest), k.b.fcmp_unordered("<=", c, k.const(c.type, 0.0)))
    return k.b.select(none, lowest, k.b.fmul(a, b))


# ---- v_trig_preop_f64

FRACTION_BITS = 1201
"""Bits of 2/pi that the instruction has."""

WINDOW_BITS = 53


@cache
def two_over_pi() -> int:
    """floor(2/pi * 2**FRACTION_BITS), with pi by Machin's formula in integers with bits to spare."""
    unit = 1 << 2 * FRACTION_BITS
    quarter = 4 * _arctangent(5, unit) - _arctangent(239, unit)
    return (unit << FRACTION_BITS) // (2 * quarter)


def _arctangent(divisor: int, unit: int) -> int:
    """unit * atan(1 / divisor)."""
    power, total, term = unit // divisor, 0, 1
    while power:
        total += power // term if term % 4 == 1 else -(power // term)
        power, term = power // divisor**2, term + 2
    return total


def _window(shift: int) -> int:
    """The 53 bits of 2/pi that begin `shift` bits after the point; zeros past its end."""
    return (two_over_pi() << shift >> FRACTION_BITS - WINDOW_BITS) & (1 << WINDOW_BITS) - 1


def _windows(k: K) -> Value:
    """A table of every window that is not zero, and a zero at its end, shared by a module."""
    name = "two_over_pi"
    if name not in k.module.globals:
        entries = [ir.Constant(I64, _window(shift)) for shift in range(FRACTION_BITS + 1)]
        type_ = ir.ArrayType(I64, len(entries))
        table = ir.GlobalVariable(k.module, type_, name)
        table.global_constant, table.linkage = True, "internal"
        table.initializer = ir.Constant(type_, entries)
    return k.module.globals[name]


def _trig_preop(k: K, value: Value, segment: Value) -> Value:
    """53 bits of 2/pi, segment after segment, as they matter for an argument of this exponent.

    The manual's pseudocode keeps the bits below the point; the words beside it, and what libraries make of
    the instruction, have those above it, as here.
    """
    wide, narrow = k.shapes.i64, k.shapes.i32
    biased = k.b.trunc(
        k.b.and_(k.b.lshr(k.b.bitcast(value, wide), k.const(wide, 52)), k.const(wide, 0x7FF)), narrow
    )
    beyond = k.b.sub(biased, k.const(narrow, 1077))
    beyond = k.b.select(k.b.icmp_signed(">", beyond, k.const(narrow, 0)), beyond, k.const(narrow, 0))
    shift = k.b.mul(k.b.and_(segment, k.const(narrow, 31)), k.const(narrow, WINDOW_BITS))
    shift = k.b.add(shift, beyond)
    most = k.const(narrow, FRACTION_BITS)
    place = k.b.select(k.b.icmp_unsigned("<", shift, most), shift, most)
    table, bits = _windows(k), k.const(wide, 0)
    for lane in range(k.lanes):
        index = k.b.extract_element(place, k.i32(lane))
        entry = k.b.gep(table, [k.i32(0), index], inbounds=True)
        bits = k.b.insert_element(bits, k.b.load(entry), ir.Constant(I32, lane))
    far = k.b.icmp_unsigned(">=", biased, k.const(narrow, 1968))
    scale = k.b.sub(k.const(narrow, -WINDOW_BITS), shift)
    scale = k.b.select(far, k.b.add(scale, k.const(narrow, 128)), scale)
    return scale_double(k, k.b.uitofp(bits, k.shapes.f64), scale)


HANDLERS: dict[str, Handler] = {
    "v_cubeid_f32": _by_axis(
        lambda k, x, y, z: _face(k, x, 1.0, 0.0),
        lambda k, x, y, z: _face(k, y, 3.0, 2.0),
        lambda k, x, y, z: _face(k, z, 5.0, 4.0),
    ),
    "v_cubesc_f32": _by_axis(
        lambda k, x, y, z: _by_sign(k, x, z, k.b.fneg(z)),
        lambda k, x, y, z: x,
        lambda k, x, y, z: _by_sign(k, z, k.b.fneg(x), x),
    ),
    "v_cubetc_f32": _by_axis(
        lambda k, x, y, z: k.b.fneg(y),
        lambda k, x, y, z: _by_sign(k, y, k.b.fneg(z), z),
        lambda k, x, y, z: k.b.fneg(y),
    ),
    "v_cubema_f32": _by_axis(
        lambda k, x, y, z: _twice(k, x),
        lambda k, x, y, z: _twice(k, y),
        lambda k, x, y, z: _twice(k, z),
    ),
    "v_mullit_f32": valu("f32", "f32 f32 f32", _lit),
    "v_trig_preop_f64": valu("f64", "f64 b32", _trig_preop),
}
