"""What every translated wave function is written with: constants, intrinsics, calls, the wave's memory."""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.translate.builder.types import (
    I8,
    I32,
    I64,
    PTR,
    Shapes,
    Value,
    constant,
    splat_of,
)


class Builder(ir.IRBuilder):  # type: ignore[misc]  # llvmlite has no annotations
    """llvmlite's builder, which takes no bits back and forth between two types."""

    def bitcast(self, value: Value, typ: ir.Type, name: str = "") -> Value:
        """A bitcast; one of a bitcast back to its type is the value itself."""
        if getattr(value, "opname", "") == "bitcast" and value.operands[0].type == typ:
            return value.operands[0]
        return super().bitcast(value, typ, name)


class Emitter:
    """A function `u32 NAME(Worker *, Wave *)` under way; `b` is llvmlite's builder at its current end."""

    def __init__(self, module: ir.Module, name: str, lanes: int) -> None:
        self.module = module
        self.shapes = Shapes(lanes)
        self.lanes = lanes
        self.function = ir.Function(module, ir.FunctionType(I32, [PTR, PTR]), name)
        self.worker, self.wave = self.function.args
        self.wave.add_attribute("noalias")
        self.b = Builder(self.function.append_basic_block("entry"))

    # ---- constants and intrinsics

    def i32(self, value: int) -> Value:
        """A 32-bit integer."""
        return constant(I32, value)

    def i64(self, value: int) -> Value:
        """A 64-bit integer."""
        return constant(I64, value)

    def const(self, type_: ir.Type, value: int | float) -> Value:
        """A constant of a type, the same in all lanes."""
        return constant(type_, value)

    def invert(self, value: Value) -> Value:
        """Every bit the other way."""
        return self.b.xor(value, constant(value.type, -1))

    def splat(self, scalar: Value) -> Value:
        """A scalar in every lane."""
        return splat_of(self.b, scalar, self.lanes)

    def intrinsic(self, name: str, result: ir.Type, arguments: Sequence[Value]) -> Value:
        """Calls `llvm.NAME.TYPE`, overloaded on the result type."""
        return self.call(f"llvm.{name}.{_mangled(result)}", result, arguments)

    def call(self, name: str, result: ir.Type, arguments: Sequence[Value]) -> Value:
        """Calls a function by name, declaring it at first use."""
        function = self.module.globals.get(name)
        if function is None:
            function = ir.Function(self.module, ir.FunctionType(result, [a.type for a in arguments]), name)
        return self.b.call(function, list(arguments))

    def call_void(self, name: str, arguments: Sequence[Value]) -> None:
        """Calls a function of the runtime that returns nothing."""
        self.call(name, ir.VoidType(), arguments)

    # ---- the wave's memory

    def _field(self, offset: int) -> Value:
        return self.b.gep(self.wave, [self.i64(offset)], inbounds=True, source_etype=I8)

    def load_field(self, offset: int, type_: ir.Type) -> Value:
        """Loads a field of the wave's state, by its offset in bytes."""
        return self.b.load(self._field(offset), typ=type_, align=_alignment(type_))

    def store_field(self, offset: int, value: Value) -> None:
        """Stores a field of the wave's state, by its offset in bytes."""
        self.b.store(value, self._field(offset), align=_alignment(value.type))

    def field_pointer(self, offset: int) -> Value:
        """Where a field of the wave lies."""
        return self._field(offset)

    def vgpr_pointer(self, index: int) -> Value:
        """Where a vector register is in the wave's state."""
        return self._field(abi.VGPR_OFFSET + 4 * self.lanes * index)

    def code_base(self) -> Value:
        """The device address of the code object's virtual address 0."""
        pointer = self.b.gep(
            self.worker, [self.i64(abi.Worker.code_base.offset)], inbounds=True, source_etype=I8
        )
        return self.b.load(pointer, typ=I64)

    def pair(self, low: Value, high: Value) -> Value:
        """Two dwords, scalars or vectors, as one value of 64 bits."""
        wide = I64 if isinstance(low.type, ir.IntType) else self.shapes.i64
        upper = self.b.shl(self.b.zext(high, wide), self.const(wide, 32))
        return self.b.or_(self.b.zext(low, wide), upper)

    def halves(self, value: Value) -> tuple[Value, Value]:
        """The low and the high dword of a 64-bit value, scalar or vector."""
        narrow = I32 if isinstance(value.type, ir.IntType) else self.shapes.i32
        low = self.b.trunc(value, narrow)
        return low, self.b.trunc(self.b.lshr(value, self.const(value.type, 32)), narrow)


def _alignment(type_: ir.Type) -> int:
    """Bytes: vectors of registers begin at multiples of 64 (runtime.h)."""
    return 64 if isinstance(type_, ir.VectorType) else type_.width // 8


def _mangled(type_: ir.Type) -> str:
    if isinstance(type_, ir.VectorType):
        return f"v{type_.count}{_mangled(type_.element)}"
    if isinstance(type_, ir.IntType):
        return f"i{type_.width}"
    return {"half": "f16", "float": "f32", "double": "f64"}[str(type_)]
