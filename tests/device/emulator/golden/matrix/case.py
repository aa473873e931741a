import numpy as np

KERNEL, M, N, K = "matrix", 32, 48, 64
GRID, BLOCK = (1, 1, 1), (64, 1, 1)


def case(rng: np.random.Generator) -> tuple:
    """Small whole numbers and quarters: every sum is exact, in whatever order."""
    a, b = (rng.integers(-4, 5, shape).astype(np.float16) for shape in ((M, K), (K, N)))
    wide = [rng.integers(-32, 33, shape).astype(np.float32) / 4 for shape in ((M, K), (K, N))]
    bf_a, bf_b = ((x.view(np.uint32) >> 16).astype(np.int16) for x in wide)
    int_a, int_b = (rng.integers(-128, 128, shape).astype(np.int8) for shape in ((M, K), (K, N)))
    product = a.astype(np.float32) @ b.astype(np.float32)
    results = {
        6: product.ravel(),
        7: (wide[0] @ wide[1]).ravel(),
        8: product.astype(np.float16).ravel(),
        9: (int_a.astype(np.int32) @ int_b.astype(np.int32)).ravel(),
    }
    outputs = tuple(np.zeros_like(value) for value in results.values())
    return (a, b, bf_a, bf_b, int_a, int_b, *outputs), results
