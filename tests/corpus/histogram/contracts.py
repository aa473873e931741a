"""Contracts of histogram.hip. Counts are added to what is there."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import I32, U8, U32, Dims, In, InOut, Launch, boundary, choices, contract
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/histogram/histogram.hip"


@contract(source=SOURCE, symbol="histogram_global")
class HistogramGlobal:
    """Integers from -3 on, of which those within the bins count."""

    source = In("n", I32)
    counts = InOut("bins", U32)
    dims = Dims(n=boundary(1, 700), bins=choices(1, 11, 50))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {
            "source": rng.integers(-3, dims.bins + 3, dims.n),
            "counts": rng.integers(0, 2**32, dims.bins),
        }

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 128), 128, arrays.source, arrays.counts, dims.n, dims.bins)

    def reference(self, source: Any, counts: Any, bins: int) -> Any:
        found = [int((source == value).sum()) for value in range(bins)]
        return (counts.astype(np.int64) + found) % 2**32


class _Bytes:
    source = In("n", U8)
    counts = InOut("256", U32)
    dims = Dims(n=boundary(1, 1000))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        # A few values are frequent: lanes of one wave meet at the same bin.
        values = np.where(
            rng.random(dims.n) < 0.5, rng.integers(60, 64, dims.n), rng.integers(0, 256, dims.n)
        )
        return {"source": values, "counts": rng.integers(0, 1000, 256)}

    def reference(self, source: Any, counts: Any) -> Any:
        return counts + np.bincount(source, minlength=256).astype(np.uint32)


@contract(source=SOURCE, symbol="histogram_lds")
class HistogramLds(_Bytes):
    """Privatised in LDS."""

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(2, 192, arrays.source, arrays.counts, dims.n)


@contract(source=SOURCE, symbol="histogram_ballot")
class HistogramBallot(_Bytes):
    """Aggregated over a wave."""

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 128), 128, arrays.source, arrays.counts, dims.n)
