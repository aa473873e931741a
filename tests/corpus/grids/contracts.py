"""Contracts of grids.hip: stencils, convolution, game of life, image blend."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import F32, U8, U32, Dims, In, Launch, Out, boundary, choices, contract
from rocverify.oracle.inputs import Kind
from tests.corpus.launching import blocks, launch

SOURCE = "tests/corpus/grids/grids.hip"

WEIGHTS = np.array([0.05, 0.1, 0.15, 0.4, 0.15, 0.1, 0.05], np.float32)
FILTER = np.array(
    [[1, 4, 6, 4, 2], [3, 16, 24, 15, 4], [7, 24, -36, 23, 6], [4, -17, 24, 16, 5], [2, 4, 9, 4, -1]]
)


@contract(source=SOURCE, symbol="stencil_1d")
class Stencil1D:
    """A weighted mean of seven neighbours, zeros outside."""

    data = In("n", F32)
    out = Out("n", F32)
    dims = Dims(n=boundary(1, 300))
    rounding = {F32: 8.0}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, arrays.data, arrays.out, dims.n)

    def reference(self, data: Any) -> Any:
        return self._weighted(data, WEIGHTS)

    def magnitude(self, data: Any) -> Any:
        return self._weighted(np.abs(data), WEIGHTS)

    def _weighted(self, data: Any, weights: Any) -> Any:
        padded = np.pad(data, 3)
        windows = np.lib.stride_tricks.sliding_window_view(padded, 7)
        return windows @ weights.astype(data.dtype)


@contract(source=SOURCE, symbol="stencil_2d")
class Stencil2D:
    """A step of heat flow with fixed edges."""

    data = In("height width", F32)
    out = Out("height width", F32)
    dims = Dims(height=boundary(1, 20, tile=8), width=boundary(1, 40, tile=16))
    rounding = {F32: 8.0}
    rate = np.float32(0.2)

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.height, dims.width, float(self.rate))
        grid = (blocks(dims.width, 16), blocks(dims.height, 8), 1)
        return launch(grid, (16, 8), arrays.data, arrays.out, *sizes)

    def reference(self, data: Any) -> Any:
        return self._step(data, 1)

    def magnitude(self, data: Any) -> Any:
        return self._step(np.abs(data), -1)

    def _step(self, data: Any, sign: int) -> Any:
        """Sign -1 adds what the true step takes away."""
        out = data.copy()
        around = data[:-2, 1:-1] + data[2:, 1:-1] + data[1:-1, :-2] + data[1:-1, 2:]
        flow = around - sign * 4 * data[1:-1, 1:-1]
        out[1:-1, 1:-1] += data.dtype.type(self.rate) * flow
        return out


class _Convolve:
    data = In("channels height width", F32)
    kinds = (Kind.PLAIN, Kind.HEAVY, Kind.SPECIAL)
    rounding = {F32: 30.0}
    stride = 1

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.height, dims.width, self.stride)
        high, wide = blocks(dims.height, self.stride), blocks(dims.width, self.stride)
        grid = (blocks(wide, 16), blocks(high, 4), dims.channels)
        return launch(grid, (16, 4), arrays.data, arrays.out, *sizes)

    def reference(self, data: Any) -> Any:
        return self._convolved(data, FILTER)

    def magnitude(self, data: Any) -> Any:
        return self._convolved(np.abs(data), np.abs(FILTER))

    def _convolved(self, data: Any, weights: Any) -> Any:
        padded = np.pad(data, ((0, 0), (2, 2), (2, 2)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), axis=(1, 2))
        return np.einsum(
            "cyxij,ij->cyx", windows[:, :: self.stride, :: self.stride], weights.astype(data.dtype)
        )


@contract(source=SOURCE, symbol="convolve_2d")
class Convolve2D(_Convolve):
    """5 x 5, zero padding."""

    out = Out("channels height width", F32)
    dims = Dims(channels=choices(1, 2), height=boundary(1, 11), width=boundary(1, 20))


@contract(source=SOURCE, symbol="convolve_2d")
class Convolve2DStrided(_Convolve):
    """Every other row and column of the same."""

    out = Out("channels height/2 width/2", F32)
    dims = Dims(channels=choices(1, 3), height=choices(2, 8, 14), width=choices(2, 6, 18))
    stride = 2


@contract(source=SOURCE, symbol="life")
class Life:
    """One generation on a torus."""

    cells = In("height width", U8)
    out = Out("height width", U8)
    dims = Dims(height=boundary(3, 20), width=boundary(3, 40))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"cells": rng.random((dims.height, dims.width)) < 0.4}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        sizes = (dims.height, dims.width)
        grid = (blocks(dims.width, 16), blocks(dims.height, 4), 1)
        return launch(grid, (16, 4), arrays.cells, arrays.out, *sizes)

    def reference(self, cells: Any) -> Any:
        shifts = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
        around = sum(np.roll(cells, shift, (0, 1)).astype(int) for shift in shifts)
        return np.where(cells == 1, (around == 2) | (around == 3), around == 3).astype(np.uint8)


@contract(source=SOURCE, symbol="blend")
class Blend:
    """ "Over" of RGBA8 pixels, rounded to nearest."""

    upper = In("n", U32)
    lower = In("n", U32)
    out = Out("n", U32)
    dims = Dims(n=boundary(1, 300))

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        upper, lower = rng.choice([0, 1, 127, 128, 254, 255, 77, 200], (2, dims.n, 4)).astype(np.uint8)
        return {"upper": upper.view(np.uint32).ravel(), "lower": lower.view(np.uint32).ravel()}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.n, 64), 64, arrays.upper, arrays.lower, arrays.out, dims.n)

    def reference(self, upper: Any, lower: Any) -> Any:
        above, below = (image.view(np.uint8).reshape(-1, 4).astype(int) for image in (upper, lower))
        alpha = above[:, 3:]
        mixed = np.rint((above * alpha + below * (255 - alpha)) / 255)
        mixed[:, 3] = alpha[:, 0] + np.rint(below[:, 3] * (255 - alpha[:, 0]) / 255)
        return mixed.astype(np.uint8).view(np.uint32).ravel()
