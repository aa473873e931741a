"""Vector instructions that read or write lane masks: comparisons, classes, carries, selections."""
# ruff: noqa: ARG005 - effects share one signature, whether or not they look at the row

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.cases import Case, Effect, lanewise, mask_of
from tests.device.emulator.translate.semantics.models import TYPES, decode, mask, modified, signed
from tests.device.emulator.translate.semantics.softfloat import FORMATS, Format

INTEGER: dict[str, Callable[[int, int], bool]] = {
    "lt": lambda a, b: a < b, "eq": lambda a, b: a == b, "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b, "ne": lambda a, b: a != b, "ge": lambda a, b: a >= b,
}  # fmt: skip


def _float_relation(name: str, f: Format, a: int, b: int) -> bool:
    unordered = sf.is_nan(f, a) or sf.is_nan(f, b)
    less, equal, greater = sf.less(f, a, b), sf.equal(f, a, b), sf.less(f, b, a)
    return {
        "f": False, "t": True, "lt": less, "eq": equal, "le": less or equal, "gt": greater,
        "lg": less or greater, "ge": greater or equal, "o": not unordered, "u": unordered,
        "nge": not (greater or equal), "nlg": not (less or greater), "ngt": not greater,
        "nle": not (less or equal), "neq": not equal, "nlt": not less,
    }[name]  # fmt: skip


FLOAT = ("f", "lt", "eq", "le", "gt", "lg", "ge", "o", "u", "nge", "nlg", "ngt", "nle", "neq", "nlt", "t")


def class_of(f: Format, x: int) -> int:
    """The bit of the class mask that a value belongs to."""
    if sf.is_nan(f, x):
        return 0 if sf.is_signalling(f, x) else 1
    sign = sf.sign_of(f, x)
    if sf.is_inf(f, x):
        return 2 if sign else 9
    if sf.is_zero(f, x):
        return 5 if sign else 6
    if sf.is_denormal(f, x):
        return 4 if sign else 7
    return 3 if sign else 8


def _comparison(
    name: str, relation: Callable[[int, int], bool], type_name: str, *, modifiers: bool = False
) -> Iterator[Case]:
    """To VCC, to an SGPR, and the form that narrows EXEC."""
    type_, wide = TYPES[type_name], "2" if TYPES[type_name].bits == 64 else ""

    def holds(row: Row, scalar: bool = False, adjusted: bool = False) -> int:
        def one(lane: int) -> bool:
            a, b = decode(type_, row.sa if scalar else row.a[lane]), decode(type_, row.b[lane])
            if adjusted and type_.format:
                a, b = modified(type_.format, a, False, True), modified(type_.format, b, True, False)
            return relation(a, b)

        return mask_of(row, one)

    a, b = f"{{a{wide}}}", f"{{b{wide}}}"
    full = f"v_cmp_{name}_{type_name}"
    yield Case(full, Probe(f"{full} {{vcc}}, {a}, {b}", vcc=True), lambda r: {"vcc": holds(r)})
    yield _to_sgpr(full, f"{{s{a[1:]}, {b}", lambda r: holds(r, scalar=True))
    if modifiers:
        yield _to_sgpr(full, f"-{a}, |{b}|", lambda r: holds(r, adjusted=True))
    narrow = f"v_cmpx_{name}_{type_name}"
    yield Case(narrow, Probe(f"{narrow} {a}, {b}", exec=True, vcc=True), lambda r: {"exec": holds(r)})


def _to_sgpr(mnemonic: str, sources: str, effect: Callable[[Row], int]) -> Case:
    probe = Probe(f"{mnemonic} {{mask}}, {sources}", scalar=1)
    return Case(mnemonic, probe, lambda r: {"s": _mask_bits(r, effect(r))}, s_bits=64)


def _mask_bits(row: Row, value: int) -> int:
    """What {mask} reads afterwards: in wave32 its upper half stays."""
    return value if row.lanes == 64 else value | row.sold & ~mask(32)


def _class(f: Format) -> Iterator[Case]:
    name, a = f"class_{f.name}", "{a2}" if f.bits == 64 else "{a}"

    def holds(row: Row, negate: bool = False) -> int:
        def one(lane: int) -> bool:
            value = row.a[lane] & f.mask
            return bool(row.b[lane] >> class_of(f, sf.neg(f, value) if negate else value) & 1)

        return mask_of(row, one)

    full, narrow = f"v_cmp_{name}", f"v_cmpx_{name}"
    yield Case(full, Probe(f"{full} {{vcc}}, {a}, {{b}}", vcc=True), lambda r: {"vcc": holds(r)})
    yield _to_sgpr(full, f"-{a}, {{b}}", lambda r: holds(r, negate=True))
    yield Case(narrow, Probe(f"{narrow} {a}, {{b}}", exec=True), lambda r: {"exec": holds(r)})


def integer_comparisons() -> list[Case]:
    found: list[Case] = []
    for type_name in ("u16", "i16", "u32", "i32", "u64", "i64"):
        for name, relation in INTEGER.items():
            found += _comparison(name, relation, type_name)
        if type_name[1:] != "16":
            found += _comparison("f", lambda a, b: False, type_name)
            found += _comparison("t", lambda a, b: True, type_name)
    return found


def float_comparisons(f: Format) -> list[Case]:
    found = [case for name in FLOAT for case in _comparison(name, _relation(name, f), f.name, modifiers=True)]
    return [*found, *_class(f)]


def _relation(name: str, f: Format) -> Callable[[int, int], bool]:
    return lambda a, b: _float_relation(name, f, a, b)


def _carry(name: str, fn: Callable[[int, int, int], int], carry_in: bool) -> Iterator[Case]:
    """The exact sum or difference; a carry or borrow is what leaves 32 bits."""

    def effect(row: Row, carry: int, out: str, clamp: bool = False) -> Effect:
        exact = [
            fn(row.a[i] & mask(32), row.b[i] & mask(32), carry >> i & 1 if carry_in else 0)
            for i in range(row.lanes)
        ]
        limited = [min(max(x, 0), mask(32)) for x in exact] if clamp else exact
        lanes = [x & mask(32) if row.active(i) else None for i, x in enumerate(limited)]
        carried = mask_of(row, lambda i: not 0 <= exact[i] <= mask(32))
        return {"v": lanes, out: carried if out == "vcc" else _mask_bits(row, carried)}

    tail = ", {vcc}" if carry_in else ""
    probe = Probe(f"{name} {{d}}, {{vcc}}, {{a}}, {{b}}{tail}", vector=1, vcc=True)
    yield Case(name, probe, lambda r: effect(r, r.vcc, "vcc"))
    tail = ", {smask}" if carry_in else ""
    probe = Probe(f"{name} {{d}}, {{mask}}, {{a}}, {{b}}{tail}", vector=1, scalar=1)
    yield Case(name, probe, lambda r: effect(r, r.vcc, "s"), s_bits=64)
    probe = Probe(f"{name} {{d}}, {{mask}}, {{a}}, {{b}}{tail} clamp", vector=1, scalar=1)
    yield Case(name, probe, lambda r: effect(r, r.vcc, "s", clamp=True), s_bits=64)
    probe = Probe(f"{name} {{d}}, null, {{a}}, {{b}}{tail}", vector=1)
    yield Case(name, probe, lambda r: effect(r, r.vcc, "none"))


def _select(row: Row, lane: int, a: int, b: int) -> int:
    return b if row.vcc >> lane & 1 else a


def _selections() -> Iterator[Case]:
    def plain(r: Row, i: int) -> int:
        return _select(r, i, r.a[i], r.b[i]) & mask(32)

    yield Case("v_cndmask_b32", Probe("v_cndmask_b32 {d}, {a}, {b}, {vcc}", vector=1), lanewise(plain))
    yield Case("v_cndmask_b32", Probe("v_cndmask_b32 {d}, {a}, {b}, {smask}", vector=1), lanewise(plain))
    sign = 1 << 31

    def adjusted(r: Row, i: int) -> int:
        return _select(r, i, r.a[i] ^ sign, r.b[i] & ~sign) & mask(32)

    text = "v_cndmask_b32_e64 {d}, -{a}, |{b}|, {smask}"
    yield Case("v_cndmask_b32", Probe(text, vector=1), lanewise(adjusted))
    yield Case(
        "v_cndmask_b16",
        Probe("v_cndmask_b16 {d}, {a}, {b}, {smask}", vector=1),
        lanewise(lambda r, i: _select(r, i, r.a[i], r.b[i]) & 0xFFFF | r.old[i] & 0xFFFF0000),
    )
    yield Case(
        "v_cndmask_b16",
        Probe("v_cndmask_b16 {d}, {a}, {b}, {smask} op_sel:[1,0,1]", vector=1),
        lanewise(lambda r, i: (_select(r, i, r.a[i] >> 16, r.b[i]) & 0xFFFF) << 16 | r.old[i] & 0xFFFF),
    )


def _mad_wide(is_signed: bool) -> Iterator[Case]:
    name = "v_mad_i64_i32" if is_signed else "v_mad_u64_u32"

    def exact(row: Row, lane: int) -> int:
        a, b, c = row.a[lane], row.b[lane], row.c[lane]
        if is_signed:
            return signed(a, 32) * signed(b, 32) + signed(c, 64)
        return (a & mask(32)) * (b & mask(32)) + c

    def effect(row: Row) -> dict[str, Any]:
        low, high = (-(1 << 63), (1 << 63) - 1) if is_signed else (0, mask(64))
        totals = [exact(row, i) for i in range(row.lanes)]
        lanes = [x & mask(64) if row.active(i) else None for i, x in enumerate(totals)]
        return {"v": lanes, "s": _mask_bits(row, mask_of(row, lambda i: not low <= totals[i] <= high))}

    text = f"{name} {{d2}}, {{mask}}, {{a}}, {{b}}, {{c2}}"
    yield Case(name, Probe(text, vector=2, scalar=1), effect, result="b64", s_bits=64)
    text = f"{name} {{d2}}, null, {{a}}, {{b}}, {{c2}}"
    yield Case(name, Probe(text, vector=2), effect, result="b64")

    def held(row: Row, lane: int) -> int:
        low, high = (-(1 << 63), (1 << 63) - 1) if is_signed else (0, mask(64))
        return min(max(exact(row, lane), low), high) & mask(64)

    yield Case(name, Probe(f"{text} clamp", vector=2), lanewise(held), result="b64")


def integer_cases() -> list[Case]:
    found = [*integer_comparisons(), *_selections(), *_mad_wide(False), *_mad_wide(True)]
    found += _carry("v_add_co_u32", lambda a, b, c: a + b, False)
    found += _carry("v_sub_co_u32", lambda a, b, c: a - b, False)
    found += _carry("v_subrev_co_u32", lambda a, b, c: b - a, False)
    found += _carry("v_add_co_ci_u32", lambda a, b, c: a + b + c, True)
    found += _carry("v_sub_co_ci_u32", lambda a, b, c: a - b - c, True)
    found += _carry("v_subrev_co_ci_u32", lambda a, b, c: b - a - c, True)
    return found


def float_cases(name: str) -> list[Case]:
    return float_comparisons(FORMATS[name])
