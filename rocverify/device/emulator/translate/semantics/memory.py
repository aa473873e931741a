"""Vector memory instructions: global, flat, scratch and LDS loads, stores and atomics.

The translated code computes addresses; the runtime (runtime/memory.c, runtime/atomics.c) checks each
access and moves the data between memory and the vector registers.

Alignment: loads and stores may begin at any byte. ROCm starts compute waves in unaligned access mode
(SH_MEM_CONFIG.ALIGNMENT_MODE = UNALIGNED; LLVM compiles for it: FeatureUnalignedAccessMode and
FeatureUnalignedDSAccess, "User Guide for AMDGPU Backend"), where neither global, flat and scratch nor LDS
accesses of any width have to be aligned. Atomics have to be, in every mode: else they fault.
"""

from __future__ import annotations

from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.access_forms import LOADS, OF_WAVE, STORES
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.observers import Access
from rocverify.device.emulator.translate.builder.types import I32, PTR, TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.smem import leave_on_fault
from rocverify.errors import DeviceError

K = WaveBuilder

ATOMICS = {
    "swap": 0, "cmpswap": 1, "add": 2, "sub": 3, "min_i": 4, "min_u": 5, "max_i": 6, "max_u": 7, "and": 8,
    "or": 9, "xor": 10, "inc": 11, "dec": 12, "add_f": 13, "min_f": 14, "max_f": 15, "csub": 16,
    "cmpswap_f": 17, "rsub": 18, "mskor": 19, "wrap": 20, "add_f_denormals": 22, "cond_sub": 23,
    "min_num": 24, "max_num": 25, "pk_add_f16": 26, "pk_add_bf16": 27,
}  # fmt: skip
TWO_OPERANDS = {ATOMICS[name] for name in ("cmpswap", "cmpswap_f", "mskor", "wrap")}
SIZES = {
    "u8": 1, "i8": 1, "b8": 1, "u16": 2, "i16": 2, "b16": 2, "b32": 4, "b64": 8, "b96": 12, "b128": 16,
    "d16_u8": 1, "d16_i8": 1, "d16_b16": 2, "d16_hi_u8": 1, "d16_hi_i8": 1, "d16_hi_b16": 2, "d16_hi_b8": 1,
}  # fmt: skip
"""Bytes that one lane moves."""


SPACES = {"global": 0, "lds": 1, "flat": 2}


def vector_address(
    k: K, inst: Instruction, space: str, address: Operand, base: Operand | None = None
) -> Value:
    """The byte address of every lane as 64 bits; for LDS and scratch an offset."""
    if space in ("lds", "scratch"):
        return _offset_address(k, inst, address, base, space)
    if base is not None and base.kind is OperandKind.SGPR:
        start = k.splat(k.pair(k.sgpr(base.index), k.sgpr(base.index + 1)))
        value = k.b.add(start, k.b.zext(k.vgpr(address.index, active=True), k.shapes.i64))
    else:
        value = k.pair(*(k.vgpr(address.index + half, active=True) for half in (0, 1)))
    return k.b.add(value, k.const(k.shapes.i64, inst.offset)) if inst.offset else value


def _offset_address(k: K, inst: Instruction, address: Operand, base: Operand | None, space: str) -> Value:
    """A 32-bit offset in LDS or scratch. It wraps round: compilers subtract from zero, then add the
    immediate (LLVM's isDSOffsetLegal allows negative bases from gfx9 on)."""
    value = k.const(k.shapes.i32, 0)
    if address.kind is OperandKind.VGPR:
        value = k.vgpr(address.index, active=True)
    if OF_WAVE in inst.modifiers and base is not None and base.kind is not OperandKind.NULL:
        start = k.b.lshr(k.read_scalar(base, TYPES["b32"]), k.i32(k.lanes.bit_length() - 1))
        value = k.b.add(value, k.splat(start))
    elif space != "lds" and base is not None and base.kind is OperandKind.SGPR:
        value = k.b.add(value, k.splat(k.sgpr(base.index)))
    value = k.b.add(value, k.const(k.shapes.i32, inst.offset))
    return k.b.zext(value, k.shapes.i64)


def _announce(k: K, inst: Instruction, addresses: Value | None) -> None:
    """Puts the addresses where the runtime looks for them; None if they are there."""
    k.observer.addressed(k, inst)
    if addresses is not None:
        k.store_field(abi.Wave.addresses.offset, addresses)


def emit_load(
    k: K, inst: Instruction, space: str, name: str, target: Operand, addresses: Value | None
) -> None:
    """`addresses` as in Access, None if the wave has them; `target` is the first VGPR loaded."""
    _announce(k, inst, addresses)
    count = LOADS[name]
    k.flush_vgprs(target.index, count)
    arguments = [k.worker, k.wave, k.vgpr_pointer(target.index), k.exec_bits(), k.i32(inst.address)]
    failed = k.call(f"rt_{space}_load_{name}", I32, arguments)
    k.forget_vgprs(target.index, count)
    leave_on_fault(k, failed)
    k.observer.accessed(k, inst, Access("load", space, name, SIZES[name], result=target.index))


def emit_store(
    k: K, inst: Instruction, space: str, name: str, data: Operand, addresses: Value | None
) -> None:
    """As emit_load; `data` is the first VGPR stored."""
    _announce(k, inst, addresses)
    k.flush_vgprs(data.index, STORES[name])
    arguments = [k.worker, k.wave, k.vgpr_pointer(data.index), k.exec_bits(), k.i32(inst.address)]
    leave_on_fault(k, k.call(f"rt_{space}_store_{name}", I32, arguments))
    k.observer.accessed(k, inst, Access("store", space, name, SIZES[name], data=data.index))


def _load(space: str, name: str) -> Handler:
    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        target, address, *base = inst.operands
        emit_load(k, inst, space, name, target, vector_address(k, inst, space, address, *base))

    return handle


def _store(space: str, name: str) -> Handler:
    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        address, data, *base = inst.operands
        emit_store(k, inst, space, name, data, vector_address(k, inst, space, address, *base))

    return handle


def refuse_modifiers(inst: Instruction) -> None:
    """DeviceError for what changes an access into another one: GDS, loads into LDS, texture failures."""
    for name in ("gds", "lds", "tfe"):
        if name in inst.modifiers:
            raise DeviceError(f"modifier {name} is not supported: {inst.text}")


def _pair_access(load: bool, name: str, scale: int) -> Handler:
    """ds_load_2addr and ds_store_2addr: two accesses, offsets counted in elements."""
    dwords, size = (1, 4) if name == "b32" else (2, 8)

    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        offsets = [int(inst.modifiers.get(f"offset{i}", "0"), 0) * size * scale for i in (0, 1)]
        place = inst.operands[1 if load else 0]
        base = k.vgpr(place.index, active=True)
        for half, offset in enumerate(offsets):
            addresses = k.b.zext(k.b.add(base, k.const(k.shapes.i32, offset)), k.shapes.i64)
            if load:
                emit_load(k, inst, "lds", name, inst.operands[0].part(half * dwords), addresses)
            else:
                emit_store(k, inst, "lds", name, inst.operands[1 + half], addresses)

    return handle


def emit_atomic(
    k: K,
    inst: Instruction,
    operation: int,
    bits: int,
    space: str,
    data: int,
    result: Operand | None,
    addresses: Value | None,
    compared: int | None = None,
) -> None:
    """`compared` is the register of the second operand, such as what cmpswap compares with; without it the
    one after the data."""
    dwords = bits // 32
    if operation == ATOMICS["add_f"] and bits == 32 and k.dialect.family.atomic_denormals:
        operation = ATOMICS["add_f_denormals"]
    _announce(k, inst, addresses)
    k.flush_vgprs(data, dwords)
    other = data + dwords if compared is None else compared
    if operation in TWO_OPERANDS:
        k.flush_vgprs(other, dwords)
    pointer = ir.Constant(PTR, None)
    if result is not None:
        k.flush_vgprs(result.index, dwords)
        pointer = k.vgpr_pointer(result.index)
    arguments = [
        k.worker, k.wave, k.vgpr_pointer(data), k.vgpr_pointer(other), pointer, k.exec_bits(),
        k.i32(operation), k.i32(SPACES[space]), k.i32(inst.address),
    ]  # fmt: skip
    failed = k.call(f"rt_atomic_b{bits}", I32, arguments)
    if result is not None:
        k.forget_vgprs(result.index, dwords)
    leave_on_fault(k, failed)
    written = None if result is None else result.index
    k.observer.accessed(k, inst, Access("atomic", space, f"b{bits}", bits // 8, data, written))


def vector_atomic(space: str, operation: int, bits: int) -> Handler:
    """`[vdst,] vaddr, vdata, saddr`; the destination is there where the old value is returned."""

    def handle(k: K, inst: Instruction) -> None:
        operands = list(inst.operands)
        result = operands.pop(0) if inst.returns_old else None
        address, data, *base = operands
        addresses = vector_address(k, inst, space, address, *base)
        emit_atomic(k, inst, operation, bits, space, data.index, result, addresses)

    return handle


def lds_atomic(operation: int, bits: int, returns: bool, compared_first: bool = False) -> Handler:
    """`[vdst,] vaddr, vdata0[, vdata1]`; cmpstore has the new value first, then the compared one, and
    cmpst of older families the other way round."""

    def handle(k: K, inst: Instruction) -> None:
        refuse_modifiers(inst)
        operands = list(inst.operands)
        result = operands.pop(0) if returns else None
        address, *data = operands
        data = data[::-1] if compared_first else data
        addresses = vector_address(k, inst, "lds", address)
        compared = data[1].index if len(data) == 2 else None
        emit_atomic(k, inst, operation, bits, "lds", data[0].index, result, addresses, compared)

    return handle


def atomic_names() -> dict[str, tuple[int, int]]:
    """Suffix of the instruction name to (operation, bits)."""
    names: dict[str, tuple[int, int]] = {}
    for bits in (32, 64):
        for name in ("swap", "cmpswap", "and", "or", "xor"):
            names[f"{name}_b{bits}"] = (ATOMICS[name], bits)
        for name in ("add", "sub", "inc", "dec"):
            names[f"{name}_u{bits}"] = (ATOMICS[name], bits)
        for extreme in ("min", "max"):
            names[f"{extreme}_i{bits}"] = (ATOMICS[f"{extreme}_i"], bits)
            names[f"{extreme}_u{bits}"] = (ATOMICS[f"{extreme}_u"], bits)
    for name in ("add", "min", "max", "cmpswap"):
        names[f"{name}_f32"] = (ATOMICS[f"{name}_f"], 32)
    return names


def lds_atomic_names() -> dict[str, tuple[int, int]]:
    """As atomic_names, with what LDS alone has."""
    names = atomic_names()
    for bits in (32, 64):
        names[f"rsub_u{bits}"] = (ATOMICS["rsub"], bits)
        names[f"mskor_b{bits}"] = (ATOMICS["mskor"], bits)
    for name in ("min", "max", "cmpswap"):
        names[f"{name}_f64"] = (ATOMICS[f"{name}_f"], 64)
    return names


def _spelling(prefix: str, name: str, short: str) -> str:
    """LDS instructions put the half last, and call its 16 bits u16 where they load them."""
    if prefix != "ds" or not name.startswith("d16_"):
        return name
    half, _, kind = name.rpartition("_")
    return f"{short if kind == 'b16' else kind}_{half}"


def _handlers() -> dict[str, Handler]:
    handlers: dict[str, Handler] = {}
    for space, prefix in (("global", "global"), ("flat", "flat"), ("scratch", "scratch"), ("lds", "ds")):
        for name in LOADS:
            handlers[f"{prefix}_load_{_spelling(prefix, name, 'u16')}"] = _load(space, name)
        for name in STORES:
            handlers[f"{prefix}_store_{_spelling(prefix, name, 'b16')}"] = _store(space, name)
    for name, (operation, bits) in atomic_names().items():
        for space in ("global", "flat"):
            handlers[f"{space}_atomic_{name}"] = vector_atomic(space, operation, bits)
    handlers["global_atomic_csub_u32"] = vector_atomic("global", ATOMICS["csub"], 32)
    for name, (operation, bits) in lds_atomic_names().items():
        ds_name = name.replace("cmpswap", "cmpstore").replace("swap", "storexchg")
        if operation != ATOMICS["swap"]:
            handlers[f"ds_{ds_name}"] = lds_atomic(operation, bits, returns=False)
        handlers[f"ds_{ds_name.replace('_', '_rtn_', 1)}"] = lds_atomic(operation, bits, returns=True)
    handlers["ds_wrap_rtn_b32"] = lds_atomic(ATOMICS["wrap"], 32, returns=True)
    for name in ("b32", "b64"):
        for suffix, scale in (("", 1), ("stride64_", 64)):
            handlers[f"ds_load_2addr_{suffix}{name}"] = _pair_access(True, name, scale)
            handlers[f"ds_store_2addr_{suffix}{name}"] = _pair_access(False, name, scale)
    return handlers


HANDLERS = _handlers()
