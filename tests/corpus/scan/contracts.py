"""Contracts of scan.hip. Sums wrap at 32 bits; the references add in 64."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import (
    I32,
    U8,
    U32,
    U64,
    Dims,
    In,
    Launch,
    Out,
    Scratch,
    boundary,
    choices,
    contract,
)
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/scan/scan.hip"
THREADS = TILE = 256


def _inclusive(values: Any) -> Any:
    return np.cumsum(values.astype(np.int64), axis=-1).astype(np.int32)


def _exclusive(values: Any) -> Any:
    return np.roll(np.pad(_inclusive(values), ((0, 0), (0, 1))), 1, axis=-1)[:, :-1]


class _Rows:
    source = In("rows cols", I32)
    out = Out("rows cols", I32)
    dims = Dims(rows=choices(1, 3), cols=boundary(1, 256))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"source": rng.integers(-(2**31), 2**31, (dims.rows, dims.cols))}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.rows, THREADS, arrays.source, arrays.out, dims.cols)

    def reference(self, source: Any) -> Any:
        return _inclusive(source)

    def wrong(self, source: Any) -> Any:
        return {"the other sort of sum": _exclusive(source)}


@contract(source=SOURCE, symbol="scan_hillis_steele")
class ScanHillisSteele(_Rows):
    """Inclusive, up to 256 in a row."""


@contract(source=SOURCE, symbol="scan_blelloch")
class ScanBlelloch(_Rows):
    """Exclusive, up to 512 in a row."""

    dims = Dims(rows=choices(1, 3), cols=boundary(1, 512))

    def reference(self, source: Any) -> Any:
        return _exclusive(source)

    def wrong(self, source: Any) -> Any:
        return {"the other sort of sum": _inclusive(source)}


@contract(source=SOURCE, symbol="scan_shuffle")
class ScanShuffle(_Rows):
    """Inclusive, rows of any length."""

    dims = Dims(rows=choices(1, 3), cols=boundary(1, 700))


class _Line:
    source = In("n", I32)
    out = Out("n", I32)
    dims = Dims(n=boundary(1, 2000))

    def reference(self, source: Any) -> Any:
        return _inclusive(source)

    def wrong(self, source: Any) -> Any:
        tiles = np.arange(0, len(source), TILE)[1:]
        return {"tiles on their own": np.concatenate([_inclusive(part) for part in np.split(source, tiles)])}


@contract(source=SOURCE, symbol="scan_tiles")
class ScanThreeLaunches(_Line):
    """Inclusive, any length, in three launches."""

    sums = Scratch("8", I32)

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"source": rng.integers(-(2**31), 2**31, dims.n)}

    def launch(self, arrays: Any, dims: Any) -> tuple[Launch, ...]:
        tiles = blocks(dims.n, TILE)
        return (
            launch(tiles, TILE, arrays.source, arrays.out, arrays.sums, dims.n),
            launch(1, TILE, arrays.sums, tiles, symbol="scan_sums"),
            launch(tiles, TILE, arrays.out, arrays.sums, dims.n, symbol="scan_add"),
        )


@contract(source=SOURCE, symbol="scan_lookback")
class ScanLookback(_Line):
    """Inclusive, any length, in one launch."""

    states = Scratch("8", U64)
    ticket = Scratch("1", U32)

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"source": rng.integers(-(2**31), 2**31, dims.n), "states": np.zeros(8), "ticket": [0]}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        pointers = (arrays.source, arrays.out, arrays.states, arrays.ticket)
        return launch(blocks(dims.n, TILE), TILE, *pointers, dims.n)


@contract(source=SOURCE, symbol="scan_segmented")
class ScanSegmented:
    """Inclusive sums that start anew at each head."""

    source = In("rows cols", I32)
    heads = In("rows cols", U8)
    out = Out("rows cols", I32)
    dims = Dims(rows=choices(1, 3), cols=boundary(1, 256))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        shape = dims.rows, dims.cols
        return {"source": rng.integers(-(2**20), 2**20, shape), "heads": rng.random(shape) < 0.1}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.rows, THREADS, arrays.source, arrays.heads, arrays.out, dims.cols)

    def reference(self, source: Any, heads: Any) -> Any:
        out = np.empty_like(source)
        for row, flags, sums in zip(source, heads, out, strict=True):
            running = 0
            for place, (value, head) in enumerate(zip(row.tolist(), flags.tolist(), strict=True)):
                running = value if head else running + value
                sums[place] = running
        return out

    def wrong(self, source: Any) -> Any:
        return {"heads ignored": _inclusive(source)}
