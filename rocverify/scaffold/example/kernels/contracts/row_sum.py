"""What row_sum must compute; it has no host function yet, so the contract launches it."""

import ctypes
from typing import Any

from rocverify.oracle.contract import F32, Dims, In, Launch, Out, boundary, contract
from rocverify.references import reductions


@contract(source="kernels/row_sum.hip", symbol="row_sum")
class RowSum:
    """The sum of each row."""

    in_ = In("rows columns", F32)
    out = Out("rows", F32)
    dims = Dims(rows=boundary(1, 300), columns=boundary(1, 1024, tile=64))

    def launch(self, arrays: Any, dims: Any) -> Launch:
        """One workgroup for each row."""
        lengths = (ctypes.c_uint32(dims.rows), ctypes.c_uint32(dims.columns))
        return Launch(grid=(dims.rows, 1, 1), block=(64, 1, 1), arguments=(arrays.in_, arrays.out, *lengths))

    def reference(self, in_: Any) -> Any:
        """The result, in NumPy."""
        return reductions.total(in_)

    def magnitude(self, in_: Any) -> Any:
        """What the terms of the sum amount to, for how exact it can be."""
        return reductions.total_magnitude(in_)

    def wrong(self, in_: Any) -> dict[str, Any]:
        """Plausible mistakes, all to be told apart from the result."""
        return dict(reductions.wrong_total(in_))
