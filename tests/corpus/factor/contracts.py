"""Contracts of factor.hip: LU, Cholesky, triangular solve."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from rocverify.oracle.contract import F32, F64, I32, Dims, In, Launch, Out, boundary, choices, contract
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/factor/factor.hip"
N = 12


@contract(source=SOURCE, symbol="lu_decompose")
class LuDecompose:
    """Matrices whose pivots stand out: which row is taken does not depend on rounding."""

    a = In("batch 12 12", F32)
    out = Out("batch 12 12", F32)
    pivots = Out("batch 12", I32)
    dims = Dims(batch=choices(1, 3))
    rounding = {F32: 60.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"a": np.stack([_with_clear_pivots(rng) for _ in range(dims.batch)])}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.batch, 32, arrays.a, arrays.out, arrays.pivots)

    def reference(self, a: Any) -> Any:
        factored = [_eliminated(matrix) for matrix in a]
        return np.stack([f for f, _ in factored]), np.array([p for _, p in factored], np.int32)

    def magnitude(self, a: Any) -> Any:
        """No entry is larger than the largest on the way to it."""
        largest = np.abs(a).max(axis=(1, 2), keepdims=True)
        return np.broadcast_to(largest, a.shape), np.zeros(a.shape[:2])


def _with_clear_pivots(rng: Any) -> Any:
    """L U with |L| of at most a half below the unit diagonal, its rows in random order."""
    lower = np.tril(rng.uniform(-0.5, 0.5, (N, N)), -1) + np.eye(N)
    upper = np.triu(rng.uniform(-1, 1, (N, N)), 1) + np.diag(rng.uniform(1, 2, N))
    return (lower @ upper)[rng.permutation(N)]


def _eliminated(matrix: Any) -> tuple[Any, list[int]]:
    """L below the diagonal and U on and above it, as row operations give them, and the pivots' rows."""
    a, pivots = matrix.copy(), []
    for k in range(N):
        pivots.append(k + int(np.argmax(np.abs(a[k:, k]))))
        a[[k, pivots[-1]]] = a[[pivots[-1], k]]
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return a, pivots


@contract(source=SOURCE, symbol="cholesky")
class Cholesky:
    """The lower factor in double precision."""

    a = In("batch 12 12", F64)
    out = Out("batch 12 12", F64)
    dims = Dims(batch=choices(1, 4))
    rounding = {F64: 120.0}
    compute = F64

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        roots = rng.standard_normal((dims.batch, N, N))
        return {"a": roots @ roots.transpose(0, 2, 1) + 2 * np.eye(N)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.batch, (N, N), arrays.a, arrays.out)

    def reference(self, a: Any) -> Any:
        return np.linalg.cholesky(a)

    def magnitude(self, a: Any) -> Any:
        return np.broadcast_to(np.sqrt(np.abs(a).max(axis=(1, 2), keepdims=True)), a.shape)


@contract(source=SOURCE, symbol="triangular_solve")
class TriangularSolve:
    """Exact rational arithmetic decides."""

    lower = In("12 12", F64)
    b = In("12 sides", F64)
    x = Out("12 sides", F64)
    dims = Dims(sides=boundary(1, 70))
    rounding = {F64: 40.0}
    compute = F64

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        lower = rng.uniform(-0.3, 0.3, (N, N)) + np.diag(rng.uniform(1, 3, N))
        return {"lower": lower, "b": rng.uniform(-4, 4, (N, dims.sides))}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.sides, 64), 64, arrays.lower, arrays.b, arrays.x, dims.sides)

    def reference(self, lower: Any, b: Any) -> Any:
        rows = [[Fraction(value) for value in row] for row in lower.tolist()]
        columns = [_solved(rows, [Fraction(value) for value in column]) for column in b.T.tolist()]
        return np.array(columns, np.float64).T

    def magnitude(self, b: Any) -> Any:
        return np.broadcast_to(np.abs(b).max(axis=0), b.shape)


def _solved(rows: list[list[Fraction]], b: list[Fraction]) -> list[float]:
    x: list[Fraction] = []
    for row, value in zip(rows, b, strict=True):
        known = sum((a * v for a, v in zip(row, x, strict=False)), Fraction())
        x.append((value - known) / row[len(x)])
    return [float(value) for value in x]
