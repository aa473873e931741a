from fractions import Fraction

import numpy as np

KERNEL, N = "wide", 70
GRID, BLOCK = (2, 1, 1), (48, 1, 1)
FLAGS = ("-ffp-contract=off",)


def divided(a: int, b: int) -> int:
    quotient = abs(a) // abs(b) if b else 0
    return -quotient if (a < 0) != (b < 0) else quotient


def wrapped(x: int) -> int:
    x &= (1 << 64) - 1
    return x - (1 << 64) if x >> 63 else x


def integers(a: int, b: int, x: float) -> list[int]:
    logical = (a & (1 << 64) - 1) >> (b & 63)
    bits = a & (1 << 64) - 1
    leading = 64 - (b & (1 << 64) - 1).bit_length()
    return [
        wrapped(a + b), wrapped(a * b), a >> (b & 63), wrapped(logical), min(a, b), divided(a, b),
        bits.bit_count() + leading, int(x),
    ]  # fmt: skip


def case(rng: np.random.Generator) -> tuple:
    a = rng.integers(-(1 << 62), 1 << 62, N, dtype=np.int64) >> rng.integers(0, 60, N)
    b = rng.integers(-(1 << 62), 1 << 62, N, dtype=np.int64) >> rng.integers(0, 60, N)
    b[3] = 0
    x, y = rng.normal(0, 1e3, N), rng.normal(0, 1e-3, N)
    whole = np.array(
        [integers(*row) for row in zip(a.tolist(), b.tolist(), x.tolist(), strict=True)], np.int64
    )
    fused = [
        float(Fraction(p) * Fraction(q) + Fraction(1, 2)) for p, q in zip(x.tolist(), y.tolist(), strict=True)
    ]
    real = np.stack(
        [x + y, x * y - 1.0, fused, x / y, np.sqrt(np.abs(x)), np.floor(x) + a.astype(float)], axis=1
    )
    arguments = (a, b, x, y, np.zeros(8 * N, np.int64), np.zeros(6 * N), np.int32(N))
    return arguments, {4: whole.ravel(), 5: real.ravel()}
