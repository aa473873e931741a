"""Scalar float instructions of RDNA 3.5: the vector instructions' arithmetic on SGPRs.

16-bit results clear the upper half of the destination; SCC changes by comparisons alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.cases import Case, Effect
from tests.device.emulator.translate.semantics.models import TYPES as TYPE_OF
from tests.device.emulator.translate.semantics.models import agrees, mask, signed
from tests.device.emulator.translate.semantics.models_float import (
    from_integer,
    half_to_even,
    maximum,
    minimum,
    rounded,
    to_integer,
)
from tests.device.emulator.translate.semantics.softfloat import F16, F32, Format

Fn = Callable[..., int]


class Result(int):
    """A float in an SGPR: a NaN is any quiet NaN of the format."""

    form: Format

    def __new__(cls, value: int, form: Format) -> Result:
        made = super().__new__(cls, value)
        made.form = form
        return made

    def __and__(self, other: int) -> Result:
        return Result(int(self) & other, self.form)

    def __or__(self, other: int) -> Result:
        return Result(int(self) | other, self.form)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, int):
            return NotImplemented
        low, high = int(other) & mask(32), int(other) >> 32
        type_ = TYPE_OF[self.form.name]
        rest = low >> self.form.bits == int(self) >> self.form.bits & mask(32 - self.form.bits)
        return int(self) >> 32 == high and rest and agrees(type_, int(self) & self.form.mask, low)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = int.__hash__


def _case(text: str, fn: Callable[[Row], int], form: Format | None) -> Case:
    def effect(row: Row) -> Effect:
        value = fn(row)
        return {"s": value if form is None else Result(value, form)}

    return Case(text.split()[0], Probe(text, scalar=2, scc=True), effect)


def _binary(name: str, form: Format, fn: Fn) -> Iterator[Case]:
    m = form.mask
    one, literal = sf.from_float(form, 1.0), {16: 0x4248, 32: 0x40490FDB}[form.bits]
    yield _case(f"{name} {{sd}}, {{sa}}, {{sb}}", lambda r: fn(form, r.sa & m, r.sb & m), form)
    yield _case(f"{name} {{sd}}, {{sa}}, 1.0", lambda r: fn(form, r.sa & m, one), form)
    yield _case(f"{name} {{sd}}, {literal:#x}, {{sb}}", lambda r: fn(form, literal, r.sb & m), form)


def _unary(name: str, source: Format, fn: Callable[[int], int], result: Format | None) -> Iterator[Case]:
    yield _case(f"{name} {{sd}}, {{sa}}", lambda r: fn(r.sa & source.mask), result)


def _subtract(f: Format, a: int, b: int) -> int:
    return sf.add(f, a, sf.neg(f, b))


RELATIONS: dict[str, Callable[[Format, int, int], bool]] = {
    "lt": sf.less,
    "eq": sf.equal,
    "le": lambda f, a, b: sf.less(f, a, b) or sf.equal(f, a, b),
    "gt": lambda f, a, b: sf.less(f, b, a),
    "lg": lambda f, a, b: sf.less(f, a, b) or sf.less(f, b, a),
    "ge": lambda f, a, b: sf.less(f, b, a) or sf.equal(f, a, b),
    "o": lambda f, a, b: not (sf.is_nan(f, a) or sf.is_nan(f, b)),
}
NEGATIONS = {"u": "o", "nge": "ge", "nlg": "lg", "ngt": "gt", "nle": "le", "neq": "eq", "nlt": "lt"}


def _comparisons(form: Format) -> Iterator[Case]:
    for name in (*RELATIONS, *NEGATIONS):
        holds, wanted = RELATIONS[NEGATIONS.get(name, name)], name not in NEGATIONS
        text = f"s_cmp_{name}_{form.name} {{sa}}, {{sb}}"

        def effect(
            r: Row, holds: Callable[[Format, int, int], bool] = holds, wanted: bool = wanted
        ) -> Effect:
            return {"scc": int(holds(form, r.sa & form.mask, r.sb & form.mask) == wanted)}

        yield Case(text.split()[0], Probe(text, scc=True), effect)


def _both(form: Format) -> Iterator[Case]:
    t, m = form.name, form.mask
    for name, fn in (
        ("add", sf.add),
        ("sub", _subtract),
        ("mul", sf.mul),
        ("min", minimum),
        ("max", maximum),
    ):
        yield from _binary(f"s_{name}_{t}", form, fn)
    yield _case(
        f"s_fmac_{t} {{sd}}, {{sa}}, {{sb}}",
        lambda r: sf.fma(form, r.sa & m, r.sb & m, r.sold & m),
        form,
    )
    for name, how in (
        ("ceil", math.ceil),
        ("floor", math.floor),
        ("trunc", math.trunc),
        ("rndne", half_to_even),
    ):
        yield from _unary(f"s_{name}_{t}", form, partial(rounded, how, form), form)
    yield from _comparisons(form)


def _halves_towards_zero(row: Row) -> int:
    low, high = (sf.convert(F32, F16, x & mask(32), towards_zero=True) for x in (row.sa, row.sb))
    return low | high << 16


def conversion_cases() -> Iterator[Case]:
    """Of integers and of bits."""
    yield from _unary("s_cvt_f32_u32", F32, partial(from_integer, F32), F32)
    yield from _unary("s_cvt_f32_i32", F32, lambda x: from_integer(F32, signed(x, 32)), F32)


def cases() -> Iterator[Case]:
    yield from _both(F16)
    yield from _both(F32)
    k, m = 0x40490FDB, mask(32)
    yield _case(
        f"s_fmaak_f32 {{sd}}, {{sa}}, {{sb}}, {k:#x}", lambda r: sf.fma(F32, r.sa & m, r.sb & m, k), F32
    )
    yield _case(
        f"s_fmamk_f32 {{sd}}, {{sa}}, {k:#x}, {{sb}}", lambda r: sf.fma(F32, r.sa & m, k, r.sb & m), F32
    )
    yield from _unary("s_cvt_u32_f32", F32, partial(to_integer, F32, 32, False), None)
    yield from _unary("s_cvt_i32_f32", F32, lambda x: to_integer(F32, 32, True, x) & m, None)
    yield from _unary("s_cvt_f16_f32", F32, partial(sf.convert, F32, F16), F16)
    yield from _unary("s_cvt_f32_f16", F16, partial(sf.convert, F16, F32), F32)
    yield from _unary("s_cvt_hi_f32_f16", F32, lambda x: sf.convert(F16, F32, x >> 16), F32)


def packing_cases() -> Iterator[Case]:
    """Operands without NaN: what is left of one is not looked at here."""
    yield _case("s_cvt_pk_rtz_f16_f32 {sd}, {sa}, {sb}", _halves_towards_zero, None)
