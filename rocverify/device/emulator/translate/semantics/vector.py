"""Operands and results of vector instructions: fetch, source modifiers, output modifiers, commit.

Every vector instruction goes through the same phases: decode, operands, compute, commit under EXEC.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder import modes
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.registers import ALL_BITS
from rocverify.device.emulator.translate.builder.types import TYPES, DataType, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics import dpp, sdwa
from rocverify.errors import DeviceError

Compute = Callable[..., Value]


def element(k: WaveBuilder, type_: DataType) -> ir.VectorType:
    """The vector type of an operand: floats as floats, integers of their width."""
    return k.shapes.vector(type_.scalar)


def read(
    k: WaveBuilder,
    inst: Instruction,
    operand: Operand,
    type_: DataType,
    *,
    high: bool = False,
    bits: bool = False,
) -> Value:
    """A vector source with its modifiers applied (absolute value, then negation). A float's denormals are
    as MODE says, unless only its `bits` matter to the instruction."""
    value = _read_raw(k, inst, operand, type_, high or operand.half == "h")
    if type_.is_float:
        value = k.b.bitcast(value, element(k, type_)) if type_.scalar != value.type.element else value
        if operand.absolute:
            value = k.intrinsic("fabs", value.type, [value])
        value = k.b.fneg(value) if operand.negate else value
        return value if bits else modes.flush_input(k, value, type_)
    if operand.absolute or operand.negate:
        raise DeviceError(f"a source modifier on an integer operand: {inst.text}")
    return value


def _read_raw(k: WaveBuilder, inst: Instruction, operand: Operand, type_: DataType, high: bool) -> Value:
    if inst.encoding == sdwa.ENCODING and (operand is _source0(inst) or operand is _source1(inst)):
        return sdwa.selected(k, inst, operand, operand is not _source0(inst), type_)
    if operand.kind is not OperandKind.VGPR:
        if type_.bits == 16 and high and operand.kind is OperandKind.SGPR:
            return k.splat(k.b.trunc(k.b.lshr(k.sgpr(operand.index), k.i32(16)), ir.IntType(16)))
        return _splat_scalar(k, operand, type_)
    permute = dpp.is_dpp(inst) and len(inst.operands) > 1 and operand is _source0(inst)
    bits = ALL_BITS if type_.bits >= 32 else 0xFFFF << 16 * high
    low = _register(k, inst, operand.index, permute, bits)
    if type_.bits == 64:
        return k.pair(low, _register(k, inst, operand.index + 1, permute, bits))
    if type_.bits == 32:
        return low
    if high:
        low = k.b.lshr(low, k.const(low.type, 16))
    return k.b.trunc(low, k.shapes.i16)


def _splat_scalar(k: WaveBuilder, operand: Operand, type_: DataType) -> Value:
    value = k.read_scalar(operand, type_)
    if isinstance(value, ir.Constant):
        return k.const(k.shapes.vector(value.type), value.constant)
    return k.splat(value)


def _source0(inst: Instruction) -> Operand:
    """The first vector source: the one that DPP permutes."""
    return inst.operands[_first_source(inst)]


def _source1(inst: Instruction) -> Operand | None:
    """The second vector source, if there is one."""
    place = _first_source(inst) + 1
    return inst.operands[place] if place < len(inst.operands) else None


def _first_source(inst: Instruction) -> int:
    writes_mask = inst.mnemonic.startswith(("v_cmp_", "v_cmpx_"))
    first = len(inst.operands) - 2 if inst.mnemonic.startswith("v_cmpx_") else 1
    carries = inst.mnemonic.startswith(("v_add_co", "v_sub_co", "v_subrev_co"))
    return first + (1 if carries and not writes_mask else 0)


def _register(k: WaveBuilder, inst: Instruction, index: int, permute: bool, bits: int) -> Value:
    value = k.vgpr(index, bits, active=not permute)
    if not permute:
        return value
    k.observer.permuted(k, inst, index)
    return dpp.permute(k, inst, value)


def write(
    k: WaveBuilder, inst: Instruction, operand: Operand, value: Value, type_: DataType, *, high: bool = False
) -> None:
    """Applies omod and clamp, then commits under EXEC. A 16-bit result keeps the other half."""
    if type_.is_float:
        value = output_modifiers(k, inst, value, type_)
        value = k.b.bitcast(value, k.shapes.vector(ir.IntType(type_.bits)))
    elif "clamp" in inst.modifiers:
        raise DeviceError(f"clamp on an integer result: {inst.text}")
    commit_bits(k, operand, value, high=high or operand.half == "h")


def commit_bits(k: WaveBuilder, operand: Operand, value: Value, *, high: bool = False) -> None:
    """Commits integer lanes of 1, 16, 32 or 64 bits to a VGPR or pair."""
    if operand.kind is not OperandKind.VGPR:
        raise DeviceError(f"vector destination {operand.name} is not supported")
    bits = value.type.element.width
    if bits == 64:
        k.commit_wide(operand, value)
        return
    if bits == 16:
        wide = k.b.zext(value, k.shapes.i32)
        if k.zeroes_other_half and not high:
            k.commit(operand, wide)
            return
        old = k.vgpr(operand.index, 0, active=True)
        if high:
            wide = k.b.or_(k.b.shl(wide, k.const(wide.type, 16)), k.b.and_(old, k.const(wide.type, 0xFFFF)))
        else:
            wide = k.b.or_(wide, k.b.and_(old, k.const(wide.type, 0xFFFF0000)))
        k.commit(operand, wide, 0xFFFF << 16 * high)
        return
    k.commit(operand, value)


def output_modifiers(k: WaveBuilder, inst: Instruction, value: Value, type_: DataType) -> Value:
    """A float result as it is committed: omod, then denormals, then clamp."""
    value = modes.flush_output(k, modes.scaled_output(k, inst, value, type_.bits), type_.bits)
    return clamp01(k, value) if "clamp" in inst.modifiers else value


def clamp01(k: WaveBuilder, value: Value) -> Value:
    """Clamps to [0, 1]; NaN becomes 0 with DX10_CLAMP, which HIP kernels have set, and stays without."""
    dx10 = k.mode.field(modes.DX10_CLAMP)
    if dx10 is None:
        raise DeviceError("clamp where MODE's DX10_CLAMP is not known at translation")
    zero, one = k.const(value.type, 0.0), k.const(value.type, 1.0)
    positive = k.b.select(k.b.fcmp_ordered(">", value, zero), value, zero)
    clamped = k.b.select(k.b.fcmp_ordered(">", positive, one), one, positive)
    return clamped if dx10 else k.b.select(k.b.fcmp_unordered("uno", value, value), value, clamped)


def valu(result: str, sources: str, compute: Compute) -> Handler:
    """A handler for `mnemonic vdst, src0, src1, ...` from the types of its operands."""
    result_type, types = TYPES[result], [TYPES[name] for name in sources.split()]

    def handle(k: WaveBuilder, inst: Instruction) -> None:
        selects = inst.flags("op_sel", len(types) + 1, 0)
        values = [
            read(k, inst, operand, type_, high=bool(select))
            for operand, type_, select in zip(inst.operands[1:], types, selects, strict=False)
        ]
        if len(values) != len(types):
            raise DeviceError(f"{inst.text} has {len(values)} sources where {len(types)} are known")
        write(k, inst, inst.operands[0], compute(k, *values), result_type, high=bool(selects[len(types)]))

    return handle


def saturating(result: str, sources: str, compute: Compute) -> Handler:
    """As `valu`, for integer sums and products: with clamp the exact result is limited to its type."""
    plain, type_, types = valu(result, sources, compute), TYPES[result], [TYPES[n] for n in sources.split()]
    low, high = (
        (-(1 << type_.bits - 1), (1 << type_.bits - 1) - 1) if type_.signed else (0, (1 << type_.bits) - 1)
    )

    def handle(k: WaveBuilder, inst: Instruction) -> None:
        if "clamp" not in inst.modifiers:
            plain(k, inst)
            return
        selects, wide = inst.flags("op_sel", len(types) + 1, 0), k.shapes.i64
        values = [
            (k.b.sext if source.signed else k.b.zext)(read(k, inst, operand, source, high=bool(select)), wide)
            for operand, source, select in zip(inst.operands[1:], types, selects, strict=False)
        ]
        limited = limit(k, compute(k, *values), low, high)
        narrow = k.b.trunc(limited, k.shapes.vector(type_.scalar))
        commit_bits(
            k, inst.operands[0], narrow, high=bool(selects[len(types)]) or inst.operands[0].half == "h"
        )

    return handle


def saturated(handler: Handler) -> Handler:
    """For results that are held within their type in any case, or cannot leave it: clamp changes nothing."""

    def handle(k: WaveBuilder, inst: Instruction) -> None:
        modifiers = {name: text for name, text in inst.modifiers.items() if name != "clamp"}
        handler(k, replace(inst, modifiers=modifiers))

    return handle


def limit(k: WaveBuilder, value: Value, low: int, high: int) -> Value:
    """The signed value, held within [low, high]."""
    smallest, largest = k.const(value.type, low), k.const(value.type, high)
    value = k.b.select(k.b.icmp_signed("<", value, smallest), smallest, value)
    return k.b.select(k.b.icmp_signed(">", value, largest), largest, value)


def accumulate(result: str, sources: str, compute: Compute) -> Handler:
    """A handler for `mnemonic vdst, src0, src1` whose destination is the last source as well."""
    plain = valu(result, f"{sources} {result}", compute)

    def handle(k: WaveBuilder, inst: Instruction) -> None:
        first, second, _, high = inst.flags("op_sel", 4, 0)
        modifiers = {**inst.modifiers, "op_sel": f"[{first},{second},{high},{high}]"}
        plain(k, replace(inst, operands=(*inst.operands, inst.operands[0]), modifiers=modifiers))

    return handle
