import numpy as np

KERNEL, N = "transcendental", 300
GRID, BLOCK = (5, 1, 1), (64, 1, 1)
RELATIVE = 1e-6


def case(rng: np.random.Generator) -> tuple:
    x = (rng.normal(0, 1, N) * 2.0 ** rng.integers(-6, 4, N)).astype(np.float32)
    wide = x.astype(np.float64)
    size = np.abs(wide)
    exponential = np.exp(wide)
    functions = [
        exponential, np.log(size), np.sin(wide), np.cos(wide), np.tanh(wide), np.sqrt(size),
        1 / np.sqrt(size), np.exp2(wide), size**1.5, exponential,
    ]  # fmt: skip
    with np.errstate(over="ignore", under="ignore"):
        expected = np.concatenate(functions).astype(np.float32)
    return (x, np.zeros(10 * N, np.float32), np.int32(N)), {1: expected}
