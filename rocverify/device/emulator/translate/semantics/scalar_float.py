"""Scalar float instructions, which RDNA 3.5 (gfx1150, gfx1151) has and gfx12 too.

They are the vector instructions' semantics on vectors of one lane, MODE included. SCC stays as it is but
for comparisons. 16-bit sources are the low halves of SGPRs; 16-bit results clear the high half.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.builder import modes
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import I1, I16, I32, TYPES, DataType, Shapes, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics.compare import ORDERED, UNORDERED, compare_values
from rocverify.device.emulator.translate.semantics.floats import (
    exact,
    fma,
    maximum,
    minimum,
    multiply,
    pack16,
    to_half,
    to_half_towards_zero,
    to_integer,
)
from rocverify.device.emulator.translate.semantics.vector import element, output_modifiers

K = WaveBuilder
F16, F32 = TYPES["f16"], TYPES["f32"]


@contextmanager
def _one_lane(k: K) -> Iterator[None]:
    """Vectors have one lane here: semantics written for lanes serve scalars."""
    shapes, lanes = k.shapes, k.lanes
    k.shapes, k.lanes = Shapes(1), 1
    try:
        yield
    finally:
        k.shapes, k.lanes = shapes, lanes


def _vector(k: K, bits: Value, type_: DataType) -> Value:
    """A scalar's bits as a vector of one lane, denormals as MODE has them."""
    value = k.b.bitcast(bits, element(k, type_))
    return modes.flush_input(k, value, type_) if type_.is_float else value


def _dword(k: K, value: Value, type_: DataType) -> Value:
    """A vector of one lane as what an SGPR takes."""
    if type_.is_float:
        value = modes.flush_output(k, value, type_.bits)
    if type_.bits == 16:
        return k.b.zext(k.b.bitcast(value, I16), I32)
    return k.b.bitcast(value, I32)


def _sources(k: K, operands: tuple[Operand, ...], types: list[DataType]) -> list[Value]:
    """The operands as scalar bits: read before lanes are narrowed, since reading knows the wave's size."""
    return [k.read_scalar(operand, type_) for operand, type_ in zip(operands, types, strict=True)]


def operation(result: str, sources: str, compute: Callable[..., Value], accumulates: bool = False) -> Handler:
    """`mnemonic sdst, ssrc0, ...`; `accumulates`: the old destination is the last source."""
    result_type, types = TYPES[result], [TYPES[name] for name in sources.split()]

    def handle(k: K, inst: Instruction) -> None:
        target, *rest = inst.operands
        operands = (*rest, target) if accumulates else tuple(rest)
        raw = _sources(k, operands, types)
        with _one_lane(k):
            values = [_vector(k, bits, type_) for bits, type_ in zip(raw, types, strict=True)]
            dword = _dword(k, compute(k, *values), result_type)
        k.write_scalar(target, dword)

    return handle


def modified(t: str, compute: Callable[..., Value]) -> Handler:
    """`mnemonic sdst, src` of VOP3, with its modifiers."""
    type_ = TYPES[t]

    def handle(k: K, inst: Instruction) -> None:
        target, source = inst.operands
        (raw,) = _sources(k, (replace(source, negate=False, absolute=False),), [type_])
        with _one_lane(k):
            value = k.b.bitcast(raw, element(k, type_))
            value = k.intrinsic("fabs", value.type, [value]) if source.absolute else value
            value = k.b.fneg(value) if source.negate else value
            result = compute(k, modes.flush_input(k, value, type_))
            dword = _dword(k, output_modifiers(k, inst, result, type_), type_)
        k.write_scalar(target, dword)

    return handle


def _high_half(k: K, inst: Instruction) -> None:
    """s_cvt_hi_f32_f16: of the upper half of a dword."""
    target, source = inst.operands
    bits = _sources(k, (source,), [TYPES["b32"] if source.kind is OperandKind.SGPR else F32])[0]
    half = k.b.trunc(k.b.lshr(bits, k.i32(16)), I16)
    with _one_lane(k):
        dword = _dword(k, k.b.fpext(_vector(k, half, F16), k.shapes.f32), F32)
    k.write_scalar(target, dword)


def _comparison(relation: str, type_: DataType) -> Handler:
    """`mnemonic ssrc0, ssrc1`: SCC."""

    def handle(k: K, inst: Instruction) -> None:
        raw = _sources(k, inst.operands, [type_, type_])
        with _one_lane(k):
            a, b = (_vector(k, bits, type_) for bits in raw)
            flag = k.b.bitcast(compare_values(k, relation, type_, a, b), I1)
        k.set_scc(flag)

    return handle


def _rounded(name: str) -> Callable[..., Value]:
    return lambda k, a: exact(k, name, a)


def _arithmetic(t: str) -> dict[str, Handler]:
    """What exists in f16 and f32."""
    two, three = f"{t} {t}", f"{t} {t} {t}"
    handlers = {
        f"s_add_{t}": operation(t, two, lambda k, a, b: k.b.fadd(a, b)),
        f"s_sub_{t}": operation(t, two, lambda k, a, b: k.b.fsub(a, b)),
        f"s_mul_{t}": operation(t, two, multiply),
        f"s_min_{t}": operation(t, two, minimum),
        f"s_max_{t}": operation(t, two, maximum),
        f"s_fmac_{t}": operation(t, three, fma, accumulates=True),
        f"s_ceil_{t}": operation(t, t, _rounded("ceil")),
        f"s_floor_{t}": operation(t, t, _rounded("floor")),
        f"s_trunc_{t}": operation(t, t, _rounded("trunc")),
        f"s_rndne_{t}": operation(t, t, _rounded("roundeven")),
    }
    comparisons = {f"s_cmp_{name}_{t}": _comparison(name, TYPES[t]) for name in (*ORDERED, *UNORDERED)}
    return handlers | comparisons


HANDLERS: dict[str, Handler] = {
    **_arithmetic("f16"),
    **_arithmetic("f32"),
    "s_fmaak_f32": operation("f32", "f32 f32 f32", fma),
    "s_fmamk_f32": operation("f32", "f32 f32 f32", fma),
    "s_cvt_f32_i32": operation("f32", "i32", lambda k, a: k.b.sitofp(a, k.shapes.f32)),
    "s_cvt_f32_u32": operation("f32", "u32", lambda k, a: k.b.uitofp(a, k.shapes.f32)),
    "s_cvt_i32_f32": operation("i32", "f32", lambda k, a: to_integer(32, signed=True)(k, a)),
    "s_cvt_u32_f32": operation("u32", "f32", lambda k, a: to_integer(32, signed=False)(k, a)),
    "s_cvt_f16_f32": operation("f16", "f32", to_half),
    "s_cvt_f32_f16": operation("f32", "f16", lambda k, a: k.b.fpext(a, k.shapes.f32)),
    "s_cvt_hi_f32_f16": _high_half,
    "s_cvt_pk_rtz_f16_f32": operation(
        "b32", "f32 f32", lambda k, a, b: pack16(k, to_half_towards_zero(k, a), to_half_towards_zero(k, b))
    ),
}
