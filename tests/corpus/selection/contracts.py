"""Contracts of selection.hip: argmax, top-k, nucleus sampling, binary search."""

from __future__ import annotations

import bisect
from typing import Any

import numpy as np

from rocverify.oracle.contract import F32, I32, Dims, In, Launch, Out, boundary, choices, contract
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/selection/selection.hip"


def _tied_scores(rng: Any, shape: tuple[int, ...]) -> Any:
    """Scores of few distinct values, so that ties are common."""
    return (rng.integers(-40, 40, shape) / 8).astype(np.float32)


@contract(source=SOURCE, symbol="argmax_rows")
class ArgmaxRows:
    """The first of the largest scores of each row."""

    scores = In("rows columns", F32)
    best = Out("rows", I32)
    dims = Dims(rows=choices(1, 3, 5), columns=boundary(1, 300, tile=128))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"scores": _tied_scores(rng, (dims.rows, dims.columns))}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.rows, 128, arrays.scores, arrays.best, dims.columns)

    def reference(self, scores: Any) -> Any:
        return np.argmax(scores, axis=1).astype(np.int32)


@contract(source=SOURCE, symbol="top_k")
class TopK:
    """The k largest scores of each row in descending order; ties go to the smaller index."""

    scores = In("rows columns", F32)
    values = Out("rows k", F32)
    indices = Out("rows k", I32)
    dims = Dims(rows=choices(1, 3), columns=boundary(8, 200), k=choices(1, 5, 8))
    rounding = {F32: 0.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"scores": _tied_scores(rng, (dims.rows, dims.columns))}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.columns, dims.k)
        return launch(
            dims.rows, 64, arrays.scores, arrays.values, arrays.indices, *sizes, shared=4 * dims.columns
        )

    def reference(self, scores: Any, k: int) -> Any:
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, order, axis=1), order.astype(np.int32)


@contract(source=SOURCE, symbol="top_p")
class TopP:
    """Probabilities are multiples of 2^-14: their sums are exact in float32, so the draw is too."""

    probabilities = In("rows columns", F32)
    mass = In("rows", F32)
    uniform = In("rows", F32)
    kept = Out("rows", I32)
    token = Out("rows", I32)
    dims = Dims(rows=choices(1, 3, 6), columns=boundary(1, 128))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        counts = np.stack(
            [rng.multinomial(1 << 14, self._weights(rng, dims.columns)) for _ in range(dims.rows)]
        )
        return {
            "probabilities": counts / (1 << 14),
            "mass": rng.integers(1, 257, dims.rows) / 256,
            "uniform": rng.integers(0, 256, dims.rows) / 256,
        }

    def _weights(self, rng: Any, columns: int) -> Any:
        weights = rng.exponential(size=columns) ** 3
        return weights / weights.sum()

    def launch(self, arrays: Any, dims: Any) -> Launch:
        read = (arrays.probabilities, arrays.mass, arrays.uniform)
        return launch(dims.rows, 128, *read, arrays.kept, arrays.token, dims.columns)

    def reference(self, probabilities: Any, mass: Any, uniform: Any) -> Any:
        drawn = [
            _nucleus(row.tolist(), float(m), float(u))
            for row, m, u in zip(probabilities, mass, uniform, strict=True)
        ]
        return np.array([n for n, _ in drawn], np.int32), np.array([t for _, t in drawn], np.int32)


def _nucleus(row: list[float], mass: float, uniform: float) -> tuple[int, int]:
    """How many tokens are kept, and which is drawn."""
    order = sorted(range(len(row)), key=lambda c: (-row[c], c))
    kept, total = 0, 0.0
    while total < mass:
        total += row[order[kept]]
        kept += 1
    running = 0.0
    for token in order[:kept]:
        running += row[token]
        if running > uniform * total:
            return kept, token
    raise AssertionError("uniform is below 1")


@contract(source=SOURCE, symbol="lower_bound")
class LowerBound:
    """Where each key would be inserted, before its equals."""

    sorted = In("n", I32)
    keys = In("queries", I32)
    position = Out("queries", I32)
    dims = Dims(n=boundary(1, 300), queries=boundary(1, 150))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {
            "sorted": np.sort(rng.integers(-200, 200, dims.n, dtype=np.int32)),
            "keys": rng.integers(-210, 210, dims.queries, dtype=np.int32),
        }

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.n, dims.queries)
        return launch(blocks(dims.queries, 64), 64, arrays.sorted, arrays.keys, arrays.position, *sizes)

    def reference(self, sorted: Any, keys: Any) -> Any:
        found = [bisect.bisect_left(sorted.tolist(), key) for key in keys.tolist()]
        return np.array(found, np.int32)
