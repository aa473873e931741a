"""BLAS on device memory against float64 NumPy: types, layouts, batches, what must not be read or written."""

from __future__ import annotations

import struct

import ml_dtypes
import numpy as np
import pytest

from rocverify.device.hip.blas.arithmetic import compute
from rocverify.device.hip.blas.calls import accesses
from rocverify.device.hip.blas.job import TYPES, BlasJob, Operation
from rocverify.device.hip.errors import HipError

F32, F64, F16, I8, C64, C128, I32, BF16 = 0, 1, 2, 3, 4, 5, 10, 14
SINGLE, BATCHED, STRIDED = 0, 1, 2
PLAIN, TRANSPOSED, CONJUGATED = 111, 112, 113
BASE = 0x1000


class Memory:
    """Device memory as bytes; `views` says whether it can be seen directly. Keeps what was read."""

    def __init__(self, views: bool = True) -> None:
        self.bytes = bytearray(1 << 20)
        self.views = views
        self.reads: list[tuple[int, int]] = []
        self.used = BASE

    def read(self, address: int, size: int) -> bytes:
        self.reads.append((address, size))
        return bytes(self.bytes[address : address + size])

    def write(self, address: int, data: bytes | memoryview) -> None:
        self.bytes[address : address + len(data)] = data

    def view(self, address: int, size: int, *, writing: bool) -> memoryview | None:
        if not self.views:
            return None
        if not writing:
            self.reads.append((address, size))
        return memoryview(self.bytes)[address : address + size]

    def place(self, values: np.ndarray) -> int:
        """Copies an array in; gives its address."""
        address, data = self.used, values.tobytes()
        self.write(address, data)
        self.used += -(-len(data) // 256) * 256 + 256
        return address

    def matrix(self, values: np.ndarray, step: int) -> int:
        """A matrix, column-major, with NaN or -1 between its columns."""
        filler = -1 if values.dtype.kind == "i" else np.nan
        room = np.full((values.shape[1], step), filler, values.dtype)
        room[:, : values.shape[0]] = values.T
        return self.place(room)

    def vector(self, values: np.ndarray, step: int) -> int:
        """A vector with its increment."""
        filler = -1 if values.dtype.kind == "i" else np.nan
        room = np.full((len(values) - 1) * abs(step) + 1, filler, values.dtype)
        room[:: abs(step)] = values if step > 0 else values[::-1]
        return self.place(room)

    def array(self, address: int, dtype: np.dtype, count: int) -> np.ndarray:
        return np.frombuffer(bytes(self.bytes[address : address + count * dtype.itemsize]), dtype)

    def columns(self, address: int, dtype: np.dtype, rows: int, columns: int, step: int) -> np.ndarray:
        """The whole of a matrix, with what lies between its columns."""
        del rows
        return self.array(address, dtype, columns * step).reshape(columns, step).T


def job(operation, *, compute_type=F32, m=0, n=0, k=0, alpha=1, beta=0, scalar_type=None, **more) -> BlasJob:
    """A call, from what differs from the simplest."""
    scalar_type = compute_type if scalar_type is None else scalar_type
    operands = {name: more.get(name, (0, compute_type, 1, 0)) for name in "abc"}
    operands["d"] = more.get("d", operands["c"])
    numbers = [int(operation), 0, int(more.get("on_device", False)), compute_type, more.get("batch", 1)]
    numbers += [more.get("batching", SINGLE), *more.get("transposes", (PLAIN, PLAIN)), m, n, k]
    numbers += [int(more.get("conjugate", False))]
    for name in "abcd":
        address, kind, step, *stride = operands[name]
        numbers += [address, kind, step, stride[0] if stride else 0]
    for place, value in (("alpha", alpha), ("beta", beta)):
        bits = more.get(f"{place}_at")
        data = (
            np.asarray(value).astype(TYPES[scalar_type]).tobytes()
            if bits is None
            else struct.pack("<Q", bits)
        )
        numbers += struct.unpack("<2Q", data.ljust(16, b"\0"))
        if place == "alpha":
            numbers.append(scalar_type)
    numbers += [more.get("result", 0), more.get("result_type", compute_type)]
    return BlasJob.of(tuple(number & 2**64 - 1 for number in numbers))


def values_of(generator, shape, kind):
    """Numbers that every type holds well."""
    dtype = TYPES[kind]
    if dtype.kind == "i":
        return generator.integers(-100, 100, shape).astype(dtype)
    numbers = generator.standard_normal(shape)
    return (numbers + 1j * generator.standard_normal(shape) if dtype.kind == "c" else numbers).astype(dtype)


def wide(values):
    """In double precision."""
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def applied(matrix, operation):
    values = wide(matrix)
    return {PLAIN: values, TRANSPOSED: values.T, CONJUGATED: values.conj().T}[operation]


MIXES = [
    (F32, F32, F32, F32), (F64, F64, F64, F64), (C64, C64, C64, C64), (C128, C128, C128, C128),
    (F16, F16, F16, F16), (F16, F16, F16, F32), (F16, F16, F32, F32), (BF16, BF16, BF16, F32),
    (BF16, BF16, F32, F32), (I8, I8, I32, I32), (F32, F32, F32, F64),
]  # fmt: skip
EPSILON = {F32: 1e-6, F64: 1e-14, C64: 1e-6, C128: 1e-14, F16: 1e-3, BF16: 8e-3, I32: 0}


@pytest.mark.parametrize("views", [True, False], ids=["seen", "copied"])
@pytest.mark.parametrize(("a_type", "b_type", "c_type", "compute_type"), MIXES)
@pytest.mark.parametrize(
    "transposes", [(PLAIN, PLAIN), (TRANSPOSED, PLAIN), (PLAIN, CONJUGATED), (CONJUGATED, TRANSPOSED)]
)
def test_gemm(a_type, b_type, c_type, compute_type, transposes, views):
    generator, memory = np.random.default_rng(7), Memory(views)
    m, n, k = 5, 7, 11
    a = values_of(generator, (m, k) if transposes[0] == PLAIN else (k, m), a_type)
    b = values_of(generator, (k, n) if transposes[1] == PLAIN else (n, k), b_type)
    c = values_of(generator, (m, n), c_type)
    alpha, beta = (3, -2) if compute_type == I32 else (1.5, -0.25)
    if compute_type in (C64, C128):
        alpha, beta = 1.5 - 2j, 0.5 + 0.25j
    at_a, at_b, at_c = memory.matrix(a, a.shape[0] + 2), memory.matrix(b, b.shape[0]), memory.matrix(c, m + 3)
    asked = job(
        Operation.GEMM, compute_type=compute_type, m=m, n=n, k=k, alpha=alpha, beta=beta,
        transposes=transposes,
        a=(at_a, a_type, a.shape[0] + 2), b=(at_b, b_type, b.shape[0]), c=(at_c, c_type, m + 3),
    )  # fmt: skip
    assert compute(asked, memory) == b""
    left, right = applied(a, transposes[0]), applied(b, transposes[1])
    expected = alpha * (left @ right) + beta * wide(c)
    whole = memory.columns(at_c, TYPES[c_type], m, n, m + 3)
    scale = abs(alpha) * (np.abs(left) @ np.abs(right)) + abs(beta) * np.abs(wide(c))
    error = np.abs(wide(whole[:m]) - expected)
    assert (error <= max(EPSILON[c_type], EPSILON[compute_type]) * scale).all()
    between = whole[m:]
    assert (between == -1).all() if c_type == I32 else np.isnan(between.astype(np.complex128)).all()


def test_gemm_writes_d_and_leaves_c():
    memory = Memory()
    a, b, c = (np.arange(1, 5, dtype=np.float32).reshape(2, 2) * i for i in (1, 2, 3))
    at_c, at_d = memory.matrix(c, 2), memory.matrix(np.zeros((2, 2), np.float32), 2)
    asked = job(
        Operation.GEMM, m=2, n=2, k=2, beta=1, a=(memory.matrix(a, 2), F32, 2),
        b=(memory.matrix(b, 2), F32, 2), c=(at_c, F32, 2), d=(at_d, F32, 2),
    )  # fmt: skip
    compute(asked, memory)
    assert (memory.columns(at_d, np.dtype(np.float32), 2, 2, 2) == a @ b + c).all()
    assert (memory.columns(at_c, np.dtype(np.float32), 2, 2, 2) == c).all()


def test_what_blas_does_not_read_is_not_read():
    memory = Memory()
    nan = np.full((2, 2), np.nan, np.float32)
    one = memory.matrix(np.eye(2, dtype=np.float32), 2)
    at_c = memory.matrix(nan, 2)
    compute(job(Operation.GEMM, m=2, n=2, k=2, a=(one, F32, 2), b=(one, F32, 2), c=(at_c, F32, 2)), memory)
    assert (memory.columns(at_c, np.dtype(np.float32), 2, 2, 2) == np.eye(2)).all()
    at_nan = memory.matrix(nan, 2)
    compute(
        job(
            Operation.GEMM,
            m=2,
            n=2,
            k=2,
            alpha=0,
            beta=2,
            a=(at_nan, F32, 2),
            b=(at_nan, F32, 2),
            c=(at_c, F32, 2),
        ),
        memory,
    )
    assert (memory.columns(at_c, np.dtype(np.float32), 2, 2, 2) == 2 * np.eye(2)).all()
    compute(job(Operation.GEMM, m=2, n=2, k=0, beta=0.5, c=(at_c, F32, 2)), memory)
    assert (memory.columns(at_c, np.dtype(np.float32), 2, 2, 2) == np.eye(2)).all()


def test_products_of_nan_and_infinity_spread_as_they_do():
    memory = Memory()
    a = np.array([[np.inf, 1], [0, 1]], np.float32)
    b = np.array([[0, 1], [1, 1]], np.float32)
    at_c = memory.matrix(np.zeros((2, 2), np.float32), 2)
    compute(
        job(Operation.GEMM, m=2, n=2, k=2, a=(memory.matrix(a, 2), F32, 2), b=(memory.matrix(b, 2), F32, 2),
            c=(at_c, F32, 2)),
        memory,
    )  # fmt: skip
    result = memory.columns(at_c, np.dtype(np.float32), 2, 2, 2)
    assert np.isnan(result[0, 0])
    assert result[0, 1] == np.inf
    assert (result[1] == 1).all()


def test_integers_are_exact_and_wrap_around():
    memory = Memory()
    a, b = np.full((1, 1000), 127, np.int8), np.full((1000, 1), -128, np.int8)
    at_c = memory.matrix(np.array([[7]], np.int32), 1)
    asked = job(
        Operation.GEMM, compute_type=I32, m=1, n=1, k=1000, alpha=300, beta=1, a=(memory.matrix(a, 1), I8, 1),
        b=(memory.matrix(b, 1000), I8, 1000), c=(at_c, I32, 1),
    )  # fmt: skip
    compute(asked, memory)
    exact = 300 * 1000 * 127 * -128 + 7
    assert memory.array(at_c, np.dtype(np.int32), 1)[0] == (exact + 2**31) % 2**32 - 2**31


@pytest.mark.parametrize("batching", [BATCHED, STRIDED])
def test_batches(batching):
    generator, memory = np.random.default_rng(3), Memory()
    matrices = {name: values_of(generator, (3, 4, 4), F32) for name in "abc"}
    operands, where = {}, {}
    for name, group in matrices.items():
        if batching == STRIDED:
            where[name] = [memory.used + i * 20 * 4 for i in range(3)]
            room = np.full((3, 20), np.nan, np.float32)
            room[:, :16] = group.transpose(0, 2, 1).reshape(3, 16)
            operands[name] = (memory.place(room), F32, 4, 20)
        else:
            where[name] = [memory.matrix(one, 4) for one in group]
            operands[name] = (memory.place(np.array(where[name], np.uint64)), F32, 4)
    asked = job(Operation.GEMM, m=4, n=4, k=4, alpha=2, beta=1, batch=3, batching=batching, **operands)
    compute(asked, memory)
    for i in range(3):
        expected = 2 * wide(matrices["a"][i]) @ wide(matrices["b"][i]) + wide(matrices["c"][i])
        result = memory.columns(where["c"][i], np.dtype(np.float32), 4, 4, 4)
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", [F32, F64, C64, C128])
@pytest.mark.parametrize("transpose", [PLAIN, TRANSPOSED, CONJUGATED])
@pytest.mark.parametrize(("incx", "incy"), [(1, 1), (2, -3), (-1, 1)])
def test_gemv(kind, transpose, incx, incy):
    generator, memory = np.random.default_rng(11), Memory()
    m, n = 6, 4
    a = values_of(generator, (m, n), kind)
    x = values_of(generator, n if transpose == PLAIN else m, kind)
    y = values_of(generator, m if transpose == PLAIN else n, kind)
    at_y = memory.vector(y, incy)
    asked = job(
        Operation.GEMV, compute_type=kind, m=m, n=n, alpha=0.5, beta=-2, transposes=(transpose, PLAIN),
        a=(memory.matrix(a, m + 1), kind, m + 1), b=(memory.vector(x, incx), kind, incx),
        c=(at_y, kind, incy),
    )  # fmt: skip
    compute(asked, memory)
    expected = 0.5 * applied(a, transpose) @ wide(x) - 2 * wide(y)
    stored = memory.array(at_y, TYPES[kind], (len(y) - 1) * abs(incy) + 1)[:: abs(incy)]
    np.testing.assert_allclose(stored[::-1] if incy < 0 else stored, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", [F32, F64, C64, C128, F16, BF16])
@pytest.mark.parametrize(("incx", "incy"), [(1, 1), (3, -2), (0, 1)])
def test_axpy(kind, incx, incy):
    generator, memory = np.random.default_rng(5), Memory()
    x, y = values_of(generator, 9, kind), values_of(generator, 9, kind)
    at_x = memory.vector(x, incx) if incx else memory.place(x[:1])
    at_y = memory.vector(y, incy)
    computed = F32 if kind == BF16 else kind
    compute(
        job(Operation.AXPY, compute_type=computed, n=9, alpha=2, b=(at_x, kind, incx), c=(at_y, kind, incy)),
        memory,
    )
    expected = 2 * (wide(x) if incx else wide(x[:1])) + wide(y)
    stored = memory.array(at_y, TYPES[kind], 8 * abs(incy) + 1)[:: abs(incy)]
    tolerance = EPSILON[kind] * 10
    np.testing.assert_allclose(
        wide(stored[::-1] if incy < 0 else stored), expected, rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize(
    ("kind", "scalar"), [(F32, F32), (F64, F64), (C64, C64), (C64, F32), (C128, F64), (F16, F16)]
)
def test_scal(kind, scalar):
    memory = Memory()
    x = values_of(np.random.default_rng(2), 6, kind)
    at_x = memory.vector(x, 2)
    compute(
        job(Operation.SCAL, compute_type=kind, scalar_type=scalar, n=6, alpha=3, c=(at_x, kind, 2)), memory
    )
    np.testing.assert_allclose(wide(memory.array(at_x, TYPES[kind], 11)[::2]), 3 * wide(x), rtol=2e-3)
    assert np.isnan(memory.array(at_x, TYPES[kind], 11)[1::2].astype(np.complex128)).all()


@pytest.mark.parametrize(
    ("kind", "conjugate"), [(F32, 0), (F64, 0), (C64, 0), (C64, 1), (C128, 1), (F16, 0), (BF16, 0)]
)
@pytest.mark.parametrize("incy", [1, -2])
def test_dot(kind, conjugate, incy):
    generator, memory = np.random.default_rng(13), Memory()
    x, y = values_of(generator, 50, kind), values_of(generator, 50, kind)
    asked = job(
        Operation.DOT, compute_type=kind, n=50, conjugate=conjugate, b=(memory.vector(x, 1), kind, 1),
        c=(memory.vector(y, incy), kind, incy),
    )  # fmt: skip
    expected = np.dot(wide(x).conj() if conjugate else wide(x), wide(y))
    (result,) = np.frombuffer(compute(asked, memory), TYPES[kind])
    scale = np.dot(np.abs(wide(x)), np.abs(wide(y)))
    assert abs(wide(np.array([result]))[0] - expected) <= EPSILON[kind] * scale


def test_a_dot_of_nothing_is_zero():
    assert compute(job(Operation.DOT, n=0), Memory()) == bytes(4)


@pytest.mark.parametrize(
    ("kind", "result_type"), [(F32, F32), (F64, F64), (C64, F32), (C128, F64), (F16, F16)]
)
def test_nrm2_and_asum(kind, result_type):
    memory = Memory()
    x = values_of(np.random.default_rng(17), 40, kind)
    operand = (memory.vector(x, 3), kind, 3)
    for operation, expected in (
        (Operation.NRM2, np.sqrt((np.abs(wide(x)) ** 2).sum())),
        (Operation.ASUM, np.abs(wide(x).real).sum() + np.abs(wide(x).imag).sum()),
    ):
        data = compute(job(operation, compute_type=kind, n=40, b=operand, result_type=result_type), memory)
        (result,) = np.frombuffer(data, TYPES[result_type])
        np.testing.assert_allclose(float(result), expected, rtol=max(EPSILON[result_type], 1e-15) * 2)
        backwards = job(operation, compute_type=kind, n=40, b=(operand[0], kind, -3), result_type=result_type)
        assert not any(compute(backwards, memory))


def test_the_norm_of_large_numbers_does_not_overflow():
    memory = Memory()
    at_x = memory.place(np.full(4, 1e200))
    data = compute(job(Operation.NRM2, compute_type=F64, n=4, b=(at_x, F64, 1), result_type=F64), memory)
    assert np.frombuffer(data)[0] == pytest.approx(2e200)


def test_copy_and_swap():
    memory = Memory()
    x, y = np.arange(5, dtype=np.float32), np.arange(10, 15, dtype=np.float32)
    at_x, at_y = memory.vector(x, 1), memory.vector(y, 2)
    operands = {"b": (at_x, F32, 1), "c": (at_y, F32, 2)}
    compute(job(Operation.SWAP, n=5, **operands), memory)
    assert (memory.array(at_x, np.dtype(np.float32), 5) == y).all()
    assert (memory.array(at_y, np.dtype(np.float32), 9)[::2] == x).all()
    compute(job(Operation.COPY, n=5, **operands), memory)
    assert (memory.array(at_y, np.dtype(np.float32), 9)[::2] == y).all()


def test_scalars_in_device_memory_are_read_when_the_work_is_done():
    memory = Memory()
    at_alpha, at_x = memory.place(np.float32([5])), memory.place(np.ones(3, np.float32))
    asked = job(Operation.SCAL, n=3, on_device=True, alpha_at=at_alpha, c=(at_x, F32, 1))
    memory.write(at_alpha, np.float32([4]).tobytes())
    compute(asked, memory)
    assert (memory.array(at_x, np.dtype(np.float32), 3) == 4).all()


def test_types_that_nothing_computes_are_refused():
    with pytest.raises(HipError, match="hipErrorNotSupported"):
        job(Operation.GEMM, m=1, n=1, k=1, a=(1, 8, 1))
    with pytest.raises(HipError, match="hipErrorInvalidValue"):
        BlasJob.of((0, 1, 2))


def test_accesses_are_those_of_the_matrices():
    asked = job(
        Operation.GEMM, m=3, n=2, k=4, batch=2, batching=STRIDED, a=(0x1000, F32, 3, 12),
        b=(0x2000, F32, 5, 10), c=(0x3000, F32, 8, 16),
    )  # fmt: skip
    seen = [(one.address, one.size, one.pitch, one.rows, one.write) for one in accesses(asked)]
    assert seen == [
        (0x1000, 12, 12, 4, False), (0x1030, 12, 12, 4, False), (0x2000, 16, 20, 2, False),
        (0x2028, 16, 20, 2, False), (0x3000, 12, 32, 2, False), (0x3040, 12, 32, 2, False),
        (0x3000, 12, 32, 2, True), (0x3040, 12, 32, 2, True),
    ]  # fmt: skip


def test_bfloat16_is_the_type_that_ml_dtypes_has():
    assert TYPES[BF16] == np.dtype(ml_dtypes.bfloat16)
