"""Contracts of elementwise.hip."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import F16, F32, Dims, In, InOut, Launch, Out, boundary, contract
from rocverify.oracle.inputs import Kind
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/elementwise/elementwise.hip"
LENGTHS = Dims(n=boundary(1, 1000))


@contract(source=SOURCE, symbol="vector_add")
class VectorAdd:
    """c = a + b."""

    a, b = In("n", F32), In("n", F32)
    c = Out("n", F32)
    dims = LENGTHS
    rounding = {F32: 0.0}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 256), 256, arrays.a, arrays.b, arrays.c, dims.n)

    def reference(self, a: Any, b: Any) -> Any:
        return a + b


@contract(source=SOURCE, symbol="saxpy")
class Saxpy:
    """y = alpha x + y with a grid of two workgroups, whatever n is."""

    x, y = In("n", F32), InOut("n", F32)
    dims = LENGTHS
    rounding = {F32: 1.0}
    alpha = -1.75

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(2, 64, self.alpha, arrays.x, arrays.y, dims.n)

    def reference(self, x: Any, y: Any) -> Any:
        return np.float32(self.alpha) * x + y

    def magnitude(self, x: Any, y: Any) -> Any:
        return abs(self.alpha * x) + abs(y)

    def wrong(self, x: Any, y: Any) -> Any:
        product = self.alpha * x
        return {"only the first pass of the grid": np.where(np.arange(len(x)) < 128, product + y, y)}


@contract(source=SOURCE, symbol="scale_vec4")
class ScaleVec4:
    """out = factor * in, four at a time."""

    source = In("n", F32)
    out = Out("n", F32)
    dims = LENGTHS
    rounding = {F32: 0.0}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 128), 128, arrays.source, arrays.out, 0.3, dims.n)

    def reference(self, source: Any) -> Any:
        return source * np.float64(np.float32(0.3))


class _SwiGlu:
    dims = LENGTHS
    kinds = (Kind.PLAIN, Kind.SPECIAL)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 128), 128, arrays.gate, arrays.up, arrays.out, dims.n)

    def reference(self, gate: Any, up: Any) -> Any:
        return gate / (1 + np.exp(-gate)) * up

    def wrong(self, gate: Any, up: Any) -> Any:
        silu = up / (1 + np.exp(-up)) * gate
        return {"gate and up swapped": silu, "no gate": gate * up}


@contract(source=SOURCE, symbol="swiglu")
class SwiGlu(_SwiGlu):
    """out = silu(gate) * up."""

    gate, up = In("n", F32), In("n", F32)
    out = Out("n", F32)
    rounding = {F32: 8.0}


@contract(source=SOURCE, symbol="swiglu_f16")
class SwiGluF16(_SwiGlu):
    """The same with half-precision arrays."""

    gate, up = In("n", F16), In("n", F16)
    out = Out("n", F16)
    rounding = {F16: 8.0}
