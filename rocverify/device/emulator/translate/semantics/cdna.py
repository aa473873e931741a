"""What CDNA has and RDNA has not: singles in pairs, accumulation registers, sums of 64 bits, multiply-adds
that round twice, VGPRs at a distance by a mode, caches of several dies. Names are the ISA manual's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand
from rocverify.device.emulator.translate.builder import modes
from rocverify.device.emulator.translate.builder.dialect import Handler
from rocverify.device.emulator.translate.builder.types import TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics import rdna2, relative
from rocverify.device.emulator.translate.semantics.buffer import buffer_atomic
from rocverify.device.emulator.translate.semantics.division import HANDLERS as DIVISION
from rocverify.device.emulator.translate.semantics.floats import fma, multiply
from rocverify.device.emulator.translate.semantics.memory import ATOMICS, lds_atomic, vector_atomic
from rocverify.device.emulator.translate.semantics.special import nothing
from rocverify.device.emulator.translate.semantics.vector import (
    accumulate,
    clamp01,
    commit_bits,
    read,
    saturating,
    valu,
)
from rocverify.errors import DeviceError

K = WaveBuilder
F32, B32, B64 = TYPES["f32"], TYPES["b32"], TYPES["b64"]

CACHES = (
    "buffer_wbinvl1", "buffer_wbinvl1_vol", "buffer_wbl2", "buffer_invl2", "buffer_inv", "s_dcache_inv_vol",
    "s_dcache_wb", "s_dcache_wb_vol", "s_dcache_discard", "s_dcache_discard_x2",
)  # fmt: skip
"""What concerns caches alone."""


# ---- singles in pairs


def _single(k: K, inst: Instruction, operand: Operand, high: int) -> Value:
    """One dword of a source of two. A constant is the low one; the high one of it is not documented."""
    if operand.is_register:
        return read(k, inst, operand.part(high), F32)
    if high:
        raise DeviceError("the high dword of a constant is not documented")
    return read(k, inst, operand, F32)


def _packed(count: int, compute: Callable[..., Value]) -> Handler:
    """v_pk_fma_f32 and its fellows: op_sel and op_sel_hi say which dword of each source the low and the high
    result are made of, neg_lo and neg_hi negate it."""

    def handle(k: K, inst: Instruction) -> None:
        target, *sources = inst.operands
        results = []
        for select, default, negate in (("op_sel", 0, "neg_lo"), ("op_sel_hi", 1, "neg_hi")):
            parts = inst.flags(select, count, default)
            signs = inst.flags(negate, count, 0)
            values = [_single(k, inst, source, part) for source, part in zip(sources, parts, strict=True)]
            values = [k.b.fneg(v) if minus else v for v, minus in zip(values, signs, strict=True)]
            value = modes.flush_output(k, compute(k, *values), 32)
            results.append(clamp01(k, value) if "clamp" in inst.modifiers else value)
        for place, value in enumerate(results):
            commit_bits(k, target.part(place), k.b.bitcast(value, k.shapes.i32))

    return handle


def _packed_move(k: K, inst: Instruction) -> None:
    """v_pk_mov_b32: a dword of the first source, and one of the second."""
    target, *sources = inst.operands
    selected = zip(sources, inst.flags("op_sel", 2, 0), strict=True)
    values = [read(k, inst, s.part(p) if s.is_register else s, B32) for s, p in selected]
    for place, value in enumerate(values):
        commit_bits(k, target.part(place), value)


# ---- multiply-adds that round the product too


def _multiply_add(k: K, a: Value, b: Value, c: Value) -> Value:
    return k.b.fadd(multiply(k, a, b), c)


def _multiply_add_legacy(k: K, a: Value, b: Value, c: Value) -> Value:
    """Zero times anything is zero."""
    zero = k.const(a.type, 0.0)
    none = k.b.or_(k.b.fcmp_ordered("==", a, zero), k.b.fcmp_ordered("==", b, zero))
    return k.b.fadd(k.b.select(none, zero, k.b.fmul(a, b)), c)


def _multiply_adds() -> Iterator[tuple[str, Handler]]:
    for t in ("f16", "f32"):
        plain = valu(t, f"{t} {t} {t}", _multiply_add)
        yield f"v_mad_{t}", plain
        yield f"v_madmk_{t}", plain
        yield f"v_madak_{t}", plain
        yield f"v_mac_{t}", accumulate(t, f"{t} {t}", _multiply_add)
    yield "v_mad_legacy_f32", valu("f32", "f32 f32 f32", _multiply_add_legacy)
    yield "v_mad_legacy_f16", valu("f16", "f16 f16 f16", _multiply_add)
    yield "v_fma_legacy_f16", valu("f16", "f16 f16 f16", fma)
    yield "v_div_fixup_legacy_f16", DIVISION["v_div_fixup_f16"]
    for t in ("u16", "i16"):
        yield f"v_mad_legacy_{t}", saturating(t, f"{t} {t} {t}", lambda k, a, b, c: k.b.add(k.b.mul(a, b), c))


# ---- moves


def _move(k: K, inst: Instruction) -> None:
    """v_accvgpr_read_b32, v_accvgpr_write_b32, v_accvgpr_mov_b32."""
    target, source = inst.operands
    commit_bits(k, target, read(k, inst, source, B32))


def _shifted_sum(k: K, inst: Instruction) -> None:
    """v_lshl_add_u64: the lowest three bits of the second source count."""
    target, value, count, added = inst.operands
    shift = k.b.zext(k.b.and_(read(k, inst, count, B32), k.const(k.shapes.i32, 7)), k.shapes.i64)
    shifted = k.b.shl(read(k, inst, value, B64), shift)
    commit_bits(k, target, k.b.add(shifted, read(k, inst, added, B64)))


# ---- atomics


def _atomics() -> Iterator[tuple[str, Handler]]:
    for name, operation, bits in (
        ("add_f64", ATOMICS["add_f"], 64),
        ("pk_add_f16", ATOMICS["pk_add_f16"], 32),
        ("pk_add_bf16", ATOMICS["pk_add_bf16"], 32),
    ):
        for space in ("global", "flat"):
            yield f"{space}_atomic_{name}", vector_atomic(space, operation, bits)
        yield f"buffer_atomic_{name}", buffer_atomic(operation, bits)
        stem, _, kind = name.rpartition("_")
        yield f"ds_{name}", lds_atomic(operation, bits, returns=False)
        yield f"ds_{stem}_rtn_{kind}", lds_atomic(operation, bits, returns=True)


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(CACHES, nothing),
    **dict(_multiply_adds()),
    **dict(_atomics()),
    "v_pk_add_f32": _packed(2, lambda k, a, b: k.b.fadd(a, b)),
    "v_pk_mul_f32": _packed(2, multiply),
    "v_pk_fma_f32": _packed(3, fma),
    "v_pk_mov_b32": _packed_move,
    "v_accvgpr_read_b32": _move,
    "v_accvgpr_write_b32": _move,
    "v_accvgpr_mov_b32": _move,
    **relative.INDEX_MODE,
    "v_dot2c_i32_i16": rdna2.accumulating(rdna2.HANDLERS["v_dot2_i32_i16"]),
    "v_dot8c_i32_i4": rdna2.accumulating(rdna2.HANDLERS["v_dot8_i32_i4"]),
    "v_mov_b64": valu("b64", "b64", lambda k, a: a),
    "v_lshl_add_u64": _shifted_sum,
}
