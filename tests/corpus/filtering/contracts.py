"""Contracts of filtering.hip: compaction in order and in any order, stable partition, block scans."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import I32, U32, Dims, In, InOut, Launch, Out, boundary, choices, contract
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/filtering/filtering.hip"
THREADS = 128
UNTOUCHED = -1_000_000


def _values(rng: Any, n: int) -> Any:
    return rng.integers(-100, 100, n, dtype=np.int32)


def _filled(kept: list[int], n: int) -> Any:
    """The kept values, and what the buffer held before behind them."""
    return np.array(kept + [UNTOUCHED] * (n - len(kept)), np.int32)


class _Compact:
    data = In("n", I32)
    out = InOut("n", I32)
    dims = Dims(n=boundary(1, 300, tile=128), threshold=choices(1, 20, 99))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        """One value is 99: only the highest threshold keeps none."""
        data, untouched = _values(rng, dims.n), np.full(dims.n, UNTOUCHED, np.int32)
        data[rng.integers(dims.n)] = 99
        return {"data": data, "out": untouched, "count": np.zeros(1, np.int32)}

    def _launch(self, grid: int, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.n, dims.threshold)
        return launch(grid, THREADS, arrays.data, arrays.out, arrays.count, *sizes)

    def _kept(self, data: Any, threshold: int) -> list[int]:
        return [value for value in data.tolist() if value > threshold]


@contract(source=SOURCE, symbol="compact_ordered")
class CompactOrdered(_Compact):
    """The values above a threshold, in order; what lies behind them stays."""

    count = Out("1", I32)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return self._launch(1, arrays, dims)

    def reference(self, data: Any, n: int, threshold: int) -> Any:
        kept = self._kept(data, threshold)
        return _filled(kept, n), np.array([len(kept)], np.int32)


@contract(source=SOURCE, symbol="compact_append")
class CompactAppend(_Compact):
    """Waves append in any order: the values kept are compared as a sorted list."""

    count = InOut("1", U32)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return self._launch(blocks(dims.n, THREADS), arrays, dims)

    def reference(self, data: Any, n: int, threshold: int) -> Any:
        kept = sorted(self._kept(data, threshold))
        return _filled(kept, n), np.array([len(kept)], np.uint32)

    def canonical(self, out: Any, count: Any) -> Any:
        kept = int(count[0])
        return np.concatenate([np.sort(out[:kept]), out[kept:]]), count


@contract(source=SOURCE, symbol="partition_stable")
class PartitionStable:
    """Even values first, odd ones after them."""

    data = In("n", I32)
    out = Out("n", I32)
    evens = Out("1", I32)
    dims = Dims(n=boundary(1, 300, tile=128))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"data": _values(rng, dims.n)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(1, THREADS, arrays.data, arrays.out, arrays.evens, dims.n)

    def reference(self, data: Any) -> Any:
        parted = sorted(data.tolist(), key=lambda value: value % 2)
        return np.array(parted, np.int32), np.array([sum(v % 2 == 0 for v in parted)], np.int32)


@contract(source=SOURCE, symbol="scan_double_buffered")
class ScanDoubleBuffered:
    """Inclusive prefix sums of blocks of 128."""

    data = In("n", I32)
    out = Out("n", I32)
    dims = Dims(n=boundary(1, 300, tile=128))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"data": _values(rng, dims.n)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        grid = blocks(dims.n, THREADS)
        return launch(grid, THREADS, arrays.data, arrays.out, dims.n)

    def reference(self, data: Any) -> Any:
        starts = range(0, len(data), THREADS)
        return np.concatenate([np.cumsum(data[s : s + THREADS]) for s in starts]).astype(np.int32)
