import numpy as np

KERNEL, N = "flush", 640
GRID, BLOCK = (10, 1, 1), (64, 1, 1)
FLAGS = ("-fgpu-flush-denormals-to-zero", "-fhip-fp32-correctly-rounded-divide-sqrt", "-ffp-contract=off")
TINY = np.finfo(np.float32).tiny


def flushed(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) < TINY, np.copysign(np.float32(0), x), x).astype(np.float32)


def numbers(rng: np.random.Generator) -> np.ndarray:
    """Denormals, what is about to become one, and ordinary numbers."""
    near = (rng.normal(0, 1, N) * TINY * 2.0 ** rng.integers(-4, 4, N)).astype(np.float32)
    small = (rng.normal(0, 1, N) * 2.0 ** rng.integers(-70, -50, N)).astype(np.float32)
    plain = rng.normal(0, 1, N).astype(np.float32)
    zero = np.copysign(np.float32(0), plain)
    return np.choose(rng.integers(0, 8, N), [near, near, near, small, small, plain, plain, zero])


def case(rng: np.random.Generator) -> tuple:
    a, b = numbers(rng), numbers(rng)
    x = rng.normal(0, 1, N) * 2.0 ** rng.integers(-1074, -1000, N)
    fa, fb = flushed(a), flushed(b)
    with np.errstate(all="ignore"):
        quotient = np.where(np.arange(N) % 3, flushed(fa / fb), np.float32(0)).astype(np.float32)
        sums, products = flushed(fa + fb), flushed(fa * fb)
    compared = ((fa == 0) + 2 * (fa < fb) + 4 * (fa > 0)).astype(np.int32)
    outputs = {2: sums, 3: products, 4: quotient, 5: compared, 7: x * 0.5}
    zeros = [np.zeros(N, np.float32) for _ in range(3)]
    return (a, b, *zeros, np.zeros(N, np.int32), x, np.zeros(N), np.int32(N)), outputs
