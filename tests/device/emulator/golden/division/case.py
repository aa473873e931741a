import numpy as np

KERNEL, N = "division", 640
GRID, BLOCK = (10, 1, 1), (64, 1, 1)
FLAGS = ("-fhip-fp32-correctly-rounded-divide-sqrt",)


def spread(rng: np.random.Generator, real: type, bits: type) -> np.ndarray:
    """Random bits, so every exponent, with edges among them."""
    info = np.finfo(real)
    raw = rng.integers(0, np.iinfo(bits).max, N, dtype=bits, endpoint=True).view(real)
    edges = [
        0.0,
        -0.0,
        1.0,
        info.max,
        info.tiny,
        info.smallest_subnormal,
        3 * info.smallest_subnormal,
        np.inf,
        np.nan,
    ]
    chosen = rng.choice(np.array(edges, real), N)
    near = (rng.normal(0, 1, N) * 2.0 ** rng.integers(-8, 8, N)).astype(real)
    return np.choose(rng.integers(0, 4, N), [raw, raw, near, chosen])


def case(rng: np.random.Generator) -> tuple:
    a, b = (spread(rng, np.float32, np.uint32) for _ in range(2))
    x, y = (spread(rng, np.float64, np.uint64) for _ in range(2))
    with np.errstate(all="ignore"):
        b[::7], y[::7] = a[::7] * np.float32(2.0**100), x[::7] * 2.0**900
        outputs = {2: a / b, 5: x / y}
    return (a, b, np.zeros(N, np.float32), x, y, np.zeros(N), np.int32(N)), outputs
