"""One loop over strips of lanes, and the memory by which values get into it and out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy

from llvmlite import ir

from rocverify.device.emulator.translate.builder.types import (
    I1,
    I8,
    I32,
    I64,
    PTR,
    Value,
    constant,
    is_splat_constant,
    splat_of,
    splatted,
    undefined,
)
from rocverify.device.emulator.translate.lowering.lanewise import bytes_of, place_of

STRIP = 8
"""Lanes of a strip: the 32-bit lanes of one register of AVX2."""


class Slots:
    """Memory of the function for values of all lanes; used again when nobody needs what it holds."""

    def __init__(self, function: ir.Function, lanes: int) -> None:
        self._entry, self._lanes = function.entry_basic_block, lanes
        self._places: dict[Value, tuple[ir.Instruction, int]] = {}
        self._uses: dict[Value, int | None] = {}
        self._free: dict[int, list[ir.Instruction]] = {}
        self._made: list[ir.Instruction] = []

    def __contains__(self, value: Value) -> bool:
        return value in self._places

    def make(self, value: Value, uses: int | None) -> None:
        """Memory for a value that is released `uses` times, or never."""
        size = bytes_of(stored_type(value.type, self._lanes).element) * self._lanes
        free = self._free.setdefault(size, [])
        self._places[value] = (free.pop() if free else self._allocate(size), size)
        self._uses[value] = uses

    def _allocate(self, size: int) -> ir.Instruction:
        place = ir.instructions.AllocaInstr(self._entry, ir.ArrayType(I8, size), None, "")
        place.type, place.align = PTR, 64
        self._made.append(place)
        return place

    def finish(self) -> None:
        """Puts the memory at the function's start. Only now: builders at work in that block count on it."""
        self._entry.instructions[:0] = self._made

    def pointer(self, value: Value) -> Value:
        """Where a value is kept."""
        return self._places[value][0]

    def load(self, b: ir.IRBuilder, value: Value) -> Value:
        """The value, all lanes of it."""
        return from_stored(
            b, b.load(self.pointer(value), typ=stored_type(value.type, self._lanes), align=64), value.type
        )

    def store(self, b: ir.IRBuilder, value: Value) -> None:
        """Stores a value in its place."""
        b.store(to_stored(b, value), self.pointer(value), align=64)

    def release(self, values: Iterable[Value]) -> None:
        """Each value has been used once more."""
        for value in (value for value in values if isinstance(value, ir.Instruction)):
            left = self._uses.get(value)
            if left is None:
                continue
            self._uses[value] = left - 1
            if left == 1:
                place, size = self._places.pop(value)
                self._free[size].append(place)
                del self._uses[value]


def stored_type(type_: ir.VectorType, lanes: int) -> ir.VectorType:
    """What a vector of `lanes` is in memory: one bit a lane as i32, which is what comparisons make anyhow."""
    return ir.VectorType(I32 if type_.element == I1 else type_.element, lanes)


def to_stored(b: ir.IRBuilder, value: Value) -> Value:
    """A value as it is kept: bits as whole dwords."""
    return b.sext(value, ir.VectorType(I32, value.type.count)) if value.type.element == I1 else value


def from_stored(b: ir.IRBuilder, value: Value, type_: ir.VectorType) -> Value:
    """A value of a type again from what was kept."""
    return b.icmp_signed("<", value, constant(value.type, 0)) if type_.element == I1 else value


class StripLoop:
    """A loop that is being written, `before` it the block where it is entered."""

    def __init__(self, function: ir.Function, lanes: int, before: ir.Block, slots: Slots) -> None:
        self._function, self._lanes, self._slots, self._before = function, lanes, slots, before
        self._wave = function.args[1]
        self._body = function.append_basic_block("strip")
        self._ahead, self._b = ir.IRBuilder(before), ir.IRBuilder(self._body)
        self._lane = ir.instructions.PhiInstr(self._body, I64, "")
        self._lane.add_incoming(ir.Constant(I64, 0), before)
        self._narrow: dict[Value, Value] = {}
        self._offsets: dict[int, Value] = {}
        self._bases: dict[int, Value] = {}
        self._results: list[tuple[ir.Instruction, Value, Value]] = []

    def add(self, inst: ir.Instruction) -> None:
        """Writes an instruction for the strip. A result that is a scalar stands behind the loop."""
        if inst.opname in ("load", "store"):
            self._access(inst)
        elif inst.opname == "bitcast" and not isinstance(inst.type, ir.VectorType):
            self._gather_bits(inst)
        else:
            self._narrow[inst] = self._copy(inst, [self._operand(operand) for operand in inst.operands])

    def keep(self, inst: ir.Instruction) -> None:
        """Stores the strip of a value in its slot."""
        value = to_stored(self._b, self._narrow[inst])
        step = bytes_of(value.type.element)
        self._b.store(value, self._at(self._slots.pointer(inst), step), align=step * STRIP)

    def finish(self) -> ir.Block:
        """Ends the loop; the block behind it."""
        after = self._function.append_basic_block("after")
        self._ahead.branch(self._body)
        following = self._b.add(self._lane, ir.Constant(I64, STRIP))
        self._lane.add_incoming(following, self._body)
        done = self._b.icmp_unsigned("==", following, ir.Constant(I64, self._lanes))
        self._b.cbranch(done, after, self._body)
        for inst, so_far, total in self._results:
            so_far.add_incoming(ir.Constant(inst.type, 0), self._before)
            so_far.add_incoming(total, self._body)
            inst.operands = [total]
        self._body.instructions[:0] = [self._lane, *(so_far for _, so_far, _ in self._results)]
        return after

    # ---- memory

    def _offset(self, step: int) -> Value:
        """Where the strip begins in memory that has `step` bytes a lane."""
        if step not in self._offsets:
            self._offsets[step] = self._b.mul(self._lane, ir.Constant(I64, step))
        return self._offsets[step]

    def _at(self, pointer: Value, step: int) -> Value:
        return self._b.gep(pointer, [self._offset(step)], inbounds=True, source_etype=I8)

    def _access(self, inst: ir.Instruction) -> None:
        place = place_of(inst, self._wave)
        assert place is not None
        if place.step not in self._bases:
            self._bases[place.step] = self._at(self._wave, place.step)
        base, offset = self._bases[place.step], ir.Constant(I64, place.offset)
        pointer = self._b.gep(base, [offset], inbounds=True, source_etype=I8)
        align = min(inst.align, place.step * STRIP)
        if place.stores:
            self._b.store(self._operand(inst.operands[0]), pointer, align=align)
        else:
            self._narrow[inst] = self._b.load(pointer, typ=self._type(inst.type), align=align)

    def _gather_bits(self, inst: ir.Instruction) -> None:
        """A mask as an integer: the strip's bits are moved to their place."""
        so_far = ir.instructions.PhiInstr(self._body, inst.type, "")
        bits = self._b.bitcast(self._operand(inst.operands[0]), ir.IntType(STRIP))
        lane = self._lane if inst.type == I64 else self._b.trunc(self._lane, inst.type)
        moved = self._b.shl(self._b.zext(bits, inst.type), lane)
        self._results.append((inst, so_far, self._b.or_(so_far, moved)))

    # ---- values

    def _type(self, type_: ir.Type) -> ir.Type:
        return ir.VectorType(type_.element, STRIP) if isinstance(type_, ir.VectorType) else type_

    def _copy(self, inst: ir.Instruction, operands: list[Value]) -> ir.Instruction:
        made = object.__new__(type(inst))
        made.__dict__.update(inst.__dict__)
        made.parent, made.type, made.operands = self._body, self._type(inst.type), operands
        made._name = f"{inst.name}.strip"
        if isinstance(inst, ir.CallInstr):
            made.operands[0] = self._function_of(inst, operands)
        self._body.instructions.append(made)
        self._b.position_at_end(self._body)
        return made

    def _function_of(self, inst: ir.CallInstr, operands: list[Value]) -> ir.Function:
        """The intrinsic that does for a strip what the called one does for a wave."""
        name = re.sub(rf"\.v{self._lanes}(?=[if]\d)", f".v{STRIP}", inst.callee.name)
        module = self._function.module
        known = module.globals.get(name)
        if known is None:
            types = [operand.type for operand in operands[1:]]
            known = ir.Function(module, ir.FunctionType(self._type(inst.type), types), name)
        return known

    def _operand(self, value: Value) -> Value:
        if not isinstance(getattr(value, "type", None), ir.VectorType):
            return value
        if isinstance(value, ir.Constant):
            return self._constant(value)
        if value not in self._narrow:
            self._narrow[value] = self._from_outside(value)
        return self._narrow[value]

    def _from_outside(self, value: ir.Instruction) -> Value:
        scalar = splatted(value)
        if scalar is not None:
            return splat_of(self._ahead, scalar, STRIP)
        stored = stored_type(value.type, STRIP)
        step = bytes_of(stored.element)
        place = self._at(self._slots.pointer(value), step)
        strip = self._b.load(place, typ=stored, align=step * STRIP)
        return from_stored(self._b, strip, self._type(value.type))

    def _constant(self, value: ir.Constant) -> Value:
        """Lanes that are all equal, or those of this strip from a table."""
        if is_splat_constant(value):
            made = copy(value)
            made.type = self._type(value.type)
            return made
        if all(isinstance(lane, ir.Constant) and lane.constant is ir.Undefined for lane in value.constant):
            return undefined(self._type(value.type))
        element = value.type.element
        stored = ir.VectorType(I32 if element == I1 else element, self._lanes)
        lanes = value.constant
        if element == I1:
            lanes = [ir.Constant(I32, -int(lane.constant)) for lane in lanes]
        loaded = self._b.load(
            self._at(self._table(ir.Constant(stored, lanes)), bytes_of(stored.element)),
            typ=self._type(stored),
            align=bytes_of(stored.element) * STRIP,
        )
        return from_stored(self._b, loaded, self._type(value.type))

    def _table(self, value: ir.Constant) -> Value:
        """A constant in memory, there once in a module."""
        module = self._function.module
        name = f"lanes.{value}"
        known = module.globals.get(name)
        if known is None:
            known = ir.GlobalVariable(module, value.type, name)
            known.initializer, known.global_constant, known.linkage, known.align = value, True, "private", 64
        return known
