"""Contracts of transpose.hip."""

from __future__ import annotations

from typing import Any

from rocverify.oracle.contract import F32, U8, Dims, In, Launch, Out, boundary, contract
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/transpose/transpose.hip"
TILE = 32


class _Transpose:
    source = In("rows cols", F32)
    out = Out("cols rows", F32)
    dims = Dims(rows=boundary(1, 65), cols=boundary(1, 65))
    rounding = {F32: 0.0}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        grid = (blocks(dims.cols, TILE), blocks(dims.rows, TILE))
        return launch(grid, (TILE, 8), arrays.source, arrays.out, dims.rows, dims.cols)

    def reference(self, source: Any) -> Any:
        return source.T

    def wrong(self, source: Any) -> Any:
        return {"rows and columns swapped": source.reshape(source.shape[::-1])}


@contract(source=SOURCE, symbol="transpose_naive")
class TransposeNaive(_Transpose):
    """Element by element."""

    def launch(self, arrays: Any, dims: Any) -> Launch:
        grid = (blocks(dims.cols, 16), blocks(dims.rows, 8))
        return launch(grid, (16, 8), arrays.source, arrays.out, dims.rows, dims.cols)


@contract(source=SOURCE, symbol="transpose_conflicts")
class TransposeConflicts(_Transpose):
    """Through LDS, all lanes on one bank."""


@contract(source=SOURCE, symbol="transpose_padded")
class TransposePadded(_Transpose):
    """Through LDS, one word of padding a row."""


@contract(source=SOURCE, symbol="transpose_bytes")
class TransposeBytes(_Transpose):
    """Bytes through LDS."""

    source = In("rows cols", U8)
    out = Out("cols rows", U8)

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"source": rng.integers(0, 256, (dims.rows, dims.cols))}
