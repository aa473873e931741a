"""The rule for most instructions: one undefined bit in, all bits out, lane by lane."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.sanitize.bits import lanes_undefined, spread
from rocverify.device.emulator.translate.builder.registers import ALL_BITS, SHADOW
from rocverify.device.emulator.translate.builder.types import I32, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder

K = WaveBuilder


def together(k: K, shadows: list[Value]) -> Value | None:
    """What is undefined in any of several registers; None of none."""
    return reduce(k.b.or_, shadows) if shadows else None


def spread_to_vectors(
    k: K, written: Iterable[tuple[int, int]], vector: Value | None, scalar: Value | None
) -> None:
    """To the VGPRs that are written, each with the bits that are."""
    whole = k.const(k.shapes.i32, 0)
    if vector is not None:
        whole = spread(k, vector)
    if scalar is not None:
        whole = k.b.or_(whole, k.splat(spread(k, scalar)))
    for index, bits in dict.fromkeys(written):
        value = _merged(k, whole, k.quiet_vgpr(SHADOW + index), bits)
        k.commit(Operand(OperandKind.VGPR, SHADOW + index), value, bits)


def spread_to_scalars(
    k: K,
    inst: Instruction,
    written: Iterable[int],
    vector: Value | None,
    scalar: Value | None,
    compared: Value | None,
) -> None:
    """To the SGPRs that are written: masks of lanes get a bit of each. compared: see ShadowObserver."""
    undefined = k.i32(0) if scalar is None else spread(k, scalar)
    lanes = None if vector is None else lanes_undefined(k, vector, compared)
    masks = inst.mnemonic.startswith("v_")
    for place, index in enumerate(dict.fromkeys(written)):
        value = undefined
        if lanes is not None and masks:
            part = k.b.lshr(lanes, k.i64(32 * place)) if place else lanes
            value = k.b.or_(value, k.b.trunc(part, I32))
        elif lanes is not None:
            value = k.b.or_(value, k.b.sext(k.b.icmp_unsigned("!=", lanes, k.i64(0)), I32))
        k.set_sgpr(SHADOW + index, value)


def _merged(k: K, new: Value, old: Value, bits: int) -> Value:
    """`new` in the bits of a mask, `old` in the others."""
    if bits == ALL_BITS:
        return new
    kept = k.b.and_(old, k.const(old.type, ~bits & ALL_BITS))
    return k.b.or_(k.b.and_(new, k.const(new.type, bits)), kept)
