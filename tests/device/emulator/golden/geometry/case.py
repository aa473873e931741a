import numpy as np

KERNEL = "geometry"
GRID, BLOCK = (3, 2, 2), (5, 3, 3)


def packed(x: int, y: int, z: int) -> int:
    return x | y << 8 | z << 16


def case(_: np.random.Generator) -> tuple:
    rows = [
        (packed(tx, ty, tz), packed(bx, by, bz), packed(*BLOCK), packed(*GRID))
        for bz in range(2) for by in range(2) for bx in range(3)
        for tz in range(3) for ty in range(3) for tx in range(5)
    ]  # fmt: skip
    expected = np.array(rows, np.uint32).ravel()
    return (np.zeros_like(expected),), {0: expected}
