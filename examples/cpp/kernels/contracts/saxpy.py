"""What saxpy must compute; the contract launches it as the host does."""

import ctypes
from typing import Any

from rocverify.oracle.contract import F32, Dims, In, InOut, Launch, Scalar, boundary, contract


@contract(source="kernels/saxpy.hip", symbol="saxpy")
class Saxpy:
    """y += a * x."""

    a = Scalar(F32)
    x = In("n", F32)
    y = InOut("n", F32)
    dims = Dims(n=boundary(1, 100_000, tile=256))

    def launch(self, arrays: Any, dims: Any) -> Launch:
        """One work-item for each element, in workgroups of 256."""
        arguments = (ctypes.c_float(arrays.a), arrays.x, arrays.y, ctypes.c_int32(dims.n))
        return Launch(grid=(-(-dims.n // 256), 1, 1), block=(256, 1, 1), arguments=arguments)

    def reference(self, a: Any, x: Any, y: Any) -> Any:
        """The result, in NumPy."""
        return a * x + y

    def wrong(self, a: Any, x: Any, y: Any) -> dict[str, Any]:
        """Plausible mistakes, all to be told apart from the result."""
        return {"y left out": a * x, "a left out": x + y, "subtracted": y - a * x}
