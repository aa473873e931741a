"""EXEC and lane masks of one wave, as values of the code that is emitted.

A mask is in an SGPR or a pair of them, one bit a lane, or all ones or zero a lane. What was made of one form
is not taken apart again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.operands import EXEC
from rocverify.device.emulator.translate.builder.quiet_registers import QuietRegisters
from rocverify.device.emulator.translate.builder.types import I32, I64, Value, constant


class LaneMasks(QuietRegisters):
    """EXEC, which the registers of a wave are written under, and other masks of its lanes."""

    def exec_bits(self) -> Value:
        """EXEC as i64; the upper half is zero in wave32."""
        return self._mask_at(EXEC)

    def _mask_at(self, index: int) -> Value:
        """The lane mask in an SGPR or pair, as it was written if this block wrote it as one."""
        parts = [self.sgpr(index + half) for half in range(self.lanes // 32)]
        known = self._mask_registers.get(tuple(parts))
        return self.wide_mask(parts[0], parts[1] if self.lanes == 64 else None) if known is None else known

    def wide_mask(self, low: Value, high: Value | None) -> Value:
        """The 64-bit mask of two dwords; None for the high one is zero."""
        value = self.b.zext(low, I64)
        if high is None:
            return value
        return self.b.or_(value, self.b.shl(self.b.zext(high, I64), self.i64(32)))

    def set_exec(self, bits: Value) -> None:
        """Writes EXEC."""
        self._write_mask(EXEC, bits)

    def _write_mask(self, index: int, bits: Value) -> None:
        parts = [
            self.b.trunc(self.b.lshr(bits, self.i64(32 * half)) if half else bits, I32)
            for half in range(self.lanes // 32)
        ]
        self._mask_registers[tuple(parts)] = bits
        for half, part in enumerate(parts):
            self.set_sgpr(index + half, part)

    def exec_lanes(self) -> Value:
        """EXEC as i32 lanes, all ones or zero."""
        if self._lanes is None:
            if self._lanes_dirty:
                self._lanes = self.b.sext(self.lanes_of(self.exec_bits()), self.shapes.i32)
            else:
                self._lanes = self.load_field(abi.Wave.exec_lanes.offset, self.shapes.i32)
        return self._lanes

    def exec_mask(self) -> Value:
        """EXEC as one bit a lane."""
        return self.b.icmp_signed("<", self.exec_lanes(), self.const(self.shapes.i32, 0))

    def write_lanes(self) -> Value:
        """The lanes that the current instruction writes, all ones or zero."""
        if self.lane_override is None:
            return self.exec_lanes()
        return self.b.and_(self.exec_lanes(), self.b.sext(self.lane_override, self.shapes.i32))

    @contextmanager
    def narrowed(self, bits: Value) -> Iterator[None]:
        """EXEC is the lane mask `bits` for what is emitted inside; no register may be flushed to memory
        as a whole meanwhile."""
        keys = [("s", EXEC), ("s", EXEC + 1)][: 1 if self.lanes == 32 else 2]
        kept, lanes, dirty = [self._get(key) for key in keys], self._lanes, self._lanes_dirty
        for index, key in enumerate(keys):
            self._values[key] = self.b.trunc(self.b.lshr(bits, self.i64(32 * index)), I32)
        self._lanes, self._lanes_dirty = None, True
        yield
        self._values.update(zip(keys, kept, strict=True))
        self._lanes, self._lanes_dirty = lanes, dirty

    def lanes_of(self, bits: Value) -> Value:
        """A lane mask in i64 as one bit a lane. What `bits_of` made of lanes is not taken apart again."""
        known = self._masks.get(bits) if isinstance(bits, ir.Instruction) else None
        return self._lanes_of(bits) if known is None else known

    def _lanes_of(self, bits: Value) -> Value:
        """Each lane tests its own bit, in the half of the mask that has it."""
        chosen = None
        for half in range(self.lanes // 32):
            dword = self.splat(self.b.trunc(self.b.lshr(bits, self.i64(32 * half)), I32))
            own = [1 << lane % 32 if lane // 32 == half else 0 for lane in range(self.lanes)]
            part = self.b.and_(dword, ir.Constant(self.shapes.i32, [constant(I32, bit) for bit in own]))
            chosen = part if chosen is None else self.b.or_(chosen, part)
        return self.b.icmp_unsigned("!=", chosen, self.const(self.shapes.i32, 0))

    def bits_of(self, mask: Value) -> Value:
        """One bit a lane as a lane mask in i64."""
        packed = self.b.bitcast(mask, self.shapes.mask_type)
        bits = packed if self.lanes == 64 else self.b.zext(packed, I64)
        self._masks[bits] = mask
        return bits

    def active_bits(self, mask: Value) -> Value:
        """One bit a lane as a lane mask in i64, zero where EXEC is."""
        return self.bits_of(self.b.and_(mask, self.exec_mask()))
