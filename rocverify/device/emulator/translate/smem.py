"""SMEM: scalar loads through the runtime."""

from __future__ import annotations

from rocverify.device.emulator.disassembly import Instruction
from rocverify.device.emulator.operands import OperandKind
from rocverify.device.emulator.translate.types import I32, I64, Value
from rocverify.device.emulator.translate.vector import Handler
from rocverify.device.emulator.translate.wave import WaveBuilder

K = WaveBuilder

SMEM_DWORDS = {"b32": 1, "b64": 2, "b128": 4, "b256": 8, "b512": 16}


def _scalar_load(dwords: int) -> Handler:
    """s_load: SBASE + soffset + offset, aligned down to a dword."""

    def handle(k: K, inst: Instruction) -> None:
        target, base, offset = inst.operands
        if target.kind is OperandKind.NULL:
            return
        address = k.pair(k.sgpr(base.index), k.sgpr(base.index + 1))
        if offset.kind is OperandKind.SGPR:
            address = k.b.add(address, k.b.zext(k.sgpr(offset.index), I64))
        elif offset.kind is not OperandKind.NULL:
            address = k.b.add(address, k.i64(offset.integer))
        address = k.b.and_(k.b.add(address, k.i64(inst.offset)), k.i64(-4))
        arguments = [k.worker, k.wave, address, k.i32(dwords), k.i32(target.index), k.i32(inst.address)]
        failed = k.call("rt_scalar_load", I32, arguments)
        k.forget_sgprs(target.index, dwords)
        leave_on_fault(k, failed)
        k.observer.scalar_loaded(k, inst, address, target.index, dwords)

    return handle


def leave_on_fault(k: K, failed: Value) -> None:
    """Goes on in a new block of code unless the runtime recorded a fault."""
    onward = k.function.append_basic_block("next")
    k.b.cbranch(k.b.icmp_unsigned("!=", failed, k.i32(0)), k.fault_block, onward)
    k.b.position_at_end(onward)


HANDLERS: dict[str, Handler] = {f"s_load_{name}": _scalar_load(count) for name, count in SMEM_DWORDS.items()}
