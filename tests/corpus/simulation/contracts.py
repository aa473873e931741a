"""Contracts of simulation.hip: n-body, Mandelbrot, FFT, Philox and pi."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import F32, I32, U32, Dims, In, InOut, Launch, Out, boundary, choices, contract
from rocverify.oracle.inputs import Kind
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/simulation/simulation.hip"
WORD = 0xFFFFFFFF


@contract(source=SOURCE, symbol="n_body")
class NBody:
    """Softened gravity between all pairs."""

    body = In("n 4", F32)
    acceleration = Out("n 3", F32)
    dims = Dims(n=boundary(1, 130, tile=64))
    rounding = {F32: 160.0}
    softening = np.float32(0.01)

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        places, masses = rng.uniform(-2, 2, (dims.n, 3)), rng.uniform(0.1, 3, (dims.n, 1))
        return {"body": np.concatenate([places, masses], axis=1)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.n, float(self.softening))
        return launch(blocks(dims.n, 64), 64, arrays.body, arrays.acceleration, *sizes)

    def reference(self, body: Any) -> Any:
        return self._pulls(body).sum(axis=1, dtype=body.dtype)

    def magnitude(self, body: Any) -> Any:
        return np.abs(self._pulls(body)).sum(axis=1)

    def _pulls(self, body: Any) -> Any:
        away = body[None, :, :3] - body[:, None, :3]
        squared = (away**2).sum(axis=2) + body.dtype.type(self.softening)
        return away * (body[None, :, 3] * squared**-1.5)[..., None]


@contract(source=SOURCE, symbol="mandelbrot")
class Mandelbrot:
    """Escape times in fixed point and in double precision, both exact."""

    fixed = Out("height width", I32)
    real = Out("height width", I32)
    dims = Dims(height=boundary(1, 12), width=boundary(1, 34), limit=choices(1, 40, 60))

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.width, dims.height, dims.limit)
        grid = (blocks(dims.width, 16), blocks(dims.height, 4), 1)
        return launch(grid, (16, 4), arrays.fixed, arrays.real, *sizes)

    def reference(self, height: int, width: int, limit: int) -> Any:
        points = [
            [(12288 * x // width - 8192, 10240 * y // height - 5120) for x in range(width)]
            for y in range(height)
        ]
        fixed = [[_fixed_steps(cx, cy, limit) for cx, cy in row] for row in points]
        real = [[_real_steps(cx / 4096, cy / 4096, limit) for cx, cy in row] for row in points]
        return np.array(fixed, np.int32), np.array(real, np.int32)


def _fixed_steps(cx: int, cy: int, limit: int) -> int:
    zx = zy = 0
    for steps in range(limit):
        xx, yy = zx * zx >> 12, zy * zy >> 12
        if xx + yy > 4 << 12:
            return steps
        zx, zy = xx - yy + cx, (zx * zy >> 11) + cy
    return limit


def _real_steps(cx: float, cy: float, limit: int) -> int:
    u = v = 0.0
    for steps in range(limit):
        uu, vv = u * u, v * v
        if uu + vv > 4.0:
            return steps
        u, v = uu - vv + cx, 2 * u * v + cy
    return limit


class _Fft:
    points = In("batch n 2", F32)
    out = Out("batch n 2", F32)
    dims = Dims(batch=choices(1, 3), n=choices(2, 16, 128, 256))
    kinds = (Kind.PLAIN, Kind.HEAVY)
    rounding = {F32: 24.0}
    sign = -1.0

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.n.bit_length() - 1, float(self.sign))
        return launch(dims.batch, 64, arrays.points, arrays.out, *sizes)

    def reference(self, points: Any) -> Any:
        """The sum that defines the transform."""
        n = points.shape[1]
        turns = np.outer(np.arange(n), np.arange(n)) % n / n
        matrix = np.exp(2j * np.pi * self.sign * turns)
        found = (points[..., 0].astype(np.float64) + 1j * points[..., 1]) @ matrix
        return np.stack([found.real, found.imag], axis=-1).astype(points.dtype)

    def magnitude(self, points: Any) -> Any:
        total = np.abs(points).sum(axis=(1, 2), keepdims=True)
        return np.broadcast_to(total, points.shape)


@contract(source=SOURCE, symbol="fft_radix2")
class FftForward(_Fft):
    """The transform by its definition is the reference."""


@contract(source=SOURCE, symbol="fft_radix2")
class FftInverse(_Fft):
    """Without the division by the number of points."""

    sign = 1.0


def philox(counter: int, key: int) -> tuple[int, int, int, int]:
    """Philox 4x32-10 of a 128-bit counter and a 64-bit key, from the paper's definition."""
    c = [counter >> 32 * i & WORD for i in range(4)]
    k = [key >> 32 * i & WORD for i in range(2)]
    for _ in range(10):
        first, second = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [second >> 32 ^ c[1] ^ k[0], second & WORD, first >> 32 ^ c[3] ^ k[1], first & WORD]
        k = [k[0] + 0x9E3779B9 & WORD, k[1] + 0xBB67AE85 & WORD]
    return c[0], c[1], c[2], c[3]


@contract(source=SOURCE, symbol="philox_words")
class PhiloxWords:
    """Philox 4x32-10 over consecutive counters of 128 bits."""

    start = In("4", U32)
    out = Out("n 4", U32)
    dims = Dims(n=boundary(1, 200))
    seed = 0x0123_4567_89AB_CDEF

    def prepare(self, rng: Any) -> dict[str, Any]:
        """The low 64 bits are about to overflow."""
        return {"start": np.array([WORD - 20, WORD, *rng.integers(0, WORD, 2)], np.uint32)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.n, np.uint64(self.seed))
        return launch(blocks(dims.n, 64), 64, arrays.start, arrays.out, *sizes)

    def reference(self, start: Any, n: int) -> Any:
        first = sum(word << 32 * i for i, word in enumerate(start.tolist()))
        return np.array([philox(first + i & (1 << 128) - 1, self.seed) for i in range(n)], np.uint32)


@contract(source=SOURCE, symbol="philox_pi")
class PhiloxPi:
    """How many random points lie in the quarter circle."""

    inside = InOut("1", U32)
    dims = Dims(blocks=choices(1, 3), draws=choices(1, 4))
    seed = 20240229

    def prepare(self) -> dict[str, Any]:
        return {"inside": np.zeros(1, np.uint32)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.blocks, 96, arrays.inside, dims.draws, np.uint32(self.seed))

    def reference(self, blocks: int, draws: int) -> Any:
        counters = [(draw << 32) + thread for thread in range(96 * blocks) for draw in range(draws)]
        words = np.array([philox(c, self.seed) for c in counters], np.uint64) >> np.uint64(1)
        squares = (words**2).reshape(-1, 2).sum(axis=1)
        return np.array([(squares < np.uint64(1 << 62)).sum()], np.uint32)
