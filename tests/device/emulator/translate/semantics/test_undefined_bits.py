"""Marks of undefined bits are sound, and no wider than the rules say.

Every instruction runs over operands of which random bits are undefined, with several fillings of those bits.
A bit of the result that differs between two fillings must be marked, or the sanitizer would miss what
depends on it. The other way round, a row without an undefined bit leaves none; and for moves, logic and sums
the marks are compared with what can be said without the sanitizer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest

from rocverify.device.emulator.isa.families.rdna3 import RDNA3
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.sanitize.memory import SanitizedMemory
from rocverify.device.emulator.sanitize.rules import RULES
from rocverify.device.emulator.sanitize.sanitizer import Sanitizer
from rocverify.device.emulator.translate.semantics.tables import handlers
from rocverify.toolchain.discover import Toolchain
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.probes import Probe, Seen
from tests.device.emulator.translate.semantics import operands, test_coverage
from tests.device.emulator.translate.semantics.models import Valu
from tests.device.emulator.translate.semantics.undefining import Blurred, Watching, blurred, only
from tests.device.emulator.translate.semantics.variants import variants

HANDLERS = handlers(RDNA3)

SEED = 11
ROWS = 10
PER_KERNEL = 250
MASK32 = (1 << 32) - 1
# What it gets from lanes that are off, or beyond the wave, is undefined whatever these hold: tested below.
PULL = "ds_bpermute_b32 {d}, {b}, {a};s_waitcnt lgkmcnt(0)"
ONLY_IN_WAVE64 = {name for name in HANDLERS if name.endswith(("_saveexec_b64", "_wrexec_b64"))}


@pytest.fixture(scope="module")
def watching(toolchain: Toolchain, translations: Path) -> Iterator[Watching]:
    sanitizer = Sanitizer()
    machine = Machine(
        "gfx1100",
        objdump=toolchain.objdump,
        clang=toolchain.clang,
        memory=SanitizedMemory(),
        threads=1,
        cache_dir=translations,
        instruments=[sanitizer],
    )
    yield Watching(machine, sanitizer)
    machine.close()


# ---- soundness, and nothing from nothing


@dataclass(frozen=True)
class Named:
    """A probe of an instruction."""

    mnemonic: str
    probe: Probe


def _models() -> dict[str, Valu]:
    tables = (
        test_coverage.FLOAT,
        test_coverage.INTEGER,
        test_coverage.CONVERSIONS,
        test_coverage.models_bytewise.VALU,
        test_coverage.models_geometry.MODELS,
    )
    return {name: model for table in tables for name, model in table.items() if name in HANDLERS}


def all_probes(lanes: int) -> list[Named]:
    """Every instruction with a model: all its forms, the scalar and mask ones too."""
    found = [
        Named(name, one.probe) for name, model in sorted(_models().items()) for one in variants(name, model)
    ]
    cases = (*test_coverage.all_cases(), *test_coverage.models_scalar.saveexec_cases(lanes))
    return found + [Named(case.mnemonic, case.probe) for case in cases]


def _accepted(assembler: Assembler, tried: Sequence[Named], lanes: int) -> list[Named]:
    """What the assembler takes, each text once."""
    once = list({one.probe.text: one for one in tried}.values())
    lines = [(index, line) for index, one in enumerate(once) for line in one.probe.body(lanes)]
    refused = {lines[at][0] for at in assembler.rejected([line for _, line in lines], lanes)}
    return [one for index, one in enumerate(once) if index not in refused]


def _unmarked(
    watching: Watching, assembler: Assembler, tried: Sequence[Named], rows: Sequence[Blurred]
) -> list[str]:
    """A text for every probe with a bit that depends on undefined ones and is not marked, or that is marked
    although every operand is defined."""
    rng = random.Random(SEED)
    fillings = [one.filled(rng) for one in rows]
    seen, marks = watching.run(assembler, [one.probe for one in tried], [one for f in fillings for one in f])
    wrong, each = [], len(fillings[0])
    for one, values, marked in zip(tried, seen, marks, strict=True):
        found = [
            text
            for place, blur in enumerate(rows)
            for text in _violations(
                one.probe, blur, values[each * place : each * (place + 1)], marked[each * place]
            )
        ]
        if found:
            wrong.append(f"{one.mnemonic} `{one.probe.text}`: {len(found)} wrong, e.g. {found[0]}")
    return wrong


def _violations(probe: Probe, blur: Blurred, seen: Sequence[Seen], mark: Seen) -> Iterator[str]:
    clear = not any(map(any, (blur.undefined.a, blur.undefined.b, blur.undefined.c, blur.undefined.old)))
    clear = clear and not any(getattr(blur.undefined, n) for n in ("sa", "sb", "sc", "sold", "vcc", "scc"))
    lane_bits = 64 if probe.vector == 2 else 32
    for name, width, marked, *values in _places(probe, blur.row.lanes, lane_bits, mark, seen):
        depends = 0
        for value in values[1:]:
            depends |= value ^ values[0]
        missing = depends & ~marked & ((1 << width) - 1)
        if missing:
            yield f"{name}: bits {missing:#x} depend on undefined ones, marked are {marked:#x}"
        elif clear and marked & ((1 << width) - 1) and not probe.text.startswith("ds_bpermute_b32"):
            yield f"{name}: {marked:#x} is marked, and every operand is defined"


def _places(
    probe: Probe, lanes: int, lane_bits: int, mark: Seen, seen: Sequence[Seen]
) -> Iterator[tuple[str, int, int, *tuple[int, ...]]]:
    """What a probe observes: name, bits, marks, then the values that were seen there."""
    for lane in range(lanes if probe.vector else 0):
        yield f"lane {lane}", lane_bits, mark.v[lane], *(one.v[lane] for one in seen)
    if probe.scalar:
        yield "s", 32 * probe.scalar, mark.s, *(one.s for one in seen)
    if probe.vcc:
        yield "vcc", lanes, mark.vcc, *(one.vcc for one in seen)
    if probe.scc:
        yield "scc", 1, mark.scc, *(one.scc for one in seen)


def _rows(lanes: int, count: int, seed: int = SEED) -> list[Blurred]:
    """Whole and narrowed EXEC in turn; integers with edges, of which many are floats too."""
    made = operands.make_rows(operands.integer_bits, count // 2, lanes=lanes, seed=seed)
    made += operands.make_rows(operands.float32_bits, count - count // 2, lanes=lanes, seed=seed)
    return list(blurred(made, random.Random(seed)))


def _check(watching: Watching, assembler: Assembler, tried: Sequence[Named], lanes: int) -> None:
    rows = _rows(lanes, ROWS)
    wrong = []
    for first in range(0, len(tried), PER_KERNEL):
        wrong += _unmarked(watching, assembler, tried[first : first + PER_KERNEL], rows)
    if wrong:
        pytest.fail(f"{len(wrong)} of {len(tried)}\n" + "\n".join(wrong))


def _chosen(tried: Sequence[Named]) -> list[Named]:
    """All forms of what has a rule of its own; of others one each, and of comparisons every fourth."""
    first = {one.mnemonic: one for one in reversed(tried)}
    compared = sorted(name for name in first if name.startswith("v_cmp"))
    left = set(first) - set(compared) | set(compared[::4])
    return [
        one for one in tried if one.mnemonic in RULES or (one.mnemonic in left and first[one.mnemonic] is one)
    ]


@pytest.mark.long
def test_what_depends_on_undefined_bits_is_marked(watching: Watching, assembler: Assembler) -> None:
    tried = _accepted(assembler, _chosen(all_probes(32)), 32)
    here = set(RULES) & set(test_coverage.HANDLERS)  # there are rules for other families' instructions, too
    untried = {name for name in here - {one.mnemonic for one in tried} if not name.startswith("v_wmma")}
    assert untried <= test_coverage.SPELLED_ALIKE | test_coverage.NOT_ON_GFX11 | ONLY_IN_WAVE64
    _check(watching, assembler, tried, 32)


@pytest.mark.long
def test_the_same_in_wave64(watching: Watching, assembler: Assembler) -> None:
    """What reads or writes lane masks, or other lanes: there the wave's size shows."""
    tried = [one for one in _chosen(all_probes(64)) if _depends_on_wave_size(one)]
    _check(watching, assembler, _accepted(assembler, tried, 64), 64)


def _depends_on_wave_size(one: Named) -> bool:
    text = one.probe.text
    named = ("{mask}", "{vcc}", "{smask}", "{exec}", "lane", "perm", "swizzle", "dpp", "saveexec", "wrexec")
    return any(name in text for name in named)


def test_undefined_bits_of_a_sample(watching: Watching, assembler: Assembler) -> None:
    tried = _accepted(assembler, _chosen(all_probes(32))[:: 1115 // 60], 32)
    assert len(tried) > 40
    _check(watching, assembler, tried, 32)


# ---- no wider than the rules say


MOVES: dict[str, tuple[str, str]] = {
    **{f"v_{name}_b32 {{d}}, {{a}}": ("a", "d") for name in ("mov", "bfrev")},
    **{
        f"v_{name} {{d}}, {{a}}, {{b}}": ("b", "d")
        for name in ("lshlrev_b32", "lshrrev_b32", "ashrrev_i32", "lshlrev_b16", "lshrrev_b16", "ashrrev_i16")
    },
    **{
        f"v_{name} {{d2}}, {{a}}, {{b2}}": ("b", "d")
        for name in ("lshlrev_b64", "lshrrev_b64", "ashrrev_i64")
    },
    **{f"v_{name}_b32 {{d}}, {{a}}, {{b}}, {{c}}": ("ab", "d") for name in ("perm", "alignbit", "alignbyte")},
    **{f"v_bfe_{sign}32 {{d}}, {{a}}, {{b}}, {{c}}": ("a", "d") for sign in "ui"},
    "v_cndmask_b32 {d}, {a}, {b}, {vcc}": ("ab", "d"),
    "ds_swizzle_b32 {d}, {a} offset:swizzle(SWAP,4);s_waitcnt lgkmcnt(0)": ("a", "d"),
    "v_mov_b32_dpp {d}, {a} quad_perm:[1,0,3,2] row_mask:0xf bank_mask:0xf": ("a", "d"),
    "v_permlane16_b32 {d}, {a}, {sc}, {sc}": ("a", "d"),
    "v_readlane_b32 {sd}, {a}, {sb}": ("a", "s"),
    "v_readfirstlane_b32 {sd}, {a}": ("a", "s"),
    "v_writelane_b32 {d}, {sa}, {sb}": ("a", "d"),
    **{
        f"s_{name} {{sd}}, {{sa}}, {{sb}}": ("a", "s")
        for name in ("lshl_b32", "lshr_b32", "ashr_i32", "bfe_u32")
    },
    **{f"s_{name} {{sd2}}, {{sa2}}, {{sb}}": ("a", "s") for name in ("lshl_b64", "lshr_b64", "bfe_i64")},
    "s_cselect_b32 {sd}, {sa}, {sb}": ("ab", "s"),
    "s_pack_lh_b32_b16 {sd}, {sa}, {sb}": ("ab", "s"),
    "s_sext_i32_i8 {sd}, {sa}": ("a", "s"),
}
"""What is moved, and where to: with all else defined, a bit of the result is undefined if and only if it
changes when all undefined bits are turned round."""


def _probe(text: str) -> Probe:
    vector = 2 if "{d2}" in text else 1 if "{d}" in text else 0
    scalar = 2 if "{sd2}" in text else 1 if "{sd}" in text else 0
    return Probe(text, vector=vector, scalar=scalar)


def test_moves_mark_exactly_what_is_moved(watching: Watching, assembler: Assembler) -> None:
    rng = random.Random(SEED)
    made = operands.make_rows(operands.integer_bits, 6, seed=SEED)
    texts = list(MOVES)
    for letters in ("a", "b", "ab"):
        names = [name for letter in letters for name in (letter, f"s{letter}")]
        tried = [text for text in texts if set(letters) <= set(MOVES[text][0])]
        rows = [one for row in made for one in only(row, names, rng).filled(rng)[:2]]
        seen, marks = watching.run(assembler, [_probe(text) for text in tried], rows)
        for text, values, marked in zip(tried, seen, marks, strict=True):
            for before, after, mark in zip(values[::2], values[1::2], marked[::2], strict=True):
                moved = [x ^ y for x, y in zip(before.v, after.v, strict=True)]
                assert mark.v == moved, text
                assert MOVES[text][1] == "d" or mark.s == before.s ^ after.s, text


@pytest.mark.parametrize("first", [0, 5, 32], ids=["of the wave", "wrapped around", "beyond the wave"])
def test_a_lane_gets_no_value_from_one_that_is_off(
    watching: Watching, assembler: Assembler, first: int
) -> None:
    rng = random.Random(SEED)
    made = [row for row in operands.make_rows(operands.integer_bits, 8, seed=SEED) if row.exec]
    assert any(row.exec != MASK32 for row in made)
    pulled = [[first + lane for lane in rng.sample(range(32), 32)] for _ in made]
    rows = [
        only(replace(row, b=[4 * lane for lane in lanes]), ["a"], rng)
        for row, lanes in zip(made, pulled, strict=True)
    ]
    _, (marks,) = watching.run(assembler, [_probe(PULL)], rows)
    for blur, lanes, mark in zip(rows, pulled, marks, strict=True):
        active = [lane for lane in range(32) if blur.row.active(lane)]
        some = any(lanes[lane] < 32 for lane in active)
        for lane in active:
            source = lanes[lane] % 32
            known = some and blur.row.active(source)
            assert mark.v[lane] == (blur.undefined.a[source] & MASK32 if known else MASK32)


Truth = Callable[..., int]
LOGIC: dict[str, Truth] = {
    "v_and_b32 {d}, {a}, {b}": lambda a, b: a & b,
    "v_or_b32 {d}, {a}, {b}": lambda a, b: a | b,
    "v_xor_b32 {d}, {a}, {b}": lambda a, b: a ^ b,
    "v_xnor_b32 {d}, {a}, {b}": lambda a, b: 1 - (a ^ b),
    "v_not_b32 {d}, {a}": lambda a: 1 - a,
    "v_or3_b32 {d}, {a}, {b}, {c}": lambda a, b, c: a | b | c,
    "v_xor3_b32 {d}, {a}, {b}, {c}": lambda a, b, c: a ^ b ^ c,
    "v_and_or_b32 {d}, {a}, {b}, {c}": lambda a, b, c: a & b | c,
}


@dataclass(frozen=True)
class Kleene:
    """Which bits can be 0, and which can be 1."""

    zero: int
    one: int

    @classmethod
    def of(cls, value: int, undefined: int) -> Kleene:
        return cls((~value | undefined) & MASK32, (value | undefined) & MASK32)


def _undecided(truth: Truth, sources: Sequence[Kleene]) -> int:
    """The bits that can be either, over all that the sources' bits can be."""
    can = [0, 0]
    for choice in product((0, 1), repeat=len(sources)):
        where = MASK32
        for source, bit in zip(sources, choice, strict=True):
            where &= source.one if bit else source.zero
        can[truth(*choice)] |= where
    return can[0] & can[1]


def test_logic_marks_exactly_what_is_undecided(watching: Watching, assembler: Assembler) -> None:
    rows = [one for one in _rows(32, 6) if one.row.exec]
    seen, marks = watching.run(assembler, [_probe(text) for text in LOGIC], rows)
    assert len(seen) == len(LOGIC)
    for (text, truth), marked in zip(LOGIC.items(), marks, strict=True):
        letters = [letter for letter in "abc" if f"{{{letter}}}" in text]
        for blur, mark in zip(rows, marked, strict=True):
            for lane in filter(blur.row.active, range(32)):
                sources = [
                    Kleene.of(getattr(blur.row, x)[lane], getattr(blur.undefined, x)[lane]) for x in letters
                ]
                assert mark.v[lane] == _undecided(truth, sources), text


SUMS = (
    "v_add_nc_u32 {d}, {a}, {b}", "v_sub_nc_u32 {d}, {a}, {b}", "v_subrev_nc_u32 {d}, {a}, {b}",
    "v_mul_lo_u32 {d}, {a}, {b}", "v_add3_u32 {d}, {a}, {b}, {c}", "v_add_co_u32 {d}, {vcc}, {a}, {b}",
)  # fmt: skip


def test_sums_leave_the_bits_below_the_lowest_undefined_one(watching: Watching, assembler: Assembler) -> None:
    rows = _rows(32, 6)
    _, marks = watching.run(assembler, [_probe(text) for text in SUMS], rows)
    for text, marked in zip(SUMS, marks, strict=True):
        letters = [letter for letter in "abc" if f"{{{letter}}}" in text]
        for blur, mark in zip(rows, marked, strict=True):
            for lane in filter(blur.row.active, range(32)):
                undefined = 0
                for letter in letters:
                    undefined |= getattr(blur.undefined, letter)[lane] & MASK32
                assert not mark.v[lane] & (undefined & -undefined) - 1 & MASK32 or not undefined, text
                assert undefined or not mark.v[lane], text
