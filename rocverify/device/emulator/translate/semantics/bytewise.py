"""Vector instructions on the bytes of dwords: sums of absolute differences and averages."""

from __future__ import annotations

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.dots import fields
from rocverify.device.emulator.translate.semantics.vector import commit_bits, read, valu
from rocverify.errors import DeviceError

K = WaveBuilder
WINDOWS = 4
"""Places of the reference in the eight bytes of v_qsad and v_mqsad, a byte apart."""


def _differences(k: K, a: Value, b: Value, bits: int, masked: bool) -> Value:
    """The sum of absolute differences of unsigned fields; `masked` leaves out those where b is 0."""
    total = k.const(k.shapes.i32, 0)
    for x, y in zip(fields(k, a, bits, False), fields(k, b, bits, False), strict=True):
        difference = k.b.sub(x, y)
        size = k.intrinsic("abs", difference.type, [difference, ir.Constant(ir.IntType(1), 0)])
        if masked:
            zero = k.const(y.type, 0)
            size = k.b.select(k.b.icmp_unsigned("==", y, zero), zero, size)
        total = k.b.add(total, size)
    return total


def _accumulated(k: K, inst: Instruction, total: Value, base: Value) -> Value:
    """The sum with the third source: modulo its width, or with clamp at most its largest value."""
    if "clamp" in inst.modifiers:
        return k.intrinsic("uadd.sat", total.type, [total, base])
    return k.b.add(total, base)


def _sad(bits: int, shift: int = 0, masked: bool = False) -> Handler:
    """v_sad_* and v_msad_u8: `vdst, src0, reference, accumulator`."""
    b32 = TYPES["b32"]

    def handle(k: K, inst: Instruction) -> None:
        a, b, base = (read(k, inst, source, b32) for source in inst.operands[1:])
        total = k.b.shl(_differences(k, a, b, bits, masked), k.const(k.shapes.i32, shift))
        commit_bits(k, inst.operands[0], _accumulated(k, inst, total, base))

    return handle


def _windows(k: K, inst: Instruction, masked: bool) -> list[Value]:
    """The sums for the reference at every byte of the first source, from the low one on."""
    wide = read(k, inst, inst.operands[1], TYPES["b64"])
    reference = read(k, inst, inst.operands[2], TYPES["b32"])
    at = [k.b.lshr(wide, k.const(wide.type, 8 * window)) for window in range(WINDOWS)]
    return [_differences(k, k.b.trunc(a, k.shapes.i32), reference, 8, masked) for a in at]


def _packed_windows(masked: bool) -> Handler:
    """v_qsad_pk_u16_u8 and v_mqsad_pk_u16_u8: four sums of 16 bits."""

    def handle(k: K, inst: Instruction) -> None:
        base, result = read(k, inst, inst.operands[3], TYPES["b64"]), k.const(k.shapes.i64, 0)
        for window, total in enumerate(_windows(k, inst, masked)):
            place = k.const(base.type, 16 * window)
            own = k.b.trunc(k.b.lshr(base, place), k.shapes.i16)
            value = _accumulated(k, inst, k.b.trunc(total, k.shapes.i16), own)
            result = k.b.or_(result, k.b.shl(k.b.zext(value, base.type), place))
        commit_bits(k, inst.operands[0], result)

    return handle


def _wide_windows(k: K, inst: Instruction) -> None:
    """v_mqsad_u32_u8: four sums of 32 bits."""
    target, *_, base = inst.operands
    values = [
        _accumulated(k, inst, total, read(k, inst, _dword(base, window, inst), TYPES["b32"]))
        for window, total in enumerate(_windows(k, inst, masked=True))
    ]
    for window, value in enumerate(values):
        commit_bits(k, target.part(window), value)


def _dword(operand: Operand, offset: int, inst: Instruction) -> Operand:
    """A dword of a register tuple."""
    if operand.kind is not OperandKind.VGPR:
        raise DeviceError(f"a source of 128 bits that is not a VGPR tuple: {inst.text}")
    return operand.part(offset)


def _averages(k: K, a: Value, b: Value, c: Value) -> Value:
    """v_lerp_u8: every byte (a + b + the lowest bit of c) / 2."""
    result, type_ = k.const(k.shapes.i32, 0), k.shapes.i32
    for place, (x, y, z) in enumerate(zip(*(fields(k, v, 8, False) for v in (a, b, c)), strict=True)):
        total = k.b.add(k.b.add(x, y), k.b.and_(z, k.const(type_, 1)))
        result = k.b.or_(result, k.b.shl(k.b.lshr(total, k.const(type_, 1)), k.const(type_, 8 * place)))
    return result


HANDLERS: dict[str, Handler] = {
    "v_sad_u8": _sad(8),
    "v_sad_hi_u8": _sad(8, shift=16),
    "v_sad_u16": _sad(16),
    "v_msad_u8": _sad(8, masked=True),
    "v_qsad_pk_u16_u8": _packed_windows(masked=False),
    "v_mqsad_pk_u16_u8": _packed_windows(masked=True),
    "v_mqsad_u32_u8": _wide_windows,
    "v_lerp_u8": valu("b32", "b32 b32 b32", _averages),
}
