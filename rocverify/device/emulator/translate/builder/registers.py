"""Registers of one wave, as values of the code that is emitted.

Registers live in the wave's memory. Within a basic block their values are kept as SSA values and
written back when the block ends, or when the runtime is to see them. That keeps translation linear
in code size, and makes a wave resumable at every block boundary.

What an instruction writes under EXEC is put together with what the register held only when somebody needs
the other lanes too: instructions under the same EXEC read, and overwrite, what was written as it is.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.operands import EXEC, NULL_INDEX, Operand
from rocverify.device.emulator.translate.builder import modes
from rocverify.device.emulator.translate.builder.dialect import Dialect
from rocverify.device.emulator.translate.builder.emitter import Emitter
from rocverify.device.emulator.translate.builder.observers import Observer
from rocverify.device.emulator.translate.builder.types import I32, Value

if TYPE_CHECKING:
    from rocverify.device.emulator.translate.builder.wave import WaveBuilder

SCC = "scc"
ALL_BITS = 0xFFFFFFFF

SHADOW = abi.VGPRS
"""VGPRs and SGPRs from this number on are an observer's: they lie behind the wave's own."""

SCC_SHADOW = SHADOW + abi.SGPRS
"""The scalar register of an observer that stands for SCC."""


def scalar_offset(index: int, lanes: int) -> int:
    """Byte offset in the wave of an SGPR, an observer's too."""
    if index < SHADOW:
        return 4 * index
    return abi.VGPR_OFFSET + 2 * lanes * abi.OBSERVED_OFFSET_PER_LANE + 4 * (index - SHADOW)


def _offset(key: tuple[str, int], lanes: int) -> int:
    """Byte offset in the wave of a register, by its bank and number."""
    bank, index = key
    if bank == "s":
        return scalar_offset(index, lanes)
    return abi.VGPR_OFFSET + 4 * lanes * index if bank == "v" else abi.Wave.scc.offset


class _Write(NamedTuple):
    """What a VGPR holds in the lanes that are set (all ones) in `lanes`; in the others it holds `old`, None
    for what is in memory."""

    value: Value
    lanes: Value
    old: Value | None


class Unused(Enum):
    """What becomes of the bits of a register beside a result that takes a part of it."""

    ZERO = "UNUSED_PAD"
    SIGN = "UNUSED_SEXT"
    KEPT = "UNUSED_PRESERVE"


class Placement(NamedTuple):
    """A byte or word of a register: its first bit, its width in bits, what becomes of the others."""

    first: int
    width: int
    unused: Unused


class Registers(Emitter):
    """The registers that the code so far has read and written; events of an observer are raised here."""

    def __init__(
        self, module: ir.Module, name: str, lanes: int, observer: Observer | None, dialect: Dialect
    ) -> None:
        super().__init__(module, name, lanes)
        self.dialect = dialect
        self.observer = observer or Observer()
        self.fault_block = self.function.append_basic_block("fault")
        ir.IRBuilder(self.fault_block).ret(ir.Constant(I32, int(abi.Status.FAULT)))
        self._values: dict[tuple[str, int], Value] = {}
        self._writes: dict[tuple[str, int], _Write] = {}
        self._pairs: dict[tuple[Value, Value], Value] = {}
        self._dirty: set[tuple[str, int]] = set()
        self._lanes: Value | None = None
        self._lanes_dirty = False
        self._masks: dict[Value, Value] = {}
        self._mask_registers: dict[tuple[Value, ...], Value] = {}
        self._deferred: list[tuple[Operand, Value]] | None = None
        self.lane_override: Value | None = None
        self.scc_register: int | None = None
        self.mode = modes.DEFAULT
        self.ahead = 0
        """Instructions of the block, this one among them, that the wave's count has but that have not run."""
        self.placement: Placement | None = None
        """Where the instruction puts its result in the register, if not in all of it (SDWA)."""
        self.zeroes_other_half = False
        """Whether a result of 16 bits makes the other half of its register zero."""
        self.rounding_operands: Value | None = None
        self.buffer_operands: Value | None = None

    @property
    def whole(self) -> WaveBuilder:
        """The builder that this is a part of: what observers are handed."""
        raise NotImplementedError

    def exec_lanes(self) -> Value:
        """EXEC as i32 lanes, all ones or zero."""
        raise NotImplementedError

    def write_lanes(self) -> Value:
        """The lanes that the current instruction writes, all ones or zero."""
        raise NotImplementedError

    def _get(self, key: tuple[str, int]) -> Value:
        if key not in self._values:
            write = self._writes.get(key)
            if write is None or write.old is None:
                self._values[key] = self.load_field(
                    _offset(key, self.lanes), self.shapes.i32 if key[0] == "v" else I32
                )
            if write is not None:
                self._values[key] = self._blend(write, self._values.get(key, write.old))
        return self._values[key]

    def _set(self, key: tuple[str, int], value: Value) -> None:
        self._values[key] = value
        self._writes.pop(key, None)
        self._dirty.add(key)

    def _forget(self, key: tuple[str, int]) -> None:
        for known in (self._values, self._writes):
            known.pop(key, None)
        self._dirty.discard(key)

    def sgpr(self, index: int) -> Value:
        """The value of a scalar register; the null register is zero."""
        self.observer.sgpr_read(self.whole, index)
        return self.i32(0) if index == NULL_INDEX else self._get(("s", index))

    def set_sgpr(self, index: int, value: Value) -> None:
        """Writes a scalar register; to the null register, nothing."""
        if index == NULL_INDEX:
            return
        self.observer.sgpr_written(self.whole, index)
        self._set(("s", index), value)
        if index == EXEC or (index == EXEC + 1 and self.lanes == 64):
            self._lanes, self._lanes_dirty = None, True

    def vgpr(self, index: int, bits: int = ALL_BITS, *, active: bool = False) -> Value:
        """A VGPR, i32 a lane. `bits` are those that matter to the caller; to one who asks for the `active`
        lanes, the others do not matter."""
        self.observer.vgpr_read(self.whole, index, bits)
        return self.active_vgpr(index) if active else self._get(("v", index))

    def active_vgpr(self, index: int) -> Value:
        """A VGPR in the active lanes, without an event; anything in the others."""
        write = self._writes.get(("v", index))
        return write.value if write is not None and write.lanes is self._lanes else self._get(("v", index))

    def set_vgpr_all_lanes(self, index: int, value: Value) -> None:
        """Writes every lane, whatever EXEC says (v_writelane and the like)."""
        self.observer.vgpr_written(self.whole, index, ALL_BITS)
        self._set(("v", index), value)

    def commit(self, register: Operand, value: Value, bits: int = ALL_BITS) -> None:
        """Writes a VGPR under EXEC, or under the mask of the DPP control in force. `bits` are those that
        the instruction writes: in the others `value` is what the register held."""
        if self.placement is not None:
            value, bits = self._placed(register, value, self.placement)
        self.observer.vgpr_written(self.whole, register.index, bits)
        if self._deferred is not None:
            self._deferred.append((register, value))
            return
        self._blend_in(register, value)

    def _placed(self, register: Operand, value: Value, place: Placement) -> tuple[Value, int]:
        """A result in its place in a register, and the bits of the register that this writes."""
        type_, ones = value.type, (1 << place.width) - 1
        spare = self.const(type_, 32 - place.width)
        field = self.b.and_(value, self.const(type_, ones))
        if place.unused is Unused.SIGN:
            field = self.b.ashr(self.b.shl(value, spare), spare)
        moved = self.b.shl(field, self.const(type_, place.first))
        if place.unused is not Unused.KEPT:
            return moved, ALL_BITS
        mask = ones << place.first
        kept = self.b.and_(self.active_vgpr(register.index), self.const(type_, ALL_BITS ^ mask))
        return self.b.or_(moved, kept), mask

    def commit_wide(self, register: Operand, value: Value) -> None:
        """Writes a pair of VGPRs, i64 a lane, as `commit` does one."""
        low, high = self.halves(value)
        self._pairs[low, high] = value
        self.commit(register.part(0), low)
        self.commit(register.part(1), high)

    def pair(self, low: Value, high: Value) -> Value:
        """As Emitter's; what was written as 64 bits is not put together again."""
        if not (isinstance(low, ir.Instruction) and isinstance(high, ir.Instruction)):
            return super().pair(low, high)
        known = self._pairs.get((low, high))
        if known is None:
            known = self._pairs[low, high] = super().pair(low, high)
        return known

    def _blend_in(self, register: Operand, value: Value) -> None:
        key, lanes = ("v", register.index), self.write_lanes()
        before = self._writes.get(key)
        if before is None:
            old = self._values.get(key)
        else:
            old = before.old if before.lanes is lanes else self._get(key)
        self._values.pop(key, None)
        self._writes[key] = _Write(value, lanes, old)
        self._dirty.add(key)

    def _blend(self, write: _Write, old: Value) -> Value:
        """What was written in its lanes, `old` in the others. By bits, since a select between a value and
        what its register held would become a masked store, which is slow on many CPUs."""
        differs = self.b.and_(self.b.xor(write.value, old), write.lanes)
        return self.b.xor(differs, old)

    def begin_pair(self) -> None:
        """From here on commits wait: both halves of a VOPD read before either writes."""
        self._deferred = []

    def end_pair(self) -> None:
        """Commits what has waited since `begin_pair`."""
        waiting, self._deferred = self._deferred or [], None
        for register, value in waiting:
            self._blend_in(register, value)

    def flush(self) -> None:
        """Writes back every register that differs from memory; values stay known."""
        for key in sorted(self._dirty):
            self.store_field(_offset(key, self.lanes), self._get(key))
        self._dirty.clear()
        if self._lanes_dirty:
            self.store_field(abi.Wave.exec_lanes.offset, self.exec_lanes())
            self._lanes_dirty = False

    def flush_vgprs(self, first: int, count: int) -> None:
        """Writes back a VGPR tuple, for the runtime to read."""
        for index in range(first, first + count):
            if ("v", index) in self._dirty:
                self.store_field(_offset(("v", index), self.lanes), self._get(("v", index)))
                self._dirty.discard(("v", index))

    def forget_vgprs(self, first: int, count: int) -> None:
        """After the runtime wrote a VGPR tuple: its values are in memory."""
        for index in range(first, first + count):
            self._forget(("v", index))

    def forget_sgprs(self, first: int, count: int) -> None:
        """Knows nothing any more of `count` scalar registers from `first` on."""
        for index in range(first, first + count):
            self._forget(("s", index))
            if index in (EXEC, EXEC + 1):
                self._lanes, self._lanes_dirty = None, True

    def start_block(self, block: ir.Block) -> None:
        """Goes on in another block, knowing nothing of the registers."""
        self._dirty.clear()
        for known in (self._values, self._writes, self._pairs, self._masks, self._mask_registers):
            known.clear()
        self._lanes, self._lanes_dirty = None, False
        self.b.position_at_end(block)
