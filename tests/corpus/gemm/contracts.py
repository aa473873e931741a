"""Contracts of gemm.hip."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import (
    BF16,
    F16,
    F32,
    I8,
    I32,
    U8,
    U32,
    Dims,
    In,
    Launch,
    Out,
    boundary,
    choices,
    contract,
)
from tests.corpus.launching import SUMMABLE, blocks, launch

SOURCE = "tests/corpus/gemm/gemm.hip"


class _Gemm:
    a, b = In("m k", F32), In("k n", F32)
    c = Out("m n", F32)
    dims = Dims(m=choices(1, 7, 16, 33), n=choices(1, 9, 17, 32), k=boundary(1, 40, tile=16))
    rounding = {F32: 16.0}
    kinds = SUMMABLE
    tile, block = 16, (16, 16)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        grid = (blocks(dims.n, self.tile), blocks(dims.m, self.tile))
        return launch(grid, self.block, arrays.a, arrays.b, arrays.c, dims.m, dims.n, dims.k)

    def reference(self, a: Any, b: Any) -> Any:
        return a @ b

    def magnitude(self, a: Any, b: Any) -> Any:
        return abs(a) @ abs(b)

    def wrong(self, a: Any, b: Any) -> Any:
        return {"the last of k left out": a[:, :-1] @ b[:-1]}


@contract(source=SOURCE, symbol="gemm_f32")
class GemmF32(_Gemm):
    """Single precision, an element a workitem."""


@contract(source=SOURCE, symbol="gemm_blocked")
class GemmBlocked(_Gemm):
    """Single precision, sixteen elements a workitem."""

    tile, block = 32, (64, 1)


@contract(source=SOURCE, symbol="gemm_f16")
class GemmF16(_Gemm):
    """Half precision with sums in single precision."""

    a, b = In("m k", F16), In("k n", F16)
    c = Out("m n", F16)
    rounding = {F16: 16.0}


@contract(source=SOURCE, symbol="gemm_bf16")
class GemmBf16(_Gemm):
    """bfloat16 with sums in single precision."""

    a, b = In("m k", BF16), In("k n", BF16)
    c = Out("m n", BF16)
    rounding = {BF16: 16.0}


class _Bytes:
    dims = Dims(m=choices(1, 7, 33), n=choices(1, 9, 17), k=choices(4, 20, 64))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        def draw(name: str, rows: int) -> Any:
            (dtype,) = getattr(self, name).dtypes
            limits = np.iinfo(dtype.numpy)
            return rng.integers(limits.min, limits.max, (rows, dims.k), dtype.numpy, endpoint=True)

        return {"a": draw("a", dims.m), "bt": draw("bt", dims.n)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        grid = (blocks(dims.n, 8), blocks(dims.m, 8))
        return launch(grid, (8, 8), arrays.a, arrays.bt, arrays.c, dims.m, dims.n, dims.k // 4)

    def reference(self, a: Any, bt: Any) -> Any:
        return a.astype(np.int64) @ bt.astype(np.int64).T

    def wrong(self, a: Any, bt: Any) -> Any:
        other = {"i": "u", "u": "i"}
        swapped = bt.view(f"{other[bt.dtype.kind]}1").astype(np.int64)
        return {"bytes of b with the other sign": a.astype(np.int64) @ swapped.T}


@contract(source=SOURCE, symbol="gemm_i8")
class GemmI8(_Bytes):
    """Signed bytes."""

    a, bt = In("m k", I8), In("n k", I8)
    c = Out("m n", I32)


@contract(source=SOURCE, symbol="gemm_u8i8")
class GemmU8I8(_Bytes):
    """Unsigned by signed bytes."""

    a, bt = In("m k", U8), In("n k", I8)
    c = Out("m n", I32)


@contract(source=SOURCE, symbol="gemm_u8")
class GemmU8(_Bytes):
    """Unsigned bytes."""

    a, bt = In("m k", U8), In("n k", U8)
    c = Out("m n", U32)

    def wrong(self, a: Any, bt: Any) -> Any:
        return {"bytes taken as signed": (a.view(np.int8).astype(np.int64) @ bt.T.astype(np.int64)) % 2**32}
