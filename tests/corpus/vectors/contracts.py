"""Contracts of vectors.hip: halves and bytes in packs, bfloat16, structures by value, private arrays."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from rocverify.oracle.contract import (
    BF16,
    F16,
    F64,
    I32,
    U32,
    Dims,
    In,
    InOut,
    Launch,
    Out,
    boundary,
    choices,
    contract,
)
from rocverify.oracle.inputs import Kind
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/vectors/vectors.hip"


@contract(source=SOURCE, symbol="half2_math")
class Half2Math:
    """Every operation is one rounding of the exact result. The four results of pairs lie one after another,
    those of the odd element behind them."""

    x, y, z = In("n", F16), In("n", F16), In("n", F16)
    out = Out("n*4", F16)
    dims = Dims(n=boundary(1, 300))
    rounding = {F16: 0.0}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 128), 64, arrays.x, arrays.y, arrays.z, arrays.out, dims.n)

    def reference(self, x: Any, y: Any, z: Any) -> Any:
        results = np.stack([x + y, x * y, _fused(x, y, z), -x - z])
        pairs = len(x) // 2 * 2
        return np.concatenate([results[:, :pairs].ravel(), results[:, pairs:].ravel()])


def _fused(x: Any, y: Any, z: Any) -> Any:
    """x y + z rounded once to the type of x: the product of two halves is exact in double precision."""
    return (x.astype(np.float64) * y + z).astype(x.dtype)


@contract(source=SOURCE, symbol="half4_select")
class Half4Select:
    """Four halves a lane: selections, swaps, extremes."""

    x, y = In("n 4", F16), In("n 4", F16)
    out = Out("n 3 4", F16)
    dims = Dims(n=boundary(1, 140))
    kinds = (Kind.PLAIN, Kind.HEAVY)
    rounding = {F16: 0.0}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, arrays.x, arrays.y, arrays.out, dims.n)

    def reference(self, x: Any, y: Any) -> Any:
        halved = np.minimum(x, y) * x.dtype.type(0.5)
        rows = [np.maximum(x, y)[:, [1, 0, 3, 2]], halved + x[:, [0, 0, 2, 2]], abs(x) - y[:, ::-1]]
        return np.stack(rows, axis=1)


@contract(source=SOURCE, symbol="bfloat16_axpy")
class Bfloat16Axpy:
    """y = a x + y, rounded twice."""

    x, y = In("n", BF16), InOut("n", BF16)
    dims = Dims(n=boundary(1, 300))
    kinds = (Kind.PLAIN, Kind.HEAVY, Kind.SPECIAL)
    rounding = {BF16: 0.75}
    compute = BF16
    a = -1.75

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, arrays.x, arrays.y, self.a, dims.n)

    def reference(self, x: Any, y: Any) -> Any:
        return x * x.dtype.type(self.a) + y

    def magnitude(self, x: Any, y: Any) -> Any:
        return abs(x * self.a) + abs(y)


@contract(source=SOURCE, symbol="byte_dots")
class ByteDots:
    """Dot products and means of four bytes."""

    x, y = In("n", U32), In("n", U32)
    out = Out("n 4", I32)
    dims = Dims(n=boundary(1, 300))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {name: rng.integers(0, 2**32, dims.n, dtype=np.uint32) for name in "xy"}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, arrays.x, arrays.y, arrays.out, dims.n)

    def reference(self, x: Any, y: Any) -> Any:
        p, q = (array.view(np.uint8).reshape(-1, 4).astype(np.int64) for array in (x, y))
        sp, sq = (array.view(np.int8).reshape(-1, 4).astype(np.int64) for array in (x, y))
        mean = ((p + q + 1) // 2).astype(np.uint8).view(np.int32)
        dots = [(sp * sq).sum(axis=1) - 7, (p * q).sum(axis=1) + 9, (sp * q).sum(axis=1) + 1, mean[:, 0]]
        return np.stack(dots, axis=1)


class _Inner(ctypes.Structure):
    _fields_ = [("sign", ctypes.c_byte), ("scale", ctypes.c_double), ("offsets", ctypes.c_int16 * 3)]


class _Float4(ctypes.Structure):
    """A float4 is aligned to 16 bytes; the two gaps that makes are fields of the structure around it."""

    _fields_ = [(name, ctypes.c_float) for name in "xyzw"]


class _Settings(ctypes.Structure):
    _fields_ = [
        ("mode", ctypes.c_ubyte),
        ("inner", _Inner),
        ("weights", _Float4),
        ("limit", ctypes.c_int64),
        ("flag", ctypes.c_uint32, 3),
        ("step", ctypes.c_uint32, 7),
    ]


def _settings(mode: int, inner: _Inner, weights: _Float4, limit: int, flag: int, step: int) -> _Settings:
    assert _Settings.weights.offset % 16 == 0
    assert ctypes.sizeof(_Settings) % 16 == 0
    return _Settings(mode, inner, weights, limit, flag, step)


FIRST = _settings(200, _Inner(-1, 2.5, (7, -8, 9)), _Float4(0.5, 2.0, -3.0, 8.25), 500, 5, 100)
SECOND = _settings(3, _Inner(1, -0.75, (-100, 200, 300)), _Float4(-0.5, 4.0, 1.5, 16.0), 2**40, 2, 1)


@contract(source=SOURCE, symbol="struct_arguments")
class StructArguments:
    """Few bits and powers of two: every step is exact."""

    x = In("n", F64)
    out = Out("n", F64)
    dims = Dims(n=boundary(1, 140))
    rounding = {F64: 0.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"x": rng.integers(-4000, 4000, dims.n) / 8}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, FIRST, SECOND, arrays.x, arrays.out, dims.n)

    def reference(self, x: Any) -> Any:
        return np.array([self._value(value, i) for i, value in enumerate(x.tolist())])

    def _value(self, x: float, i: int) -> float:
        s = FIRST if i % 3 else SECOND
        w = s.weights
        value = s.inner.sign * s.inner.scale * x + w.w + s.inner.offsets[i % 3] + s.mode
        return min(value + w.x - w.y * w.z + s.flag + 8 * s.step, s.limit)


@contract(source=SOURCE, symbol="private_arrays")
class PrivateArrays:
    """A permutation followed through private memory."""

    permutation = In("96", I32)
    starts = In("n", I32)
    out = Out("n", I32)
    dims = Dims(n=boundary(1, 70), turns=choices(1, 20, 60))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"permutation": rng.permutation(96), "starts": rng.integers(0, 96, dims.n)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        grid = blocks(dims.n, 64)
        return launch(grid, 64, arrays.permutation, arrays.starts, arrays.out, dims.n, dims.turns)

    def reference(self, permutation: Any, starts: Any, turns: int) -> Any:
        order = permutation.tolist()
        return np.array([_followed(order, at, i, turns) for i, at in enumerate(starts.tolist())], np.int32)


def _followed(permutation: list[int], at: int, i: int, turns: int) -> int:
    following, visits, last = list(permutation), [s & 1 for s in range(96)], [-1] * 96
    for _ in range(turns):
        to = following[at]
        visits[at] += 1
        last[to] = at
        following[at] = following[(to + i) % 96]
        at = (to + 1) % 96
    rows = enumerate(zip(following, visits, last, strict=True))
    return sum(f * (s + 1) + v % 256 * 1000 + p * 3 for s, (f, v, p) in rows)
