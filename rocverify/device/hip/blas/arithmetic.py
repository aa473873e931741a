"""What hipBLAS and rocBLAS compute, by NumPy on device memory.

The arithmetic is at least as exact as the libraries': products and sums of 16-bit floating types are made in
float32, norms and sums of float32 in float64, those of 8-bit integers exactly; each result is rounded once,
to the type that it is stored in. Nothing is read that BLAS says is not: C where beta is 0, A and B where
alpha is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rocverify.device.hip.blas.job import (
    CONJUGATED,
    PLAIN,
    RESULTS,
    TYPES,
    BlasJob,
    DeviceMemory,
    Operand,
    Operation,
)

Array = npt.NDArray[Any]

_WIDE: Mapping[int, np.dtype[Any]] = {
    0: np.dtype(np.float32),
    1: np.dtype(np.float64),
    2: np.dtype(np.float32),
    4: np.dtype(np.complex64),
    5: np.dtype(np.complex128),
    10: np.dtype(np.float64),
    14: np.dtype(np.float32),
}
"""What is computed in, by the type of the computation. float64 holds sums of products of int8 exactly."""

_WIDER: Mapping[int, np.dtype[Any]] = {
    0: np.dtype(np.float64),
    2: np.dtype(np.float64),
    4: np.dtype(np.complex128),
}
"""What norms and sums are computed in, where that is another."""


# ---- memory


def _strided(data: memoryview | bytes | bytearray, operand: Operand, rows: int, columns: int) -> Array:
    """Columns `step` elements apart, as a matrix."""
    flat = np.frombuffer(data, operand.dtype)
    size = operand.dtype.itemsize
    return np.lib.stride_tricks.as_strided(flat, (rows, columns), (size, operand.step * size))


def _span(operand: Operand, rows: int, columns: int) -> int:
    return ((columns - 1) * operand.step + rows) * operand.dtype.itemsize


def _matrix(memory: DeviceMemory, operand: Operand, rows: int, columns: int) -> Array:
    """A matrix, column-major, as it lies in device memory."""
    if rows == 0 or columns == 0:
        return np.zeros((rows, columns), operand.dtype)
    size = _span(operand, rows, columns)
    view = memory.view(operand.address, size, writing=False)
    return _strided(memory.read(operand.address, size) if view is None else view, operand, rows, columns)


def _store(memory: DeviceMemory, operand: Operand, values: Array) -> None:
    """Writes a matrix; what lies between its columns is left alone."""
    rows, columns = values.shape
    if operand.step == rows or columns == 1:
        memory.write(operand.address, values.tobytes(order="F"))
        return
    view = memory.view(operand.address, _span(operand, rows, columns), writing=True)
    if view is not None:
        _strided(view, operand, rows, columns)[:] = values
        return
    step = operand.step * operand.dtype.itemsize
    for column in range(columns):
        memory.write(operand.address + column * step, np.ascontiguousarray(values[:, column]).tobytes())


def _as_rows(operand: Operand) -> Operand:
    """A vector as a matrix of one row."""
    return Operand(operand.address, operand.type, abs(operand.step), 0)


def _vector(memory: DeviceMemory, operand: Operand, count: int) -> Array:
    """A vector. With a negative increment its elements come from the end, with 0 all are one."""
    if count <= 0:
        return np.zeros(0, operand.dtype)
    if operand.step == 0:
        return np.repeat(
            np.frombuffer(memory.read(operand.address, operand.dtype.itemsize), operand.dtype), count
        )
    values: Array = _matrix(memory, _as_rows(operand), 1, count)[0]
    return values[::-1] if operand.step < 0 else values


def _store_vector(memory: DeviceMemory, operand: Operand, values: Array) -> None:
    if values.size:
        ordered = values[::-1] if operand.step < 0 else values
        _store(memory, _as_rows(operand), ordered.reshape(1, -1))


def _rounded(values: Array, dtype: np.dtype[Any]) -> Array:
    """In the type of the result. Integers wrap around, as theirs do."""
    if dtype.kind == "i":
        bits = 8 * dtype.itemsize
        return values.real.astype(np.int64).astype(f"i{bits // 8}")
    if values.dtype.kind == "c" and dtype.kind != "c":
        values = values.real
    return values.astype(dtype)


# ---- the operations


def _operated(matrix: Array, operation: int, wide: np.dtype[Any]) -> Array:
    values = matrix.astype(wide, copy=False)
    if operation == PLAIN:
        return values
    return values.T.conj() if operation == CONJUGATED else values.T


def _times(factor: Any, values: Array) -> Array:
    """A product, without the work where the factor is 1. `values` may be changed."""
    if factor != 1:
        values *= factor
    return values


def _gemm(job: BlasJob, memory: DeviceMemory, parts: tuple[Operand, ...], alpha: Any, beta: Any) -> None:
    a, b, c, d = parts
    wide, shape = _WIDE[job.compute], (job.m, job.n)
    result = np.zeros(shape, wide)
    if alpha != 0 and job.k > 0:
        transpose_a, transpose_b = job.transposes
        rows, columns = (job.m, job.k) if transpose_a == PLAIN else (job.k, job.m)
        left = _operated(_matrix(memory, a, rows, columns), transpose_a, wide)
        rows, columns = (job.k, job.n) if transpose_b == PLAIN else (job.n, job.k)
        result = _times(alpha, left @ _operated(_matrix(memory, b, rows, columns), transpose_b, wide))
    if beta != 0:
        result += _times(beta, _matrix(memory, c, *shape).astype(wide))
    _store(memory, d, _rounded(result, d.dtype))


def _gemv(job: BlasJob, memory: DeviceMemory, parts: tuple[Operand, ...], alpha: Any, beta: Any) -> None:
    a, x, y, _ = parts
    wide, transpose = _WIDE[job.compute], job.transposes[0]
    inner, outer = (job.n, job.m) if transpose == PLAIN else (job.m, job.n)
    result = np.zeros(outer, wide)
    if alpha != 0:
        matrix = _operated(_matrix(memory, a, job.m, job.n), transpose, wide)
        result = alpha * (matrix @ _vector(memory, x, inner).astype(wide))
    if beta != 0:
        result = result + beta * _vector(memory, y, outer).astype(wide)
    _store_vector(memory, y, _rounded(result, y.dtype))


def _axpy(job: BlasJob, memory: DeviceMemory, parts: tuple[Operand, ...], alpha: Any, _beta: Any) -> None:
    _, x, y, _ = parts
    if alpha != 0 and job.n > 0:
        wide = _WIDE[job.compute]
        values = alpha * _vector(memory, x, job.n).astype(wide) + _vector(memory, y, job.n).astype(wide)
        _store_vector(memory, y, _rounded(values, y.dtype))


def _scal(job: BlasJob, memory: DeviceMemory, parts: tuple[Operand, ...], alpha: Any, _beta: Any) -> None:
    x = parts[2]
    if x.step > 0 and job.n > 0:
        values = alpha * _vector(memory, x, job.n).astype(_WIDE[job.compute])
        _store_vector(memory, x, _rounded(values, x.dtype))


def _copy(job: BlasJob, memory: DeviceMemory, parts: tuple[Operand, ...], _alpha: Any, _beta: Any) -> None:
    _store_vector(memory, parts[2], _vector(memory, parts[1], job.n).copy())


def _swap(job: BlasJob, memory: DeviceMemory, parts: tuple[Operand, ...], _alpha: Any, _beta: Any) -> None:
    _, x, y, _ = parts
    first, second = _vector(memory, x, job.n).copy(), _vector(memory, y, job.n).copy()
    _store_vector(memory, x, second)
    _store_vector(memory, y, first)


_WRITERS = {
    Operation.GEMM: _gemm,
    Operation.GEMV: _gemv,
    Operation.AXPY: _axpy,
    Operation.SCAL: _scal,
    Operation.COPY: _copy,
    Operation.SWAP: _swap,
}


def _reduced(job: BlasJob, memory: DeviceMemory, parts: tuple[Operand, ...]) -> Array:
    """The result of dot, nrm2 or asum, of one vector (pair), in its type."""
    _, x, y, _ = parts
    wide = _WIDER.get(job.compute, _WIDE[job.compute])
    if job.operation is Operation.DOT:
        left = _vector(memory, x, job.n).astype(wide)
        value = np.dot(left.conj() if job.conjugate else left, _vector(memory, y, job.n).astype(wide))
    elif x.step <= 0:
        value = np.zeros((), wide)
    elif job.operation is Operation.NRM2:
        value = _norm(_vector(memory, x, job.n).astype(wide))
    else:
        values = _vector(memory, x, job.n).astype(wide)
        value = (np.abs(values.real) + np.abs(values.imag)).sum()
    return _rounded(np.asarray(value).reshape(1), TYPES[job.result_type])


def _norm(values: Array) -> Any:
    """Scaled by the largest part, so that squares do not overflow."""
    parts = np.abs(np.concatenate([values.real, values.imag]))
    scale = parts.max(initial=0.0)
    if scale == 0 or not np.isfinite(scale):
        return scale
    return scale * np.sqrt(((parts / scale) ** 2).sum())


def compute(job: BlasJob, memory: DeviceMemory) -> bytes:
    """Executes a call on device memory. Gives the results of dot, nrm2 and asum, one after the other."""
    with np.errstate(all="ignore"):
        if job.operation in RESULTS:
            return b"".join(_reduced(job, memory, parts).tobytes() for parts in job.each(memory))
        dtype, wide = TYPES[job.scalar_type], _WIDE[job.compute].type
        alpha = (
            wide(job.alpha.value(memory, dtype))
            if job.operation not in (Operation.COPY, Operation.SWAP)
            else 0
        )
        beta = wide(job.beta.value(memory, dtype)) if job.operation in (Operation.GEMM, Operation.GEMV) else 0
        for parts in job.each(memory):
            _WRITERS[job.operation](job, memory, parts, alpha, beta)
    return b""
