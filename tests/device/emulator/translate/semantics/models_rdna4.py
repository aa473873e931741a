"""What RDNA 4 has and RDNA 3 has not, from the RDNA 4 manual's text; memory is models_memory's.

Minima and maxima come in two kinds: those of numbers take no notice of NaN where another operand is none, the
others pass NaN on. There is no IEEE mode, so that a signalling NaN is as good as a quiet one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.cases import Case, Effect, lanewise
from tests.device.emulator.translate.semantics.models import Near, Valu, mask, modified, valu
from tests.device.emulator.translate.semantics.models_float import MODELS as FLOAT
from tests.device.emulator.translate.semantics.models_salu_float import Result
from tests.device.emulator.translate.semantics.softfloat import F16, F32, F64, Format
from tests.device.emulator.translate.semantics.test_conversions import MODELS as CONVERSIONS

Binary = Callable[[Format, int, int], int]


def _is_below(f: Format, a: int, b: int) -> bool:
    return sf.less(f, a, b) or (sf.is_zero(f, a) and sf.is_zero(f, b) and bool(sf.sign_of(f, a)))


def minimum_number(f: Format, a: int, b: int) -> int:
    """The number where one is NaN."""
    if sf.is_nan(f, a) or sf.is_nan(f, b):
        found = b if sf.is_nan(f, a) else a
        return f.nan if sf.is_nan(f, found) else found
    return a if _is_below(f, a, b) else b


def minimum(f: Format, a: int, b: int) -> int:
    """NaN where one is NaN."""
    if sf.is_nan(f, a) or sf.is_nan(f, b):
        return f.nan
    return a if _is_below(f, a, b) else b


def _mirrored(least: Binary) -> Binary:
    return lambda f, a, b: sf.neg(f, least(f, sf.neg(f, a), sf.neg(f, b)))


maximum_number, maximum = _mirrored(minimum_number), _mirrored(minimum)


def _median(f: Format, a: int, b: int, c: int) -> int:
    """The manual's: without NaN, the larger of what is left beside one that is the largest."""
    if any(sf.is_nan(f, x) for x in (a, b, c)):
        return minimum_number(f, minimum_number(f, a, b), c)
    top = maximum_number(f, maximum_number(f, a, b), c)
    if sf.equal(f, top, a):
        return maximum_number(f, b, c)
    return maximum_number(f, a, c) if sf.equal(f, top, b) else maximum_number(f, a, b)


def _of_three(f: Format, inner: Binary, outer: Binary, a: int, b: int, c: int) -> int:
    return outer(f, inner(f, a, b), c)


THREE: dict[str, tuple[Binary, Binary]] = {
    "min3": (minimum_number, minimum_number),
    "max3": (maximum_number, maximum_number),
    "minmax": (minimum_number, maximum_number),
    "maxmin": (maximum_number, minimum_number),
    "minimum3": (minimum, minimum),
    "maximum3": (maximum, maximum),
    "minimummaximum": (minimum, maximum),
    "maximumminimum": (maximum, minimum),
}
TWO: dict[str, Binary] = {
    "min": minimum_number, "max": maximum_number, "minimum": minimum, "maximum": maximum,
}  # fmt: skip


def _extremes() -> Iterator[tuple[str, Valu]]:
    for f in (F16, F32, F64):
        t = f.name
        for name, fn in TWO.items():
            yield f"v_{name}_{t}", valu(t, f"{t} {t}", partial(fn, f))
    for f in (F16, F32):
        t = f.name
        for name, (inner, outer) in THREE.items():
            yield f"v_{name}_{t}", valu(t, f"{t} {t} {t}", partial(_of_three, f, inner, outer))
        yield f"v_med3_{t}", valu(t, f"{t} {t} {t}", partial(_median, f))


EXTREMES: dict[str, Valu] = dict(_extremes())
"""By RDNA 3's names where it has the instruction. Those of other tables are RDNA 3's, in IEEE mode."""

OTHERWISE = {*EXTREMES, *(f"{kind}_{name}_{t}" for kind in ("s", "v_pk") for name in ("min", "max")
                          for t in ("f16", "f32"))}  # fmt: skip
"""What models of RDNA 3 say something else of."""


def cases() -> Iterator[Case]:
    """All but what EXTREMES has."""
    yield from _wide_scalars()
    yield from _scalar_extremes()
    yield from _packed_extremes()
    yield from _scalar_functions()
    yield from _widening()
    yield from _narrowing()
    yield from _stochastic()
    yield from _dots()
    yield from _permlanes()


# ---- scalars


def _wide_scalars() -> Iterator[Case]:
    for name, fn in (
        ("s_add_nc_u64", lambda a, b: a + b),
        ("s_sub_nc_u64", lambda a, b: a - b),
        ("s_mul_u64", lambda a, b: a * b),
    ):

        def effect(row: Row, fn: Callable[[int, int], int] = fn) -> Effect:
            return {"s": fn(row.sa, row.sb) & mask(64)}

        yield Case(name, Probe(f"{name} {{sd2}}, {{sa2}}, {{sb2}}", scalar=2, scc=True), effect, s_bits=64)


def _scalar_extremes() -> Iterator[Case]:
    for f in (F16, F32):
        for name, fn in TWO.items():

            def effect(row: Row, fn: Binary = fn, f: Format = f) -> Effect:
                return {"s": Result(fn(f, row.sa & f.mask, row.sb & f.mask), f)}

            full = f"s_{name}_{f.name}"
            yield Case(full, Probe(f"{full} {{sd}}, {{sa}}, {{sb}}", scalar=2, scc=True), effect)


class _NearResult(Result):
    """As Result, within some units of the last place."""

    ulps: int

    def __and__(self, other: int) -> _NearResult:
        return _near(int(self) & other, self.form, self.ulps)

    def __or__(self, other: int) -> _NearResult:
        return _near(int(self) | other, self.form, self.ulps)

    def __eq__(self, other: object) -> bool:
        if super().__eq__(other):
            return True
        if not isinstance(other, int) or int(other) >> 32 != int(self) >> 32:
            return False
        seen, wanted = int(other) & mask(32), int(self) & mask(32)
        if seen >> self.form.bits or any(sf.is_nan(self.form, x & self.form.mask) for x in (seen, wanted)):
            return False
        return sf.ulps(self.form, seen, wanted) <= self.ulps

    __hash__ = int.__hash__


def _near(value: int, form: Format, ulps: int) -> _NearResult:
    made = _NearResult(value, form)
    made.ulps = ulps
    return made


FUNCTIONS = {**FLOAT, **CONVERSIONS}


def _scalar_functions() -> Iterator[Case]:
    for f in (F16, F32):
        for name in ("exp", "log", "rcp", "rsq", "sqrt"):
            fn = FUNCTIONS[f"v_{name}_{f.name}"].fn
            for source, absolute, negate in (("{sa}", False, False), ("-|{sa}|", True, True)):

                def effect(
                    row: Row,
                    fn: Callable[[int], object] = fn,
                    f: Format = f,
                    how: tuple[bool, bool] = (absolute, negate),
                ) -> Effect:
                    value = fn(modified(f, row.sa & f.mask, *how))
                    bits, ulps = (value.bits, value.ulps) if isinstance(value, Near) else (value, 0)
                    assert isinstance(bits, int)
                    return {"s": _near(bits & f.mask, f, ulps)}

                full = f"v_s_{name}_{f.name}"
                yield Case(full, Probe(f"{full} {{sd}}, {source}", scalar=2, scc=True), effect)


# ---- vectors


def _packed_extremes() -> Iterator[Case]:
    for name, fn in TWO.items():
        for half in (0, 1):
            # One half a case, so that a NaN in the other one does not matter: it is moved away.
            def one(row: Row, lane: int, fn: Binary = fn, half: int = half) -> int:
                a, b = (x[lane] >> 16 * half & F16.mask for x in (row.a, row.b))
                return fn(F16, a, b)

            full = f"v_pk_{name}_f16"
            text = f"{full} {{d}}, {{a}}, {{b}};v_lshrrev_b32 {{d}}, {16 * half}, {{d}}"
            text += ";v_and_b32 {d}, 0xffff, {d}"
            yield Case(full, Probe(text, vector=1), lanewise(one), "f16")


# ---- floats of eight bits

EIGHTS = {"fp8": (3, 7), "bf8": (2, 15)}
"""Bits of the mantissa, and bias."""


def _magnitude(kind: str, code: int) -> Fraction:
    """What seven bits stand for if no code stood for an infinity or NaN."""
    bits, bias = EIGHTS[kind]
    exponent, part = code >> bits, code & mask(bits)
    if exponent == 0:
        return Fraction(part, 1 << bits) * Fraction(2) ** (1 - bias)
    return (1 + Fraction(part, 1 << bits)) * Fraction(2) ** (exponent - bias)


def from_eight(kind: str, byte: int) -> int:
    """The bits of the single."""
    code, sign = byte & 0x7F, byte >> 7 & 1
    if code == 0x7F or (kind == "bf8" and code > 0x7C):
        return F32.nan
    if kind == "bf8" and code == 0x7C:
        return sf.from_float(F32, float("-inf" if sign else "inf"))
    return sf.from_fraction(F32, -_magnitude(kind, code) if sign else _magnitude(kind, code), sign)


def to_eight(kind: str, bits: int) -> int:
    """To the nearest, ties to even codes; what is beyond the largest is NaN in FP8, an infinity in BF8."""
    beyond, sign = (0x7F, 0x7C)[kind == "bf8"], bits >> 31 << 7
    if sf.is_nan(F32, bits):
        return sign | 0x7F
    if sf.is_inf(F32, bits):
        return sign | beyond
    value = abs(sf.to_fraction(F32, bits))
    return sign | min(range(beyond + 1), key=lambda code: (abs(_magnitude(kind, code) - value), code & 1))


def to_eight_by(kind: str, bits: int, seed: int) -> int:
    """Towards zero, of the single whose last bits have the seed's highest ones added: as many as the format
    has no room for."""
    beyond, sign = (0x7F, 0x7C)[kind == "bf8"], bits >> 31 << 7
    if sf.is_nan(F32, bits):
        return sign | 0x7F
    if sf.is_inf(F32, bits):
        return sign | beyond
    moved = (bits & mask(31)) + (seed >> 32 - (23 - EIGHTS[kind][0]))
    if moved >= 0x7F800000:
        return sign | beyond
    value = sf.to_fraction(F32, moved)
    return sign | max(code for code in range(beyond + 1) if _magnitude(kind, code) <= value)


def _stochastic() -> Iterator[Case]:
    for kind in EIGHTS:
        for place in range(4):

            def one(row: Row, lane: int, kind: str = kind, place: int = 8 * place) -> int:
                byte = to_eight_by(kind, row.a[lane] & mask(32), row.b[lane] & mask(32))
                return row.old[lane] & mask(32) & ~(0xFF << place) | byte << place

            name = f"v_cvt_sr_{kind}_f32"
            tail = f" byte_sel:{place}" if place else ""
            yield Case(name, Probe(f"{name} {{d}}, {{a}}, {{b}}{tail}", vector=1), lanewise(one))


def _widening() -> Iterator[Case]:
    for kind in EIGHTS:
        for place in range(4):

            def one(row: Row, lane: int, kind: str = kind, place: int = place) -> int:
                return from_eight(kind, row.a[lane] >> 8 * place & 0xFF)

            name = f"v_cvt_f32_{kind}"
            text = f"{name}_e64 {{d}}, {{a}} byte_sel:{place}" if place else f"{name} {{d}}, {{a}}"
            yield Case(name, Probe(text, vector=1), lanewise(one), "f32")
        for high in (0, 1):
            for which in (0, 1):

                def pair(row: Row, lane: int, kind: str = kind, at: int = 2 * high + which) -> int:
                    return from_eight(kind, row.a[lane] >> 8 * at & 0xFF)

                name = f"v_cvt_pk_f32_{kind}"
                text = f"{name}_e64 {{d2}}, {{a}} op_sel:[1,0]" if high else f"{name} {{d2}}, {{a}}"
                text += ";v_mov_b32 {d}, {x}" if which else ""
                yield Case(name, Probe(text, vector=1), lanewise(pair), "f32")


def _narrowing() -> Iterator[Case]:
    for kind in EIGHTS:
        for high in (0, 1):

            def one(row: Row, lane: int, kind: str = kind, high: int = high) -> int:
                both = to_eight(kind, row.a[lane] & mask(32)) | to_eight(kind, row.b[lane] & mask(32)) << 8
                old = row.old[lane] & mask(32)
                return old & 0xFFFF | both << 16 if high else old & 0xFFFF0000 | both

            name = f"v_cvt_pk_{kind}_f32"
            tail = " op_sel:[0,0,1]" if high else ""
            yield Case(name, Probe(f"{name} {{d}}, {{a}}, {{b}}{tail}", vector=1), lanewise(one))


def _dots() -> Iterator[Case]:
    for a in EIGHTS:
        for b in EIGHTS:
            for tail, absolute, negate in (
                ("", False, False),
                (" neg_lo:[0,0,1]", False, True),
                (" neg_lo:[0,0,1] neg_hi:[0,0,1]", True, True),
            ):

                def one(
                    row: Row,
                    lane: int,
                    kinds: tuple[str, str] = (a, b),
                    how: tuple[bool, bool] = (absolute, negate),
                ) -> int:
                    total = modified(F32, row.c[lane] & mask(32), *how)
                    for at in range(0, 32, 8):
                        x, y = (
                            from_eight(kind, source[lane] >> at & 0xFF)
                            for kind, source in zip(kinds, (row.a, row.b), strict=True)
                        )
                        total = sf.fma(F32, x, y, total)
                    return total & F32.sign_bit if sf.is_denormal(F32, total) else total

                name = f"v_dot4_f32_{a}_{b}"
                yield Case(
                    name, Probe(f"{name} {{d}}, {{a}}, {{b}}, {{c}}{tail}", vector=1), lanewise(one), "f32"
                )


# ---- lanes


def _permlanes() -> Iterator[Case]:
    for name, cross in (("v_permlane16_var_b32", 0), ("v_permlanex16_var_b32", 1)):
        for fetch, bound in ((0, 0), (1, 0), (0, 1), (1, 1)):

            def one(r: Row, i: int, cross: int = cross, fetch: int = fetch, bound: int = bound) -> int | None:
                lane = (i // 16 ^ cross) * 16 + (r.b[i] & 15)
                if fetch or r.active(lane):
                    return r.a[lane] & mask(32)
                return 0 if bound else None

            text = f"{name} {{d}}, {{a}}, {{b}} op_sel:[{fetch},{bound}]"
            yield Case(name, Probe(text, vector=1), lanewise(one))
