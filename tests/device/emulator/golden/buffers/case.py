import numpy as np

KERNEL, N, HELD = "buffers", 128, 99
GRID, BLOCK = (2, 1, 1), (64, 1, 1)


def case(rng: np.random.Generator) -> tuple:
    """The resources hold HELD floats of allocations that are larger, so that what is past them is known."""
    values = rng.integers(-1000, 1000, 4 * N + 8).astype(np.float32)
    out = np.full(N, -7, np.float32)
    held = np.zeros(4 * N + 8, np.float32)
    held[:HELD] = values[:HELD]
    stored = np.where(np.arange(N) < HELD, held[:N] + 1, out).astype(np.float32)
    # The scalar offset of two floats counts after the check of the bounds.
    starts = 4 * np.arange(N)[:, None] + np.arange(4)
    sums = np.where(starts < HELD, values[np.minimum(starts + 2, values.size - 1)], 0).sum(1)
    index = np.arange(N)[:, None] * 3 + np.array([1, 2])
    pairs = np.where(np.arange(N)[:, None] < HELD // 3, values[np.minimum(index, values.size - 1)], 0)
    counters = np.zeros(4 + N + 1, np.int32)
    counted = counters.copy()
    for lane in range(N):
        if lane % 5 < 4:
            counted[lane % 5] += lane
    counted[4 : 4 + N] = 1
    counted[4 + N] = values[2:3].view(np.int32)[0]
    arguments = (values, out, np.zeros(N, np.float32), np.zeros(2 * N, np.float32), counters)
    outputs = {1: stored, 2: sums.astype(np.float32), 3: pairs.astype(np.float32).ravel(), 4: counted}
    return (*arguments, np.int32(HELD), np.int32(N)), outputs
