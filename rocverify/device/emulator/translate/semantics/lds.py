"""LDS instructions beyond plain loads, stores and atomics: two exchanges at once, conditional exchange,
counters of a whole wave, and addresses made of M0 and the lane (the last in global memory as well)."""

from __future__ import annotations

from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import M0, OperandKind
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.observers import Access
from rocverify.device.emulator.translate.builder.registers import ALL_BITS
from rocverify.device.emulator.translate.builder.types import I32, I64, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.memory import (
    emit_load,
    emit_store,
    refuse_modifiers,
    vector_address,
)
from rocverify.device.emulator.translate.semantics.smem import leave_on_fault

K = WaveBuilder
M0_OFFSET_BITS = 0xFFFF


def _exchange_two(dwords: int, scale: int) -> Handler:
    """ds_storexchg_2addr: `vdst, vaddr, data0, data1`; offsets count elements, or 64 of them."""
    unit = 4 * dwords * scale

    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        target, place, *data = inst.operands
        offsets = [int(inst.modifiers.get(f"offset{i}", "0"), 0) * unit for i in (0, 1)]
        base = k.b.zext(k.vgpr(place.index, active=True), k.shapes.i64)
        k.store_field(abi.Wave.addresses.offset, base)
        for operand in data:
            k.flush_vgprs(operand.index, dwords)
        k.flush_vgprs(target.index, 2 * dwords)
        arguments = [
            k.worker, k.wave, *(k.vgpr_pointer(operand.index) for operand in data),
            k.vgpr_pointer(target.index), k.exec_bits(), k.i64(offsets[0] | offsets[1] << 32), k.i32(dwords),
            k.i32(inst.address),
        ]  # fmt: skip
        k.observer.addressed(k, inst)
        failed = k.call("rt_lds_exchange_two", I32, arguments)
        k.forget_vgprs(target.index, 2 * dwords)
        leave_on_fault(k, failed)
        for half, offset in enumerate(offsets):
            k.store_field(abi.Wave.addresses.offset, k.b.add(base, k.const(k.shapes.i64, offset)))
            result = target.index + half * dwords
            access = Access("atomic", "lds", f"b{32 * dwords}", 4 * dwords, data[half].index, result)
            k.observer.accessed(k, inst, access)

    return handle


def _exchange_if(k: K, inst: Instruction) -> None:
    """ds_condxchg32_rtn_b64: the address loses its three lowest bits."""
    refuse_modifiers(inst)
    target, place, data = inst.operands
    addresses = k.b.and_(vector_address(k, inst, "lds", place), k.const(k.shapes.i64, 0xFFF8))
    k.store_field(abi.Wave.addresses.offset, addresses)
    k.flush_vgprs(data.index, 2)
    k.flush_vgprs(target.index, 2)
    arguments = [
        k.worker, k.wave, k.vgpr_pointer(data.index), k.vgpr_pointer(target.index), k.exec_bits(),
        k.i32(inst.address),
    ]  # fmt: skip
    k.observer.addressed(k, inst)
    failed = k.call("rt_lds_exchange_if", I32, arguments)
    k.forget_vgprs(target.index, 2)
    leave_on_fault(k, failed)
    k.observer.accessed(k, inst, Access("atomic", "lds", "b64", 8, data.index, target.index))


def _count(subtract: bool) -> Handler:
    """ds_append and ds_consume: LDS at M0 plus the offset counts the active lanes up or down, once for the
    wave; every lane gets what it was before."""

    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        (target,) = inst.operands
        k.store_field(abi.Wave.addresses.offset, k.splat(_m0_address(k, inst)))
        k.observer.vgpr_written(k, target.index, ALL_BITS)
        k.flush_vgprs(target.index, 1)
        arguments = [
            k.worker, k.wave, k.vgpr_pointer(target.index), k.exec_bits(), k.i32(subtract),
            k.i32(inst.address),
        ]  # fmt: skip
        k.observer.addressed(k, inst)
        failed = k.call("rt_lds_count", I32, arguments)
        k.forget_vgprs(target.index, 1)
        leave_on_fault(k, failed)
        every = k.exec_bits()
        first = k.b.and_(every, k.b.sub(k.i64(0), every))
        with k.narrowed(first):
            k.observer.accessed(k, inst, Access("atomic", "lds", "b32", 4, None, None))

    return handle


def _m0_address(k: K, inst: Instruction) -> Value:
    base = k.b.and_(k.sgpr(M0), k.i32(M0_OFFSET_BITS))
    return k.b.add(k.b.zext(base, I64), k.i64(inst.offset))


def _lane_offsets(k: K) -> Value:
    return ir.Constant(k.shapes.i64, [ir.Constant(I64, 4 * lane) for lane in range(k.lanes)])


def _lds_by_lane(load: bool) -> Handler:
    """ds_load_addtid_b32 and its store: the dword of the lane, from M0 plus the offset on."""

    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        addresses = k.b.add(k.splat(_m0_address(k, inst)), _lane_offsets(k))
        (emit_load if load else emit_store)(k, inst, "lds", "b32", inst.operands[0], addresses)

    return handle


def _global_by_lane(load: bool) -> Handler:
    """global_load_addtid_b32 and its store: the dword of the lane, from an SGPR pair plus the offset on."""

    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        register, base = inst.operands
        start = k.i64(inst.offset)
        if base.kind is OperandKind.SGPR:
            start = k.b.add(start, k.pair(k.sgpr(base.index), k.sgpr(base.index + 1)))
        addresses = k.b.add(k.splat(start), _lane_offsets(k))
        (emit_load if load else emit_store)(k, inst, "global", "b32", register, addresses)

    return handle


HANDLERS: dict[str, Handler] = {
    **{
        f"ds_storexchg_2addr_{stride}rtn_b{32 * dwords}": _exchange_two(dwords, scale)
        for stride, scale in (("", 1), ("stride64_", 64))
        for dwords in (1, 2)
    },
    "ds_condxchg32_rtn_b64": _exchange_if,
    "ds_append": _count(subtract=False),
    "ds_consume": _count(subtract=True),
    "ds_load_addtid_b32": _lds_by_lane(load=True),
    "ds_store_addtid_b32": _lds_by_lane(load=False),
    "global_load_addtid_b32": _global_by_lane(load=True),
    "global_store_addtid_b32": _global_by_lane(load=False),
}
