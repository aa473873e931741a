"""Contracts of arithmetic.hip: wide and narrow integers, double precision, functions, bits.

Python's own integers and fractions are the reference of all that has one right answer; of the functions,
those of the C library in double precision, and for doubles in extended precision.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from rocverify.oracle.contract import F32, F64, I32, I64, U32, U64, Dims, In, Launch, Out, boundary, contract
from tests.corpus.arithmetic.integers import bits_of, narrow_row, wide_row
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/arithmetic/arithmetic.hip"
LENGTHS = Dims(n=boundary(1, 140))


def _integers(rng: Any, n: int, bits: int) -> Any:
    """Signed integers of all lengths; never zero and never the least, whose quotients are undefined."""
    lengths = rng.integers(1, bits, n)
    values = [int(rng.integers(1 << (k - 1), 1 << k, dtype=np.uint64)) for k in lengths.tolist()]
    return np.array(values, np.int64) * rng.choice([-1, 1], n)


class _Integers:
    dims = LENGTHS
    bits = 64

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {name: _integers(rng, dims.n, self.bits) for name in "xy"}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, arrays.x, arrays.y, arrays.out, dims.n)


@contract(source=SOURCE, symbol="integers_64")
class Integers64(_Integers):
    """Products, quotients, shifts and comparisons of 64 bits."""

    x, y = In("n", I64), In("n", I64)
    out = Out("n 14", I64)

    def reference(self, x: Any, y: Any) -> Any:
        return np.array([wide_row(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)], np.int64)


@contract(source=SOURCE, symbol="integers_32")
class Integers32(_Integers):
    """Quotients, products and narrow types of 32 bits."""

    x, y = In("n", I32), In("n", I32)
    out = Out("n 16", I32)
    bits = 32

    def reference(self, x: Any, y: Any) -> Any:
        return np.array([narrow_row(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)], np.int32)


@contract(source=SOURCE, symbol="bit_tricks")
class BitTricks:
    """Counts, searches, fields, permutations and rotations of bits."""

    x, y = In("n", U64), In("n", U64)
    out = Out("n 14", U32)
    wide = Out("n 5", U64)
    dims = LENGTHS

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        x = rng.integers(0, 2**64, dims.n, dtype=np.uint64) >> rng.integers(0, 64, dims.n, dtype=np.uint64)
        x[rng.integers(dims.n)] = 0
        return {"x": x, "y": rng.integers(0, 2**64, dims.n, dtype=np.uint64)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, arrays.x, arrays.y, arrays.out, arrays.wide, dims.n)

    def reference(self, x: Any, y: Any) -> Any:
        found = [bits_of(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        return np.array([row for row, _ in found], np.uint32), np.array([w for _, w in found], np.uint64)


@contract(source=SOURCE, symbol="double_basics")
class DoubleBasics:
    """Not one bit of difference: fused and plain products are rounded once, from exact fractions."""

    x, y = In("n", F64), In("n", F64)
    out = Out("n 14", F64)
    whole = Out("n 4", I64)
    dims = LENGTHS
    rounding = {F64: 0.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        values = rng.standard_normal((2, dims.n)) * np.exp2(rng.integers(-20, 28, (2, dims.n)))
        halves = rng.integers(-9, 9, (2, dims.n)) + 0.5
        x, y = np.where(rng.random((2, dims.n)) < 0.2, halves, values)
        return {"x": x, "y": y}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, arrays.x, arrays.y, arrays.out, arrays.whole, dims.n)

    def reference(self, x: Any, y: Any) -> Any:
        pairs = list(zip(x.tolist(), y.tolist(), strict=True))
        rows = [_basics(a, b, i % 9 - 4) for i, (a, b) in enumerate(pairs)]
        return np.array(rows), np.array([_whole(a, b) for a, b in pairs], np.int64)


def _basics(a: float, b: float, exponent: int) -> list[float]:
    fused = Fraction(a) * Fraction(b) + Fraction(a)
    return [
        *(a + b, a - b, a * b, a / b, math.sqrt(abs(a)), float(fused)),
        *(math.floor(a), math.ceil(b), round(a), math.trunc(b)),
        *(math.fmod(a, b), math.ldexp(a, exponent), float(np.float32(a)), min(a, b) + math.copysign(1, b)),
    ]


def _whole(a: float, b: float) -> list[int]:
    clamped = max(-(2**31), min(int(b), 2**31 - 1))
    return [
        *(int(a * 2**20), int(abs(b * 2**20)), clamped),
        (a < b) + 2 * (a <= b) + 4 * (a != b) + 16 * (b < 0),
    ]


class _Functions:
    dims = LENGTHS

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        x = rng.standard_normal(dims.n) * rng.choice([0.01, 1, 6], dims.n)
        return {"x": np.clip(x, -20, 20)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, arrays.x, arrays.out, dims.n)


def _positive(x: Any, kernel: Any) -> Any:
    """The kernel's own sum, as it rounds it: logarithms near one enlarge that rounding."""
    return abs(x.astype(kernel)) + kernel(0.0625)


_erf = np.vectorize(math.erf, otypes=[np.float64])


@contract(source=SOURCE, symbol="double_functions")
class DoubleFunctions(_Functions):
    """Within 8 ULPs; OpenCL, whose functions these are, promises 16 for the worst of them."""

    x = In("n", F64)
    out = Out("n 6", F64)
    rounding = {F64: 8.0}
    compute = F64

    def reference(self, x: Any) -> Any:
        a = x.astype(np.longdouble)
        positive = _positive(x, np.float64).astype(np.longdouble)
        columns = [
            *(np.exp(a), np.log(positive), np.sin(a * 2**50), np.power(positive, a)),
            *(np.cbrt(a), positive**-0.5),
        ]
        return np.stack(columns, axis=-1).astype(np.float64)


@contract(source=SOURCE, symbol="float_functions")
class FloatFunctions(_Functions):
    """Within 4 ULPs."""

    x = In("n", F32)
    out = Out("n 9", F32)
    rounding = {F32: 4.0}

    def reference(self, x: Any) -> Any:
        positive = _positive(x, np.float32).astype(x.dtype)
        columns = [
            *(np.exp(x), np.log(positive), np.cos(x * x.dtype.type(2**20)), np.power(positive, x)),
            *(np.tanh(x), np.arctan2(x, positive), _erf(x), x / positive, np.sqrt(positive)),
        ]
        return np.stack(columns, axis=-1).astype(x.dtype)
