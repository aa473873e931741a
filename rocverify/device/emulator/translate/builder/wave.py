"""The builder that instruction semantics write to: scalar operands, lane masks as operands, and SCC.

Registers are in registers.py, EXEC in lane_masks.py, constants and calls in emitter.py.
"""

from __future__ import annotations

from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.operands import VCC, Operand, OperandKind
from rocverify.device.emulator.translate.builder.lane_masks import LaneMasks
from rocverify.device.emulator.translate.builder.registers import SCC
from rocverify.device.emulator.translate.builder.types import (
    I16,
    I32,
    DataType,
    Value,
    constant,
    inline_float_bits,
)
from rocverify.errors import DeviceError


class WaveBuilder(LaneMasks):
    """Emits one wave function. `b` is llvmlite's builder, positioned in the current basic block."""

    @property
    def whole(self) -> WaveBuilder:
        """The builder itself, for parts that need all of it."""
        return self

    def read_mask(self, operand: Operand) -> Value:
        """A lane-mask operand: one SGPR in wave32, two in wave64, or a constant."""
        if operand.kind is OperandKind.SGPR:
            return self._mask_at(operand.index)
        if operand.kind is OperandKind.NULL:
            return self.i64(0)
        return self.i64(operand.integer)

    def write_lane_mask(self, operand: Operand, bits: Value) -> None:
        """Writes a lane mask to an SGPR or pair; null takes nothing."""
        if operand.kind is not OperandKind.NULL:
            self._write_mask(operand.index, bits)

    @property
    def vcc(self) -> Operand:
        """VCC as an operand, as wide as the wave."""
        return Operand(OperandKind.SGPR, VCC, 1 if self.lanes == 32 else 2, name="vcc")

    # ---- scalar operands

    def scc(self) -> Value:
        """SCC, as an i1."""
        self.observer.scc_read(self)
        return self.b.icmp_unsigned("!=", self._get((SCC, 0)), self.i32(0))

    def set_scc(self, condition: Value) -> None:
        """Writes SCC from an i1."""
        if self.scc_register is not None:
            self._set(("s", self.scc_register), self.b.sext(condition, I32))
            return
        self.observer.scc_written(self)
        self._set((SCC, 0), self.b.zext(condition, I32))

    def constant_bits(self, operand: Operand, type_: DataType) -> int:
        """The bits of an immediate operand as an operand of this type sees them."""
        if operand.kind is OperandKind.FLOAT:
            # A 16-bit integer takes the low half of the single; 64-bit integers take the double.
            bits = 32 if type_.bits == 16 and not type_.is_float else type_.bits
            return inline_float_bits(operand.value, bits)
        if operand.kind is OperandKind.LITERAL and type_.is_float and type_.bits == 64:
            return operand.index << 32
        return operand.integer

    def read_scalar(self, operand: Operand, type_: DataType) -> Value:
        """A scalar source as an integer of the type's width (16 is read as the low half)."""
        if operand.kind is OperandKind.SGPR:
            low = self.sgpr(operand.index)
            if type_.bits == 64:
                return self.pair(low, self.sgpr(operand.index + 1))
            return low if type_.bits == 32 else self.b.trunc(low, I16)
        if operand.kind is OperandKind.NULL:
            return constant(ir.IntType(type_.bits), 0)
        if operand.kind is OperandKind.SPECIAL:
            return self._read_special(operand, type_)
        return constant(ir.IntType(type_.bits), self.constant_bits(operand, type_))

    def _read_special(self, operand: Operand, type_: DataType) -> Value:
        aperture = {
            "src_shared_base": abi.SHARED_APERTURE_HI,
            "src_private_base": abi.PRIVATE_APERTURE_HI,
        }.get(operand.name)
        if aperture is not None:
            return constant(ir.IntType(type_.bits), aperture << 32 if type_.bits == 64 else aperture)
        if operand.name in ("src_scc", "src_vccz", "src_execz"):
            flag = self.scc() if operand.name == "src_scc" else self._is_zero(operand.name)
            return self.b.zext(flag, ir.IntType(type_.bits))
        raise DeviceError(f"operand {operand.name} is not supported")

    def _is_zero(self, name: str) -> Value:
        bits = self.exec_bits() if name == "src_execz" else self.read_mask(self.vcc)
        return self.b.icmp_unsigned("==", bits, self.i64(0))

    def write_scalar(self, operand: Operand, value: Value) -> None:
        """Writes an i32 or i64 to an SGPR or pair; null takes nothing."""
        if operand.kind is OperandKind.NULL:
            return
        if operand.kind is not OperandKind.SGPR:
            raise DeviceError(f"scalar destination {operand.name} is not supported")
        if value.type.width == 64:
            self.set_sgpr(operand.index, self.b.trunc(value, I32))
            self.set_sgpr(operand.index + 1, self.b.trunc(self.b.lshr(value, self.i64(32)), I32))
        else:
            self.set_sgpr(operand.index, value)
