import numpy as np

KERNEL, N = "calls", 75
GRID, BLOCK = (2, 1, 1), (40, 1, 1)
FIBONACCI = (0, 1, 1, 2, 3, 5, 8, 13, 21)


def chosen(kind: int, x: int) -> int:
    quotient = abs(x) // 7 * (1 if x >= 0 else -1)
    remainder = abs(x) % 11 * (1 if x >= 0 else -1)
    return {0: x + 1, 1: x ^ 0x55, 2: 2 * x - 3, 3: quotient, 4: remainder, 5: x << 3, 9: -x}.get(kind, 42)


def case(rng: np.random.Generator) -> tuple:
    given = rng.integers(-1000, 1000, N, dtype=np.int32)
    rows = []
    for i, x in enumerate(map(int, given)):
        pointed = (2 * x, x * x, -x)[i % 3]
        rows += [pointed, FIBONACCI[i % 9], chosen(i % 11, x), x * x if i & 1 else 2 * x]
    return (given, np.zeros(4 * N, np.int32), np.int32(N)), {1: np.array(rows, np.int32)}
