"""Contracts of normalise.hip."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import F16, F32, Dims, In, Launch, Out, boundary, choices, contract
from rocverify.oracle.inputs import Kind
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/normalise/normalise.hip"
THREADS = 128
EPSILON = 1e-5
DIMS = Dims(rows=choices(1, 3, 5), cols=boundary(1, 300))


class _Softmax:
    source = In("rows cols", F32)
    out = Out("rows cols", F32)
    dims = DIMS
    rounding = {F32: 8.0}
    kinds = (Kind.PLAIN, Kind.HEAVY, Kind.SPECIAL)

    def reference(self, source: Any) -> Any:
        powers = np.exp(source - source.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def magnitude(self, source: Any) -> Any:
        # An exponential loses as many ULPs as its argument is large.
        exponent = source - source.max(axis=1, keepdims=True)
        return self.reference(source) * (1 + np.where(np.isfinite(exponent), abs(exponent), 0))

    def wrong(self, source: Any) -> Any:
        powers = np.exp(source - source.max())
        return {"over the whole array": powers / powers.sum()}


@contract(source=SOURCE, symbol="softmax")
class Softmax(_Softmax):
    """A row a workgroup, three passes."""

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.rows, THREADS, arrays.source, arrays.out, dims.cols)


@contract(source=SOURCE, symbol="softmax_online")
class SoftmaxOnline(_Softmax):
    """A row for 32 lanes, one pass."""

    kinds = (Kind.PLAIN, Kind.HEAVY)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.rows, 4), (32, 4), arrays.source, arrays.out, dims.rows, dims.cols)


@contract(source=SOURCE, symbol="layer_norm")
class LayerNorm:
    """Mean 0 and variance 1, then a weight and a shift for each column."""

    source = In("rows cols", F32)
    gamma, beta = In("cols", F32), In("cols", F32)
    out = Out("rows cols", F32)
    dims = DIMS
    rounding = {F32: 12.0}
    kinds = (Kind.PLAIN, Kind.SPECIAL)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        pointers = (arrays.source, arrays.gamma, arrays.beta, arrays.out)
        return launch(dims.rows, THREADS, *pointers, dims.cols, EPSILON)

    def _parts(self, source: Any, gamma: Any) -> Any:
        mean = source.mean(axis=1, keepdims=True)
        deviation = np.sqrt(((source - mean) ** 2).mean(axis=1, keepdims=True) + source.dtype.type(EPSILON))
        return mean, gamma / deviation

    def reference(self, source: Any, gamma: Any, beta: Any) -> Any:
        mean, factor = self._parts(source, gamma)
        return (source - mean) * factor + beta

    def magnitude(self, source: Any, gamma: Any, beta: Any) -> Any:
        _, factor = self._parts(source, gamma)
        sizes = abs(source) + abs(source).mean(axis=1, keepdims=True)
        return sizes * abs(factor) + abs(beta)

    def wrong(self, source: Any, gamma: Any, beta: Any) -> Any:
        mean, factor = self._parts(source, gamma)
        return {"no shift": (source - mean) * factor, "no mean": source * factor + beta}


class _RmsNorm:
    dims = DIMS
    kinds = (Kind.PLAIN, Kind.SPECIAL)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.rows, THREADS, arrays.source, arrays.weight, arrays.out, dims.cols, EPSILON)

    def reference(self, source: Any, weight: Any) -> Any:
        mean = (source**2).mean(axis=1, keepdims=True)
        return source / np.sqrt(mean + source.dtype.type(EPSILON)) * weight

    def wrong(self, source: Any, weight: Any) -> Any:
        size = np.sqrt((source**2).sum(axis=1, keepdims=True))
        return {
            "the sum in place of the mean": source / size * weight,
            "no weight": self.reference(source, 1),
        }


@contract(source=SOURCE, symbol="rms_norm")
class RmsNorm(_RmsNorm):
    """Mean square 1, then a weight for each column."""

    source, weight = In("rows cols", F32), In("cols", F32)
    out = Out("rows cols", F32)
    rounding = {F32: 12.0}


@contract(source=SOURCE, symbol="rms_norm_f16")
class RmsNormF16(_RmsNorm):
    """The same in half precision; sums are single precision."""

    source, weight = In("rows cols", F16), In("cols", F16)
    out = Out("rows cols", F16)
    rounding = {F16: 12.0}
