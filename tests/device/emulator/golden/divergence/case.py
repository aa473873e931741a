import numpy as np

KERNEL, N = "divergence", 200
GRID, BLOCK = (4, 1, 1), (64, 1, 1)


def one(i: int, x: int) -> int:
    total = 0
    if x < 0:
        total = -x if x & 1 else x * 3
    else:
        for k in range(x % 17):
            if k == 5:
                continue
            if total > 60:
                break
            for j in range(k, 0, -(1 + (i & 1))):
                total += j
    while total > 100:
        total -= 37
        if total == 77:
            return -77
    return total


def case(rng: np.random.Generator) -> tuple:
    given = rng.integers(-200, 400, N, dtype=np.int32)
    expected = np.full(N + 8, -1, np.int32)
    expected[:N] = [one(i, int(x)) for i, x in enumerate(given)]
    return (given, np.full(N + 8, -1, np.int32), np.int32(N)), {1: expected}
