"""v_cmp_* and v_cmpx_*: lane masks from comparisons."""

from __future__ import annotations

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, DataType, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.vector import read

K = WaveBuilder
SOURCES = 2

INTEGER_RELATIONS = {"lt": "<", "eq": "==", "le": "<=", "gt": ">", "ne": "!=", "ge": ">="}
ORDERED = {"lt": "<", "eq": "==", "le": "<=", "gt": ">", "lg": "!=", "ge": ">=", "o": "ord"}
UNORDERED = {"u": "uno", "nge": "<", "nlg": "==", "ngt": "<=", "nle": ">", "neq": "!=", "nlt": ">="}


def _comparison(relation: str, type_: DataType, writes_exec: bool) -> Handler:
    def handle(k: K, inst: Instruction) -> None:
        operands = inst.operands[-SOURCES:]
        selects = inst.flags("op_sel", 2, 0)
        a, b = (
            read(k, inst, s, type_, high=bool(select)) for s, select in zip(operands, selects, strict=True)
        )
        finish(k, inst, compare_values(k, relation, type_, a, b), writes_exec)

    return handle


def finish(k: K, inst: Instruction, lanes: Value, writes_exec: bool) -> None:
    """Inactive lanes give 0; the result goes to the first operand, or to EXEC, before RDNA to both."""
    bits = k.active_bits(lanes)
    if len(inst.operands) > SOURCES:
        k.write_lane_mask(inst.operands[0], bits)
    if writes_exec:
        k.set_exec(bits)


def compare_values(k: K, relation: str, type_: DataType, a: Value, b: Value) -> Value:
    """One relation by the manual's name, as i1 lanes."""
    if relation in ("f", "t", "tru"):
        return k.const(k.shapes.i1, int(relation != "f"))
    if not type_.is_float:
        compare = k.b.icmp_signed if type_.signed else k.b.icmp_unsigned
        return compare(INTEGER_RELATIONS[relation], a, b)
    if relation in ORDERED:
        return k.b.fcmp_ordered(ORDERED[relation], a, b)
    return k.b.fcmp_unordered(UNORDERED[relation], a, b)


# Bits of the class mask, in order (ISA manual, V_CMP_CLASS_F32).
CLASSES = ("snan", "qnan", "-inf", "-normal", "-denormal", "-0", "+0", "+denormal", "+normal", "+inf")
_LAYOUT = {"f16": (16, 10), "f32": (32, 23), "f64": (64, 52)}


def _class_of(k: K, bits: Value, width: int, mantissa_bits: int) -> Value:
    """The index of each lane's class, as i32 lanes."""
    type_ = bits.type
    mantissa = k.b.and_(bits, k.const(type_, (1 << mantissa_bits) - 1))
    exponent_ones = (1 << width - 1 - mantissa_bits) - 1
    exponent = k.b.and_(k.b.lshr(bits, k.const(type_, mantissa_bits)), k.const(type_, exponent_ones))
    negative = k.b.icmp_signed("<", bits, k.const(type_, 0))
    no_mantissa = k.b.icmp_unsigned("==", mantissa, k.const(type_, 0))
    quiet = k.b.icmp_unsigned(">=", mantissa, k.const(type_, 1 << mantissa_bits - 1))
    i32 = k.shapes.i32

    def either(minus: str, plus: str) -> Value:
        return k.b.select(negative, k.const(i32, CLASSES.index(minus)), k.const(i32, CLASSES.index(plus)))

    nan = k.b.select(quiet, k.const(i32, CLASSES.index("qnan")), k.const(i32, CLASSES.index("snan")))
    small = k.b.select(no_mantissa, either("-0", "+0"), either("-denormal", "+denormal"))
    large = k.b.select(no_mantissa, either("-inf", "+inf"), nan)
    value = k.b.select(
        k.b.icmp_unsigned("==", exponent, k.const(type_, exponent_ones)), large, either("-normal", "+normal")
    )
    return k.b.select(k.b.icmp_unsigned("==", exponent, k.const(type_, 0)), small, value)


def _class(name: str, writes_exec: bool) -> Handler:
    type_ = TYPES[name]

    def handle(k: K, inst: Instruction) -> None:
        source, wanted = inst.operands[-SOURCES:]
        value = read(k, inst, source, type_, bits=True)
        integers = {16: k.shapes.i16, 32: k.shapes.i32, 64: k.shapes.i64}[type_.bits]
        index = _class_of(k, k.b.bitcast(value, integers), *_LAYOUT[name])
        mask = read(k, inst, wanted, TYPES["b32"])
        finish(k, inst, k.b.trunc(k.b.lshr(mask, index), k.shapes.i1), writes_exec)

    return handle


def _all() -> dict[str, Handler]:
    handlers: dict[str, Handler] = {}
    for prefix, writes_exec in (("v_cmp", False), ("v_cmpx", True)):
        for name in ("u16", "i16", "u32", "i32", "u64", "i64"):
            for relation in (*INTEGER_RELATIONS, "f", "t"):
                handlers[f"{prefix}_{relation}_{name}"] = _comparison(relation, TYPES[name], writes_exec)
        for name in ("f16", "f32", "f64"):
            for relation in (*ORDERED, *UNORDERED, "f", "t", "tru"):
                handlers[f"{prefix}_{relation}_{name}"] = _comparison(relation, TYPES[name], writes_exec)
            handlers[f"{prefix}_class_{name}"] = _class(name, writes_exec)
    return handlers


HANDLERS = _all()
