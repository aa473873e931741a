"""Which IR instructions of a wave function are lane-wise, and what they touch of the wave's memory."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from functools import cache
from typing import NamedTuple

from llvmlite import ir

from rocverify.device.emulator.translate.builder.types import I1, Value, is_splat_part

LINE = 64
"""Bytes that accesses are told apart by: vectors of the wave begin at multiples of it."""

_OPERATIONS = {
    *("add", "sub", "mul", "udiv", "sdiv", "urem", "srem", "shl", "lshr", "ashr", "and", "or", "xor"),
    *("fadd", "fsub", "fmul", "fdiv", "frem", "fneg", "icmp", "fcmp", "select"),
    *("zext", "sext", "trunc", "fpext", "fptrunc", "fptosi", "fptoui", "sitofp", "uitofp"),
}
_FUNCTIONS = {
    *("fma", "fabs", "sqrt", "floor", "ceil", "trunc", "rint", "nearbyint", "round", "roundeven", "copysign"),
    *("canonicalize", "minnum", "maxnum", "minimum", "maximum", "minimumnum", "maximumnum", "abs", "ctpop"),
    *("ctlz", "cttz", "bitreverse", "bswap", "fshl", "fshr", "smin", "smax", "umin", "umax"),
    *("uadd.sat", "usub.sat", "sadd.sat", "ssub.sat", "fptosi.sat", "fptoui.sat"),
}
_INTRINSIC = re.compile(r"llvm\.(?P<name>[a-z.]+?)\.v?\d*[if]\d+(?:\.v?\d*[if]\d+)*")


class Kind(Enum):
    """LANEWISE: lane i of the result comes of lane i of the operands, or the result is one bit a lane as an
    integer. SPLAT: a scalar in every lane, or the first half of making one. SCALAR: no vectors, no memory
    but the wave's. APART: whatever may touch any memory. ACROSS: lanes that depend on other lanes."""

    LANEWISE = auto()
    SPLAT = auto()
    SCALAR = auto()
    ACROSS = auto()
    APART = auto()


class Place(NamedTuple):
    """Bytes of the wave that an instruction loads or stores; `step` is the bytes of a lane."""

    offset: int
    size: int
    step: int
    stores: bool

    def lines(self) -> range:
        """The cache lines that it touches, by number."""
        return range(self.offset // LINE, (self.offset + self.size - 1) // LINE + 1)

    def is_like(self, other: Place) -> bool:
        """Whether both have the same bytes in the same lanes."""
        return self[:3] == other[:3]


def place_of(inst: ir.Instruction, wave: Value) -> Place | None:
    """What a load or store at a constant place in the wave touches; None for any other instruction."""
    if inst.opname not in ("load", "store"):
        return None
    pointer = inst.operands[-1]
    if not isinstance(pointer, ir.GEPInstr) or pointer.pointer is not wave or len(pointer.indices) != 1:
        return None
    index = pointer.indices[0]
    if not isinstance(index, ir.Constant):
        return None
    stores = inst.opname == "store"
    type_ = inst.operands[0].type if stores else inst.type
    if isinstance(type_, ir.VectorType):
        step = bits_of_element(type_) // 8
        return Place(index.constant, step * type_.count, step, stores)
    return Place(index.constant, bytes_of(type_), 0, stores)


def bits_of_element(type_: ir.VectorType) -> int:
    """Bits of one element of a vector type."""
    return 8 * bytes_of(type_.element)


def bytes_of(type_: ir.Type) -> int:
    """Bytes of a scalar in memory."""
    if isinstance(type_, ir.IntType):
        return int(max(type_.width // 8, 1))
    return {"half": 2, "float": 4, "double": 8}.get(str(type_), 8)


def classify(inst: ir.Instruction, lanes: int, wave: Value) -> Kind:
    """What may become of an instruction."""
    if isinstance(inst, ir.instructions.Terminator):
        return Kind.APART
    vectors = [value.type for value in (inst, *inst.operands) if _is_vector(value)]
    if inst.opname in ("load", "store"):
        kind = Kind.SCALAR if place_of(inst, wave) is not None else Kind.APART
    elif isinstance(inst, ir.CallInstr):
        kind = Kind.SCALAR if _is_lanewise_function(inst.callee.name) else Kind.APART
    elif vectors and inst.opname not in _OPERATIONS:
        return _rearrangement(inst, lanes)
    else:
        kind = Kind.SCALAR
    if not vectors or kind is Kind.APART:
        return kind
    return Kind.LANEWISE if all(type_.count == lanes for type_ in vectors) else Kind.ACROSS


def _is_vector(value: Value) -> bool:
    return isinstance(getattr(value, "type", None), ir.VectorType)


@cache
def _is_lanewise_function(name: str) -> bool:
    found = _INTRINSIC.fullmatch(name)
    return found is not None and found["name"] in _FUNCTIONS


def _rearrangement(inst: ir.Instruction, lanes: int) -> Kind:
    if inst.opname != "bitcast":
        return Kind.SPLAT if is_splat_part(inst) else Kind.ACROSS
    source = inst.operands[0].type
    if not isinstance(source, ir.VectorType) or source.count != lanes:
        return Kind.ACROSS
    same = isinstance(inst.type, ir.VectorType) and inst.type.count == lanes
    return Kind.LANEWISE if same or source.element == I1 else Kind.ACROSS


def is_dead(inst: ir.Instruction, users: Mapping[Value, Sequence[ir.Instruction]]) -> bool:
    """Whether nobody needs it: no user, and no effect but its result."""
    if users.get(inst) or isinstance(inst, ir.instructions.Terminator) or inst.opname in ("store", "fence"):
        return False
    if isinstance(inst, ir.CallInstr):
        return str(inst.callee.name).startswith("llvm.") and not isinstance(inst.type, ir.VoidType)
    return inst.opname not in ("atomicrmw", "cmpxchg", "load atomic", "store atomic")
