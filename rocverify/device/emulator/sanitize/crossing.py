"""Undefined bits of moves whose way another operand chooses: into lanes, and of bytes."""

from __future__ import annotations

from dataclasses import replace

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.sanitize.bits import lanes_undefined, operand_shadow, shadowed, spread
from rocverify.device.emulator.translate.builder.registers import SHADOW
from rocverify.device.emulator.translate.builder.types import I32, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics import lanes

K = WaveBuilder


def _every_lane(k: K, value: Value) -> Value:
    return value if value.type == k.shapes.i32 else k.splat(value)


def _permute_bytes(k: K, inst: Instruction) -> None:
    """v_perm_b32: a byte of the selector may also ask for a constant, which is none of the sources' bits."""
    target, *sources, selector = inst.operands
    zero = Operand(OperandKind.INTEGER, 0, name="0")

    def chosen(*pair: Operand) -> Value:
        twin = replace(inst, operands=(target, *pair, selector))
        ((_, value),) = k.captured(lambda: k.dialect.handlers["v_perm_b32"](k, twin))
        return value

    moved = k.b.xor(chosen(*map(shadowed, sources)), chosen(zero, zero))
    control = operand_shadow(k, selector)
    if control is not None:
        moved = k.b.or_(moved, _every_lane(k, spread(k, control)))
    k.commit(shadowed(target), moved)


def _write_lane(k: K, inst: Instruction) -> None:
    """v_writelane_b32: an undefined lane may be any."""
    target, source, lane = inst.operands
    k.dialect.handlers["v_writelane_b32"](
        k, replace(inst, operands=(shadowed(target), shadowed(source), lane))
    )
    control = operand_shadow(k, lane)
    if control is not None:
        index = SHADOW + target.index
        k.set_vgpr_all_lanes(index, k.b.or_(k.quiet_vgpr(index), k.splat(spread(k, control))))


def _pull_lanes(k: K, inst: Instruction) -> None:
    """ds_bpermute_b32: what a lane pulls from one that is switched off is no value of the program's. A lane's
    number is taken modulo the crossbar's 32, by which rotations wrap around; where no lane at all names one
    of the wave's, as a shuffle over 64 lanes does in waves of 32, none of what they get is."""
    target, address, data = inst.operands
    every = k.const(k.shapes.i32, 0xFFFFFFFF)
    offset = k.b.add(k.quiet_vgpr(address.index), k.const(k.shapes.i32, inst.offset))
    given = k.b.select(k.exec_mask(), k.quiet_vgpr(SHADOW + data.index), every)
    shadow = k.b.or_(lanes.permute_lanes(k, given, lanes.lane_named(k, offset)), _control(k, address))
    if k.lanes == 32:
        inside = k.b.icmp_unsigned("<", offset, k.const(offset.type, 4 * k.lanes))
        some = k.b.icmp_unsigned("!=", k.b.and_(k.bits_of(inside), k.exec_bits()), k.i64(0))
        shadow = k.b.or_(shadow, k.splat(k.b.sext(k.invert(some), I32)))
    k.commit(shadowed(target), shadow)


def _control(k: K, address: Operand) -> Value:
    """All ones in the lanes whose address is undefined."""
    return spread(k, k.quiet_vgpr(SHADOW + address.index))


def _push_lanes(k: K, inst: Instruction) -> None:
    """ds_permute_b32: what is pushed to an undefined lane may change any."""
    target, address, data = inst.operands
    twin = replace(inst, operands=(shadowed(target), address, shadowed(data)))
    ((_, shadow),) = k.captured(lambda: k.dialect.handlers["ds_permute_b32"](k, twin))
    place = k.quiet_vgpr(SHADOW + address.index)
    some = k.b.icmp_unsigned("!=", lanes_undefined(k, place), k.i64(0))
    k.commit(shadowed(target), k.b.or_(shadow, k.splat(k.b.sext(some, I32))))


RULES = {
    "v_perm_b32": _permute_bytes,
    "v_writelane_b32": _write_lane,
    "ds_permute_b32": _push_lanes,
    "ds_bpermute_b32": _pull_lanes,
}
