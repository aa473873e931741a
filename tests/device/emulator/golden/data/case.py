import numpy as np

KERNEL, N = "data", 90
GRID, BLOCK = (3, 1, 1), (32, 1, 1)
WEIGHTS = (3, 1, 4, 1, 5, 9, 2, 6)
SHAPE = np.array([(7, -300, (1, -2, 3))], [("scale", "<i4"), ("offset", "<i2"), ("flags", "i1", 3)])


def case(rng: np.random.Generator) -> tuple:
    data = rng.integers(0, 256, N, dtype=np.uint8)
    shorts = rng.integers(-3000, 3000, N, dtype=np.int16)
    rows = []
    for i in range(N):
        local = [0] * 8
        for k in range(8):
            local[(k * 3 + i) % 8] = WEIGHTS[k] * 7 + int(data[i])
        total = sum(local[: int(data[i]) % 8 + 1])
        rows += [total - 300 + (1, -2, 3)[i % 3], int(shorts[i]) * int(data[i].astype(np.int8))]
    shape = SHAPE.tobytes().ljust(12, b"\0")
    return (data, shorts, np.zeros(2 * N, np.int32), shape, np.int32(N)), {2: np.array(rows, np.int32)}
