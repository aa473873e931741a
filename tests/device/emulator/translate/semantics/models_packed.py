"""Packed 16-bit math (VOP3P) and mixed precision: halves chosen by op_sel, op_sel_hi, neg_lo, neg_hi."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.cases import Case, lanewise
from tests.device.emulator.translate.semantics.models import mask, modified, signed
from tests.device.emulator.translate.semantics.models_float import maximum, minimum
from tests.device.emulator.translate.semantics.models_integer import dot
from tests.device.emulator.translate.semantics.softfloat import F16, F32

LETTERS = "abc"
Half = Callable[..., int]

FLOAT: dict[str, tuple[int, Half]] = {
    "v_pk_add_f16": (2, partial(sf.add, F16)),
    "v_pk_mul_f16": (2, partial(sf.mul, F16)),
    "v_pk_fma_f16": (3, partial(sf.fma, F16)),
    "v_pk_min_f16": (2, partial(minimum, F16)),
    "v_pk_max_f16": (2, partial(maximum, F16)),
}
INTEGER: dict[str, tuple[int, bool, bool, Half]] = {
    # number of sources, signed, whether clamp saturates, the exact result
    "v_pk_add_u16": (2, False, True, lambda a, b: a + b),
    "v_pk_add_i16": (2, True, True, lambda a, b: a + b),
    "v_pk_sub_u16": (2, False, True, lambda a, b: a - b),
    "v_pk_sub_i16": (2, True, True, lambda a, b: a - b),
    "v_pk_mul_lo_u16": (2, False, False, lambda a, b: a * b),
    "v_pk_mad_u16": (3, False, True, lambda a, b, c: a * b + c),
    "v_pk_mad_i16": (3, True, True, lambda a, b, c: a * b + c),
    "v_pk_lshlrev_b16": (2, False, False, lambda n, a: a << n % 16),
    "v_pk_lshrrev_b16": (2, False, False, lambda n, a: a >> n % 16),
    "v_pk_ashrrev_i16": (2, True, False, lambda n, a: a >> n % 16),
    "v_pk_min_u16": (2, False, False, min),
    "v_pk_max_u16": (2, False, False, max),
    "v_pk_min_i16": (2, True, False, min),
    "v_pk_max_i16": (2, True, False, max),
}


def clamp_half(x: int) -> int:
    if sf.is_nan(F16, x) or sf.sign_of(F16, x):
        return 0
    return min(x, 0x3C00)


def canonical(x: int) -> int:
    """One NaN for all: which payload a sum has is not looked at."""
    return F16.nan if sf.is_nan(F16, x) else x


def _sources(row: Row, lane: int, count: int, first: int | None) -> list[int]:
    """The dwords of the sources; `first` replaces the first by a constant's bits."""
    values = [getattr(row, letter)[lane] & mask(32) for letter in LETTERS[:count]]
    return values if first is None else [first, *values[1:]]


PLAIN = ((0, 0, 0), (1, 1, 1))
SELECTIONS: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = (
    ("", (0, 0, 0), (1, 1, 1)),
    (" op_sel:[1,0{}]", (1, 0, 0), (1, 1, 1)),
    (" op_sel_hi:[0,1{}]", (0, 0, 0), (0, 1, 0)),
    (" op_sel:[0,1{}] op_sel_hi:[1,0{}]", (0, 1, 0), (1, 0, 0)),
)


def _halves(words: list[int], select: tuple[int, ...]) -> list[int]:
    return [word >> 16 * half & 0xFFFF for word, half in zip(words, select, strict=False)]


def _float_case(name: str, count: int, tail: str, effect: Callable[[list[int]], int], first: str) -> Case:
    text = f"{name} {{d}}, {', '.join([first, *(f'{{{x}}}' for x in LETTERS[1:count])])}{tail}"
    constant = {"{a}": None, "1.0": 0x3C00, "-2": 0xFFFFFFFE, "{sa}": None}[first]

    def run(row: Row) -> dict[str, Any]:
        scalar = row.sa & mask(32) if first == "{sa}" else constant
        lanes = [
            _Halves(effect(_sources(row, i, count, scalar))) if row.active(i) else None
            for i in range(row.lanes)
        ]
        return {"v": lanes}

    return Case(name, Probe(text, vector=1), run)


class _Halves(int):
    """Two f16 results: NaNs compare by being NaN."""

    def __and__(self, other: int) -> _Halves:
        return _Halves(int(self) & other)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, int):
            return NotImplemented
        mine, theirs = int(self), int(other)
        return all(canonical(mine >> s & 0xFFFF) == canonical(theirs >> s & 0xFFFF) for s in (0, 16))

    __hash__ = int.__hash__


def float_cases() -> Iterator[Case]:
    for name, (count, fn) in FLOAT.items():
        for tail, low, high in SELECTIONS:
            text = tail.replace("{}", ",0" if count == 3 else "")

            def both(
                words: list[int], fn: Half = fn, low: tuple[int, ...] = low, high: tuple[int, ...] = high
            ) -> int:
                return fn(*_halves(words, low)) | fn(*_halves(words, high)) << 16

            yield _float_case(name, count, text, both, "{a}")

        def negated(words: list[int], fn: Half = fn) -> int:
            low, high = (_halves(words, s) for s in PLAIN)
            return fn(low[0] ^ 0x8000, *low[1:]) | fn(high[0], high[1] ^ 0x8000, *high[2:]) << 16

        extra = ",0" if count == 3 else ""
        yield _float_case(name, count, f" neg_lo:[1,0{extra}] neg_hi:[0,1{extra}]", negated, "{a}")

        def clamped(words: list[int], fn: Half = fn) -> int:
            low, high = (_halves(words, s) for s in PLAIN)
            return clamp_half(fn(*low)) | clamp_half(fn(*high)) << 16

        yield _float_case(name, count, " clamp", clamped, "{a}")

        def straight(words: list[int], fn: Half = fn) -> int:
            low, high = (_halves(words, s) for s in PLAIN)
            return fn(*low) | fn(*high) << 16

        for first in ("1.0", "{sa}", "-2"):
            yield _float_case(name, count, "", straight, first)


def integer_cases() -> Iterator[Case]:
    for name, (count, is_signed, saturates, fn) in INTEGER.items():
        for tail, low, high in SELECTIONS:
            text = tail.replace("{}", ",0" if count == 3 else "")
            yield _integer_case(name, count, is_signed, fn, text, (low, high), False, "{a}")
        if saturates:
            yield _integer_case(name, count, is_signed, fn, " clamp", PLAIN, True, "{a}")
        for first in ("{sa}", "3", "-2"):
            yield _integer_case(name, count, is_signed, fn, "", PLAIN, False, first)


def accumulating_cases() -> Iterator[Case]:
    """v_pk_fmac_f16: the old destination is the third source."""

    def both(a: int, b: int, c: int) -> int:
        low, high = (sf.fma(F16, *(word >> s & 0xFFFF for word in (a, b, c))) for s in (0, 16))
        return low | high << 16

    for first in ("{a}", "{sa}"):

        def one(r: Row, i: int, scalar: bool = first == "{sa}") -> _Halves:
            return _Halves(both(r.sa if scalar else r.a[i], r.b[i], r.old[i]))

        text = f"v_pk_fmac_f16 {{d}}, {first}, {{b}}"
        yield Case("v_pk_fmac_f16", Probe(text, vector=1), lanewise(one))


def _integer_case(
    name: str, count: int, is_signed: bool, fn: Half, tail: str, selections: tuple[tuple[int, ...], ...],
    clamp: bool, first: str,
) -> Case:  # fmt: skip
    text = f"{name} {{d}}, {', '.join([first, *(f'{{{x}}}' for x in LETTERS[1:count])])}{tail}"
    constant = None if first.startswith("{") else int(first) & mask(32)
    low_limit, high_limit = (-0x8000, 0x7FFF) if is_signed else (0, 0xFFFF)

    def one(words: list[int], select: tuple[int, ...]) -> int:
        values = _halves(words, select)
        result = fn(*(signed(v, 16) for v in values)) if is_signed else fn(*values)
        return (min(max(result, low_limit), high_limit) if clamp else result) & 0xFFFF

    def run(row: Row) -> dict[str, Any]:
        scalar = row.sa & mask(32) if first == "{sa}" else constant
        lanes: list[int | None] = []
        for lane in range(row.lanes):
            words = _sources(row, lane, count, scalar)
            value = one(words, selections[0]) | one(words, selections[1]) << 16
            lanes.append(value if row.active(lane) else None)
        return {"v": lanes}

    return Case(name, Probe(text, vector=1), run)


def mixed_cases() -> Iterator[Case]:
    """v_fma_mix: each source f32, or the half of it that op_sel names where op_sel_hi is set."""
    for select, is_half in (((0, 0, 0), (0, 0, 0)), ((0, 1, 0), (1, 1, 0)), ((1, 0, 1), (1, 1, 1))):
        for name in ("v_fma_mix_f32", "v_fma_mixlo_f16", "v_fma_mixhi_f16"):
            for clamp in (False, True):
                yield _mixed(name, select, is_half, clamp)


def _mixed(name: str, select: tuple[int, ...], is_half: tuple[int, ...], clamp: bool) -> Case:
    lists = [",".join(map(str, values)) for values in (select, is_half)]
    text = (
        f"{name} {{d}}, -{{a}}, |{{b}}|, {{c}} op_sel:[{lists[0]}] op_sel_hi:[{lists[1]}]" + " clamp" * clamp
    )

    def source(word: int, index: int) -> int:
        value = sf.convert(F16, F32, word >> 16 * select[index] & 0xFFFF) if is_half[index] else word
        return modified(F32, value, index == 1, index == 0)

    def one(row: Row, lane: int) -> int:
        words = _sources(row, lane, 3, None)
        value = sf.fma(F32, *(source(word, i) for i, word in enumerate(words)))
        if clamp:
            value = 0 if sf.is_nan(F32, value) or sf.sign_of(F32, value) else min(value, 0x3F800000)
        if name == "v_fma_mix_f32":
            return value
        half, old = sf.convert(F32, F16, value), row.old[lane]
        return _Halves(old & 0xFFFF0000 | half if name == "v_fma_mixlo_f16" else old & 0xFFFF | half << 16)

    result = "f32" if name == "v_fma_mix_f32" else "b32"
    return Case(name, Probe(text, vector=1), lambda r: {"v": _active(r, one)}, result)


def _active(row: Row, one: Callable[[Row, int], int]) -> list[int | None]:
    return [one(row, i) if row.active(i) else None for i in range(row.lanes)]


def dot_cases() -> Iterator[Case]:
    """Operands are small whole numbers, so that every order of rounding gives the same."""

    def halves(row: Row, lane: int, base: int) -> int:
        a, b = row.a[lane], row.b[lane]
        total = sf.to_float(F32, base) if not sf.is_nan(F32, base) else 0.0
        for shift in (0, 16):
            x, y = (sf.to_float(F16, word >> shift & 0xFFFF) for word in (a, b))
            total += x * y
        return sf.from_float(F32, total) if not sf.is_nan(F32, base) else F32.nan

    text = "v_dot2_f32_f16 {d}, {a}, {b}, 1.0"
    one = sf.from_float(F32, 1.0)
    yield Case("v_dot2_f32_f16", Probe(text, vector=1), lanewise(lambda r, i: halves(r, i, one)), "f32")
    text = "v_mov_b32 {d}, 2.0;v_dot2acc_f32_f16 {d}, {a}, {b}"
    two = sf.from_float(F32, 2.0)
    yield Case("v_dot2acc_f32_f16", Probe(text, vector=1), lanewise(lambda r, i: halves(r, i, two)), "f32")
    for bits in (8, 4):
        name = f"v_dot{32 // bits}_i32_iu{bits}"
        for a_signed, b_signed in ((True, False), (False, True), (True, True)):

            def one_lane(r: Row, i: int, bits: int = bits, x: bool = a_signed, y: bool = b_signed) -> int:
                words = _sources(r, i, 3, None)
                return dot(bits, x, y, *words) & mask(32)

            text = f"{name} {{d}}, {{a}}, {{b}}, {{c}} neg_lo:[{int(a_signed)},{int(b_signed)},0]"
            yield Case(name, Probe(text, vector=1), lanewise(one_lane))

            def limited(r: Row, i: int, bits: int = bits, x: bool = a_signed, y: bool = b_signed) -> int:
                *words, base = _sources(r, i, 3, None)
                exact = dot(bits, x, y, *words, signed(base, 32))
                return min(max(exact, -(1 << 31)), (1 << 31) - 1) & mask(32)

            yield Case(name, Probe(f"{text} clamp", vector=1), lanewise(limited))


def half_cases() -> Iterator[Case]:
    """f16 with a literal, and halves named as registers."""
    k = 0x4248
    for text, fn in (
        ("v_fmamk_f16 {d}, {a}, 0x4248, {b}", lambda a, b: sf.fma(F16, a, k, b)),
        ("v_fmaak_f16 {d}, {a}, {b}, 0x4248", lambda a, b: sf.fma(F16, a, b, k)),
    ):

        def low(r: Row, i: int, fn: Half = fn) -> int:
            return _Halves(r.old[i] & 0xFFFF0000 | fn(r.a[i] & 0xFFFF, r.b[i] & 0xFFFF))

        yield Case(text.split()[0], Probe(text, vector=1), lanewise(low))


def half_moves() -> Iterator[Case]:
    """Halves named as registers: what only assemblers that know true16 take."""
    low, high = "v_mov_b16_e32 v12.l, v2.h", "v_mov_b16_e32 v12.h, v2.l"
    yield Case(
        "v_mov_b16",
        Probe(low, vector=1),
        lanewise(lambda r, i: r.old[i] & 0xFFFF0000 | r.a[i] >> 16 & 0xFFFF),
    )
    yield Case(
        "v_mov_b16",
        Probe(high, vector=1),
        lanewise(lambda r, i: r.old[i] & 0xFFFF | (r.a[i] & 0xFFFF) << 16),
    )


def conversion_cases() -> Iterator[Case]:
    """v_cvt_pk_rtz_f16_f32 rounds both towards zero."""

    def one(row: Row, lane: int, negate: bool = False) -> _Halves:
        a, b = row.a[lane] & mask(32), row.b[lane] & mask(32)
        low = sf.convert(F32, F16, sf.neg(F32, a) if negate else a, towards_zero=True)
        return _Halves(low | sf.convert(F32, F16, b, towards_zero=True) << 16)

    name = "v_cvt_pk_rtz_f16_f32"
    yield Case(name, Probe(f"{name} {{d}}, {{a}}, {{b}}", vector=1), lambda r: {"v": _active(r, one)})
    text = f"{name} {{d}}, -{{a}}, {{b}}"
    yield Case(name, Probe(text, vector=1), lambda r: {"v": _active(r, lambda q, i: one(q, i, True))})

    def held(row: Row, lane: int) -> _Halves:
        both = one(row, lane)
        return _Halves(clamp_half(both & 0xFFFF) | clamp_half(both >> 16 & 0xFFFF) << 16)

    text = f"{name}_e64 {{d}}, {{a}}, {{b}} clamp"
    yield Case(name, Probe(text, vector=1), lambda r: {"v": _active(r, held)})
