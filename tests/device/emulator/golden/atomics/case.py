import numpy as np

KERNEL, N = "atomics", 150
GRID, BLOCK = (3, 1, 1), (64, 1, 1)


def case(rng: np.random.Generator) -> tuple:
    given = rng.integers(1, 1 << 32, N, dtype=np.uint32)
    given[7] = 12345
    out = np.zeros(44, np.uint32)
    expected = out.copy()
    expected[0], expected[1], expected[3] = N, np.bitwise_xor.reduce(given), 777
    expected[2] = int((given & 3).sum())
    for i in range(N):
        expected[4 + i // 32] |= np.uint32(1 << i % 32)
    for block in range(3):
        part = given[64 * block : 64 * block + 64].astype(np.uint64)
        expected[32 + 4 * block :][:3] = [int(part.sum()) & 0xFFFFFFFF, part.min(), part.max()]
    wide = np.array([(given.astype(np.uint64) << np.uint64(20)).sum(), int(given.max()) << 31], np.uint64)
    arguments = (given, out, np.zeros(2, np.uint64), np.zeros(1, np.float32), np.int32(N))
    return arguments, {1: expected, 2: wide, 3: np.array([N / 2], np.float32)}
