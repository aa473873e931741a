"""SMEM: scalar loads through the runtime. Cache controls are in special.py."""

from __future__ import annotations

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import I32, I64, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder

K = WaveBuilder

SMEM_DWORDS = {"b32": 1, "b64": 2, "b128": 4, "b256": 8, "b512": 16}


def scalar_load(dwords: int) -> Handler:
    """s_load: SBASE + soffset + offset. Hardware ignores the two lowest bits; here they are a fault, since
    what the program asked for is not what it would get."""

    def handle(k: K, inst: Instruction) -> None:
        target, base, offset = inst.operands
        if target.kind is OperandKind.NULL:
            return
        address = k.b.add(k.pair(k.sgpr(base.index), k.sgpr(base.index + 1)), _offset(k, inst, offset))
        arguments = [k.worker, k.wave, address, k.i32(dwords), k.i32(target.index), k.i32(inst.address)]
        k.observer.addressed(k, inst)
        failed = k.call("rt_scalar_load", I32, arguments)
        k.forget_sgprs(target.index, dwords)
        leave_on_fault(k, failed)
        k.observer.scalar_loaded(k, inst, address, target.index, 4 * dwords)

    return handle


def narrow_scalar_load(size: int, signed: bool) -> Handler:
    """s_load_u8 and its fellows: `size` bytes from any address on, extended to a dword."""

    def handle(k: K, inst: Instruction) -> None:
        target, base, offset = inst.operands
        if target.kind is OperandKind.NULL:
            return
        address = k.b.add(k.pair(k.sgpr(base.index), k.sgpr(base.index + 1)), _offset(k, inst, offset))
        form = k.i32(size | signed << 8)
        k.observer.addressed(k, inst)
        failed = k.call(
            "rt_scalar_load_narrow",
            I32,
            [k.worker, k.wave, address, form, k.i32(target.index), k.i32(inst.address)],
        )
        k.forget_sgprs(target.index, 1)
        leave_on_fault(k, failed)
        k.observer.scalar_loaded(k, inst, address, target.index, size, signed)

    return handle


def _offset(k: K, inst: Instruction, offset: Operand) -> Value:
    """soffset, a register or the immediate itself, and the `offset:` beside a register."""
    if offset.kind is OperandKind.SGPR:
        return k.b.add(k.b.zext(k.sgpr(offset.index), I64), k.i64(inst.offset))
    return k.i64(inst.offset + (0 if offset.kind is OperandKind.NULL else offset.integer))


def scalar_buffer_load(dwords: int) -> Handler:
    """s_buffer_load: dwords that the resource has not are 0."""

    def handle(k: K, inst: Instruction) -> None:
        target, resource, offset = inst.operands
        if target.kind is OperandKind.NULL:
            return
        words = [k.sgpr(resource.index + i) for i in range(4)]
        arguments = [
            k.worker, k.wave, k.pair(words[0], words[1]), k.pair(words[2], words[3]),
            _offset(k, inst, offset), k.i32(dwords), k.i32(target.index), k.i32(inst.address),
        ]  # fmt: skip
        k.observer.addressed(k, inst)
        failed = k.call("rt_scalar_buffer_load", I32, arguments)
        k.forget_sgprs(target.index, dwords)
        leave_on_fault(k, failed)
        for index in range(dwords):
            k.observer.sgpr_written(k, target.index + index)

    return handle


def leave_on_fault(k: K, failed: Value) -> None:
    """Goes on in a new block of code unless the runtime recorded a fault."""
    onward = k.function.append_basic_block("next")
    k.b.cbranch(k.b.icmp_unsigned("!=", failed, k.i32(0)), k.fault_block, onward)
    k.b.position_at_end(onward)


HANDLERS: dict[str, Handler] = {
    **{f"s_load_{name}": scalar_load(count) for name, count in SMEM_DWORDS.items()},
    **{f"s_buffer_load_{name}": scalar_buffer_load(count) for name, count in SMEM_DWORDS.items()},
}
