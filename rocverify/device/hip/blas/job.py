"""A call of hipBLAS or rocBLAS as a record, read from the numbers that blas.c sends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

import ml_dtypes
import numpy as np

from rocverify.device.hip.calls import signed
from rocverify.device.hip.errors import HipError

TYPES: Mapping[int, np.dtype[Any]] = {
    0: np.dtype(np.float32),
    1: np.dtype(np.float64),
    2: np.dtype(np.float16),
    3: np.dtype(np.int8),
    4: np.dtype(np.complex64),
    5: np.dtype(np.complex128),
    10: np.dtype(np.int32),
    14: np.dtype(ml_dtypes.bfloat16),
}
"""Element types by hipDataType's numbers."""


class Operation(IntEnum):
    """rv_blas_operation of blas.h."""

    GEMM = 0
    GEMV = 1
    AXPY = 2
    SCAL = 3
    DOT = 4
    NRM2 = 5
    COPY = 6
    SWAP = 7
    ASUM = 8


class Batching(IntEnum):
    """rv_blas_batching of blas.h."""

    SINGLE = 0
    BATCHED = 1
    STRIDED = 2


PLAIN, TRANSPOSED, CONJUGATED = 111, 112, 113
RESULTS = (Operation.DOT, Operation.NRM2, Operation.ASUM)
"""The operations whose result is a number."""

COMPUTED = (0, 1, 2, 4, 5, 10, 14)
"""The types that are computed in."""


class DeviceMemory(Protocol):
    """What is needed of a backend."""

    def read(self, address: int, size: int) -> bytes:
        """The bytes at an address."""

    def write(self, address: int, data: bytes | memoryview) -> None:
        """Writes bytes at an address."""

    def view(self, address: int, size: int, *, writing: bool) -> memoryview | None:
        """The memory itself; None where it cannot be had without a copy."""


@dataclass(frozen=True, slots=True)
class Operand:
    """A matrix or vector: `step` is the leading dimension or the increment, `stride` what lies between those
    of a strided batch; both in elements. For a batch of pointers `address` is that of their array."""

    address: int
    type: int
    step: int
    stride: int

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's type of its elements."""
        return TYPES[self.type]

    def at(self, address: int) -> Operand:
        """The same, of one matrix of a batch."""
        return Operand(address, self.type, self.step, 0)


@dataclass(frozen=True, slots=True)
class Scalar:
    """alpha or beta: its bytes, or where they lie in device memory."""

    bits: bytes
    on_device: bool

    def value(self, memory: DeviceMemory, dtype: np.dtype[Any]) -> Any:
        """The number."""
        data = self.bits
        if self.on_device:
            data = memory.read(int.from_bytes(data[:8], "little"), dtype.itemsize)
        return np.frombuffer(data[: dtype.itemsize], dtype)[0]


@dataclass(frozen=True, slots=True)
class BlasJob:
    """One call, as blas.c sends it."""

    operation: Operation
    stream: int
    on_device: bool
    compute: int
    batch: int
    batching: Batching
    transposes: tuple[int, int]
    m: int
    n: int
    k: int
    conjugate: bool
    a: Operand
    b: Operand
    c: Operand
    d: Operand
    alpha: Scalar
    scalar_type: int
    beta: Scalar
    result: int
    result_type: int

    @classmethod
    def of(cls, args: tuple[int, ...]) -> BlasJob:
        """Reads a call's numbers. HipError (hipErrorInvalidValue) where they are none of blas.c's."""
        if len(args) != 35:
            raise HipError("hipErrorInvalidValue", f"a BLAS call has 35 numbers, not {len(args)}")
        a, b, c, d = (
            Operand(args[i], signed(args[i + 1]), signed(args[i + 2]), signed(args[i + 3]))
            for i in (12, 16, 20, 24)
        )
        on_device = args[2] == 1
        alpha, beta = (
            Scalar(b"".join(args[i + j].to_bytes(8, "little") for j in (0, 1)), on_device) for i in (28, 31)
        )
        numbers = [signed(args[i]) for i in (8, 9, 10)]
        job = cls(
            Operation(args[0]), args[1], on_device, signed(args[3]), signed(args[4]), Batching(args[5]),
            (signed(args[6]), signed(args[7])), numbers[0], numbers[1], numbers[2], bool(args[11]),
            a, b, c, d, alpha, signed(args[30]), beta, args[33], signed(args[34]),
        )  # fmt: skip
        job.check()
        return job

    def check(self) -> None:
        """Refuses mixtures of types that nothing here computes (hipErrorNotSupported)."""
        known = {operand.type for operand in (self.a, self.b, self.c, self.d)} | {self.result_type}
        if self.compute not in COMPUTED or self.scalar_type not in TYPES or not known <= set(TYPES):
            raise HipError(
                "hipErrorNotSupported", f"element types {sorted(known)}, computed in {self.compute}"
            )

    @property
    def words(self) -> str:
        """The sizes, for people."""
        sizes = {Operation.GEMM: f"{self.m} x {self.n} x {self.k}", Operation.GEMV: f"{self.m} x {self.n}"}
        batch = f", {self.batch} times" if self.batching is not Batching.SINGLE else ""
        return sizes.get(self.operation, str(self.n)) + batch

    def each(self, memory: DeviceMemory) -> Iterator[tuple[Operand, Operand, Operand, Operand]]:
        """A, B, C and D of every matrix of the batch."""
        operands = (self.a, self.b, self.c, self.d)
        columns = [self._addresses(operand, memory) for operand in operands]
        for addresses in zip(*columns, strict=True):
            a, b, c, d = (operand.at(where) for operand, where in zip(operands, addresses, strict=True))
            yield a, b, c, d

    def _addresses(self, operand: Operand, memory: DeviceMemory) -> list[int]:
        if self.batching is not Batching.BATCHED or operand.address == 0:
            size = operand.stride * operand.dtype.itemsize
            return [operand.address + i * size for i in range(self.batch)]
        return [int(one) for one in np.frombuffer(memory.read(operand.address, 8 * self.batch), np.uint64)]
