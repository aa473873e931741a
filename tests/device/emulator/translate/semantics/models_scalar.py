"""Scalar instructions: what each does to its destination, SCC and EXEC, from the ISA manual."""
# ruff: noqa: ARG005 - effects share one signature, whether or not they look at the row

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics.cases import Case, Effect
from tests.device.emulator.translate.semantics.models import mask, signed
from tests.device.emulator.translate.semantics.models_integer import leading_signs, trailing_zeros

Binary = Callable[[int, int], int]


def _case(text: str, effect: Callable[[Row], Effect], bits: int = 32, exec_: bool = False) -> Case:
    probe = Probe(text, scalar=2 if "{sd" in text else 0, scc=True, exec=exec_)
    return Case(text.split()[0], probe, effect, s_bits=bits)


def _sop2(
    name: str,
    bits: int,
    fn: Binary,
    scc: str | None = None,
    *,
    second: int | None = None,
    is_signed: bool = False,
) -> Iterator[Case]:
    """`scc` "nonzero": whether the result is; else SCC stays. Registers, a constant and a literal."""
    other = bits if second is None else second
    a, b = ("{sa2}" if bits == 64 else "{sa}"), ("{sb2}" if other == 64 else "{sb}")
    wrap = (lambda v, n: signed(v, n)) if is_signed else (lambda v, n: v & mask(n))

    def effect(read_a: Callable[[Row], int], read_b: Callable[[Row], int]) -> Callable[[Row], Effect]:
        def run(row: Row) -> Effect:
            result = fn(
                wrap(read_a(row), bits),
                wrap(read_b(row), other) if second is None else read_b(row) & mask(32),
            )
            result &= mask(bits)
            return {"s": result} | ({"scc": int(result != 0)} if scc == "nonzero" else {})

        return run

    destination = "{sd2}" if bits == 64 else "{sd}"
    sa, sb = (lambda r: r.sa), (lambda r: r.sb)
    yield _case(f"{name} {destination}, {a}, {b}", effect(sa, sb), bits)
    yield _case(f"{name} {destination}, {a}, -3", effect(sa, lambda r: mask(64) - 2), bits)
    yield _case(f"{name} {destination}, 0x12345678, {b}", effect(lambda r: 0x12345678, sb), bits)


def _sop1(name: str, bits: int, fn: Callable[[int], int], out: int, scc: bool) -> Iterator[Case]:
    source, destination = ("{sa2}" if bits == 64 else "{sa}"), ("{sd2}" if out == 64 else "{sd}")

    def effect(row: Row) -> Effect:
        result = fn(row.sa & mask(bits)) & mask(out)
        return {"s": result} | ({"scc": int(result != 0)} if scc else {})

    yield _case(f"{name} {destination}, {source}", effect, out)


def _with_scc(name: str, fn: Callable[[Row, int, int], tuple[int, int]]) -> Case:
    """32-bit operations whose SCC is a carry, an overflow or a choice."""

    def effect(row: Row) -> Effect:
        result, scc = fn(row, row.sa & mask(32), row.sb & mask(32))
        return {"s": result & mask(32), "scc": int(scc)}

    return _case(f"{name} {{sd}}, {{sa}}, {{sb}}", effect)


def _overflow(fn: Binary) -> Callable[[Row, int, int], tuple[int, int]]:
    def run(_: Row, a: int, b: int) -> tuple[int, int]:
        exact = fn(signed(a, 32), signed(b, 32))
        return exact, int(exact != signed(exact, 32))

    return run


def bfe(bits: int, is_signed: bool, value: int, control: int) -> int:
    offset, width = control & bits - 1, min(control >> 16 & 127, bits)
    value = signed(value, bits) if is_signed else value
    field = value >> offset & mask(width)
    return signed(field, width) if is_signed and width else field


def whole_quads(bits: int, value: int) -> int:
    return sum(0xF << i for i in range(0, bits, 4) if value >> i & 0xF)


def quad_mask(bits: int, value: int) -> int:
    return sum(1 << i // 4 for i in range(0, bits, 4) if value >> i & 0xF)


def _arithmetic() -> Iterator[Case]:
    u32 = mask(32)
    yield _with_scc("s_add_u32", lambda r, a, b: (a + b, a + b > u32))
    yield _with_scc("s_sub_u32", lambda r, a, b: (a - b, b > a))
    yield _with_scc("s_addc_u32", lambda r, a, b: (a + b + r.scc, a + b + r.scc > u32))
    yield _with_scc("s_subb_u32", lambda r, a, b: (a - b - r.scc, b + r.scc > a))
    yield _with_scc("s_add_i32", _overflow(lambda a, b: a + b))
    yield _with_scc("s_sub_i32", _overflow(lambda a, b: a - b))
    yield _with_scc("s_min_u32", lambda r, a, b: (min(a, b), a < b))
    yield _with_scc("s_max_u32", lambda r, a, b: (max(a, b), a >= b))
    yield _with_scc(
        "s_min_i32", lambda r, a, b: (min(signed(a, 32), signed(b, 32)), signed(a, 32) < signed(b, 32))
    )
    yield _with_scc(
        "s_max_i32", lambda r, a, b: (max(signed(a, 32), signed(b, 32)), signed(a, 32) >= signed(b, 32))
    )
    yield _with_scc("s_absdiff_i32", lambda r, a, b: (d := abs(signed(a - b, 32)), d & u32 != 0))
    for n in (1, 2, 3, 4):
        yield _with_scc(f"s_lshl{n}_add_u32", lambda r, a, b, n=n: ((a << n) + b, (a << n) + b > u32))
    yield from _sop2("s_mul_i32", 32, lambda a, b: a * b)
    yield from _sop2("s_mul_hi_u32", 32, lambda a, b: a * b >> 32)
    yield from _sop2("s_mul_hi_i32", 32, lambda a, b: a * b >> 32, is_signed=True)
    yield from _sop2("s_bfm_b32", 32, lambda a, b: mask(a & 31) << (b & 31))
    yield from _sop2("s_pack_ll_b32_b16", 32, lambda a, b: a & 0xFFFF | b << 16)
    yield from _sop2("s_pack_lh_b32_b16", 32, lambda a, b: a & 0xFFFF | b & 0xFFFF0000)
    yield from _sop2("s_pack_hh_b32_b16", 32, lambda a, b: a >> 16 | b & 0xFFFF0000)
    yield from _sop2("s_pack_hl_b32_b16", 32, lambda a, b: a >> 16 | b << 16)
    yield _case("s_bfm_b64 {sd2}, {sa}, {sb}", lambda r: {"s": mask(r.sa & 63) << (r.sb & 63) & mask(64)}, 64)


def _both_widths(n: int) -> Iterator[Case]:
    b, i, u, every = f"b{n}", f"i{n}", f"u{n}", mask(n)
    binary: dict[str, Binary] = {
        f"s_and_{b}": lambda x, y: x & y, f"s_or_{b}": lambda x, y: x | y, f"s_xor_{b}": lambda x, y: x ^ y,
        f"s_nand_{b}": lambda x, y: ~(x & y), f"s_nor_{b}": lambda x, y: ~(x | y),
        f"s_xnor_{b}": lambda x, y: ~(x ^ y), f"s_and_not1_{b}": lambda x, y: x & ~y,
        f"s_or_not1_{b}": lambda x, y: x | ~y,
    }  # fmt: skip
    for name, fn in binary.items():
        yield from _sop2(name, n, fn, "nonzero")
    yield from _sop2(f"s_lshl_{b}", n, lambda x, y: x << y % n, "nonzero", second=32)
    yield from _sop2(f"s_lshr_{b}", n, lambda x, y: x >> y % n, "nonzero", second=32)
    yield from _sop2(f"s_ashr_{i}", n, lambda x, y: x >> y % n, "nonzero", second=32, is_signed=True)
    yield from _sop2(f"s_bfe_{u}", n, lambda x, y: bfe(n, False, x, y), "nonzero", second=32)
    yield from _sop2(f"s_bfe_{i}", n, lambda x, y: bfe(n, True, x & every, y), "nonzero", second=32)
    yield from _sop1(f"s_mov_{b}", n, lambda x: x, n, scc=False)
    yield from _sop1(f"s_not_{b}", n, lambda x: ~x, n, scc=True)
    yield from _sop1(f"s_brev_{b}", n, lambda x: int(f"{x:0{n}b}"[::-1], 2), n, scc=False)
    yield from _sop1(f"s_bcnt1_i32_{b}", n, lambda x: x.bit_count(), 32, scc=True)
    yield from _sop1(f"s_bcnt0_i32_{b}", n, lambda x: n - x.bit_count(), 32, scc=True)
    yield from _sop1(f"s_ctz_i32_{b}", n, trailing_zeros, 32, scc=False)
    yield from _sop1(f"s_clz_i32_{u}", n, lambda x: n - x.bit_length() if x else -1, 32, scc=False)
    yield from _sop1(f"s_quadmask_{b}", n, lambda x: quad_mask(n, x), n, scc=True)
    yield from _sop1(f"s_wqm_{b}", n, lambda x: whole_quads(n, x), n, scc=True)
    d, s, t = ("{sd2}", "{sa2}", "{sb2}") if n == 64 else ("{sd}", "{sa}", "{sb}")
    yield _case(f"s_cselect_{b} {d}, {s}, {t}", lambda r: {"s": (r.sa if r.scc else r.sb) & every}, n)
    yield _case(f"s_cmov_{b} {d}, {s}", lambda r: {"s": (r.sa if r.scc else r.sold) & every}, n)
    for wanted in (0, 1):
        name = f"s_bitcmp{wanted}_{b}"
        yield _case(f"{name} {s}, {{sb}}", lambda r, w=wanted: {"scc": int(r.sa >> r.sb % n & 1 == w)}, n)
    for name, value in (
        ("1.0", 0x3F800000 if n == 32 else 0x3FF << 52),
        ("-2", -2),
        ("0xfedcba98", 0xFEDCBA98),
    ):
        yield _case(f"s_mov_{b} {d}, {name}", lambda r, v=value: {"s": v & every}, n)


RELATIONS: dict[str, Callable[[int, int], bool]] = {
    "eq": lambda a, b: a == b, "lg": lambda a, b: a != b, "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b, "lt": lambda a, b: a < b, "le": lambda a, b: a <= b,
}  # fmt: skip


def _comparisons() -> Iterator[Case]:
    for name, holds in RELATIONS.items():
        for kind in "ui":
            text = f"s_cmp_{name}_{kind}32 {{sa}}, {{sb}}"
            yield _case(text, lambda r, h=holds, k=kind: {"scc": int(h(_as(k, r.sa), _as(k, r.sb)))})
            for value in (0, 7, -1 if kind == "i" else 65535, 32767):
                text = f"s_cmpk_{name}_{kind}32 {{sa}}, {value:#x}"
                yield _case(text, lambda r, h=holds, k=kind, v=value: {"scc": int(h(_as(k, r.sa), v))})
    for name in ("eq", "lg"):
        text = f"s_cmp_{name}_u64 {{sa2}}, {{sb2}}"
        yield _case(text, lambda r, h=RELATIONS[name]: {"scc": int(h(r.sa, r.sb))})


def _as(kind: str, value: int) -> int:
    return signed(value, 32) if kind == "i" else value & mask(32)


def _addk(row: Row, value: int) -> Effect:
    exact = signed(row.sold, 32) + value
    return {"s": exact & mask(32), "scc": int(exact != signed(exact, 32))}


def _others() -> Iterator[Case]:
    yield from _sop1("s_sext_i32_i8", 32, lambda x: signed(x, 8), 32, scc=False)
    yield from _sop1("s_sext_i32_i16", 32, lambda x: signed(x, 16), 32, scc=False)
    yield from _sop1("s_bitreplicate_b64_b32", 32, _twice, 64, scc=False)
    yield from _sop1("s_abs_i32", 32, lambda x: abs(signed(x, 32)), 32, scc=True)
    yield from _sop1("s_cls_i32", 32, leading_signs, 32, scc=False)
    yield from _sop1("s_cls_i32_i64", 64, _leading_signs_64, 32, scc=False)
    for n in (32, 64):
        d, s = ("{sd2}", "{sa}") if n == 64 else ("{sd}", "{sa}")
        yield _case(f"s_bitset0_b{n} {d}, {s}", lambda r, n=n: {"s": r.sold & ~(1 << r.sa % n)}, n)
        yield _case(f"s_bitset1_b{n} {d}, {s}", lambda r, n=n: {"s": r.sold | 1 << r.sa % n}, n)
    for value in (0, 5, -3, 0x7FFF, -0x8000):
        yield _case(f"s_movk_i32 {{sd}}, {value}", lambda r, v=value: {"s": v & mask(32)})
        yield _case(
            f"s_cmovk_i32 {{sd}}, {value}", lambda r, v=value: {"s": v & mask(32) if r.scc else r.sold}
        )
        yield _case(f"s_addk_i32 {{sd}}, {value}", lambda r, v=value: _addk(r, v))
        yield _case(f"s_mulk_i32 {{sd}}, {value}", lambda r, v=value: {"s": r.sold * v & mask(32)})
    yield _case(
        "s_add_u32 null, {sa}, {sb}", lambda r: {"scc": int((r.sa & mask(32)) + (r.sb & mask(32)) > mask(32))}
    )
    yield _case("s_getreg_b32 {sd}, hwreg(HW_REG_MODE, 0, 8)", lambda r: {"s": 0xF0})
    yield _case("s_getreg_b32 {sd}, hwreg(HW_REG_MODE, 4, 2)", lambda r: {"s": 3})
    yield _case("s_mov_b32 {sd}, src_scc", lambda r: {"s": r.scc})


def _twice(value: int) -> int:
    return int("".join(2 * bit for bit in f"{value:032b}"), 2)


def _leading_signs_64(value: int) -> int:
    text = f"{value:064b}"
    return next((i for i in range(64) if text[i] != text[0]), -1)


SAVEEXEC: dict[str, Binary] = {
    "and": lambda s, e: s & e, "or": lambda s, e: s | e, "xor": lambda s, e: s ^ e,
    "nand": lambda s, e: ~(s & e), "nor": lambda s, e: ~(s | e), "xnor": lambda s, e: ~(s ^ e),
    "and_not0": lambda s, e: ~s & e, "and_not1": lambda s, e: s & ~e,
    "or_not0": lambda s, e: ~s | e, "or_not1": lambda s, e: s | ~e,
}  # fmt: skip


def saveexec_cases(lanes: int) -> Iterator[Case]:
    """EXEC is combined; the old one is saved, or the new one written (*_wrexec)."""
    s, d = ("{sa2}", "{sd2}") if lanes == 64 else ("{sa}", "{sd}")
    for name, fn in SAVEEXEC.items():

        def effect(row: Row, saves: bool, fn: Binary = fn) -> Effect:
            new = fn(row.sa & mask(lanes), row.exec) & mask(lanes)
            return {"s": row.exec if saves else new, "exec": new, "scc": int(new != 0)}

        yield _case(f"s_{name}_saveexec_b{lanes} {d}, {s}", lambda r, e=effect: e(r, True), lanes, exec_=True)
        if name in ("and_not0", "and_not1"):
            yield _case(
                f"s_{name}_wrexec_b{lanes} {d}, {s}", lambda r, e=effect: e(r, False), lanes, exec_=True
            )


def cases() -> list[Case]:
    return [*_arithmetic(), *_both_widths(32), *_both_widths(64), *_comparisons(), *_others()]
