import numpy as np

KERNEL, N = "halves", 100
GRID, BLOCK = (4, 1, 1), (32, 1, 1)
FLAGS = ("-ffp-contract=off",)


def case(rng: np.random.Generator) -> tuple:
    a, b = (rng.normal(0, 8, N).astype(np.float16) for _ in range(2))
    third = (a.astype(np.float32) / np.float32(3)).astype(np.float16)
    out = np.stack([a + b, a * b, np.minimum(a, b), third], axis=1).ravel()
    wide_a, wide_b = a.astype(np.float32), b.astype(np.float32)
    single = np.stack([wide_a * wide_b, wide_a / wide_b, np.trunc(wide_a)], axis=1).astype(np.float32).ravel()
    return (a, b, np.zeros(4 * N, np.float16), np.zeros(3 * N, np.float32), np.int32(N)), {2: out, 3: single}
