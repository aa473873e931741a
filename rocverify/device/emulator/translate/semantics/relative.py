"""Moves between registers that lie at a distance held in M0. Names are the ISA manual's.

Registers come in banks of 256, VGPRs, AGPRs, and an observer's (builder/registers.py): the distance stays
within them.

Where the distance leads past the registers there are, a source is register 0 and nothing is written (RDNA3
ISA manual, on out-of-range registers). SGPRs end before VCC for these.
"""

from __future__ import annotations

from typing import NamedTuple

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import M0, VCC, Operand
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import I8, I32, I64, TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics import dpp
from rocverify.device.emulator.translate.semantics.special import nothing
from rocverify.device.emulator.translate.semantics.vector import commit_bits, read

K = WaveBuilder
VGPRS = 256
SOURCE_FIELD, TARGET_FIELD = (0, 10), (16, 10)
"""Bits of M0 in the forms that have two distances: (offset, size)."""


class _Place(NamedTuple):
    """A register chosen when the code runs: its address, and whether there is such a register."""

    pointer: Value
    exists: Value


def _distance(k: K, field: tuple[int, int] | None) -> Value:
    value = k.sgpr(M0)
    if field is None:
        return value
    offset, size = field
    return k.b.and_(k.b.lshr(value, k.i32(offset)), k.i32((1 << size) - 1))


def _place(k: K, first: int, count: int, base: Value, stride: int, field: tuple[int, int] | None) -> _Place:
    index = k.b.add(_distance(k, field), k.i32(first))
    exists = k.b.icmp_unsigned("<", index, k.i32(count))
    bounded = k.b.select(exists, index, k.i32(0))
    offset = k.b.mul(k.b.zext(bounded, I64), k.i64(stride))
    return _Place(k.b.gep(base, [offset], inbounds=True, source_etype=I8), exists)


# ---- VGPRs


def _relative_vgpr(k: K, operand: Operand, field: tuple[int, int] | None) -> _Place:
    """The register that lies as far behind the operand as a field of M0 says, or all of M0."""
    bank = operand.index & -VGPRS
    return _place(k, operand.index - bank, VGPRS, k.vgpr_pointer(bank), 4 * k.lanes, field)


def _load(k: K, place: _Place) -> Value:
    return k.b.load(place.pointer, typ=k.shapes.i32, align=64)


def _store(k: K, place: _Place, value: Value) -> None:
    """Under EXEC, or the mask of the DPP control in force."""
    lanes = k.b.and_(k.write_lanes(), k.splat(k.b.sext(place.exists, I32)))
    old = _load(k, place)
    differs = k.b.and_(k.b.xor(value, old), lanes)
    k.b.store(k.b.xor(old, differs), place.pointer, align=64)


def _permuted(k: K, inst: Instruction, value: Value) -> Value:
    return dpp.permute(k, inst, value) if dpp.is_dpp(inst) else value


def _from_relative(field: tuple[int, int] | None) -> Handler:
    """v_movrels_b32."""

    def handle(k: K, inst: Instruction) -> None:
        target, source = inst.operands
        k.flush_vgprs(source.index & -VGPRS, VGPRS)
        commit_bits(k, target, _permuted(k, inst, _load(k, _relative_vgpr(k, source, field))))

    return handle


def _to_relative(field: tuple[int, int] | None) -> Handler:
    """v_movreld_b32."""

    def handle(k: K, inst: Instruction) -> None:
        target, source = inst.operands
        value = read(k, inst, source, TYPES["b32"])
        bank = target.index & -VGPRS
        k.flush_vgprs(bank, VGPRS)
        _store(k, _relative_vgpr(k, target, field), value)
        k.forget_vgprs(bank, VGPRS)

    return handle


def _index_on(k: K, inst: Instruction) -> None:
    """s_set_gpr_idx_on: M0[7:0] is the distance, M0[15:12] says for which operands."""
    chosen = inst.word >> 8 & 0xF
    distance = k.b.and_(k.read_scalar(inst.operands[0], TYPES["b32"]), k.i32(0xFF))
    kept = k.b.and_(k.sgpr(M0), k.i32(0xFFFF0F00))
    k.set_sgpr(M0, k.b.or_(kept, k.b.or_(distance, k.i32(chosen << 12))))


BY_MODE = {"SRC0": "v_mov_b32 of SRC0 by index", "DST": "v_mov_b32 to DST by index"}
"""What a move is called under s_set_gpr_idx_on, by the operand that is indexed."""
_MODE_FIELD = (0, 8)


def _between(source_field: tuple[int, int] | None, target_field: tuple[int, int] | None) -> Handler:
    """v_movrelsd_b32 and v_movrelsd_2_b32."""

    def handle(k: K, inst: Instruction) -> None:
        target, source = inst.operands
        bank = target.index & -VGPRS
        k.flush_vgprs(bank, VGPRS)
        value = _permuted(k, inst, _load(k, _relative_vgpr(k, source, source_field)))
        _store(k, _relative_vgpr(k, target, target_field), value)
        k.forget_vgprs(bank, VGPRS)

    return handle


def _swap(k: K, inst: Instruction) -> None:
    """v_swaprel_b32."""
    target, source = inst.operands
    bank = target.index & -VGPRS
    k.flush_vgprs(bank, VGPRS)
    places = [_relative_vgpr(k, target, TARGET_FIELD), _relative_vgpr(k, source, SOURCE_FIELD)]
    first, second = (_load(k, place) for place in places)
    _store(k, places[0], second)
    _store(k, places[1], first)
    k.forget_vgprs(bank, VGPRS)


# ---- SGPRs


def _sgpr(k: K, operand: Operand, field: tuple[int, int] | None, dwords: int) -> _Place:
    bank = operand.index & -VGPRS
    return _place(k, operand.index - bank, VCC + 1 - dwords, k.sgpr_pointer(bank), 4, field)


def _move_scalar(
    bits: int,
    source_field: tuple[int, int] | None,
    target_field: tuple[int, int] | None,
    relative_source: bool,
    relative_target: bool,
) -> Handler:
    """s_movrels, s_movreld and s_movrelsd_2: which of source and destination is relative."""
    dwords = bits // 32

    def handle(k: K, inst: Instruction) -> None:
        target, source = inst.operands
        k.flush()
        if relative_source:
            value = k.b.load(
                _sgpr(k, source, source_field, dwords).pointer, typ=I32 if bits == 32 else I64, align=4
            )
        else:
            value = k.read_scalar(source, TYPES[f"b{bits}"])
        if not relative_target:
            k.write_scalar(target, value)
            return
        place = _sgpr(k, target, target_field, dwords)
        old = k.b.load(place.pointer, typ=value.type, align=4)
        k.b.store(k.b.select(place.exists, value, old), place.pointer, align=4)
        k.forget_sgprs(target.index & -VGPRS, VCC)

    return handle


HANDLERS: dict[str, Handler] = {
    "v_movrels_b32": _from_relative(None),
    "v_movreld_b32": _to_relative(None),
    "v_movrelsd_b32": _between(None, None),
    "v_movrelsd_2_b32": _between(SOURCE_FIELD, TARGET_FIELD),
    "v_swaprel_b32": _swap,
    "s_movrels_b32": _move_scalar(32, None, None, True, False),
    "s_movrels_b64": _move_scalar(64, None, None, True, False),
    "s_movreld_b32": _move_scalar(32, None, None, False, True),
    "s_movreld_b64": _move_scalar(64, None, None, False, True),
    "s_movrelsd_2_b32": _move_scalar(32, SOURCE_FIELD, TARGET_FIELD, True, True),
}

INDEX_MODE: dict[str, Handler] = {
    "s_set_gpr_idx_on": _index_on,
    "s_set_gpr_idx_off": nothing,
    BY_MODE["SRC0"]: _from_relative(_MODE_FIELD),
    BY_MODE["DST"]: _to_relative(_MODE_FIELD),
}
"""Of families whose waves have a mode for it: see lowering/indexed_registers.py."""
