"""What RDNA 2 has and RDNA 3 has no more, from the RDNA 2 manual's text; memory is models_memory's."""

from __future__ import annotations

from collections.abc import Iterator

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.cases import Case, Effect, lanewise
from tests.device.emulator.translate.semantics.models import mask, signed
from tests.device.emulator.translate.semantics.softfloat import F32


def cases() -> Iterator[Case]:
    """Dot products of signed fields and of halves; the lowest zero of a scalar."""
    for name, bits in (("v_dot4_i32_i8", 8), ("v_dot8_i32_i4", 4)):
        for tail in ("", " clamp"):
            yield _dot(name, bits, tail, added="c")
    yield _dot("v_dot4c_i32_i8", 8, "", added="old")
    for name, has_sign in (("v_dot2_i32_i16", True), ("v_dot2_u32_u16", False)):
        for tail in ("", " clamp", " op_sel:[1,0,0] op_sel_hi:[0,1,1]"):
            yield _dot_of_halves(name, has_sign, tail)
    for bits in (32, 64):
        yield _lowest_zero(bits)
    yield from _with_literal()


PI = 0x40490FDB


def _with_literal() -> Iterator[Case]:
    """v_fmaak_f32 adds the literal, v_fmamk_f32 multiplies by it. RDNA 3 has them in pairs as well."""

    def added(row: Row, lane: int) -> int:
        return sf.fma(F32, row.a[lane] & mask(32), row.b[lane] & mask(32), PI)

    def multiplied(row: Row, lane: int) -> int:
        return sf.fma(F32, row.a[lane] & mask(32), PI, row.b[lane] & mask(32))

    for name, sources, fn in (
        ("ak", "{a}, {b}, 0x40490fdb", added),
        ("mk", "{a}, 0x40490fdb, {b}", multiplied),
    ):
        probe = Probe(f"v_fma{name}_f32 {{d}}, {sources}", vector=1)
        yield Case(f"v_fma{name}_f32", probe, lanewise(fn), "f32")


def _limited(total: int, has_sign: bool) -> int:
    low, high = (-(1 << 31), (1 << 31) - 1) if has_sign else (0, (1 << 32) - 1)
    return max(low, min(high, total)) & mask(32)


def _dot(name: str, bits: int, tail: str, added: str) -> Case:
    def one(row: Row, lane: int) -> int:
        a, b, total = row.a[lane], row.b[lane], signed(getattr(row, added)[lane] & mask(32), 32)
        for at in range(0, 32, bits):
            total += signed(a >> at & mask(bits), bits) * signed(b >> at & mask(bits), bits)
        return _limited(total, True) if tail else total & mask(32)

    sources = "{a}, {b}, {c}" if added == "c" else "{a}, {b}"
    return Case(name, Probe(f"{name} {{d}}, {sources}{tail}", vector=1), lanewise(one))


def _dot_of_halves(name: str, has_sign: bool, tail: str) -> Case:
    crossed = "op_sel" in tail

    def half(word: int, high: bool) -> int:
        field = word >> 16 * high & mask(16)
        return signed(field, 16) if has_sign else field

    def one(row: Row, lane: int) -> int:
        a, b, total = row.a[lane], row.b[lane], row.c[lane] & mask(32)
        total = signed(total, 32) if has_sign else total
        total += half(a, crossed) * half(b, False) + half(a, not crossed) * half(b, True)
        return _limited(total, has_sign) if "clamp" in tail else total & mask(32)

    return Case(name, Probe(f"{name} {{d}}, {{a}}, {{b}}, {{c}}{tail}", vector=1), lanewise(one))


def _lowest_zero(bits: int) -> Case:
    def effect(row: Row) -> Effect:
        zeros = [at for at in range(bits) if not row.sa >> at & 1]
        return {"s": min(zeros, default=-1) & mask(32)}

    name, source = f"s_ff0_i32_b{bits}", "{sa}" if bits == 32 else "{sa2}"
    return Case(name, Probe(f"{name} {{sd}}, {source}", scalar=1), effect)
