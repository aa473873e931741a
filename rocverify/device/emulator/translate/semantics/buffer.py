"""MUBUF: loads, stores and atomics through a buffer resource (runtime/buffer.c has its rules).

Lanes in range go through the same code as global accesses; EXEC is narrowed to them meanwhile. Format
loads and stores, which convert as textures do, and loads into LDS are refused: compilers do not emit them
for compute on gfx11.
"""

from __future__ import annotations

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.access_forms import LOADS, STORES
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.registers import ALL_BITS
from rocverify.device.emulator.translate.builder.types import I32, I64, PTR, TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.memory import (
    ATOMICS,
    SIZES,
    atomic_names,
    emit_atomic,
    emit_load,
    emit_store,
    refuse_modifiers,
)
from rocverify.device.emulator.translate.semantics.smem import leave_on_fault
from rocverify.errors import DeviceError

K = WaveBuilder
KEPT = {"d16_u8": 0xFFFF0000, "d16_i8": 0xFFFF0000, "d16_b16": 0xFFFF0000} | dict.fromkeys(
    ("d16_hi_u8", "d16_hi_i8", "d16_hi_b16"), 0xFFFF
)
"""The bits of the register that a load of half a register leaves alone."""

_INDEX_ONLY, _RAW = 1, 3
"""Of OOB_SELECT, as runtime/buffer.c has it."""

_OPERANDS = 5
"""Words of 64 bits in the runtime's Operands."""


def _operands(k: K, inst: Instruction, address: Operand, resource: Operand, offset: Operand) -> Value:
    """The instruction's operands as the runtime's Operands, in the frame of the function."""
    if k.buffer_operands is None:
        with k.b.goto_block(k.function.entry_basic_block):
            room = k.b.alloca(ir.ArrayType(I64, _OPERANDS))
            # As an address: llvmlite gives alloca a typed pointer, and takes no store of another type.
            k.buffer_operands = k.b.inttoptr(k.b.ptrtoint(room, I64), PTR)
    place = k.buffer_operands
    words = [k.sgpr(resource.index + i) for i in range(4)]
    if not k.dialect.family.swizzle_sizes:
        words[1] = _with_element_size(k, words[1])
    if not k.dialect.family.selects_bounds:
        words[3] = _with_bounds(k, words[1], words[3])
    scalar = k.read_scalar(offset, TYPES["b32"])
    values = [
        *_registers(k, inst, address),
        k.pair(words[0], words[1]),
        k.pair(words[2], words[3]),
        k.pair(scalar, k.i32(inst.offset)),
    ]
    for index, value in enumerate(values):
        k.b.store(value, k.b.gep(place, [k.i64(index)], inbounds=True, source_etype=I64), align=8)
    return place


def _with_element_size(k: K, word: Value) -> Value:
    """Dword 1 of a resource whose highest bit swizzles dwords, as RDNA 3 writes that."""
    swizzle = k.b.shl(k.b.lshr(word, k.i32(31)), k.i32(30))
    return k.b.or_(k.b.and_(word, k.i32((1 << 30) - 1)), swizzle)


def _with_bounds(k: K, second: Value, fourth: Value) -> Value:
    """Dword 3 of a resource that does not say how bounds are checked, with what RDNA 3 says for the same: of
    records that are swizzled the index, of all else the byte. `second` is dword 1 as RDNA 3 has it."""
    stride, swizzle = (k.b.and_(second, k.i32(mask)) for mask in (0x3FFF0000, 3 << 30))
    is_set = [k.b.icmp_unsigned("!=", one, k.i32(0)) for one in (stride, swizzle)]
    bounds = k.b.select(k.b.and_(*is_set), k.i32(_INDEX_ONLY << 28), k.i32(_RAW << 28))
    return k.b.or_(k.b.and_(fourth, k.i32(0xCFFFFFFF)), bounds)


def _registers(k: K, inst: Instruction, address: Operand) -> tuple[Value, Value]:
    """Where the index and the offset of every lane stand; null for what the instruction does without."""
    null, found = ir.Constant(PTR, None), []
    register = address.index
    for name in ("idxen", "offen"):
        if name not in inst.modifiers:
            found.append(null)
            continue
        if address.kind is not OperandKind.VGPR:
            raise DeviceError(f"{name} without a register: {inst.text}")
        k.vgpr(register)
        k.flush_vgprs(register, 1)
        found.append(k.vgpr_pointer(register))
        register += 1
    return found[0], found[1]


def _in_range(k: K, place: Value, size: int, parted: bool) -> Value:
    """The active lanes whose access is in range, as a lane mask; sets their addresses. `parted`: without the
    lanes whose dwords lie apart."""
    arguments = [k.wave, place, k.exec_bits(), k.i32(size), k.i32(parted)]
    return k.call("rt_buffer_addresses", I64, arguments)


def _rest(k: K, whole: Value) -> Value:
    return k.b.and_(k.exec_bits(), k.invert(whole))


def _load(name: str) -> Handler:
    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        target, address, resource, offset = inst.operands
        place, count = _operands(k, inst, address, resource, offset), LOADS[name]
        whole = _in_range(k, place, SIZES[name], count > 1)
        for index in range(target.index, target.index + count):
            k.observer.vgpr_zeroed(k, index, ALL_BITS ^ KEPT.get(name, 0))
        k.flush_vgprs(target.index, count)
        arguments = [
            k.worker, k.wave, place, k.vgpr_pointer(target.index), _rest(k, whole), k.i32(count),
            k.i32(KEPT.get(name, 0)), k.i32(inst.address),
        ]  # fmt: skip
        failed = k.call("rt_buffer_load_rest", I32, arguments)
        k.forget_vgprs(target.index, count)
        leave_on_fault(k, failed)
        with k.narrowed(whole):
            emit_load(k, inst, "global", name, target, None)

    return handle


def _store(name: str) -> Handler:
    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        data, address, resource, offset = inst.operands
        place, count = _operands(k, inst, address, resource, offset), STORES[name]
        whole = _in_range(k, place, SIZES[name], count > 1)
        if count > 1:
            k.flush_vgprs(data.index, count)
            arguments = [
                k.worker, k.wave, place, k.vgpr_pointer(data.index), _rest(k, whole), k.i32(count),
                k.i32(inst.address),
            ]  # fmt: skip
            leave_on_fault(k, k.call("rt_buffer_store_rest", I32, arguments))
        with k.narrowed(whole):
            emit_store(k, inst, "global", name, data, None)

    return handle


def buffer_atomic(operation: int, bits: int) -> Handler:
    """Where the old value is returned, it replaces the operand; out of range it is 0."""

    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        data, address, resource, offset = inst.operands
        whole = _in_range(k, _operands(k, inst, address, resource, offset), bits // 8, False)
        returns = inst.returns_old
        rest = _rest(k, whole)
        with k.narrowed(whole):
            emit_atomic(k, inst, operation, bits, "global", data.index, data if returns else None, None)
        if returns:
            with k.narrowed(rest):
                for index in range(bits // 32):
                    k.commit(data.part(index), k.const(k.shapes.i32, 0))

    return handle


def _handlers() -> dict[str, Handler]:
    handlers: dict[str, Handler] = {f"buffer_load_{name}": _load(name) for name in LOADS}
    handlers |= {f"buffer_store_{name}": _store(name) for name in STORES}
    names = {**atomic_names(), "csub_u32": (ATOMICS["csub"], 32)}
    return handlers | {f"buffer_atomic_{name}": buffer_atomic(*what) for name, what in names.items()}


HANDLERS = _handlers()
