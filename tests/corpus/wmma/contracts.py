"""Contracts of wmma.hip."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import BF16, F16, F32, I8, I32, U8, Dims, In, Launch, Out, choices, contract
from rocverify.oracle.inputs import Kind
from tests.corpus.launching import SUMMABLE, launch

SOURCE = "tests/corpus/wmma/wmma.hip"
SIZES = choices(16, 32, 48)


class _Wmma:
    dims = Dims(m=SIZES, n=SIZES, k=SIZES)

    def grid(self, dims: Any) -> tuple[int, int]:
        return dims.n // 16, dims.m // 16


class _Floats(_Wmma):
    kinds = SUMMABLE
    c = Out("m n", F32)
    rounding = {F32: 24.0}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(self.grid(dims), 64, arrays.a, arrays.b, arrays.c, dims.n, dims.k)

    def reference(self, a: Any, b: Any) -> Any:
        return a @ b

    def magnitude(self, a: Any, b: Any) -> Any:
        return abs(a) @ abs(b)

    def wrong(self, a: Any, b: Any) -> Any:
        return {"the last of k left out": a[:, :-1] @ b[:-1]}


@contract(source=SOURCE, symbol="wmma_f16")
class WmmaF16(_Floats):
    """Half precision, sums in single precision."""

    a, b = In("m k", F16), In("k n", F16)


@contract(source=SOURCE, symbol="wmma_bf16")
class WmmaBf16(_Floats):
    """bfloat16, sums in single precision."""

    a, b = In("m k", BF16), In("k n", BF16)


@contract(source=SOURCE, symbol="wmma_f16_sums")
class WmmaF16Sums(_Floats):
    """Half precision with sums in half precision."""

    a, b = In("m k", F16), In("k n", F16)
    c = Out("m n", F16)
    compute = F16
    kinds = (Kind.PLAIN, Kind.SPECIAL)
    rounding = {F16: 4.0}


class _Integers(_Wmma):
    c = Out("m n", I32)
    packed: int

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(self.grid(dims), 64, arrays.a, arrays.bt, arrays.c, dims.n, dims.k // self.packed)


@contract(source=SOURCE, symbol="wmma_iu8")
class WmmaIu8(_Integers):
    """Unsigned by signed bytes."""

    a, bt = In("m k", U8), In("n k", I8)
    packed = 4

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {
            "a": rng.integers(0, 256, (dims.m, dims.k)),
            "bt": rng.integers(-128, 128, (dims.n, dims.k)),
        }

    def reference(self, a: Any, bt: Any) -> Any:
        return a.astype(np.int64) @ bt.astype(np.int64).T

    def wrong(self, a: Any, bt: Any) -> Any:
        return {"both taken as signed": a.view(np.int8).astype(np.int64) @ bt.astype(np.int64).T}


@contract(source=SOURCE, symbol="wmma_iu4")
class WmmaIu4(_Integers):
    """Signed half bytes, the first in the low half."""

    a, bt = In("m k/2", U8), In("n k/2", U8)
    packed = 8

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {
            "a": rng.integers(0, 256, (dims.m, dims.k // 2)),
            "bt": rng.integers(0, 256, (dims.n, dims.k // 2)),
        }

    @staticmethod
    def _nibbles(packed: Any) -> Any:
        pairs = np.stack([packed % 16, packed // 16], axis=-1).astype(np.int64)
        return (pairs - 16 * (pairs > 7)).reshape(len(packed), -1)

    def reference(self, a: Any, bt: Any) -> Any:
        return self._nibbles(a) @ self._nibbles(bt).T

    def wrong(self, a: Any, bt: Any) -> Any:
        pairs = (
            np.stack([packed % 16, packed // 16], axis=-1).reshape(len(packed), -1) for packed in (a, bt)
        )
        unsigned, others = (values.astype(np.int64) for values in pairs)
        return {"taken as unsigned": unsigned @ others.T}
