"""SDWA from the RDNA 2 manual's text: a byte or word of each source, and of the destination."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics.cases import Case, Effect, lanewise, mask_of
from tests.device.emulator.translate.semantics.models import mask, signed

SELECTS = ("BYTE_0", "BYTE_1", "BYTE_2", "BYTE_3", "WORD_0", "WORD_1", "DWORD")
UNUSED = ("UNUSED_PAD", "UNUSED_SEXT", "UNUSED_PRESERVE")


def part(word: int, select: str, extend: bool) -> int:
    """What a selector takes of a dword, as 32 bits."""
    word &= mask(32)
    kind, _, number = select.partition("_")
    if kind == "DWORD":
        return word
    width = 8 if kind == "BYTE" else 16
    field = word >> width * int(number) & mask(width)
    return signed(field, width) & mask(32) if extend else field


def placed(result: int, old: int, select: str, unused: str) -> int:
    """A register after a result of 32 bits went to a part of it."""
    kind, _, number = select.partition("_")
    if kind == "DWORD":
        return result & mask(32)
    width = 8 if kind == "BYTE" else 16
    first, field = width * int(number), result & mask(width)
    if unused == "UNUSED_PRESERVE":
        return old & mask(32) & ~(mask(width) << first) | field << first
    value = signed(field, width) if unused == "UNUSED_SEXT" else field
    return value << first & mask(32)


TWO: dict[str, Callable[[int, int], int]] = {
    "v_add_nc_u32": lambda a, b: a + b,
    "v_sub_nc_u32": lambda a, b: a - b,
    "v_or_b32": lambda a, b: a | b,
    "v_lshlrev_b32": lambda a, b: b << (a & 31),
    "v_max_i32": lambda a, b: max(signed(a, 32), signed(b, 32)),
    "v_min_u32": min,
    "v_mul_u32_u24": lambda a, b: (a & mask(24)) * (b & mask(24)),
}


def cases() -> Iterator[Case]:
    """Moves with every selector, sums and the like with all of a source's, comparisons."""
    for select, unused, source in product(SELECTS, UNUSED, SELECTS):
        yield _move(select, unused, source, extend=False)
        if source != "DWORD":
            yield _move(select, unused, source, extend=True)
    for number, (name, fn) in enumerate(TWO.items()):
        for place, (first, second) in enumerate(product(SELECTS, SELECTS)):
            target = SELECTS[(number + place) % len(SELECTS)]
            yield _two(name, fn, target, UNUSED[place % 3], (first, second), (place % 2 == 0, place % 3 == 0))
    for first, second in product(SELECTS, SELECTS):
        yield _compare(first, second)
        yield _of_half(first, second)


def _move(select: str, unused: str, source: str, *, extend: bool) -> Case:
    def one(row: Row, lane: int) -> int:
        return placed(part(row.a[lane], source, extend), row.old[lane], select, unused)

    text = "sext({a})" if extend else "{a}"
    probe = f"v_mov_b32_sdwa {{d}}, {text} dst_sel:{select} dst_unused:{unused} src0_sel:{source}"
    return Case("v_mov_b32", Probe(probe, vector=1), lanewise(one))


def _two(
    name: str,
    fn: Callable[[int, int], int],
    select: str,
    unused: str,
    sources: tuple[str, str],
    extend: tuple[bool, bool],
) -> Case:
    signs = tuple(wanted and chosen != "DWORD" for wanted, chosen in zip(extend, sources, strict=True))

    def one(row: Row, lane: int) -> int:
        a, b = part(row.a[lane], sources[0], signs[0]), part(row.b[lane], sources[1], signs[1])
        return placed(fn(a, b), row.old[lane], select, unused)

    texts = [f"sext({{{x}}})" if sign else f"{{{x}}}" for x, sign in zip("ab", signs, strict=True)]
    probe = (
        f"{name}_sdwa {{d}}, {', '.join(texts)} dst_sel:{select} dst_unused:{unused} "
        f"src0_sel:{sources[0]} src1_sel:{sources[1]}"
    )
    return Case(name, Probe(probe, vector=1), lanewise(one))


def _compare(first: str, second: str) -> Case:
    def effect(row: Row) -> Effect:
        def less(lane: int) -> bool:
            return part(row.a[lane], first, False) < part(row.b[lane], second, False)

        return {"vcc": mask_of(row, less)}

    probe = f"v_cmp_lt_u32_sdwa {{vcc}}, {{a}}, {{b}} src0_sel:{first} src1_sel:{second}"
    return Case("v_cmp_lt_u32", Probe(probe, vcc=True), effect)


def _of_half(first: str, second: str) -> Case:
    """Of 16 bits the sum takes the low half of what is selected, and goes to the high half."""

    def one(row: Row, lane: int) -> int:
        total = part(row.a[lane], first, False) * part(row.b[lane], second, False)
        return placed(total, row.old[lane], "WORD_1", "UNUSED_PRESERVE")

    probe = (
        "v_mul_lo_u16_sdwa {d}, {a}, {b} dst_sel:WORD_1 dst_unused:UNUSED_PRESERVE "
        f"src0_sel:{first} src1_sel:{second}"
    )
    return Case("v_mul_lo_u16", Probe(probe, vector=1), lanewise(one))
