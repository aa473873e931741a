"""The MODE register: rounding, denormals, DX10_CLAMP and IEEE, as they are known at translation time.

MODE changes rarely and mostly by constants, so its value is carried forward over the control-flow graph
and float semantics ask `k.mode`. Where a field is not known (paths with different modes meet, or a
register was written to it), the semantics look at the wave's copy when they run.

Denormals (sources: RDNA3 ISA manual, "Float modes"; LLVM, SITargetLowering::isCanonicalized): an operand
or result that the mode does not allow becomes a zero of its sign. f32 has a field of its own, f16 and f64
share one. It holds for every instruction that reads or writes floats, minimum, maximum, median and
comparisons among them, but for those that move or test bits: v_cndmask, v_cmp_class, v_mov, and source
modifiers alone. A result is flushed if it is denormal once rounded. The f32 transcendental unit and
v_dot2_f32_f16 flush in every mode. Memory atomics are not the VALU's: they keep denormals and round to
nearest always.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import OperandKind
from rocverify.device.emulator.translate.builder.types import I32, DataType, Value
from rocverify.errors import DeviceError

if TYPE_CHECKING:
    from rocverify.device.emulator.translate.builder.wave import WaveBuilder

ROUND_32, ROUND_16_64, DENORM_32, DENORM_16_64 = (0, 2), (2, 2), (4, 2), (6, 2)
DX10_CLAMP, IEEE = (8, 1), (9, 1)
FIELD_BITS = 10
"""MODE[9:0] decide what floats do; above them are exception enables and debugging."""

NEAREST_EVEN = 0
ALLOW_INPUT, ALLOW_OUTPUT = 1, 2
_HWREG = re.compile(r"hwreg\((\w+)(?:,\s*(\d+),\s*(\d+))?\)")
WRITERS = frozenset({"s_round_mode", "s_denorm_mode", "s_setreg_b32", "s_setreg_imm32_b32"})


@dataclass(frozen=True, slots=True)
class Mode:
    """MODE[9:0]; of `value` the bits set in `known` hold on every path."""

    value: int
    known: int = (1 << FIELD_BITS) - 1

    def field(self, place: tuple[int, int]) -> int | None:
        """A field by (offset, size); None where it is not known."""
        offset, size = place
        mask = (1 << size) - 1
        return self.value >> offset & mask if self.known >> offset & mask == mask else None

    def with_field(self, offset: int, size: int, value: int | None) -> Mode:
        """After a write of a field, None if not known what."""
        mask = ((1 << size) - 1) << offset & (1 << FIELD_BITS) - 1
        if value is None:
            return Mode(self.value & ~mask, self.known & ~mask)
        return Mode(self.value & ~mask | value << offset & mask, self.known | mask)

    def merged(self, other: Mode) -> Mode:
        """What holds on two paths that meet."""
        known = self.known & other.known & ~(self.value ^ other.value)
        return Mode(self.value & known, known)

    def rounding(self, bits: int) -> int | None:
        """How results of this width are rounded: 0 nearest even, 1 up, 2 down, 3 towards zero."""
        return self.field(ROUND_32 if bits == 32 else ROUND_16_64)

    def denormals(self, bits: int) -> int | None:
        """ALLOW_INPUT and ALLOW_OUTPUT of a width."""
        return self.field(DENORM_32 if bits == 32 else DENORM_16_64)

    @property
    def directed(self) -> bool:
        """Whether any width may round otherwise than to nearest even."""
        return self.rounding(32) != NEAREST_EVEN or self.rounding(64) != NEAREST_EVEN


DEFAULT = Mode(0x3F0)
"""Nearest even, denormals kept, DX10_CLAMP and IEEE set: how HIP starts kernels unless told otherwise."""


# ---- what changes MODE


def after(mode: Mode, inst: Instruction) -> Mode:
    """The mode once the instruction has run."""
    written = write_of(inst) if inst.mnemonic in WRITERS else None
    return mode if written is None else mode.with_field(*written)


class FieldWrite(NamedTuple):
    """Bits of MODE that an instruction writes; `value` None if it comes from a register."""

    offset: int
    size: int
    value: int | None


def write_of(inst: Instruction) -> FieldWrite | None:
    """What one of WRITERS writes to MODE; None for a hardware register that is not MODE."""
    if inst.mnemonic in ("s_round_mode", "s_denorm_mode"):
        return FieldWrite(0 if inst.mnemonic == "s_round_mode" else 4, 4, inst.operands[0].integer & 15)
    name, offset, size = hardware_register(inst.operands[0].name)
    if name != "HW_REG_MODE":
        return None
    source = inst.operands[1]
    immediate = source.kind in (OperandKind.INTEGER, OperandKind.LITERAL)
    return FieldWrite(offset, size, source.index & (1 << size) - 1 if immediate else None)


def hardware_register(text: str) -> tuple[str, int, int]:
    """Name, offset and size of `hwreg(NAME[, offset, size])`."""
    match = _HWREG.fullmatch(text)
    if match is None:
        raise DeviceError(f"hardware register {text} is not known")
    return match[1], int(match[2] or 0), int(match[3] or 32)


def runtime_field(k: WaveBuilder, place: tuple[int, int]) -> Value:
    """A field of the wave's MODE as it is when the code runs, as i32."""
    value = k.b.lshr(k.load_field(abi.Wave.mode.offset, I32), k.i32(place[0]))
    return k.b.and_(value, k.i32((1 << place[1]) - 1))


def rounding_of(k: WaveBuilder, bits: int) -> Value:
    """The rounding of a width as i32, a constant where it is known."""
    known = k.mode.rounding(bits)
    return runtime_field(k, ROUND_32 if bits == 32 else ROUND_16_64) if known is None else k.i32(known)


# ---- denormals


def flush_input(k: WaveBuilder, value: Value, type_: DataType) -> Value:
    """An operand as the arithmetic sees it: denormals are zeros where the mode says so."""
    return _flush_unless(k, value, type_.bits, ALLOW_INPUT)


def flush_output(k: WaveBuilder, value: Value, bits: int) -> Value:
    """A result as it is written."""
    return _flush_unless(k, value, bits, ALLOW_OUTPUT)


def _flush_unless(k: WaveBuilder, value: Value, bits: int, allowed: int) -> Value:
    known = k.mode.denormals(bits)
    if known is not None:
        return value if known & allowed else without_denormals(k, value, bits)
    now = runtime_field(k, DENORM_32 if bits == 32 else DENORM_16_64)
    kept = k.b.icmp_unsigned("!=", k.b.and_(now, k.i32(allowed)), k.i32(0))
    return k.b.select(kept, value, without_denormals(k, value, bits))


_EXPONENTS = {16: 0x7C00, 32: 0x7F800000, 64: 0x7FF << 52}


def without_denormals(k: WaveBuilder, value: Value, bits: int) -> Value:
    """Denormals as zeros of their sign."""
    type_ = k.shapes.vector(ir.IntType(bits))
    raw = k.b.bitcast(value, type_)
    tiny = k.b.icmp_unsigned("==", k.b.and_(raw, k.const(type_, _EXPONENTS[bits])), k.const(type_, 0))
    zero = k.b.and_(raw, k.const(type_, 1 << bits - 1))
    return k.b.bitcast(k.b.select(tiny, zero, raw), value.type)


# ---- output modifiers


def scaled_output(k: WaveBuilder, inst: Instruction, value: Value, bits: int) -> Value:
    """omod: times 2, 4 or a half. Hardware ignores it while the width's denormals are kept on output, and
    in IEEE mode; where it acts, -0 becomes +0 (RDNA3 ISA manual, "Output modifiers")."""
    factor = {"mul:2": 2.0, "mul:4": 4.0, "div:2": 0.5}.get(_omod(inst))
    if factor is None:
        return value
    denormals, ieee = k.mode.denormals(bits), k.mode.field(IEEE)
    if (denormals is not None and denormals & ALLOW_OUTPUT) or ieee == 1:
        return value
    if denormals is None or ieee is None:
        raise DeviceError("an output modifier where MODE is not known at translation")
    scaled = k.b.fmul(without_denormals(k, value, bits), k.const(value.type, factor))
    scaled = without_denormals(k, scaled, bits)
    is_zero = k.b.fcmp_ordered("==", scaled, k.const(value.type, 0.0))
    return k.b.select(is_zero, k.const(value.type, 0.0), scaled)


def _omod(inst: Instruction) -> str:
    return next((f"{name}:{inst.modifiers[name]}" for name in ("mul", "div") if name in inst.modifiers), "")
