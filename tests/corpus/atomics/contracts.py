"""Contracts of atomics.hip: every atomic operation, in global memory and in LDS."""

from __future__ import annotations

from functools import reduce
from operator import and_, or_, xor
from typing import Any

import numpy as np

from rocverify.oracle.contract import (
    F32,
    F64,
    I32,
    U32,
    U64,
    Dims,
    In,
    InOut,
    Launch,
    Out,
    boundary,
    choices,
    contract,
)
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/atomics/atomics.hip"
BLOCK = 128
WORD, LONG = 2**32, 2**64
LENGTHS = Dims(n=boundary(1, 300))


def _counted_up(times: int, limit: int) -> list[int]:
    """What atomicInc gives from zero on: 0, 1, ... limit, 0, 1, ..."""
    return [i % (limit + 1) for i in range(times)]


def _counted_down(times: int, limit: int) -> list[int]:
    """What atomicDec gives from zero on: 0, limit, limit - 1, ... 0, limit, ..."""
    return [-i % (limit + 1) for i in range(times)]


@contract(source=SOURCE, symbol="atomics_plain")
class AtomicsPlain:
    """32-bit operations whose results nobody reads."""

    data = In("n", I32)
    out = InOut("7", I32)
    bare = InOut("4", U32)
    dims = LENGTHS
    start = (11, -7, 2**31 - 1, -(2**31), -1, 0, 0x1234)

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        data = rng.integers(-(2**31), 2**31, dims.n)
        return {"data": data, "out": self.start, "bare": [WORD - 1, 0, 0, 0]}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, BLOCK), BLOCK, arrays.data, arrays.out, arrays.bare, dims.n)

    def reference(self, data: Any, n: int) -> Any:
        values, start = data.tolist(), self.start
        bare = [value % WORD for value in values]
        sums = (start[0] + sum(values), start[1] - sum(values))
        whole = [
            *((s + 2**31) % WORD - 2**31 for s in sums),
            *(
                min(values),
                max(values),
                reduce(and_, values),
                reduce(or_, values),
                reduce(xor, values, start[6]),
            ),
        ]
        return whole, [min(bare), max(bare), _counted_up(n + 1, 36)[n], _counted_down(n + 1, 36)[n]]


@contract(source=SOURCE, symbol="atomics_returning")
class AtomicsReturning:
    """32-bit operations whose results are used."""

    data = In("n", U32)
    state = InOut("10", U32)
    drawn = InOut("n", U32)
    dims = LENGTHS

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        data = rng.integers(0, WORD, dims.n, dtype=np.uint32)
        return {"data": data, "state": [0] * 9 + [17], "drawn": np.zeros(dims.n)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, BLOCK), BLOCK, arrays.data, arrays.state, arrays.drawn, dims.n)

    def reference(self, data: Any, n: int) -> Any:
        values = data.tolist()
        bits = {value & 31 for value in values}
        chain = 17
        for _ in values:
            chain = (chain * 5 + 3) % WORD
        up, down = _counted_up(n + 1, 6), _counted_down(n + 1, 6)
        state = [n, 0, reduce(xor, values), up[n], sum(up[:n]), down[n], sum(down[:n])]
        return [*state, sum(1 << b for b in bits), n - len(bits), chain], np.ones(n)

    def canonical(self, state: Any, drawn: Any) -> Any:
        """Of the value that lies there at the end and those that came out, only all together are known."""
        whole = np.array(state)
        whole[1], whole[2] = 0, whole[1] ^ whole[2]
        return whole, drawn


@contract(source=SOURCE, symbol="atomics_wide")
class AtomicsWide:
    """64-bit operations, with and without result."""

    data = In("n", U64)
    out = InOut("10", U64)
    drawn = InOut("n", U32)
    dims = LENGTHS

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        data = rng.integers(0, LONG, dims.n, dtype=np.uint64)
        out = np.array([5, LONG - 1, 0, LONG - 1, 0, 3, 0, 0, 0, LONG - 9], np.uint64)
        return {"data": data, "out": out, "drawn": np.zeros(dims.n)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, BLOCK), BLOCK, arrays.data, arrays.out, arrays.drawn, dims.n)

    def reference(self, data: Any, n: int) -> Any:
        values = data.tolist()
        folded = [min(values), max(values), reduce(and_, values), reduce(or_, values), reduce(xor, values, 3)]
        last = (LONG - 9 + sum(value | 1 for value in values)) % LONG
        out = [(5 + sum(values)) % LONG, *folded, 0, reduce(xor, values), n << 33, last]
        return np.array(out, np.uint64), np.ones(n)

    def canonical(self, out: Any, drawn: Any) -> Any:
        whole = np.array(out)
        whole[6], whole[7] = 0, whole[6] ^ whole[7]
        return whole, drawn


@contract(source=SOURCE, symbol="atomics_float")
class AtomicsFloat:
    """Multiples of 1/16: no sum needs more bits than float32 has."""

    data = In("n", F32)
    single = InOut("3", F32)
    twice = InOut("2", F64)
    dims = LENGTHS
    rounding = {F32: 0.0, F64: 0.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        data = rng.integers(-4000, 4000, dims.n) / 16
        return {"data": data, "single": [2.5, -1, np.inf], "twice": [-0.25, -np.inf]}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, BLOCK), BLOCK, arrays.data, arrays.single, arrays.twice, dims.n)

    def reference(self, data: Any) -> Any:
        total = data.astype(np.float64).sum()
        return np.array([2.5 + total, 7.5, data.min()]), np.array([total - 0.25, data.max()])


@contract(source=SOURCE, symbol="atomics_lds")
class AtomicsLds:
    """All of them in LDS, workgroup by workgroup."""

    data = In("n", U32)
    out = Out("blocks 24", U32)
    wide = Out("blocks 4", U64)
    real = Out("blocks 3", F32)
    dims = Dims(n=boundary(257, 384), blocks=choices(3))
    rounding = {F32: 0.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"data": rng.integers(0, WORD, dims.n, dtype=np.uint32)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        written = (arrays.out, arrays.wide, arrays.real)
        return launch(dims.blocks, BLOCK, arrays.data, *written, dims.n)

    def reference(self, data: Any, n: int) -> Any:
        parts = [data[start : start + BLOCK].tolist() for start in range(0, n, BLOCK)]
        words, wide, real = zip(*(self._block(part) for part in parts), strict=True)
        return np.array(words, np.uint32), np.array(wide, np.uint64), np.array(real, np.float32)

    def _block(self, values: list[int]) -> tuple[list[int], list[int], list[float]]:
        signed = [(value + 2**31) % WORD - 2**31 for value in values]
        tickets = _counted_up(len(values) + 1, 10)
        words = [sum(values) % WORD, min(values), max(values), reduce(and_, values), reduce(or_, values)]
        words += [reduce(xor, values)] * 2 + [tickets.pop(), min(signed) % WORD, max(signed) % WORD]
        words += [tickets.count(ticket) for ticket in range(14)]
        shifted = [value << 20 for value in values]
        wide = [sum(shifted), min(shifted), max(shifted), reduce(xor, shifted)]
        real = [((value & 255) - 128) * 0.25 for value in values]
        return words, wide, [sum(real), min(real), max(real)]
