"""Float arithmetic where MODE may round otherwise than to nearest even, through runtime/rounding.c.

It takes the place of the instructions' usual semantics, which use the host's arithmetic. f32 results are
rounded as MODE[1:0] says, f16 and f64 ones as MODE[3:2]. Instructions whose results are exact, or whose
rounding their name fixes, are the same in every mode; v_rcp, v_rsq, v_sqrt, v_exp, v_log, v_sin and v_cos
approximate, and their error bound holds in every mode. What is neither here nor there is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand
from rocverify.device.emulator.translate.builder import modes
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import F16, F32, F64, I64, PTR, TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.mixed import mixed_source
from rocverify.device.emulator.translate.semantics.packed import packed
from rocverify.device.emulator.translate.semantics.vector import (
    accumulate,
    clamp01,
    commit_bits,
    read,
    valu,
    write,
)
from rocverify.errors import DeviceError

K = WaveBuilder

OPERATIONS = {"add": 0, "mul": 1, "fma": 2, "convert": 3, "integer": 4, "scale": 5}
_FORMATS = {F16: 0, F32: 1, F64: 2}
_WIDTHS = {F16: 16, F32: 32, F64: 64}
ROWS = 4


def _compute(
    k: K, operation: str, type_: ir.Type, *sources: Value, source: ir.Type = F32, scale: Value | None = None
) -> Value:
    """One operation in every active lane; `type_` is the result's element, `source` what is converted."""
    place = _operands(k)
    bits = k.shapes.i64
    for row, value in enumerate([*sources, *[None] * (ROWS - 1 - len(sources)), scale]):
        lanes = k.const(bits, 0) if value is None else _raw(k, value)
        k.b.store(lanes, k.b.gep(place, [k.i64(row)], inbounds=True, source_etype=bits), align=8)
    mode = modes.rounding_of(k, _WIDTHS[type_])
    arguments = [
        place, k.i32(k.lanes), k.exec_bits(), k.i32(OPERATIONS[operation]), k.i32(_FORMATS[type_]),
        k.i32(_FORMATS[source]), mode,
    ]  # fmt: skip
    k.call("rt_directed", ir.VoidType(), arguments)
    result = k.b.load(place, typ=bits, align=8)
    integers = k.shapes.vector(ir.IntType(_WIDTHS[type_]))
    narrow = result if integers == bits else k.b.trunc(result, integers)
    return k.b.bitcast(narrow, k.shapes.vector(type_))


def _operands(k: K) -> Value:
    """Room for the rows of rt_directed, once a function, in its entry: loops do not grow the stack."""
    if k.rounding_operands is None:
        with k.b.goto_block(k.function.entry_basic_block):
            room = k.b.alloca(ir.ArrayType(I64, ROWS * k.lanes))
            # As an address: llvmlite gives alloca a typed pointer, and takes no store of another type.
            k.rounding_operands = k.b.inttoptr(k.b.ptrtoint(room, I64), PTR)
    return k.rounding_operands


def _raw(k: K, value: Value) -> Value:
    """A float's bits, or an integer, as i64 lanes."""
    element = value.type.element
    if element in _WIDTHS:
        value = k.b.bitcast(value, k.shapes.vector(ir.IntType(_WIDTHS[element])))
    return value if value.type == k.shapes.i64 else k.b.zext(value, k.shapes.i64)


def add(k: K, a: Value, b: Value) -> Value:
    """a + b, rounded as MODE says."""
    return _compute(k, "add", a.type.element, a, b)


def subtract(k: K, a: Value, b: Value) -> Value:
    """a - b, rounded as MODE says."""
    return add(k, a, k.b.fneg(b))


def multiply(k: K, a: Value, b: Value) -> Value:
    """a * b, rounded as MODE says."""
    return _compute(k, "mul", a.type.element, a, b)


def fma(k: K, a: Value, b: Value, c: Value) -> Value:
    """a * b + c, rounded once, as MODE says."""
    return _compute(k, "fma", a.type.element, a, b, c)


def _zero_wins(k: K, a: Value, b: Value, product: Value, otherwise: Value) -> Value:
    """The DX9 rule: zero times anything is zero."""
    zero = k.const(a.type, 0.0)
    none = k.b.or_(k.b.fcmp_ordered("==", a, zero), k.b.fcmp_ordered("==", b, zero))
    return k.b.select(none, otherwise, product)


def _multiply_dx9(k: K, a: Value, b: Value) -> Value:
    return _zero_wins(k, a, b, multiply(k, a, b), k.const(a.type, 0.0))


def _fma_dx9(k: K, a: Value, b: Value, c: Value) -> Value:
    return _zero_wins(k, a, b, fma(k, a, b, c), add(k, k.const(a.type, 0.0), c))


def _fraction(k: K, value: Value) -> Value:
    """x - floor(x), below one even where it is rounded up to it."""
    half = value.type == k.shapes.f16
    wide = k.b.fpext(value, k.shapes.f32) if half else value
    floor = k.intrinsic("floor", wide.type, [wide])
    difference = subtract(k, value, k.b.fptrunc(floor, value.type) if half else floor)
    below_one = 1 - 2.0 ** -{16: 11, 32: 24, 64: 53}[_WIDTHS[value.type.element]]
    limit = k.const(value.type, below_one)
    return k.b.select(k.b.fcmp_unordered("<", difference, limit), difference, limit)


def _converted(element: ir.Type) -> Callable[..., Value]:
    return lambda k, value: _compute(k, "convert", element, value, source=value.type.element)


def _from_integer(element: ir.Type, signed: bool) -> Callable[..., Value]:
    def compute(k: K, value: Value) -> Value:
        wide = (k.b.sext if signed else k.b.zext)(value, k.shapes.i64)
        return _compute(k, "integer", element, wide)

    return compute


def _scaled(k: K, value: Value, exponent: Value) -> Value:
    wide = k.b.sext(exponent, k.shapes.i64)
    return _compute(k, "scale", value.type.element, value, scale=wide)


def _div_fmas(name: str) -> Handler:
    """The fma, times 2**64 (f64: 2**128) or its inverse where VCC says so, rounded once."""
    type_ = TYPES[name]
    step, bias, mantissa, ones = {32: (64, 127, 23, 0xFF), 64: (128, 1023, 52, 0x7FF)}[type_.bits]

    def handle(k: K, inst: Instruction) -> None:
        a, b, c = (read(k, inst, s, type_) for s in inst.operands[1:])
        exponent = k.b.and_(
            k.b.lshr(_raw(k, c), k.const(k.shapes.i64, mantissa)), k.const(k.shapes.i64, ones)
        )
        upwards = k.b.icmp_signed(">", exponent, k.const(k.shapes.i64, bias))
        scale = k.b.select(upwards, k.const(k.shapes.i64, step), k.const(k.shapes.i64, -step))
        scale = k.b.select(k.lanes_of(k.read_mask(k.vcc)), scale, k.const(k.shapes.i64, 0))
        write(k, inst, inst.operands[0], _compute(k, "fma", a.type.element, a, b, c, scale=scale), type_)

    return handle


def _mixed(result: str) -> Handler:
    """v_fma_mix: the sum in f32 as MODE[1:0] rounds; an f16 result from there as MODE[3:2] does."""

    def handle(k: K, inst: Instruction) -> None:
        halves, is_half = inst.flags("op_sel", 3, 0), inst.flags("op_sel_hi", 3, 0)
        sources = [mixed_source(k, inst, i, bool(is_half[i]), bool(halves[i])) for i in range(3)]
        value = modes.flush_output(k, fma(k, *sources), 32)
        if "clamp" in inst.modifiers:
            value = clamp01(k, value)
        _commit_mixed(k, inst.operands[0], value, result)

    return handle


def _commit_mixed(k: K, target: Operand, value: Value, result: str) -> None:
    if result == "f32":
        commit_bits(k, target, k.b.bitcast(value, k.shapes.i32))
        return
    half = modes.flush_output(k, _compute(k, "convert", F16, value), 16)
    commit_bits(k, target, k.b.bitcast(half, k.shapes.i16), high=result == "high")


def _arithmetic(t: str) -> dict[str, Handler]:
    two, three = f"{t} {t}", f"{t} {t} {t}"
    return {
        f"v_add_{t}": valu(t, two, add),
        f"v_sub_{t}": valu(t, two, subtract),
        f"v_subrev_{t}": valu(t, two, lambda k, a, b: subtract(k, b, a)),
        f"v_mul_{t}": valu(t, two, multiply),
        f"v_fma_{t}": valu(t, three, fma),
        f"v_fmac_{t}": accumulate(t, two, fma),
        f"v_fmamk_{t}": valu(t, three, fma),
        f"v_fmaak_{t}": valu(t, three, fma),
        f"v_fract_{t}": valu(t, t, _fraction),
        f"v_ldexp_{t}": valu(t, f"{t} {'i16' if t == 'f16' else 'i32'}", _scaled),
    }


DIRECTED: dict[str, Handler] = {
    **_arithmetic("f16"),
    **_arithmetic("f32"),
    **_arithmetic("f64"),
    "v_mul_dx9_zero_f32": valu("f32", "f32 f32", _multiply_dx9),
    "v_fma_dx9_zero_f32": valu("f32", "f32 f32 f32", _fma_dx9),
    "v_cvt_f16_f32": valu("f16", "f32", _converted(F16)),
    "v_cvt_f32_f64": valu("f32", "f64", _converted(F32)),
    "v_cvt_f32_u32": valu("f32", "u32", _from_integer(F32, signed=False)),
    "v_cvt_f32_i32": valu("f32", "i32", _from_integer(F32, signed=True)),
    "v_cvt_f16_u16": valu("f16", "u16", _from_integer(F16, signed=False)),
    "v_cvt_f16_i16": valu("f16", "i16", _from_integer(F16, signed=True)),
    "v_div_fmas_f32": _div_fmas("f32"),
    "v_div_fmas_f64": _div_fmas("f64"),
    "v_pk_add_f16": packed("f16", 2, add),
    "v_pk_mul_f16": packed("f16", 2, multiply),
    "v_pk_fma_f16": packed("f16", 3, fma),
    "v_fma_mix_f32": _mixed("f32"),
    "v_fma_mixlo_f16": _mixed("low"),
    "v_fma_mixhi_f16": _mixed("high"),
}
"""Instructions that MODE rounds."""

_SAME = (
    r"v_cmpx?_\w+|v_(min|max|min3|max3|med3|maxmin|minmax|pk_min|pk_max)_\w+|v_(rndne|trunc|floor|ceil)_\w+",
    r"v_frexp_\w+|v_div_(scale|fixup)_\w+|v_(rcp|rcp_iflag|rsq|sqrt|exp|log|sin|cos)_\w+|v_pack_b32_f16",
    r"v_cvt_([ui]\d+|pk_\w+|floor|nearest|flr|rpi|norm|off)_\w+|v_cvt_f64_\w+|v_cvt_f32_(f16|ubyte\d)",
    r"(ds|global|flat|buffer)_\w+|v_wmma_\w+|v_cube(id|sc|tc)_f32|v_trig_preop_f64",
    r"s_cmp_\w+|s_(min|max|ceil|floor|trunc|rndne)_\w+|s_cvt_([ui]32_f32|(hi_)?f32_f16|pk_rtz_f16_f32)",
)
_INDIFFERENT = re.compile("|".join(_SAME))
_FLOAT = re.compile(r"_b?f(16|32|64)(_|$)")


def handler(name: str, handlers: Mapping[str, Handler]) -> Handler | None:
    """The semantics of an instruction where the rounding may not be to nearest; None if there are none."""
    if name in DIRECTED:
        return DIRECTED[name]
    if _FLOAT.search(name) and not _INDIFFERENT.fullmatch(name):
        return partial(_refuse, name) if name in handlers else None
    return handlers.get(name)


def _refuse(name: str, k: K, inst: Instruction) -> None:
    raise DeviceError(f"the rounding that MODE asks for is not modelled for {name}")
