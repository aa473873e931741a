"""A contract small enough to reason about, its wrapper, and the ways in which its kernel may be wrong.

affine: out[r, c] = 2 * x[r, c] + shift[c], with `out` written and `x`, `shift` read.
"""

from __future__ import annotations

import ctypes
from typing import Any

import ml_dtypes
import numpy as np

from rocverify.oracle.contract import (
    BF16,
    F16,
    F32,
    ContractSpec,
    Dims,
    In,
    Out,
    Refusal,
    boundary,
    choices,
    contract,
)

WRAPPER = "subject.affine:affine"


class RowsError(ValueError):
    """What the wrapper raises for a wrong number of rows."""


@contract(source="kernels/affine.hip", symbol="affine_kernel", wrapper=WRAPPER)
class Affine:
    """The contract."""

    x = In("rows cols", F32 | F16 | BF16)
    shift = In("cols", F32)
    out = Out("rows cols", F32 | F16 | BF16)
    dims = Dims(rows=boundary(1, 300), cols=choices(1, 5, 32, 33, 64))
    parameters = ("x", "shift", "out", "rows", "cols")
    rounding = {F32: 1.0, F16: 1.0, BF16: 1.0}  # noqa: RUF012 - a declaration

    def call(self, wrapper: Any, arrays: Any, dims: Any, dtype: Any) -> None:
        wrapper(arrays.x, arrays.shift, arrays.out, dims.rows, dims.cols, dtype.name)

    def reference(self, x: Any, shift: Any) -> Any:
        return x * x.dtype.type(2) + shift

    def magnitude(self, x: Any, shift: Any) -> Any:
        return abs(x) * 2 + abs(shift)

    def wrong(self, x: Any, shift: Any) -> dict[str, Any]:
        return {"the shift taken away": 2 * x - shift, "the shift added twice": 2 * x + 2 * shift}

    def refused(self, _dims: Any) -> dict[str, Refusal]:
        return {"no rows": Refusal("RowsError", dims={"rows": 0})}


AFFINE: ContractSpec = Affine  # type: ignore[assignment]


def affine(x: Any, shift: Any, out: Any, rows: int, cols: int, dtype: str) -> None:
    """A wrapper as it should be."""
    if rows < 1:
        raise RowsError(f"{rows} rows")
    launch(x, shift, out, rows, cols, dtype)


def launch(
    x: Any, shift: Any, out: Any, rows: int, cols: int, dtype: str, kernel: str = "affine_kernel"
) -> None:
    """Launches a kernel through whatever `rocm.bindings.hip` is now."""
    from rocm.bindings import hip

    _, module = hip.hipModuleLoadData(b"image")
    _, function = hip.hipModuleGetFunction(module, kernel.encode())
    pointers = [ctypes.c_void_p(int(p)) for p in (x, shift, out)]
    code = {"float32": 0, "float16": 1, "bfloat16": 2}[dtype]
    arguments = (*pointers, ctypes.c_uint32(rows), ctypes.c_uint32(cols), ctypes.c_uint32(code))
    hip.hipModuleLaunchKernel(function, rows, 1, 1, cols, 1, 1, 0, None, None, arguments)


def typed(code: int) -> Any:
    """The storage type that the wrapper's code names."""
    return np.dtype((np.float32, np.float16, ml_dtypes.bfloat16)[code])


def arrays_of(
    hip: Any, x: int, shift: int, out: int, rows: int, cols: int, code: int
) -> tuple[Any, Any, Any]:
    """The three arrays in device memory."""
    dtype = typed(code)
    return (
        hip.array(x, (rows, cols), dtype),
        hip.array(shift, (cols,), np.float32),
        hip.array(out, (rows, cols), dtype),
    )


def right_kernel(hip: Any, *arguments: int) -> None:
    """float32 arithmetic, rounded once."""
    x, shift, out = arrays_of(hip, *arguments)
    with np.errstate(all="ignore"):
        out[:] = (x.astype(np.float32) * np.float32(2) + shift).astype(out.dtype)
