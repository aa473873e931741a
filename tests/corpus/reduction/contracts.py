"""Contracts of reduction.hip."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import (
    F32,
    I32,
    U32,
    U64,
    Dims,
    In,
    InOut,
    Launch,
    Out,
    Scratch,
    boundary,
    choices,
    contract,
)
from rocverify.oracle.inputs import Kind
from tests.corpus.launching import SUMMABLE, blocks, launch

SOURCE = "tests/corpus/reduction/reduction.hip"
THREADS = 256
PARTIALS = 6


class _RowSums:
    source = In("rows cols", F32)
    sums = Out("rows", F32)
    dims = Dims(rows=choices(1, 3), cols=boundary(1, 700))
    rounding = {F32: 12.0}
    kinds = SUMMABLE

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.rows, THREADS, arrays.source, arrays.sums, dims.cols)

    def reference(self, source: Any) -> Any:
        return source.sum(axis=1)

    def magnitude(self, source: Any) -> Any:
        return abs(source).sum(axis=1)

    def wrong(self, source: Any) -> Any:
        return {"the last column left out": source[:, :-1].sum(axis=1)}


@contract(source=SOURCE, symbol="reduce_tree")
class ReduceTree(_RowSums):
    """Row sums, halving in LDS."""


@contract(source=SOURCE, symbol="reduce_shuffle")
class ReduceShuffle(_RowSums):
    """Row sums by shuffles."""


@contract(source=SOURCE, symbol="reduce_atomic")
class ReduceAtomic:
    """The sum of integers, wrapping, added to what is there."""

    source = In("n", I32)
    total = InOut("1", I32)
    dims = Dims(n=boundary(1, 700))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {
            "source": rng.integers(-(2**31), 2**31, dims.n),
            "total": rng.integers(-(2**31), 2**31, 1),
        }

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, THREADS), THREADS, arrays.source, arrays.total, dims.n)

    def reference(self, source: Any, total: Any) -> Any:
        exact = sum(source.tolist(), int(total[0]))
        return [(exact + 2**31) % 2**32 - 2**31]


class _Total:
    source = In("n", F32)
    dims = Dims(n=boundary(1, 1500))
    rounding = {F32: 16.0}
    kinds = SUMMABLE

    def reference(self, source: Any) -> Any:
        return source.sum(keepdims=True)

    def magnitude(self, source: Any) -> Any:
        return abs(source).sum(keepdims=True)


@contract(source=SOURCE, symbol="reduce_atomic_f32")
class ReduceAtomicF32(_Total):
    """A sum to which workgroups add in any order."""

    total = InOut("1", F32)

    def prepare(self) -> dict[str, Any]:
        return {"total": [0.5]}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, THREADS), THREADS, arrays.source, arrays.total, dims.n)

    def reference(self, source: Any, total: Any) -> Any:
        return source.sum(keepdims=True) + total

    def magnitude(self, source: Any, total: Any) -> Any:
        return abs(source).sum(keepdims=True) + total


@contract(source=SOURCE, symbol="argmax_atomic")
class ArgmaxAtomic:
    """The first of the largest numbers: its ordered bits and the complement of its index."""

    source = In("n", F32)
    best = InOut("1", U64)
    dims = Dims(n=boundary(1, 700))
    kinds = (Kind.PLAIN, Kind.HEAVY)

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        # Few values, so that the largest occurs several times.
        return {"source": rng.integers(-9, 9, dims.n) / 4, "best": np.zeros(1, np.uint64)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 128), 128, arrays.source, arrays.best, dims.n)

    def reference(self, source: Any) -> Any:
        index = int(np.argmax(source))
        bits = int(np.float32(source[index]).view(np.uint32))
        ordered = bits + 2**31 if bits < 2**31 else 2**32 - 1 - bits
        return np.array([ordered << 32 | (2**32 - 1 - index)], np.uint64)


@contract(source=SOURCE, symbol="reduce_partials")
class ReduceTwoPhase(_Total):
    """A sum in two launches."""

    partials = Scratch(str(PARTIALS), F32)
    total = Out("1", F32)

    def launch(self, arrays: Any, dims: Any) -> tuple[Launch, ...]:
        return (
            launch(PARTIALS, 128, arrays.source, arrays.partials, dims.n),
            launch(1, 32, arrays.partials, arrays.total, PARTIALS, symbol="reduce_finish"),
        )


@contract(source=SOURCE, symbol="reduce_last_block")
class ReduceLastBlock(_Total):
    """A sum in one launch: the last workgroup finishes it, and the counter is zero again."""

    partials = Scratch("8", F32)
    finished = InOut("1", U32)
    total = Out("1", F32)

    def prepare(self) -> dict[str, Any]:
        return {"finished": [0]}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        pointers = (arrays.source, arrays.partials, arrays.finished, arrays.total)
        return launch(blocks(dims.n, THREADS), THREADS, *pointers, dims.n)

    def reference(self, source: Any) -> Any:
        return {"finished": np.zeros(1, np.uint32), "total": source.sum(keepdims=True)}

    def magnitude(self, source: Any) -> Any:
        return {"finished": np.zeros(1), "total": abs(source).sum(keepdims=True)}
