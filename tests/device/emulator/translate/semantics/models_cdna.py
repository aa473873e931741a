"""What CDNA has and RDNA has not, from the text of CDNA's manuals; matrices are models_matrix_cdna's, memory
models_memory's."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.cases import Case, Effect, lanewise
from tests.device.emulator.translate.semantics.models import mask
from tests.device.emulator.translate.semantics.softfloat import F16, F32, Format

NOT_THERE = frozenset(("dual", "halves", "half moves", "narrow dots", "integer dots", "relative", "long dpp"))
"""Kinds of cases of which there are none."""

ZEROING = frozenset(
    f"v_{name}"
    for name in (
        *(f"{name}_f16" for name in (
            "add", "sub", "subrev", "mul", "max", "min", "rcp", "rsq", "sqrt", "log", "exp", "sin", "cos",
            "floor", "ceil", "trunc", "rndne", "fract", "frexp_mant", "ldexp",
        )),
        "lshlrev_b16", "lshrrev_b16", "ashrrev_i16", "add_nc_u16", "sub_nc_u16", "subrev_nc_u16",
        "mul_lo_u16", "max_u16", "min_u16", "max_i16", "min_i16", "cvt_f16_f32", "cvt_f16_u16",
        "cvt_f16_i16", "frexp_exp_i16_f16",
    )
)  # fmt: skip
"""Instructions whose result of 16 bits makes the other half of its register zero: LLVM's GCNSubtarget.cpp,
zeroesHigh16BitsOfDest."""

PI = 0x40490FDB


def also_to_vcc(case: Case) -> Case:
    """Comparisons that narrow EXEC write their lane mask as well, here VCC."""
    if not case.mnemonic.startswith("v_cmpx_"):
        return case
    return replace(case, effect=lambda row: (narrowed := case.effect(row)) | {"vcc": narrowed["exec"]})


def cases() -> Iterator[Case]:
    """All but those of the lanes of other rows."""
    yield from _moves()
    yield from _multiply_adds()
    yield from _across_rows()
    yield from _zeroing()
    for count in ("{b}", "3"):
        yield _shifted_sum(count)


def _words(value: int) -> tuple[int, int]:
    return value & mask(32), value >> 32


def packed_cases() -> Iterator[Case]:
    """Two singles at once."""
    functions: dict[str, tuple[int, Callable[..., int]]] = {
        "v_pk_add_f32": (2, lambda a, b: sf.add(F32, a, b)),
        "v_pk_mul_f32": (2, lambda a, b: sf.mul(F32, a, b)),
        "v_pk_fma_f32": (3, lambda a, b, c: sf.fma(F32, a, b, c)),
    }
    for name, (count, fn) in functions.items():
        sources = ", ".join(("{a2}", "{b2}", "{c2}")[:count])
        selections = ((0,) * count, (1,) * count), ((1, 0, 1)[:count], (0, 1, 1)[:count])
        for low, high in selections:
            for signs in ((0, 0, 0), (1, 0, 1)):
                text = f"{name} {{d2}}, {sources} op_sel:{_list(low)} op_sel_hi:{_list(high)}"
                text += f" neg_lo:{_list(signs[:count])}" if any(signs) else ""
                yield Case(name, Probe(text, vector=2), lanewise(_pair(count, fn, low, high, signs)), "b64")
    yield Case(
        "v_pk_mov_b32",
        Probe("v_pk_mov_b32 {d2}, {a2}, {b2} op_sel:[1,0]", vector=2),
        lanewise(lambda row, lane: _words(row.a[lane])[1] | _words(row.b[lane])[0] << 32),
        "b64",
    )


def _list(values: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, values))}]"


def _pair(
    count: int,
    fn: Callable[..., int],
    low: tuple[int, ...],
    high: tuple[int, ...],
    signs: tuple[int, ...],
) -> Callable[[Row, int], int]:
    def one(row: Row, lane: int) -> int:
        words = [_words(source[lane]) for source in (row.a, row.b, row.c)[:count]]
        first = [w[at] ^ minus << 31 for w, at, minus in zip(words, low, signs, strict=False)]
        second = [w[at] for w, at in zip(words, high, strict=True)]
        return fn(*first) | fn(*second) << 32

    return one


def _moves() -> Iterator[Case]:
    kept = lanewise(lambda row, lane: row.a[lane] & mask(32))
    there = "v_accvgpr_write_b32 a3, {a};v_accvgpr_mov_b32 a7, a3;s_nop 7;v_accvgpr_read_b32 {d}, a7"
    for name in ("v_accvgpr_write_b32", "v_accvgpr_mov_b32", "v_accvgpr_read_b32"):
        yield Case(name, Probe(there, vector=1), kept)
    whole = lanewise(lambda row, lane: row.a[lane])
    yield Case("v_mov_b64", Probe("v_mov_b64 {d2}, {a2}", vector=2), whole, "b64")


def _shifted_sum(count: str) -> Case:
    def one(row: Row, lane: int) -> int:
        shift = 3 if count == "3" else row.b[lane] & 7
        return ((row.a[lane] << shift) + row.c[lane]) & mask(64)

    probe = Probe(f"v_lshl_add_u64 {{d2}}, {{a2}}, {count}, {{c2}}", vector=2)
    return Case("v_lshl_add_u64", probe, lanewise(one), "b64")


# ---- products that are rounded before they are added


def _rounded_twice(f: Format) -> Callable[[int, int, int], int]:
    return lambda a, b, c: sf.add(f, sf.mul(f, a, b), c)


def _multiply_adds() -> Iterator[Case]:
    for t, f in (("f16", F16), ("f32", F32)):
        fn, bits = _rounded_twice(f), f.bits
        forms = {
            f"v_mad_{t}": ("{a}, {b}, {c}", "abc"),
            f"v_mac_{t}": ("{a}, {b}", ("a", "b", "old")),
        }
        for name, (sources, fields) in forms.items():
            yield Case(name, Probe(f"{name} {{d}}, {sources}", vector=1), _by_fields(fn, fields, bits), t)
    yield Case(
        "v_madak_f32",
        Probe("v_madak_f32 {d}, {a}, {b}, 0x40490fdb", vector=1),
        lanewise(lambda row, i: _rounded_twice(F32)(row.a[i] & mask(32), row.b[i] & mask(32), PI)),
        "f32",
    )
    yield Case(
        "v_madmk_f32",
        Probe("v_madmk_f32 {d}, {a}, 0x40490fdb, {b}", vector=1),
        lanewise(lambda row, i: _rounded_twice(F32)(row.a[i] & mask(32), PI, row.b[i] & mask(32))),
        "f32",
    )
    for name in ("v_mad_legacy_u16", "v_mad_legacy_i16"):
        yield Case(name, Probe(f"{name} {{d}}, {{a}}, {{b}}, {{c}}", vector=1), lanewise(_legacy_integers))


def _legacy_integers(row: Row, lane: int) -> int:
    """The low half of the sum; zeros above."""
    return (row.a[lane] * row.b[lane] + row.c[lane]) & mask(16)


def _by_fields(fn: Callable[..., int], fields: str | tuple[str, ...], bits: int) -> Callable[[Row], Effect]:
    def one(row: Row, lane: int) -> int:
        result = fn(*(getattr(row, name)[lane] & mask(bits) for name in fields))
        # The other half of the register stays as it is.
        return result if bits == 32 else result | row.old[lane] & 0xFFFF0000

    return lanewise(one)


# ---- results of 16 bits


def _zeroing() -> Iterator[Case]:
    """Most instructions make the other half of the register zero."""
    yield Case(
        "v_add_u16",
        Probe("v_add_u16 {d}, {a}, {b}", vector=1),
        lanewise(lambda row, lane: row.a[lane] + row.b[lane] & mask(16)),
    )
    yield Case(
        "v_lshlrev_b16",
        Probe("v_lshlrev_b16 {d}, 3, {b}", vector=1),
        lanewise(lambda row, lane: row.b[lane] << 3 & mask(16)),
    )


# ---- DPP across rows


def _across_rows() -> Iterator[Case]:
    moved: dict[str, Callable[[int], int | None]] = {
        "row_bcast:15": lambda lane: lane // 16 * 16 - 1 if lane >= 16 else None,
        "row_bcast:31": lambda lane: 31 if lane >= 32 else None,
        "wave_shl:1": lambda lane: lane + 1 if lane < 63 else None,
        "wave_rol:1": lambda lane: (lane + 1) % 64,
        "wave_shr:1": lambda lane: lane - 1 if lane else None,
        "wave_ror:1": lambda lane: (lane - 1) % 64,
        "row_newbcast:5": lambda lane: lane // 16 * 16 + 5,
    }
    for control, source in moved.items():
        for zeroes in (False, True):
            tail = " bound_ctrl:0" if zeroes else ""
            text = f"s_nop 4;v_mov_b32_dpp {{d}}, {{a}} {control} row_mask:0xf bank_mask:0xf{tail}"
            yield Case("v_mov_b32", Probe(text, vector=1), _permuted(source, zeroes))


def _permuted(source: Callable[[int], int | None], zeroes: bool) -> Callable[[Row], Effect]:
    def one(row: Row, lane: int) -> int:
        at = source(lane)
        if at is not None and row.active(at):
            return row.a[at] & mask(32)
        return 0 if zeroes else row.old[lane] & mask(32)

    return lanewise(one)


# ---- floats of eight bits without a negative zero


class Eight:
    """E4M3 with a bias of 8, or E5M2 with one of 16; 0x80 is NaN, and there are no infinities."""

    def __init__(self, exponent: int, mantissa: int) -> None:
        self.mantissa, self.bias = mantissa, 1 << exponent - 1
        self.values = [self._value(code) for code in range(128)]

    def _value(self, code: int) -> Fraction:
        exponent, fraction = code >> self.mantissa, code & (1 << self.mantissa) - 1
        if exponent == 0:
            return Fraction(fraction, 1 << self.mantissa) / (1 << self.bias - 1)
        scale = Fraction(2) ** (exponent - self.bias)
        return (1 + Fraction(fraction, 1 << self.mantissa)) * scale

    def single(self, byte: int) -> int:
        """The bits of the same number in single precision."""
        if byte == 0x80:
            return F32.nan
        value = self.values[byte & 127]
        return sf.from_fraction(F32, -value if byte >> 7 else value)

    def nearest(self, bits: int) -> int:
        """The code of the nearest number, of two the one with an even code; NaN for what is too large."""
        if not sf.is_finite(F32, bits):
            return 0x80
        value = abs(sf.to_fraction(F32, bits))
        step = self.values[127] - self.values[126]
        if value >= self.values[127] + step / 2:
            return 0x80
        code = min(range(128), key=lambda one: (abs(self.values[one] - value), one & 1))
        return code | (bits >> 31) << 7 if code else 0


FNUZ = {"fp8": Eight(4, 3), "bf8": Eight(5, 2)}


def eight_cases() -> Iterator[Case]:
    """CDNA 3's conversions from and to floats of eight bits."""
    for name, form in FNUZ.items():
        for text, at in ((f"v_cvt_f32_{name} {{d}}, {{a}}", 0), (
            f"v_cvt_f32_{name}_sdwa {{d}}, {{a}} src0_sel:BYTE_2", 2)):  # fmt: skip
            yield Case(f"v_cvt_f32_{name}", Probe(text, vector=1), _single_of(form, at), "f32")
        yield Case(f"v_cvt_pk_{name}_f32", Probe(f"v_cvt_pk_{name}_f32 {{d}}, {{a}}, {{b}}", vector=1),
                   _packed_of(form))  # fmt: skip


def moderate_bits(rng: random.Random) -> int:
    """Two singles from below the least number of eight bits to above the greatest; every byte by chance."""
    low, high = (sf.from_float(F32, rng.choice((-1, 1)) * 2.0 ** rng.uniform(-20, 18)) for _ in range(2))
    return low | high << 32 if rng.random() < 0.7 else rng.getrandbits(64)


def _single_of(form: Eight, at: int) -> Callable[[Row], Effect]:
    return lanewise(lambda row, lane: form.single(row.a[lane] >> 8 * at & 0xFF))


def _packed_of(form: Eight) -> Callable[[Row], Effect]:
    def one(row: Row, lane: int) -> int:
        both = form.nearest(row.a[lane] & mask(32)) | form.nearest(row.b[lane] & mask(32)) << 8
        return both | row.old[lane] & 0xFFFF0000

    return lanewise(one)
