import numpy as np

KERNEL, N, MODE = "rounding", 192, 2
GRID, BLOCK = (3, 1, 1), (64, 1, 1)
FLAGS = ("-ffp-contract=off",)
UP, DOWN, ZERO = 1, 2, 3


def to_single(exact: np.ndarray, mode: int) -> np.ndarray:
    """From values that float64 holds exactly: to nearest first, then a step back where that was too far."""
    near = exact.astype(np.float32)
    over = {UP: near < exact, DOWN: near > exact, ZERO: np.abs(near.astype(np.float64)) > np.abs(exact)}[mode]
    towards = {UP: np.inf, DOWN: -np.inf, ZERO: 0.0}[mode]
    return np.where(over, np.nextafter(near, np.float32(towards)), near).astype(np.float32)


def case(rng: np.random.Generator) -> tuple:
    a, b = ((rng.normal(0, 1, N) * 2.0 ** rng.integers(-8, 8, N)).astype(np.float32) for _ in range(2))
    x = rng.normal(0, 1, N) * 2.0 ** rng.integers(-20, 20, N)
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    sums = np.concatenate([to_single(wide_a + wide_b, mode) for mode in (UP, DOWN, ZERO)])
    outputs = {
        2: sums,
        3: to_single(wide_a * wide_b, MODE),
        4: (wide_a * wide_b).astype(np.float32),
        6: to_single(x, MODE),
    }
    empty = np.zeros(N, np.float32)
    arguments = (a, b, np.zeros(3 * N, np.float32), empty, empty.copy(), x, empty.copy())
    return (*arguments, np.int32(MODE), np.int32(N)), outputs
