"""Contracts of quant.hip."""

from __future__ import annotations

from typing import Any

import numpy as np

from rocverify.oracle.contract import F16, F32, U8, Dims, In, Launch, Out, boundary, choices, contract
from rocverify.oracle.inputs import Kind
from tests.corpus.launching import blocks, launch
from tests.corpus.quant import formats

SOURCE = "tests/corpus/quant/quant.hip"
BLOCKS = Dims(count=boundary(1, 20))
MATRIX = Dims(rows=choices(1, 5, 9), count=boundary(1, 12))


@contract(source=SOURCE, symbol="dequant_q4_0")
class DequantQ40:
    """32 weights of 4 bits a block."""

    raw = In("count 18", U8)
    out = Out("count 32", F32)
    dims = BLOCKS
    rounding = {F32: 0.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"raw": formats.random_blocks(rng, dims.count, formats.Q4_0_BYTES, 0)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.count * 16, 64), 64, arrays.raw, arrays.out, dims.count)

    def reference(self, raw: Any) -> Any:
        return formats.decode_q4_0(raw)

    def wrong(self, raw: Any) -> Any:
        right = formats.decode_q4_0(raw)
        paired = right.reshape(-1, 2, 16).transpose(0, 2, 1).reshape(-1, 32)
        return {"nibbles side by side": paired}


@contract(source=SOURCE, symbol="dequant_q8_0")
class DequantQ80:
    """32 weights of 8 bits a block, to half precision."""

    raw = In("count 34", U8)
    out = Out("count 32", F16)
    dims = BLOCKS
    rounding = {F16: 0.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"raw": formats.random_blocks(rng, dims.count, formats.Q8_0_BYTES, 0)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.count * 32, 64), 64, arrays.raw, arrays.out, dims.count)

    def reference(self, raw: Any) -> Any:
        return formats.decode_q8_0(raw)


@contract(source=SOURCE, symbol="dequant_q4_k")
class DequantQ4K:
    """256 weights of 4 bits with 6-bit scales and minima a block."""

    raw = In("count 144", U8)
    out = Out("count 256", F32)
    dims = BLOCKS
    rounding = {F32: 3.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"raw": formats.random_blocks(rng, dims.count, formats.Q4_K_BYTES, 0, 2)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.count, 32, arrays.raw, arrays.out)

    def reference(self, raw: Any) -> Any:
        return formats.decode_q4_k(raw)

    def magnitude(self, raw: Any) -> Any:
        positive = raw.copy()
        positive[:, 1] &= 0x7F
        positive[:, 3] |= 0x80
        return formats.decode_q4_k(positive)


@contract(source=SOURCE, symbol="dequant_q6_k")
class DequantQ6K:
    """256 weights of 6 bits with 8-bit scales a block."""

    raw = In("count 210", U8)
    out = Out("count 256", F32)
    dims = BLOCKS
    rounding = {F32: 2.0}

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        return {"raw": formats.random_blocks(rng, dims.count, formats.Q6_K_BYTES, 208)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(dims.count, 64, arrays.raw, arrays.out)

    def reference(self, raw: Any) -> Any:
        return formats.decode_q6_k(raw)


@contract(source=SOURCE, symbol="quantize_q8_0")
class QuantizeQ80:
    """Floats to blocks of q8_0, to the byte."""

    source = In("count 32", F32)
    raw = Out("count 34", U8)
    dims = BLOCKS
    kinds = (Kind.PLAIN,)

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        source = rng.standard_t(3, (dims.count, 32))
        source[rng.random(dims.count) < 0.2] = 0
        return {"source": source}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.count * 32, 64), 64, arrays.source, arrays.raw, dims.count)

    def reference(self, source: Any) -> Any:
        given = source.astype(np.float32)
        scale = abs(given).max(axis=1, keepdims=True) / np.float32(127)
        steps = np.where(scale == 0, 0, given / np.where(scale == 0, 1, scale)).astype(np.float64)
        rounded = (np.sign(steps) * np.floor(abs(steps) + 0.5)).astype(np.int8)
        return np.concatenate([scale.astype(np.float16).view(np.uint8), rounded.view(np.uint8)], axis=1)


class _MatVec:
    x = In("count 32", F32)
    y = Out("rows", F32)
    dims = MATRIX
    rounding = {F32: 12.0}
    kinds = (Kind.PLAIN, Kind.HEAVY)
    size: int

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        raw = formats.random_blocks(rng, dims.rows * dims.count, self.size, 0)
        return {"w": raw.reshape(dims.rows, dims.count, self.size)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.rows, 4), (32, 4), arrays.w, arrays.x, arrays.y, dims.rows, dims.count)

    def weights(self, w: Any) -> Any:
        """[rows, count * 32] in float64."""
        flat = w.reshape(-1, w.shape[-1])
        decode = formats.decode_q4_0 if self.size == formats.Q4_0_BYTES else formats.decode_q8_0
        return decode(flat).reshape(len(w), -1)

    def reference(self, w: Any, x: Any) -> Any:
        return (self.weights(w).astype(x.dtype) * x.ravel()).sum(axis=1)

    def magnitude(self, w: Any, x: Any) -> Any:
        return abs(self.weights(w) * x.ravel()).sum(axis=1)


@contract(source=SOURCE, symbol="matvec_q4_0")
class MatVecQ40(_MatVec):
    """Weights in q4_0 times floats."""

    w = In("rows count 18", U8)
    size = formats.Q4_0_BYTES


@contract(source=SOURCE, symbol="matvec_q8_0")
class MatVecQ80(_MatVec):
    """Weights in q8_0 times floats."""

    w = In("rows count 34", U8)
    size = formats.Q8_0_BYTES


@contract(source=SOURCE, symbol="matvec_q8_0_q8_0")
class MatVecQ80Q80(_MatVec):
    """Weights in q8_0 times a vector in q8_0, with dot4 instructions."""

    w, x = In("rows count 34", U8), In("count 34", U8)
    size = formats.Q8_0_BYTES

    def prepare(self, rng: Any, dims: Any) -> dict[str, Any]:
        made = super().prepare(rng, dims)
        return {**made, "x": formats.random_blocks(rng, dims.count, self.size, 0)}

    def launch(self, arrays: Any, dims: Any) -> Launch:
        return launch(blocks(dims.rows, 32), 32, arrays.w, arrays.x, arrays.y, dims.rows, dims.count)

    def reference(self, w: Any, x: Any) -> Any:
        return super().reference(w, formats.decode_q8_0(x))

    def magnitude(self, w: Any, x: Any) -> Any:
        return super().magnitude(w, formats.decode_q8_0(x))
