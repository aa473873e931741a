import numpy as np

KERNEL, N = "reduction", 500
GRID, BLOCK, SHARED = (2, 1, 1), (256, 1, 1), 1024


def case(rng: np.random.Generator) -> tuple:
    given = rng.integers(-1000, 1000, N, dtype=np.int32)
    padded = np.zeros(512, np.int32)
    padded[:N] = given
    blocks = padded.reshape(2, 256)
    sums = blocks.sum(axis=1) + blocks[:, 224:].sum(axis=1)
    ballots = [sum(int(x & 1) << i for i, x in enumerate(wave)) for wave in padded.reshape(16, 32)]
    outputs = {1: sums.astype(np.int32), 2: np.array(ballots, np.uint32)}
    return (given, np.zeros(2, np.int32), np.zeros(16, np.uint32), np.int32(N)), outputs
