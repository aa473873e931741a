"""Undefined bits of CDNA's instructions on pairs of dwords: v_pk_fma_f32 and its fellows, v_pk_mov_b32."""

from __future__ import annotations

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand
from rocverify.device.emulator.sanitize.bits import operand_shadow, shadowed, spread
from rocverify.device.emulator.translate.builder.types import Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder

K = WaveBuilder


def _singles(k: K, inst: Instruction) -> None:
    """Either single of the result depends on the dwords that op_sel, or op_sel_hi, names."""
    target, *sources = inst.operands
    shadows = []
    for name, default in (("op_sel", 0), ("op_sel_hi", 1)):
        total = k.const(k.shapes.i32, 0)
        for source, part in zip(sources, inst.flags(name, len(sources), default), strict=True):
            total = k.b.or_(total, _dword(k, source, part))
        shadows.append(spread(k, total))
    _commit(k, target, shadows)


def _move(k: K, inst: Instruction) -> None:
    """A dword of the first source, and one of the second, bit by bit."""
    target, *sources = inst.operands
    parts = inst.flags("op_sel", 2, 0)
    _commit(k, target, [_dword(k, s, part) for s, part in zip(sources, parts, strict=True)])


def _dword(k: K, source: Operand, part: int) -> Value:
    shadow = operand_shadow(k, source.part(part)) if source.is_register else None
    if shadow is None:
        return k.const(k.shapes.i32, 0)
    return shadow if shadow.type == k.shapes.i32 else k.splat(shadow)


def _commit(k: K, target: Operand, shadows: list[Value]) -> None:
    for place, shadow in enumerate(shadows):
        k.commit(shadowed(target.part(place)), shadow)


RULES = {**dict.fromkeys(("v_pk_add_f32", "v_pk_mul_f32", "v_pk_fma_f32"), _singles), "v_pk_mov_b32": _move}
