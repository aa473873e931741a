"""MODE: float instructions under every rounding and denormal mode, from exact fractions.

A value is rounded here from a Fraction, by the distance to the two neighbours; nothing is shared with
softfloat's own rounding but the reading of bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.models import TYPES, Near, Valu, decode
from tests.device.emulator.translate.semantics.models_float import MODELS as FLOAT
from tests.device.emulator.translate.semantics.softfloat import F16, F32, F64, Format

NEAREST, UP, DOWN, ZERO = range(4)
FLUSH_BOTH, ALLOW_INPUT, ALLOW_OUTPUT, KEEP = range(4)
ROUNDINGS = (NEAREST, UP, DOWN, ZERO)


def nearest_below(f: Format, size: Fraction) -> tuple[int, Fraction]:
    """The bits of the largest representable magnitude not above `size`, range unlimited, and how far
    `size` is on the way to the next one."""
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    if Fraction(2) ** exponent > size:
        exponent -= 1
    place = max(exponent - f.man, f.min_exponent)
    units = size / Fraction(2) ** place
    whole = math.floor(units)
    # Encodings count up through all magnitudes, binade after binade.
    return (place - f.min_exponent << f.man) + whole, units - whole


def round_to(f: Format, value: Fraction, mode: int, zero_sign: int = 0) -> int:
    if value == 0:
        return zero_sign << f.bits - 1
    sign = int(value < 0)
    below, part = nearest_below(f, abs(value))
    away = {
        NEAREST: part > Fraction(1, 2) or (part == Fraction(1, 2) and below & 1),
        UP: part > 0 and not sign, DOWN: part > 0 and sign, ZERO: False,
    }[mode]  # fmt: skip
    result = below + int(bool(away))
    if result >= f.inf:
        to_infinity = mode == NEAREST or mode == (DOWN if sign else UP)
        result = f.inf if to_infinity else f.inf - 1
    return sign << f.bits - 1 | result


def flushed(f: Format, x: int) -> int:
    return x & f.sign_bit if sf.is_denormal(f, x) else x


def fma(f: Format, mode: int, a: int, b: int, c: int, scale: int = 0) -> int:
    if not all(sf.is_finite(f, x) for x in (a, b, c)):
        return sf.fma(f, a, b, c)
    sign = sf.sign_of(f, a) ^ sf.sign_of(f, b)
    product, addend = sf.to_fraction(f, a) * sf.to_fraction(f, b), sf.to_fraction(f, c)
    same = (sign if product == 0 else int(product < 0)) == sf.sign_of(f, c)
    zero_sign = sf.sign_of(f, c) if same else int(mode == DOWN)
    return round_to(f, (product + addend) * Fraction(2) ** scale, mode, zero_sign)


def add(f: Format, mode: int, a: int, b: int) -> int:
    if not (sf.is_finite(f, a) and sf.is_finite(f, b)):
        return sf.add(f, a, b)
    same = sf.sign_of(f, a) == sf.sign_of(f, b)
    zero_sign = sf.sign_of(f, a) if same else int(mode == DOWN)
    return round_to(f, sf.to_fraction(f, a) + sf.to_fraction(f, b), mode, zero_sign)


def mul(f: Format, mode: int, a: int, b: int) -> int:
    if not (sf.is_finite(f, a) and sf.is_finite(f, b)):
        return sf.mul(f, a, b)
    sign = sf.sign_of(f, a) ^ sf.sign_of(f, b)
    return round_to(f, sf.to_fraction(f, a) * sf.to_fraction(f, b), mode, sign)


def convert(source: Format, target: Format, mode: int, x: int) -> int:
    if not sf.is_finite(source, x):
        return sf.convert(source, target, x)
    return round_to(target, sf.to_fraction(source, x), mode, sf.sign_of(source, x))


def ldexp(f: Format, mode: int, x: int, n: int) -> int:
    if not sf.is_finite(f, x):
        return f.nan if sf.is_nan(f, x) else x
    n = min(max(n, -5000), 5000)
    return round_to(f, sf.to_fraction(f, x) * Fraction(2) ** n, mode, sf.sign_of(f, x))


def fract(f: Format, mode: int, x: int) -> int:
    """The sum of x and -floor(x), as the manual has it, so that a zero is negative where sums round down."""
    if not sf.is_finite(f, x):
        return f.nan
    value = sf.to_fraction(f, x)
    if value == math.floor(value):
        return round_to(f, Fraction(0), mode, int(mode == DOWN))
    return min(round_to(f, value - math.floor(value), mode), sf.from_float(f, 1.0) - 1)


def mul_dx9(f: Format, mode: int, a: int, b: int) -> int:
    return 0 if sf.is_zero(f, a) or sf.is_zero(f, b) else mul(f, mode, a, b)


def _family(f: Format) -> dict[str, tuple[str, Callable[..., int]]]:
    """Sources, and fn(mode, *operands)."""
    t = f.name
    two, three, count = f"{t} {t}", f"{t} {t} {t}", "i16" if f is F16 else "i32"
    found = {
        f"v_add_{t}": (two, lambda m, a, b: add(f, m, a, b)),
        f"v_mul_{t}": (two, lambda m, a, b: mul(f, m, a, b)),
        f"v_fma_{t}": (three, lambda m, a, b, c: fma(f, m, a, b, c)),
        f"v_ldexp_{t}": (f"{t} {count}", lambda m, a, n: ldexp(f, m, a, n)),
        f"v_fract_{t}": (t, lambda m, a: fract(f, m, a)),
    }
    if f is not F64:
        found |= {
            f"v_sub_{t}": (two, lambda m, a, b: add(f, m, a, sf.neg(f, b))),
            f"v_subrev_{t}": (two, lambda m, a, b: add(f, m, b, sf.neg(f, a))),
            f"v_fmac_{t}": (two, lambda m, a, b, old: fma(f, m, a, b, old)),
        }
    return found


ROUNDED: dict[str, tuple[str, Callable[..., int]]] = {
    **_family(F16),
    **_family(F32),
    **_family(F64),
    "v_mul_dx9_zero_f32": ("f32 f32", lambda m, a, b: mul_dx9(F32, m, a, b)),
    "v_cvt_f16_f32": ("f32", lambda m, a: convert(F32, F16, m, a)),
    "v_cvt_f32_f64": ("f64", lambda m, a: convert(F64, F32, m, a)),
    "v_cvt_f32_u32": ("u32", lambda m, a: round_to(F32, Fraction(a), m)),
    "v_cvt_f32_i32": ("i32", lambda m, a: round_to(F32, Fraction(a), m)),
    "v_cvt_f16_u16": ("u16", lambda m, a: round_to(F16, Fraction(a), m)),
    "v_cvt_f16_i16": ("i16", lambda m, a: round_to(F16, Fraction(a), m)),
}

FLUSHED_ALWAYS = {"v_rcp_f32", "v_rcp_iflag_f32", "v_rsq_f32", "v_sqrt_f32"}
"""The f32 transcendental unit's own rule; its model has it."""


def result_of(mnemonic: str) -> str:
    return FLOAT[mnemonic].result


@dataclass(frozen=True)
class ModeCase:
    """One instruction between two writes of MODE: shaped as variants.Variant is."""

    mnemonic: str
    model: Valu
    before: str
    after: str
    fn: Callable[..., Any]
    suffix: str = ""
    high_result: bool = False

    @property
    def probe(self) -> Probe:
        wide = TYPES[self.model.result].bits == 64
        names = [
            f"{{{letter}{'2' if TYPES[t].bits == 64 else ''}}}"
            for letter, t in zip("abc", self.model.sources, strict=False)
        ]
        text = f"{self.mnemonic} {', '.join(['{d2}' if wide else '{d}', *names])}{self.suffix}"
        return Probe(f"{self.before};{text};{self.after}", vector=2 if wide else 1)

    def expected(self, row: Row, lane: int) -> Any:
        values = [
            decode(TYPES[t], getattr(row, letter)[lane])
            for letter, t in zip("abc", self.model.sources, strict=False)
        ]
        if self.model.accumulates:
            values.append(decode(TYPES[self.model.result], row.old[lane]))
        return self.fn(*values)


def writes(value: int, how: str) -> tuple[str, str]:
    """Text that sets MODE[7:0], and text that sets it back; `how` is immediate, setreg or register."""
    if how == "immediate":
        return (
            f"s_round_mode {value & 15};s_denorm_mode {value >> 4}",
            "s_round_mode 0;s_denorm_mode 15",
        )
    if how == "setreg":
        text = "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 8), {:#x}"
        return text.format(value), text.format(0xF0)
    return (
        f"s_mov_b32 s57, {value:#x};s_setreg_b32 hwreg(HW_REG_MODE, 0, 8), s57",
        "s_movk_i32 s57, 0xf0;s_setreg_b32 hwreg(HW_REG_MODE, 0, 8), s57",
    )


def rounded_cases(mode: int, how: str) -> list[ModeCase]:
    """Every instruction that MODE rounds, all widths in the same rounding, denormals kept."""
    before, after = writes(0xF0 | mode | mode << 2, how)
    return [
        ModeCase(name, FLOAT[name], before, after, lambda *v, fn=fn: fn(mode, *v))
        for name, (_, fn) in ROUNDED.items()
    ]


def denormal_cases(denorm_32: int, denorm_16_64: int, how: str) -> list[ModeCase]:
    """Every float instruction with a model, denormals as the two fields say, rounding to nearest."""
    before, after = writes((denorm_32 | denorm_16_64 << 2) << 4, how)
    fields = {16: denorm_16_64, 32: denorm_32, 64: denorm_16_64}
    return [
        ModeCase(name, model, before, after, _with_denormals(model, fields))
        for name, model in FLOAT.items()
        if any(TYPES[t].format for t in (model.result, *model.sources))
    ]


def _with_denormals(model: Valu, fields: dict[int, int]) -> Callable[..., Any]:
    sources = [*model.sources, *([model.result] if model.accumulates else [])]

    def read(t: str, x: int) -> int:
        f = TYPES[t].format
        return flushed(f, x) if f and not fields[f.bits] & ALLOW_INPUT else x

    def fn(*values: int) -> Any:
        result = model.fn(*(read(t, x) for t, x in zip(sources, values, strict=True)))
        f = TYPES[model.result].format
        if f is None or fields[f.bits] & ALLOW_OUTPUT:
            return result
        if isinstance(result, Near):
            return Near(flushed(f, result.bits & f.mask), result.ulps)
        return flushed(f, result & f.mask)

    return fn


OMOD = {" mul:2": Fraction(2), " mul:4": Fraction(4), " div:2": Fraction(1, 2)}


def omod_cases(ieee: int, denorm: int) -> list[ModeCase]:
    """v_add and v_mul with output modifiers, which act only without IEEE and with denormals flushed."""
    before = f"s_setreg_imm32_b32 hwreg(HW_REG_MODE, 4, 6), {denorm * 5 | 16 | ieee << 5:#x}"
    after = "s_setreg_imm32_b32 hwreg(HW_REG_MODE, 4, 6), 0x3f"
    return [
        ModeCase(name, FLOAT[name], before, after, _scaled(f, op, factor, ieee, denorm), suffix)
        for f, name, op in (
            (F32, "v_add_f32", sf.add), (F32, "v_mul_f32", sf.mul), (F16, "v_add_f16", sf.add),
            (F64, "v_mul_f64", sf.mul),
        )
        for suffix, factor in OMOD.items()
    ]  # fmt: skip


def _scaled(
    f: Format, op: Callable[..., int], factor: Fraction, ieee: int, denorm: int
) -> Callable[..., int]:
    def fn(a: int, b: int) -> int:
        if not denorm & ALLOW_INPUT:
            a, b = flushed(f, a), flushed(f, b)
        result = op(f, a, b)
        if denorm & ALLOW_OUTPUT:
            return result
        result = flushed(f, result)
        if ieee or not sf.is_finite(f, result):
            return result
        scaled = flushed(f, round_to(f, sf.to_fraction(f, result) * factor, NEAREST))
        return 0 if sf.is_zero(f, scaled) else scaled

    return fn


def bit_cases() -> list[ModeCase]:
    """Without DX10_CLAMP a NaN goes through clamp; without IEEE min and max take all NaNs alike."""
    write = "s_setreg_imm32_b32 hwreg(HW_REG_MODE, {}, 1), {}"
    clamp, ieee = ((write.format(bit, 0), write.format(bit, 1)) for bit in (8, 9))
    cases = []
    for f in (F16, F32):
        add_name, low, high = f"v_add_{f.name}", f"v_min_{f.name}", f"v_max_{f.name}"
        cases.append(ModeCase(add_name, FLOAT[add_name], *clamp, partial(_clamped_sum, f), " clamp"))
        cases.append(ModeCase(low, FLOAT[low], *ieee, partial(_extreme, f, low=True)))
        cases.append(ModeCase(high, FLOAT[high], *ieee, partial(_extreme, f, low=False)))
    return cases


def _clamped_sum(f: Format, a: int, b: int) -> int:
    total = sf.add(f, a, b)
    one = sf.from_float(f, 1.0)
    if sf.is_nan(f, total):
        return total
    if sf.sign_of(f, total):
        return 0
    return one if sf.less(f, one, total) else total


def _extreme(f: Format, a: int, b: int, low: bool) -> int:
    if sf.is_nan(f, a) or sf.is_nan(f, b):
        return f.nan if sf.is_nan(f, a) and sf.is_nan(f, b) else b if sf.is_nan(f, a) else a
    zeros = sf.is_zero(f, a) and sf.is_zero(f, b)
    below = sf.sign_of(f, a) == 1 if zeros else sf.less(f, a, b)
    return a if below == low else b


def modelled() -> set[str]:
    """The writers of MODE, which test_modes proves by what floats do afterwards."""
    return {"s_round_mode", "s_denorm_mode", "s_setreg_b32", "s_setreg_imm32_b32"}
