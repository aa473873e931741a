"""What saxpy must compute, through its host function."""

from typing import Any

from rocverify.oracle.contract import F32, Dims, In, InOut, Scalar, boundary, contract


@contract(source="kernels/saxpy.hip", symbol="saxpy", wrapper="kernels.vectors:add_scaled")
class Saxpy:
    """y += a * x."""

    a = Scalar(F32)
    x = In("n", F32)
    y = InOut("n", F32)
    dims = Dims(n=boundary(1, 100_000, tile=256))

    def call(self, wrapper: Any, arrays: Any, dims: Any) -> None:
        """How the host function is called."""
        wrapper(arrays.a, arrays.x, arrays.y, dims.n)

    def reference(self, a: Any, x: Any, y: Any) -> Any:
        """The result, in NumPy."""
        return a * x + y

    def wrong(self, a: Any, x: Any, y: Any) -> dict[str, Any]:
        """Plausible mistakes, all to be told apart from the result."""
        return {"y left out": a * x, "a left out": x + y, "subtracted": y - a * x}
