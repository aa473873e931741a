"""IR types and constants of a wave, and the data types that instruction names carry."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from llvmlite import ir
from llvmlite.ir.values import FormattedConstant

I1, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
F16, F32, F64 = ir.HalfType(), ir.FloatType(), ir.DoubleType()
PTR = ir.PointerType()

Value = Any
"""An llvmlite value; the library has no annotations of its own."""


@dataclass(frozen=True, slots=True)
class DataType:
    """What an operand holds: `bits` wide, `signed` and `is_float` as its name says."""

    name: str
    bits: int
    signed: bool = False
    is_float: bool = False

    @property
    def dwords(self) -> int:
        """How many registers it takes."""
        return max(self.bits // 32, 1)

    @property
    def scalar(self) -> ir.Type:
        """LLVM's type of one value."""
        if self.is_float:
            return {16: F16, 32: F32, 64: F64}[self.bits]
        return ir.IntType(self.bits)


TYPES = {
    t.name: t
    for t in (
        DataType("b16", 16),
        DataType("u16", 16),
        DataType("i16", 16, signed=True),
        DataType("f16", 16, is_float=True),
        DataType("b32", 32),
        DataType("u32", 32),
        DataType("i32", 32, signed=True),
        DataType("f32", 32, is_float=True),
        DataType("b64", 64),
        DataType("u64", 64),
        DataType("i64", 64, signed=True),
        DataType("f64", 64, is_float=True),
    )
}


class _Splat(FormattedConstant):  # type: ignore[misc]  # llvmlite has no annotations
    """A vector constant with all lanes equal, in LLVM's short spelling."""

    def __init__(self, type_: ir.Type, text: str) -> None:
        self.type = type_
        self.constant = text


def constant(type_: ir.Type, value: int | float) -> Value:
    """A scalar constant, or a vector with every lane the same."""
    if isinstance(type_, ir.VectorType):
        element = constant(type_.element, value)
        return _Splat(type_, f"splat ({element.type} {element.get_reference()})")
    if isinstance(type_, ir.IntType):
        return ir.Constant(type_, int(value) & ((1 << type_.width) - 1))
    return ir.Constant(type_, float(value))


def is_splat_constant(value: Value) -> bool:
    """Whether all lanes of a vector constant are equal, or undefined, by how it was made."""
    return isinstance(value, _Splat)


def undefined(type_: ir.VectorType) -> Value:
    """A vector of which no lane matters."""
    return _Splat(type_, "undef")


class _FirstLane(ir.Constant):  # type: ignore[misc]  # as above
    """The indices of a shuffle that has lane 0 in every lane, in LLVM's short spelling."""

    def __init__(self, lanes: int) -> None:
        super().__init__(ir.VectorType(I32, lanes), [ir.Constant(I32, 0)] * lanes)

    def _get_reference(self) -> str:
        return "zeroinitializer"


@cache
def _first_lane(lanes: int) -> _FirstLane:
    return _FirstLane(lanes)


def splat_of(b: ir.IRBuilder, scalar: Value, lanes: int) -> Value:
    """A scalar in every lane."""
    type_ = ir.VectorType(scalar.type, lanes)
    first = b.insert_element(undefined(type_), scalar, ir.Constant(I32, 0))
    return b.shuffle_vector(first, undefined(type_), _first_lane(lanes))


def splatted(value: Value) -> Value | None:
    """The scalar that a vector has in every lane, None if it was not made by `splat_of`."""
    if isinstance(value, ir.ShuffleVector) and isinstance(value.operands[2], _FirstLane):
        return value.operands[0].operands[1]
    return None


def is_splat_part(value: Value) -> bool:
    """Whether an instruction is one of the two that `splat_of` makes."""
    first = isinstance(value, ir.InsertElement) and getattr(value.operands[0], "constant", None) == "undef"
    return first or splatted(value) is not None


def null_pointer() -> Value:
    """A null pointer."""
    return ir.Constant(PTR, None)


def inline_float_bits(value: float, bits: int) -> int:
    """The bits of an inline float constant; 1/(2*pi) has its own encoding in every width."""
    if value in (0.15915494, 0.15915494309189532):
        return {16: 0x3118, 32: 0x3E22F983, 64: 0x3FC45F306DC9C882}[bits]
    form = {16: "<e", 32: "<f", 64: "<d"}[bits]
    return int.from_bytes(struct.pack(form, value), "little")


class Shapes:
    """The vector types of one wave size (`lanes` is 32 or 64)."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.mask_type = ir.IntType(lanes)

    def vector(self, element: ir.Type) -> ir.VectorType:
        """A vector with one element for each lane."""
        return ir.VectorType(element, self.lanes)

    @cached_property
    def i1(self) -> ir.VectorType:
        """A bit of each lane."""
        return self.vector(I1)

    @cached_property
    def i8(self) -> ir.VectorType:
        """A byte of each lane."""
        return self.vector(I8)

    @cached_property
    def i16(self) -> ir.VectorType:
        """16 bits of each lane."""
        return self.vector(I16)

    @cached_property
    def i32(self) -> ir.VectorType:
        """32 bits of each lane."""
        return self.vector(I32)

    @cached_property
    def i64(self) -> ir.VectorType:
        """64 bits of each lane."""
        return self.vector(I64)

    @cached_property
    def f16(self) -> ir.VectorType:
        """A half of each lane."""
        return self.vector(F16)

    @cached_property
    def f32(self) -> ir.VectorType:
        """A single of each lane."""
        return self.vector(F32)

    @cached_property
    def f64(self) -> ir.VectorType:
        """A double of each lane."""
        return self.vector(F64)
