"""The element types of contracts, written `F32 | F16 | BF16`, and what is known of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class DType:
    """One element type. `name` is NumPy's; `precision` counts significand bits with the hidden one;
    `min_exponent` is that of the smallest normal number 2 ** min_exponent. Integers have neither."""

    name: str
    bits: int
    precision: int = 0
    min_exponent: int = 0
    max_exponent: int = 0

    @property
    def numpy(self) -> np.dtype[Any]:
        """NumPy's type of the same elements."""
        return np.dtype(getattr(ml_dtypes, self.name)) if self.name == "bfloat16" else np.dtype(self.name)

    @property
    def is_float(self) -> bool:
        """Whether it is a floating-point type."""
        return self.precision > 0

    @property
    def largest(self) -> float:
        """The largest finite value."""
        return float((2.0 - 2.0 ** (1 - self.precision)) * 2.0**self.max_exponent)

    @property
    def smallest_normal(self) -> float:
        """The smallest positive normal number."""
        return 2.0**self.min_exponent

    @property
    def smallest_subnormal(self) -> float:
        """The smallest positive number."""
        return 2.0 ** (self.min_exponent - self.precision + 1)

    def __or__(self, other: DType | DTypes) -> DTypes:
        return DTypes((self,)) | other

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class DTypes:
    """An ordered set of element types: what one array of a contract may hold."""

    members: tuple[DType, ...]

    def __or__(self, other: DType | DTypes) -> DTypes:
        added = other.members if isinstance(other, DTypes) else (other,)
        return DTypes(tuple(dict.fromkeys(self.members + added)))

    def __iter__(self) -> Iterator[DType]:
        return iter(self.members)

    def __len__(self) -> int:
        return len(self.members)

    def __contains__(self, item: object) -> bool:
        return item in self.members


F64 = DType("float64", 64, precision=53, min_exponent=-1022, max_exponent=1023)
F32 = DType("float32", 32, precision=24, min_exponent=-126, max_exponent=127)
F16 = DType("float16", 16, precision=11, min_exponent=-14, max_exponent=15)
BF16 = DType("bfloat16", 16, precision=8, min_exponent=-126, max_exponent=127)
I64 = DType("int64", 64)
U64 = DType("uint64", 64)
I32 = DType("int32", 32)
U32 = DType("uint32", 32)
I16 = DType("int16", 16)
U16 = DType("uint16", 16)
I8 = DType("int8", 8)
U8 = DType("uint8", 8)

BY_NAME = {d.name: d for d in (F64, F32, F16, BF16, I64, U64, I32, U32, I16, U16, I8, U8)}


def to_float64(array: NDArray[Any]) -> NDArray[np.float64]:
    """The values as float64, exactly but for integers beyond 2**53. Quiet about signalling NaNs, which
    poison and special inputs have."""
    with np.errstate(all="ignore"):
        return np.asarray(array).astype(np.float64)
