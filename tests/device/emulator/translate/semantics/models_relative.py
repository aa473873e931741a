"""Registers at a distance that M0 holds, and DPP on the long encodings, from the ISA manual."""
# ruff: noqa: ARG005 - effects share one signature, whether or not they look at the row

from __future__ import annotations

from collections.abc import Iterator

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.cases import Case, Effect, lanewise
from tests.device.emulator.translate.semantics.models import mask
from tests.device.emulator.translate.semantics.models_dots import NarrowResult, chain
from tests.device.emulator.translate.semantics.models_float import flushed
from tests.device.emulator.translate.semantics.softfloat import F16, F32

FAR = 0x300
"""Past every register."""


def _vector(text: str, fn: object, name: str) -> Case:
    return Case(name, Probe(text, vector=1), lanewise(fn))  # type: ignore[arg-type]


def vector_cases() -> Iterator[Case]:
    """{a} is v2, {b} v4, {d} v12. Past the end a source is v0, the workitem, and nothing is written."""
    m = mask(32)
    yield _vector(f"s_movk_i32 m0, {FAR};v_movrels_b32 {{d}}, {{a}}", lambda r, i: i, "v_movrels_b32")
    yield _vector(
        f"s_movk_i32 m0, {FAR};v_movreld_b32 {{d}}, {{a}}", lambda r, i: r.old[i] & m, "v_movreld_b32"
    )
    yield _vector("s_mov_b32 m0, 2;v_movrelsd_b32 v10, {a}", lambda r, i: r.b[i] & m, "v_movrelsd_b32")
    two = "s_mov_b32 m0, 0x30002"
    yield _vector(f"{two};v_movrelsd_2_b32 v9, {{a}}", lambda r, i: r.b[i] & m, "v_movrelsd_2_b32")
    swap = f"v_mov_b32 v20, {{a}};{two};v_swaprel_b32 v9, v18"
    yield _vector(swap, lambda r, i: r.a[i] & m, "v_swaprel_b32")
    yield _vector(f"{swap};v_mov_b32 {{d}}, v20", lambda r, i: r.old[i] & m, "v_swaprel_b32")
    mirror = "row_half_mirror row_mask:0xf bank_mask:0xf"
    for text, name in (
        (f"s_mov_b32 m0, 2;v_movrels_b32_dpp {{d}}, {{a}} {mirror}", "v_movrels_b32"),
        (f"s_mov_b32 m0, 2;v_movrelsd_b32_dpp v10, {{a}} {mirror}", "v_movrelsd_b32"),
    ):
        yield _vector(text, lambda r, i: _half_mirrored(r, "b", i), name)
    text = f"s_mov_b32 m0, 1;v_movreld_b32_dpp v11, {{a}} {mirror}"
    yield _vector(text, lambda r, i: _half_mirrored(r, "a", i), "v_movreld_b32")


def _half_mirrored(row: Row, name: str, lane: int) -> int | None:
    source = lane // 8 * 8 + 7 - lane % 8
    return getattr(row, name)[source] & mask(32) if row.active(source) else None


def scalar_cases() -> Iterator[Case]:
    """{sa} is s32, {sb} s34, {sd} s50."""

    def case(text: str, value: int | None, bits: int, source: str) -> Case:
        def effect(r: Row) -> Effect:
            return {"s": getattr(r, source) & mask(bits)} if value is None else {"s": value}

        name = next(part.split()[0] for part in text.split(";") if "movrel" in part)
        return Case(name, Probe(text, scalar=2), effect, s_bits=bits)

    yield case("s_mov_b32 m0, 2;s_movrels_b32 {sd}, {sa}", None, 32, "sb")
    yield case("s_mov_b32 m0, 2;s_movrels_b64 {sd2}, {sa2}", None, 64, "sb")
    yield case("s_mov_b32 m0, 4;s_movreld_b32 s46, {sa};s_nop 0 // {sd}", None, 32, "sa")
    yield case("s_mov_b32 m0, 4;s_movreld_b64 s[46:47], {sa2};s_nop 0 // {sd}", None, 64, "sa")
    yield case("s_mov_b32 m0, 4;s_movreld_b32 s46, 0x12345678;s_nop 0 // {sd}", 0x12345678, 32, "sa")
    yield case("s_mov_b32 m0, 0x40002;s_movrelsd_2_b32 s46, {sa};s_nop 0 // {sd}", None, 32, "sb")
    yield case(f"s_movk_i32 m0, {FAR};s_movreld_b64 {{sd2}}, {{sa2}}", None, 64, "sold")


# ---- DPP on VOP3 and VOP3P


def _read(row: Row, source: int) -> int | None:
    return row.a[source] & mask(32) if row.active(source) else None


def long_dpp_cases() -> Iterator[Case]:
    """The first source comes from the neighbour; where that is off the lane keeps what it had."""
    control = "quad_perm:[1,0,3,2] row_mask:0xf bank_mask:0xf"
    listed = "dpp8:[1,0,3,2,5,4,7,6]"

    def both(name: str, operands: str, fn: object, result: str = "b32") -> Iterator[Case]:
        for tail, zero in ((control, False), (listed, True)):

            def one(r: Row, i: int, zero: bool = zero) -> object:
                value = _read(r, i ^ 1)
                return None if value is None and not zero else fn(r, i, value or 0)  # type: ignore[operator]

            text = f"{name}_e64_dpp {{d}}, {operands} {tail}"
            yield Case(name, Probe(text, vector=1), lanewise(one), result)

    m = mask(32)
    yield from both("v_add3_u32", "{a}, {b}, {c}", lambda r, i, a: a + r.b[i] + r.c[i] & m)
    yield from both("v_lshl_or_b32", "{a}, {b}, {c}", lambda r, i, a: (a << r.b[i] % 32 | r.c[i]) & m)
    yield from both(
        "v_fma_f32", "-{a}, |{b}|, {c}",
        lambda r, i, a: sf.fma(F32, sf.neg(F32, a), sf.absolute(F32, r.b[i] & m), r.c[i] & m), "f32",
    )  # fmt: skip
    yield from both(
        "v_dot2_f32_f16", "{a}, {b}, {c}",
        lambda r, i, a: flushed(F32, chain(F16, a, r.b[i] & m, r.c[i] & m)), "f32",
    )  # fmt: skip
    yield from both("v_dot2_f16_f16", "{a}, {b}, {c}", _narrow_dot)
    yield from both("v_fma_mix_f32", "-{a}, |{b}|, {c} op_sel:[1,0,0] op_sel_hi:[1,0,1]", _mixed, "f32")


def _narrow_dot(r: Row, i: int, a: int) -> NarrowResult:
    addend = sf.convert(F16, F32, r.c[i] & mask(16))
    result = sf.convert(F32, F16, chain(F16, a, r.b[i] & mask(32), addend))
    return NarrowResult.of(F16, r.old[i] & mask(32), result, high=False)


def _mixed(r: Row, i: int, a: int) -> int:
    """The first source's high half negated, a single's magnitude, and the third's low half."""
    first = sf.neg(F32, sf.convert(F16, F32, a >> 16))
    return sf.fma(F32, first, r.b[i] & mask(31), sf.convert(F16, F32, r.c[i] & mask(16)))
