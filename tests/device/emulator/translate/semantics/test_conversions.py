"""Packing conversions, dot products and the transcendental instructions, with their error bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from rocverify.device.emulator.isa.families.rdna3 import RDNA3
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.translate.semantics.tables import handlers
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.translate.semantics import models_float, operands
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.checking import accepted, differences
from tests.device.emulator.translate.semantics.models import Near, Valu, signed, valu
from tests.device.emulator.translate.semantics.models_integer import dot
from tests.device.emulator.translate.semantics.operands import Source
from tests.device.emulator.translate.semantics.softfloat import F16, F32, Format
from tests.device.emulator.translate.semantics.variants import variants

HANDLERS = handlers(RDNA3)


def _limited(value: int, low: int, high: int) -> int:
    return min(max(value, low), high)


def _pair(one: Callable[[int], int]) -> Callable[[int, int], int]:
    return lambda a, b: one(a) & 0xFFFF | (one(b) & 0xFFFF) << 16


def _normalised(f: Format, is_signed: bool, x: int) -> int:
    """The product with the largest integer is rounded to f32 once, then to the nearest integer."""
    single = sf.mul(F32, sf.convert(f, F32, x), sf.from_float(F32, 32767.0 if is_signed else 65535.0))
    whole = models_float.to_integer(F32, 32, True, single, round)
    return _limited(whole, -0x7FFF if is_signed else 0, 0x7FFF if is_signed else 0xFFFF)


def _byte(x: int, place: int, base: int) -> int:
    value = models_float.to_integer(F32, 8, False, x, round)
    shift = 8 * (place & 3)
    return base & ~(0xFF << shift) | value << shift


def _saturated_bytes(x: int) -> int:
    return _limited(signed(x, 16), 0, 255) | _limited(signed(x >> 16, 16), 0, 255) << 8


def _fma_dx9(a: int, b: int, c: int) -> int:
    if sf.is_zero(F32, a) or sf.is_zero(F32, b):
        return sf.add(F32, 0, c)
    return sf.fma(F32, a, b, c)


def _transcendental(f: Format, fn: Callable[[float], float], x: int) -> Near:
    """Within one ULP of the exact value; f32 flushes denormals, operand and result."""
    flush = models_float.flushed if f is F32 else (lambda _, bits: bits)
    value = sf.to_float(f, flush(f, x))
    try:
        result = fn(value)
    except (ValueError, OverflowError):
        result = math.nan
    return Near(flush(f, sf.from_float(f, result)), 1)


def _exp2(x: float) -> float:
    return math.inf if x > 1000 else math.exp2(x)


def _log2(x: float) -> float:
    return -math.inf if x == 0 else math.log2(x)


def _turns(fn: Callable[[float], float], zero_keeps_sign: bool) -> Callable[[float], float]:
    def compute(x: float) -> float:
        part = math.remainder(x, 1.0)
        if zero_keeps_sign and part == 0:
            return x if x == 0 else 0.0
        quarter = {0.0: 1.0, 0.25: 0.0, 0.5: -1.0}.get(abs(part)) if not zero_keeps_sign else None
        half = 0.0 if zero_keeps_sign and abs(part) == 0.5 else None
        special = quarter if half is None else half
        return fn(2 * math.pi * part) if special is None else special

    return compute


MODELS: dict[str, Valu] = {
    "v_cvt_pk_i16_i32": valu("b32", "i32 i32", _pair(lambda x: _limited(x, -0x8000, 0x7FFF))),
    "v_cvt_pk_u16_u32": valu("b32", "u32 u32", _pair(lambda x: min(x, 0xFFFF))),
    "v_cvt_pk_i16_f32": valu(
        "b32", "f32 f32", _pair(partial(models_float.to_integer, F32, 16, True)), saturates=True
    ),
    "v_cvt_pk_u16_f32": valu(
        "b32", "f32 f32", _pair(partial(models_float.to_integer, F32, 16, False)), saturates=True
    ),
    "v_cvt_pk_norm_i16_f32": valu("b32", "f32 f32", _pair(partial(_normalised, F32, True)), saturates=True),
    "v_cvt_pk_norm_u16_f32": valu("b32", "f32 f32", _pair(partial(_normalised, F32, False)), saturates=True),
    "v_cvt_pk_norm_i16_f16": valu("b32", "f16 f16", _pair(partial(_normalised, F16, True)), saturates=True),
    "v_cvt_pk_norm_u16_f16": valu("b32", "f16 f16", _pair(partial(_normalised, F16, False)), saturates=True),
    "v_cvt_pk_u8_f32": valu("b32", "f32 u32 b32", _byte, saturates=True),
    "v_cvt_norm_i16_f16": valu("i16", "f16", partial(_normalised, F16, True), saturates=True),
    "v_cvt_norm_u16_f16": valu("u16", "f16", partial(_normalised, F16, False), saturates=True),
    "v_sat_pk_u8_i16": valu("b16", "b32", _saturated_bytes),
    "v_cvt_off_f32_i4": valu("f32", "b32", lambda x: sf.from_float(F32, signed(x, 4) / 16)),
    "v_cvt_u32_u16": valu("u32", "u16", lambda x: x),
    "v_cvt_i32_i16": valu("i32", "i16", lambda x: x),
    "v_dot4_i32_iu8": valu("i32", "b32 b32 u32", partial(dot, 8, False, False)),
    "v_dot8_i32_iu4": valu("i32", "b32 b32 u32", partial(dot, 4, False, False)),
    "v_dot4_u32_u8": valu("u32", "b32 b32 u32", partial(dot, 8, False, False), saturates=True),
    "v_dot8_u32_u4": valu("u32", "b32 b32 u32", partial(dot, 4, False, False), saturates=True),
    "v_fmac_dx9_zero_f32": valu("f32", "f32 f32", _fma_dx9, accumulates=True),
    "v_fma_dx9_zero_f32": valu("f32", "f32 f32 f32", _fma_dx9),
    **{
        f"v_{name}_{f.name}": valu(f.name, f.name, partial(_transcendental, f, fn))
        for f in (F16, F32)
        for name, fn in (
            ("exp", _exp2),
            ("log", _log2),
            ("sin", _turns(math.sin, zero_keeps_sign=True)),
            ("cos", _turns(math.cos, zero_keeps_sign=False)),
        )
    },
}


def _half_then_integers(rng: Any) -> int:
    return operands.half_bits(rng)


SOURCES: dict[str, Source] = {
    "f32": operands.float32_bits,
    "f16": _half_then_integers,
    "integer": operands.integer_bits,
}


def _family(model: Valu) -> str:
    return next((s for s in model.sources if s in SOURCES), "integer")


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize("family", SOURCES)
def test_conversions_do_what_the_manual_says(machine: Machine, assembler: Assembler, family: str) -> None:
    models = {name: model for name, model in MODELS.items() if _family(model) == family and name in HANDLERS}
    candidates = [variant for name, model in models.items() for variant in variants(name, model)]
    tried = accepted(assembler, candidates)
    assert {variant.mnemonic for variant in tried} == set(models)
    wrong = differences(machine, assembler, tried, operands.make_rows(SOURCES[family], 12, seed=11))
    if wrong:
        pytest.fail("\n".join(wrong))
