"""Floats of 8 bits: FP8 (E4M3, no infinities) and BF8 (E5M2). Names are the ISA manual's.

Conversions to them round to nearest even and keep denormals. What is too large becomes NaN in FP8 and an
infinity in BF8, as MODE.FP16_OVFL asks for when it is 0, where kernels start. The order in which hardware
adds the products of v_dot4 is not documented: here the third source comes first, then one fused
multiply-add for each byte, the lowest first, and the result has no denormals (as dots.py has it).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.floats import flush_denormals, fma
from rocverify.device.emulator.translate.semantics.vector import commit_bits, read, write

K = WaveBuilder
F32, B32 = TYPES["f32"], TYPES["b32"]
_MAGNITUDE, _SIGN, _INFINITY, _QUIET_NAN = 0x7FFFFFFF, 0x80000000, 0x7F800000, 0x7FC00000


class Eight(NamedTuple):
    """mantissa, bias: of the format; largest: above it, bits are `beyond`, those of NaN or an infinity.
    unsigned_zero: whether there is no negative zero, whose bits are those of the only NaN (FNUZ)."""

    mantissa: int
    bias: int
    beyond: int
    unsigned_zero: bool = False


_ONLY_NAN = 0x80
FORMATS = {"fp8": Eight(3, 7, 0x7F), "bf8": Eight(2, 15, 0x7C)}


def _integer(k: K, value: int) -> Value:
    return k.const(k.shapes.i32, value)


def widened(k: K, byte: Value, form: Eight) -> Value:
    """The float in the low eight bits of i32 lanes as a single, which is exact."""
    if form.unsigned_zero:
        return _widened_unsigned_zero(k, byte, form)
    place = 23 - form.mantissa
    magnitude = k.b.and_(byte, _integer(k, 0x7F))
    scaled = k.b.bitcast(k.b.shl(magnitude, _integer(k, place)), k.shapes.f32)
    finite = k.b.bitcast(k.b.fmul(scaled, k.const(k.shapes.f32, 2.0 ** (127 - form.bias))), k.shapes.i32)
    # NaN alone in FP8; infinities too in BF8, which have no bits of a mantissa.
    special = k.b.or_(k.b.shl(magnitude, _integer(k, place)), _integer(k, _INFINITY))
    quiet = k.b.icmp_unsigned(">", magnitude, _integer(k, form.beyond))
    special = k.b.or_(special, k.b.select(quiet, _integer(k, 1 << 22), _integer(k, 0)))
    bits = k.b.select(k.b.icmp_unsigned(">=", magnitude, _integer(k, form.beyond)), special, finite)
    sign = k.b.shl(k.b.and_(byte, _integer(k, 0x80)), _integer(k, 24))
    return k.b.bitcast(k.b.or_(bits, sign), k.shapes.f32)


def _widened_unsigned_zero(k: K, byte: Value, form: Eight) -> Value:
    magnitude = k.b.shl(k.b.and_(byte, _integer(k, 0x7F)), _integer(k, 23 - form.mantissa))
    scaled = k.b.fmul(k.b.bitcast(magnitude, k.shapes.f32), k.const(k.shapes.f32, 2.0 ** (127 - form.bias)))
    sign = k.b.shl(k.b.and_(byte, _integer(k, 0x80)), _integer(k, 24))
    number = k.b.or_(k.b.bitcast(scaled, k.shapes.i32), sign)
    nan = k.b.icmp_unsigned("==", k.b.and_(byte, _integer(k, 0xFF)), _integer(k, _ONLY_NAN))
    return k.b.bitcast(k.b.select(nan, _integer(k, _QUIET_NAN), number), k.shapes.f32)


def _finished(k: K, chosen: Value, bits: Value, form: Eight) -> Value:
    """The magnitude that was chosen for a single of these bits, or what stands for what is too large, and for
    NaN; with its sign."""
    magnitude = k.b.and_(bits, _integer(k, _MAGNITUDE))
    sign = k.b.lshr(k.b.and_(bits, _integer(k, _SIGN)), _integer(k, 24))
    over = k.b.icmp_unsigned(">", chosen, _integer(k, form.beyond))
    if form.unsigned_zero:
        signed = k.b.or_(chosen, sign)
        signed = k.b.select(k.b.icmp_unsigned("==", chosen, _integer(k, 0)), chosen, signed)
        return k.b.select(over, _integer(k, _ONLY_NAN), signed)
    chosen = k.b.select(over, _integer(k, form.beyond), chosen)
    nan = k.b.icmp_unsigned(">", magnitude, _integer(k, _INFINITY))
    chosen = k.b.select(nan, _integer(k, 0x7F), chosen)
    return k.b.or_(chosen, sign)


def narrowed(k: K, value: Value, form: Eight) -> Value:
    """A single as a float of eight bits in i32 lanes."""
    bits = k.b.bitcast(value, k.shapes.i32)
    magnitude = k.b.and_(bits, _integer(k, _MAGNITUDE))
    shift = 23 - form.mantissa
    # Below the normal numbers, the sum's last place is that of a denormal in eight bits.
    least = (128 - form.bias) << 23
    magic = 2.0 ** (24 - form.bias - form.mantissa)
    summed = k.b.fadd(k.b.bitcast(magnitude, k.shapes.f32), k.const(k.shapes.f32, magic))
    tiny = k.b.and_(k.b.bitcast(summed, k.shapes.i32), _integer(k, 0xFF))
    odd = k.b.and_(k.b.lshr(magnitude, _integer(k, shift)), _integer(k, 1))
    rounding = (1 << shift - 1) - 1 - ((127 - form.bias) << 23)
    normal = k.b.lshr(k.b.add(k.b.add(magnitude, odd), _integer(k, rounding)), _integer(k, shift))
    chosen = k.b.select(k.b.icmp_unsigned("<", magnitude, _integer(k, least)), tiny, normal)
    return _finished(k, chosen, bits, form)


def rounded_by(k: K, value: Value, seed: Value, form: Eight) -> Value:
    """A single as a float of eight bits in i32 lanes, rounded stochastically: the seed's highest bits are
    added to the bits of the mantissa that have no room, and what then has no room is cut off. AMD's manual
    adds them so, but to a mantissa that wraps around, and rounds to nearest after it, which would be no
    rounding to a neighbour: AMD's own conversions for hosts cut off, as this does."""
    bits = k.b.bitcast(value, k.shapes.i32)
    magnitude = k.b.and_(bits, _integer(k, _MAGNITUDE))
    shift, least = 23 - form.mantissa, (128 - form.bias) << 23
    moved = k.b.add(magnitude, k.b.lshr(seed, _integer(k, 32 - shift)))
    small = k.b.icmp_unsigned("<", moved, _integer(k, least))
    scaled = k.b.bitcast(k.b.select(small, moved, _integer(k, 0)), k.shapes.f32)
    scaled = k.b.fmul(scaled, k.const(k.shapes.f32, 2.0 ** (form.mantissa + form.bias - 1)))
    normal = k.b.lshr(k.b.sub(moved, _integer(k, (127 - form.bias) << 23)), _integer(k, shift))
    chosen = k.b.select(small, k.b.fptoui(scaled, k.shapes.i32), normal)
    return _finished(k, chosen, bits, form)


def _byte(k: K, dword: Value, place: int) -> Value:
    return k.b.and_(k.b.lshr(dword, _integer(k, 8 * place)), _integer(k, 0xFF))


def _one(form: Eight) -> Handler:
    """v_cvt_f32_fp8: byte_sel says which byte."""

    def handle(k: K, inst: Instruction) -> None:
        target, source = inst.operands
        byte = _byte(k, read(k, inst, source, B32), int(inst.modifiers.get("byte_sel", "0")))
        write(k, inst, target, widened(k, byte, form), F32)

    return handle


def _pair(form: Eight) -> Handler:
    """v_cvt_pk_f32_fp8: the bytes of the half that op_sel names, as two singles."""

    def handle(k: K, inst: Instruction) -> None:
        target, source = inst.operands
        dword, first = read(k, inst, source, B32), 2 * inst.flags("op_sel", 2, 0)[0]
        values = [widened(k, _byte(k, dword, first + place), form) for place in (0, 1)]
        for place, value in enumerate(values):
            write(k, inst, target.part(place), value, F32)

    return handle


def _packed(form: Eight) -> Handler:
    """v_cvt_pk_fp8_f32: op_sel names the half that is written."""

    def handle(k: K, inst: Instruction) -> None:
        target, *sources = inst.operands
        low, high = (narrowed(k, read(k, inst, source, F32), form) for source in sources)
        both = k.b.trunc(k.b.or_(low, k.b.shl(high, _integer(k, 8))), k.shapes.i16)
        commit_bits(k, target, both, high=bool(inst.flags("op_sel", 3, 0)[2]))

    return handle


def _stochastic(form: Eight) -> Handler:
    """v_cvt_sr_fp8_f32: byte_sel says which byte is written; the others stay."""

    def handle(k: K, inst: Instruction) -> None:
        target, source, seed = inst.operands
        byte = rounded_by(k, read(k, inst, source, F32), read(k, inst, seed, B32), form)
        place = 8 * int(inst.modifiers.get("byte_sel", "0"))
        old = k.b.and_(k.vgpr(target.index, 0, active=True), _integer(k, ~(0xFF << place) & 0xFFFFFFFF))
        k.commit(target, k.b.or_(old, k.b.shl(byte, _integer(k, place))), 0xFF << place)

    return handle


def _dot(first: Eight, second: Eight) -> Handler:
    """v_dot4_f32_*: neg_lo negates the third source, neg_hi takes its absolute value, that first."""

    def handle(k: K, inst: Instruction) -> None:
        target, *sources = inst.operands
        a, b = (read(k, inst, source, B32) for source in sources[:2])
        total = read(k, inst, sources[2], F32)
        if inst.flags("neg_hi", 3, 0)[2]:
            total = k.intrinsic("fabs", total.type, [total])
        total = k.b.fneg(total) if inst.flags("neg_lo", 3, 0)[2] else total
        for place in range(4):
            one, other = widened(k, _byte(k, a, place), first), widened(k, _byte(k, b, place), second)
            total = fma(k, one, other, total)
        commit_bits(k, target, k.b.bitcast(flush_denormals(k, total), k.shapes.i32))

    return handle


def conversions(formats: Mapping[str, Eight]) -> dict[str, Handler]:
    """From and to each of the formats."""
    return {
        **{f"v_cvt_f32_{name}": _one(form) for name, form in formats.items()},
        **{f"v_cvt_pk_f32_{name}": _pair(form) for name, form in formats.items()},
        **{f"v_cvt_pk_{name}_f32": _packed(form) for name, form in formats.items()},
        **{f"v_cvt_sr_{name}_f32": _stochastic(form) for name, form in formats.items()},
    }


HANDLERS: dict[str, Handler] = {
    **conversions(FORMATS),
    **{f"v_dot4_f32_{a}_{b}": _dot(FORMATS[a], FORMATS[b]) for a in FORMATS for b in FORMATS},
}
