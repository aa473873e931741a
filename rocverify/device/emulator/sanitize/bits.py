"""Values with their undefined bits, and operations that keep account of both.

The rules for and, or, sums and shifts are those of bit-precise checkers of uninitialised memory
(Seward and Nethercote, "Using Valgrind to detect undefined value errors with bit-precision", 2005).
"""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from rocverify.device.emulator.isa.operands import EXEC, Operand, OperandKind
from rocverify.device.emulator.translate.builder.registers import SHADOW
from rocverify.device.emulator.translate.builder.types import I32, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder


def shadowed(operand: Operand) -> Operand:
    """The shadow's operand: its register, or zero for what is a constant."""
    if operand.is_register:
        return Operand(
            operand.kind, operand.index + SHADOW, operand.count, name=operand.name, half=operand.half
        )
    return operand if operand.kind is OperandKind.NULL else Operand(OperandKind.INTEGER, 0, name="0")


def spread(k: WaveBuilder, shadow: Value) -> Value:
    """All ones where any bit is set, else zero: lane by lane."""
    return k.b.sext(k.b.icmp_unsigned("!=", shadow, k.const(shadow.type, 0)), shadow.type)


def operand_shadow(k: WaveBuilder, operand: Operand) -> Value | None:
    """The shadow of a source's first dword, vector or scalar; None if it is always defined."""
    if operand.kind is OperandKind.VGPR:
        return k.quiet_vgpr(SHADOW + operand.index)
    if operand.kind is OperandKind.SGPR and operand.index not in (EXEC, EXEC + 1):
        return k.quiet_sgpr(SHADOW + operand.index)
    return None


def smear_left(k: WaveBuilder, shadow: Value) -> Value:
    """The lowest set bit and all above it: where an undefined carry can go."""
    return k.b.or_(shadow, k.b.sub(k.const(shadow.type, 0), shadow))


def lanes_undefined(k: WaveBuilder, shadow: Value, active: Value | None = None) -> Value:
    """The active lanes with any bit set, as a lane mask in i64; `active` are EXEC's unless given."""
    lanes = k.b.icmp_unsigned("!=", shadow, k.const(shadow.type, 0))
    return k.b.and_(k.bits_of(lanes), k.exec_bits() if active is None else active)


@dataclass(frozen=True, slots=True)
class Bits:
    """`value` with its undefined bits; both integers (or vectors) of one type."""

    k: WaveBuilder
    value: Value
    shadow: Value

    def __and__(self, other: Bits) -> Bits:
        b = self.k.b
        shadow = b.and_(self.shadow, b.or_(other.shadow, other.value))
        return Bits(self.k, b.and_(self.value, other.value), b.or_(shadow, b.and_(other.shadow, self.value)))

    def __invert__(self) -> Bits:
        return Bits(self.k, self.k.invert(self.value), self.shadow)

    def __or__(self, other: Bits) -> Bits:
        return ~(~self & ~other)

    def __xor__(self, other: Bits) -> Bits:
        b = self.k.b
        return Bits(self.k, b.xor(self.value, other.value), b.or_(self.shadow, other.shadow))

    def __add__(self, other: Bits) -> Bits:
        b = self.k.b
        return Bits(self.k, b.add(self.value, other.value), self._carried(other))

    def __sub__(self, other: Bits) -> Bits:
        b = self.k.b
        return Bits(self.k, b.sub(self.value, other.value), self._carried(other))

    def __mul__(self, other: Bits) -> Bits:
        """The low half of the product: a bit depends on none above it."""
        b = self.k.b
        return Bits(self.k, b.mul(self.value, other.value), self._carried(other))

    def __lshift__(self, other: Bits) -> Bits:
        """By the other's low five bits; an undefined amount makes all undefined."""
        b, type_ = self.k.b, self.value.type
        amount = b.and_(other.value, self.k.const(type_, 31))
        shadow = b.or_(b.shl(self.shadow, amount), spread(self.k, other.shadow))
        return Bits(self.k, b.shl(self.value, amount), shadow)

    def _carried(self, other: Bits) -> Value:
        return smear_left(self.k, self.k.b.or_(self.shadow, other.shadow))

    def is_nonzero_undefined(self) -> Value:
        """Whether `value != 0` is undefined, as i32 of all ones or zero; one defined bit set decides."""
        b, zero = self.k.b, self.k.const(self.value.type, 0)
        known = b.icmp_unsigned("!=", b.and_(self.value, self.k.invert(self.shadow)), zero)
        some = b.icmp_unsigned("!=", self.shadow, zero)
        return b.sext(b.and_(some, b.not_(known)), I32)


def constant_bits(k: WaveBuilder, value: Value) -> Bits:
    """A value of which every bit is defined."""
    return Bits(
        k, value, ir.Constant(value.type, 0) if isinstance(value.type, ir.IntType) else k.const(value.type, 0)
    )
