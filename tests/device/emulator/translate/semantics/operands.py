"""Operand rows: edges first in every mixture, then values near them, then random bits. Seeded."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.device.emulator.probes import Row
from tests.device.emulator.translate.semantics.softfloat import F16, F32, F64, Format, from_float

Source = Callable[[random.Random], int]
EDGES_32 = [0, 1, 2, 31, 32, 33, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFF, 0x800000]
EDGES_32 += [
    0xFFFFFF,
    0x1000000,
    0x7FFFFFFF,
    0x80000000,
    0x80000001,
    0xFFFF8000,
    0xFFFFFFFE,
    0xFFFFFFFF,
    0x7FFF8000,
]


def float_edges(f: Format) -> list[int]:
    """Zeros, denormals, the ends of the range, infinities, NaNs of both kinds, ties, one of each sign."""
    one, ulp = from_float(f, 1.0), 1
    positive = [
        0, ulp, (1 << f.man) - 1, 1 << f.man, (1 << f.man) + 1, one, one + ulp, one - ulp, f.inf - 1, f.inf,
        f.nan, f.nan | 5, f.inf | 1, f.inf | (1 << f.man - 1) - 1, 1 << f.man - 1,
    ]  # fmt: skip
    for value in (
        0.5,
        1.5,
        2.0,
        2.5,
        3.0,
        4.0,
        0.15915494309189532,
        127.5,
        255.5,
        2047.0,
        2049.0,
        4096.0,
        65504.0,
    ):
        positive.append(from_float(f, value))
    if f is not F16:
        for value in (
            65519.0,
            65520.0,
            2.0**31,
            2.0**31 - 128,
            2.0**32,
            2.0**32 - 256,
            2.0**-14,
            2.0**-24,
            2.0**-25,
            1e9,
        ):
            positive.append(from_float(f, value))
    return positive + [value | f.sign_bit for value in positive]


def float_bits(f: Format) -> Source:
    edges = float_edges(f)

    def draw(rng: random.Random) -> int:
        kind = rng.random()
        if kind < 0.45:
            return rng.choice(edges)
        if kind < 0.6:
            return (rng.choice(edges) + rng.choice((-2, -1, 1, 2))) & f.mask
        if kind < 0.8:
            return from_float(f, rng.uniform(-1, 1) * 2.0 ** rng.randint(-8, 12))
        if kind < 0.9:
            return from_float(f, float(rng.randint(-3000, 3000)) / 2)
        return rng.getrandbits(f.bits)

    return draw


def integer_bits(rng: random.Random) -> int:
    """64 bits of two dwords, each an edge, near one, small or random."""
    return _dword(rng) | (_dword(rng) if rng.random() < 0.7 else rng.choice((0, 0xFFFFFFFF))) << 32


def _dword(rng: random.Random) -> int:
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(EDGES_32)
    if kind < 0.55:
        return rng.choice(EDGES_32) ^ 1 << rng.randint(0, 31)
    if kind < 0.7:
        return rng.randint(0, 70)
    return rng.getrandbits(32)


def float32_bits(rng: random.Random) -> int:
    return float_bits(F32)(rng) | float_bits(F32)(rng) << 32


def float64_bits(rng: random.Random) -> int:
    return float_bits(F64)(rng)


def half_bits(rng: random.Random) -> int:
    """Four halves: two in each dword."""
    return sum(float_bits(F16)(rng) << 16 * i for i in range(4))


def whole_singles(rng: random.Random) -> int:
    """Two singles with values in and around the range of halves, none of them NaN."""

    def one() -> int:
        return from_float(F32, rng.uniform(-1, 1) * 2.0 ** rng.randint(-30, 17))

    return one() | one() << 32


def whole_halves(rng: random.Random) -> int:
    """Four halves that hold small whole numbers."""
    return sum(from_float(F16, float(rng.randint(-9, 9))) << 16 * i for i in range(4))


def make_rows(source: Source, count: int, lanes: int = 32, seed: int = 1, partial: bool = True) -> list[Row]:
    """Rows with correlated operands in some lanes (equal, negated, neighbours) and varied EXEC."""
    rng = random.Random(seed)
    return [_row(rng, source, lanes, partial and index % 4 != 0) for index in range(count)]


def _row(rng: random.Random, source: Source, lanes: int, partial: bool) -> Row:
    a = [source(rng) for _ in range(lanes)]
    b = [_related(rng, x, source) for x in a]
    c = [_related(rng, x, source) for x in b]
    everyone = (1 << lanes) - 1
    return Row(
        lanes, a, b, c, [rng.getrandbits(64) for _ in range(lanes)],
        *(source(rng) for _ in range(3)), rng.getrandbits(64),
        rng.choice((0, everyone, rng.getrandbits(lanes), rng.getrandbits(lanes))),
        _mask(rng, lanes) if partial else everyone,
        rng.getrandbits(1),
    )  # fmt: skip


def _mask(rng: random.Random, lanes: int) -> int:
    everyone = (1 << lanes) - 1
    return rng.choice(
        (rng.getrandbits(lanes), rng.getrandbits(lanes), 1 << rng.randrange(lanes), everyone ^ 1)
    )


def _related(rng: random.Random, other: int, source: Source) -> int:
    kind = rng.random()
    if kind < 0.08:
        return other
    if kind < 0.12:
        return other ^ 0x8000800080008000
    if kind < 0.16:
        return (other + 1) & 0xFFFFFFFFFFFFFFFF
    return source(rng)
