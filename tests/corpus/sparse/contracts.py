"""Contracts of sparse.hip: CSR products, segmented sums, one level of a breadth-first search."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from rocverify.oracle.contract import F32, I32, Dims, In, InOut, Launch, Out, boundary, choices, contract
from rocverify.oracle.inputs import Kind
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/sparse/sparse.hip"
ROWS = 70


def _row_starts(rng: Any, rows: int, total: int) -> Any:
    """Where rows begin in `total` entries, and the end; some rows are empty, some long."""
    cuts = [0, total // 3, *rng.integers(0, total + 1, rows // 4)]
    return np.array([0, *np.sort(rng.choice(cuts, rows - 1)), total], np.int32)


class _Csr:
    starts = In("71", I32)
    columns = In("entries", I32)
    values = In("entries", F32)
    x = In("width", F32)
    y = Out("70", F32)
    dims = Dims(entries=boundary(1, 300), width=choices(1, 90))
    kinds = (Kind.PLAIN, Kind.HEAVY, Kind.SPECIAL)
    rounding = {F32: 100.0}
    lanes = 1
    """How many of them share a row."""

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        columns = rng.integers(0, dims.width, dims.entries)
        return {"starts": _row_starts(rng, ROWS, dims.entries), "columns": columns}

    def launch(self, arrays: Any) -> Launch:
        grid = blocks(ROWS * self.lanes, 128)
        return launch(grid, 128, arrays.starts, arrays.columns, arrays["values"], arrays.x, arrays.y, ROWS)

    def reference(self, starts: Any, columns: Any, values: Any, x: Any) -> Any:
        return self._sums(starts, values * x[columns])

    def magnitude(self, starts: Any, columns: Any, values: Any, x: Any) -> Any:
        return self._sums(starts, np.abs(values * x[columns]))

    def _sums(self, starts: Any, terms: Any) -> Any:
        pairs = pairwise(starts.tolist())
        return np.array([terms[a:b].sum(dtype=terms.dtype) for a, b in pairs], terms.dtype)


@contract(source=SOURCE, symbol="csr_scalar")
class CsrScalar(_Csr):
    """A thread a row."""


@contract(source=SOURCE, symbol="csr_vector")
class CsrVector(_Csr):
    """32 lanes a row."""

    lanes = 32


@contract(source=SOURCE, symbol="segmented_sum")
class SegmentedSum:
    """Runs of random length; every run has a number of its own."""

    segment = In("n", I32)
    value = In("n", I32)
    sums = InOut("n", I32)
    dims = Dims(n=boundary(1, 300, tile=128))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        starts = rng.random(dims.n) < rng.choice([0.02, 0.3])
        starts[0] = False
        values = rng.integers(-1000, 1000, dims.n)
        return {"segment": np.cumsum(starts), "value": values, "sums": np.zeros(dims.n)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 128), 128, arrays.segment, arrays.value, arrays.sums, dims.n)

    def reference(self, segment: Any, value: Any, n: int) -> Any:
        return np.bincount(segment, weights=value, minlength=n).astype(np.int32)


@contract(source=SOURCE, symbol="bfs_level")
class BfsLevel:
    """A random graph of 70 vertices, some of them visited: the next frontier is a set, in any order."""

    starts = In("71", I32)
    targets = In("edges", I32)
    frontier = In("size", I32)
    level = InOut("70", I32)
    next = InOut("70", I32)
    next_size = InOut("1", I32)
    dims = Dims(edges=boundary(1, 300), size=choices(1, 10, 40))
    depth = 2

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        vertices = rng.permutation(ROWS)
        level = np.full(ROWS, -1)
        level[vertices[: dims.size]] = self.depth - 1
        level[vertices[dims.size : dims.size + 8]] = 0
        return {
            "starts": _row_starts(rng, ROWS, dims.edges),
            "targets": rng.integers(0, ROWS, dims.edges),
            "frontier": vertices[: dims.size],
            "level": level,
            "next": np.full(ROWS, ROWS),
            "next_size": [0],
        }

    def launch(self, arrays: Any, dims: Any) -> Launch:
        read, written = (arrays.starts, arrays.targets, arrays.frontier), (arrays.level, arrays.next)
        grid = blocks(dims.size, 32)
        return launch(grid, 32, *read, *written, arrays.next_size, dims.size, self.depth)

    def reference(self, starts: Any, targets: Any, frontier: Any, level: Any) -> Any:
        edges = [range(starts[vertex], starts[vertex + 1]) for vertex in frontier]
        reached = {int(targets[edge]) for some in edges for edge in some if level[targets[edge]] == -1}
        after = np.array(level)
        after[list(reached)] = self.depth
        return after, np.array([*reached] + [ROWS] * (ROWS - len(reached))), [len(reached)]

    def canonical(self, level: Any, next: Any, next_size: Any) -> Any:
        return level, np.sort(next), next_size
