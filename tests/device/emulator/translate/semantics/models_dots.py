"""Dot products of two halves, from the ISA manual, in the order of rounding that translate/dots.py states:
the third source, then a fused multiply-add in f32 for the low halves and one for the high ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.cases import Case, lanewise
from tests.device.emulator.translate.semantics.models import mask, signed
from tests.device.emulator.translate.semantics.models_float import flushed
from tests.device.emulator.translate.semantics.models_integer import dot
from tests.device.emulator.translate.semantics.softfloat import BF16, F16, F32, Format

Pick = tuple[int, int]
"""For the low and the high product, which half or whether."""

STRAIGHT: tuple[Pick, Pick] = ((0, 1), (0, 1))
NEVER: tuple[Pick, Pick] = ((0, 0), (0, 0))


class NarrowResult(int):
    """A dword of which one half is a float: a NaN there is any quiet NaN."""

    form: Format
    shift: int

    @classmethod
    def of(cls, form: Format, old: int, bits: int, high: bool) -> NarrowResult:
        shift = 16 if high else 0
        made = cls(old & (mask(32) ^ mask(16) << shift) | bits << shift)
        made.form, made.shift = form, shift
        return made

    def __and__(self, other: int) -> NarrowResult:
        made = NarrowResult(int(self) & other)
        made.form, made.shift = self.form, self.shift
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, int):
            return NotImplemented
        mine, theirs = int(self) >> self.shift & mask(16), int(other) >> self.shift & mask(16)
        if (int(self) ^ int(other)) & (mask(32) ^ mask(16) << self.shift):
            return False
        if sf.is_nan(self.form, mine):
            return sf.is_nan(self.form, theirs) and not sf.is_signalling(self.form, theirs)
        return mine == theirs

    __hash__ = int.__hash__


def chain(
    form: Format, a: int, b: int, total: int,
    halves: tuple[Pick, Pick] = STRAIGHT, negated: tuple[Pick, Pick] = NEVER,
) -> int:  # fmt: skip
    """The f32 bits of total + a.low * b.low + a.high * b.high; per source (low product, high product)."""
    for product in (0, 1):
        x, y = (
            sf.convert(form, F32, (word >> 16 * pick[product] & mask(16)) ^ minus[product] << 15)
            for word, pick, minus in zip((a, b), halves, negated, strict=True)
        )
        total = sf.fma(F32, x, y, total)
    return total


@dataclass(frozen=True)
class _Wide:
    """One spelling of v_dot2_f32_*: its modifiers and what they mean."""

    tail: str
    halves: tuple[Pick, Pick] = STRAIGHT
    negated: tuple[Pick, Pick] = NEVER
    negated_addend: int = 0
    clamp: bool = False


SPELLINGS = (
    _Wide(""),
    _Wide(" clamp", clamp=True),
    _Wide(" neg_lo:[1,0,1] neg_hi:[0,1,1]", negated=((1, 0), (0, 1)), negated_addend=1),
    _Wide(" neg_lo:[0,1,1]", negated=((0, 0), (1, 0)), negated_addend=1),
    _Wide(" op_sel:[1,0,0] op_sel_hi:[0,1,1]", halves=((1, 0), (0, 1))),
)


def wide_cases() -> Iterator[Case]:
    for name, form in (("v_dot2_f32_f16", F16), ("v_dot2_f32_bf16", BF16)):
        for spelling in SPELLINGS:

            def one(r: Row, i: int, form: Format = form, spelling: _Wide = spelling) -> int:
                a, b, c = (getattr(r, x)[i] & mask(32) for x in "abc")
                total = chain(
                    form, a, b, c ^ spelling.negated_addend << 31, spelling.halves, spelling.negated
                )
                return _clamped(flushed(F32, total)) if spelling.clamp else flushed(F32, total)

            text = f"{name} {{d}}, {{a}}, {{b}}, {{c}}{spelling.tail}"
            yield Case(name, Probe(text, vector=1), lanewise(one), "f32")
        one_half = 0x3C00 if form is F16 else 0x3F80

        def constant(r: Row, i: int, form: Format = form, bits: int = one_half) -> int:
            return flushed(F32, chain(form, bits, r.b[i] & mask(32), 0x40000000))

        yield Case(name, Probe(f"{name} {{d}}, 1.0, {{b}}, 2.0", vector=1), lanewise(constant), "f32")

        def scalar(r: Row, i: int, form: Format = form) -> int:
            return flushed(F32, chain(form, r.a[i] & mask(32), r.sb & mask(32), r.c[i] & mask(32)))

        yield Case(name, Probe(f"{name} {{d}}, {{a}}, {{sb}}, {{c}}", vector=1), lanewise(scalar), "f32")
    yield from _accumulating()


def _accumulating() -> Iterator[Case]:
    name = "v_dot2acc_f32_f16"

    def one(r: Row, i: int) -> int:
        return flushed(F32, chain(F16, r.a[i] & mask(32), r.b[i] & mask(32), r.old[i] & mask(32)))

    yield Case(name, Probe(f"{name} {{d}}, {{a}}, {{b}}", vector=1), lanewise(one), "f32")


def _clamped(x: int) -> int:
    if sf.is_nan(F32, x) or sf.sign_of(F32, x):
        return 0
    return min(x, 0x3F800000)


def narrow_cases() -> Iterator[Case]:
    for name, form in (("v_dot2_f16_f16", F16), ("v_dot2_bf16_bf16", BF16)):
        for high_addend in (0, 1):
            for high_result in (0, 1):
                yield _narrow(name, form, high_addend, high_result, modifiers=False)
        yield _narrow(name, form, 0, 0, modifiers=True)


def _narrow(name: str, form: Format, high_addend: int, high_result: int, modifiers: bool) -> Case:
    sources = "-{a}, |{b}|, -|{c}|" if modifiers else "{a}, {b}, {c}"

    def one(r: Row, i: int) -> NarrowResult:
        a, b, c = (getattr(r, x)[i] & mask(32) for x in "abc")
        if modifiers:
            a, b, c = a ^ 0x80008000, b & 0x7FFF7FFF, (c & 0x7FFF7FFF) ^ 0x80008000
        addend = sf.convert(form, F32, c >> 16 * high_addend & mask(16))
        result = sf.convert(F32, form, chain(form, a, b, addend))
        return NarrowResult.of(form, r.old[i] & mask(32), result, bool(high_result))

    text = f"{name} {{d}}, {sources} op_sel:[0,0,{high_addend},{high_result}]"
    return Case(name, Probe(text, vector=1), lanewise(one))


def integer_cases() -> Iterator[Case]:
    """The iu forms saturate as signed numbers whatever their sources are; the u forms as unsigned ones."""
    for bits in (8, 4):
        for signs in ((0, 0), (1, 0), (0, 1), (1, 1)):
            for clamp in ("", " clamp"):
                name = f"v_dot{32 // bits}_i32_iu{bits}"
                text = f"{name} {{d}}, {{a}}, {{b}}, {{c}} neg_lo:[{signs[0]},{signs[1]},0]{clamp}"
                effect = _integer_effect(bits, signs, bool(clamp))
                yield Case(name, Probe(text, vector=1), lanewise(effect))


def _integer_effect(bits: int, signs: Pick, clamp: bool) -> Callable[[Row, int], int]:
    def one(r: Row, i: int) -> int:
        a, b, c = (getattr(r, x)[i] & mask(32) for x in "abc")
        exact = dot(bits, bool(signs[0]), bool(signs[1]), a, b, signed(c, 32))
        return (min(max(exact, -(1 << 31)), (1 << 31) - 1) if clamp else exact) & mask(32)

    return one
