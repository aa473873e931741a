"""What each Triton kernel is compiled with, called with, and must give, in NumPy.

Nothing here imports Triton: what is expected shares no code with the kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np
from triton_numbers import erf, rand

Made = tuple[Sequence[Any], Sequence[int], Mapping[int, Any]]
"""Arguments, grid, and what arrays must hold afterwards, by their place among the arguments."""


@dataclass(frozen=True)
class Case:
    """One kernel of `kernels/<module>.py` with its types. `make` draws arguments; `close` bounds the error of
    results relative to the largest expected value, 0 for equality."""

    module: str
    kernel: str
    signature: Mapping[str, str]
    make: Callable[[np.random.Generator], Made]
    close: float = 0.0
    constants: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


def _types(names: str, **types: str) -> dict[str, str]:
    """`*fp32` for each name but those of other types."""
    return {**{name: types.get(name, "*fp32") for name in names.split()}}


def _floats(rng: np.random.Generator, *shape: int) -> Any:
    return rng.standard_normal(shape).astype(np.float32)


def _add(rng: np.random.Generator) -> Made:
    x, y = _floats(rng, 1000), _floats(rng, 1000)
    return (x, y, np.zeros_like(x), 1000), (4,), {2: x + y}


def _gelu(rng: np.random.Generator) -> Made:
    x = _floats(rng, 777).astype(np.float16)
    wide = x.astype(np.float64)
    return (x, np.zeros_like(x), 777), (4,), {1: wide * 0.5 * (1 + erf(wide / np.sqrt(2)))}


def _swiglu(rng: np.random.Generator) -> Made:
    x, gate = (_floats(rng, 600).astype(ml_dtypes.bfloat16) for _ in range(2))
    wide = gate.astype(np.float64)
    return (x, gate, np.zeros_like(x), 600), (3,), {2: wide / (1 + np.exp(-wide)) * x.astype(np.float64)}


def _strided(rng: np.random.Generator) -> Made:
    x = _floats(rng, 500, 3)
    return (x, np.zeros(500, np.float32), 500, 3), (3,), {1: x[:, 0] * 2}


def _dropout(rng: np.random.Generator) -> Made:
    x, p, seed = _floats(rng, 900), 0.3, int(rng.integers(1 << 30))
    kept = rand(seed, np.arange(900)) > np.float32(p)
    return (x, np.zeros_like(x), 900, p, seed), (4,), {1: np.where(kept, x / (1 - p), 0)}


def _gather(rng: np.random.Generator) -> Made:
    table, index = _floats(rng, 50, 70), rng.integers(0, 50, 20, dtype=np.int32)
    return (table, index, np.zeros((20, 70), np.float32), 70), (20,), {2: table[index]}


def _scatter(rng: np.random.Generator) -> Made:
    index, value = (rng.integers(0, high, 1000, dtype=np.int32) for high in (40, 1000))
    return (
        (index, value, np.zeros(40, np.int32), 1000),
        (4,),
        {2: np.bincount(index, value, 40).astype(np.int32)},
    )


def _extremes(rng: np.random.Generator) -> Made:
    x = rng.integers(-(1 << 30), 1 << 30, 1000, dtype=np.int32)
    start = np.array([2**31 - 1], np.int32), np.array([-(2**31)], np.int32)
    return (x, *start, 1000), (4,), {1: [x.min()], 2: [x.max()]}


def _claim(rng: np.random.Generator) -> Made:
    del rng
    zero = [np.zeros(1, np.int32) for _ in range(3)]
    return tuple(zero), (9,), {2: [1]}


def _softmax(rng: np.random.Generator) -> Made:
    x = _floats(rng, 7, 300)
    powers = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    return (x, np.zeros_like(x), 300), (7,), {1: powers / powers.sum(1, keepdims=True)}


def _layer_norm(rng: np.random.Generator) -> Made:
    x, weight, bias = _floats(rng, 5, 200).astype(np.float16), _floats(rng, 200), _floats(rng, 200)
    wide = x.astype(np.float64)
    normal = (wide - wide.mean(1, keepdims=True)) / np.sqrt(wide.var(1, keepdims=True) + 1e-5)
    return (x, weight, bias, np.zeros_like(x), 200, 1e-5), (5,), {3: normal * weight + bias}


def _rms_norm(rng: np.random.Generator) -> Made:
    x, weight = _floats(rng, 4, 700), _floats(rng, 700)
    scale = 1 / np.sqrt((x.astype(np.float64) ** 2).mean(1, keepdims=True) + 1e-5)
    return (x, weight, np.zeros_like(x), 700, 1e-5), (4,), {2: x * scale * weight}


def _prefix_sum(rng: np.random.Generator) -> Made:
    x = rng.integers(-1000, 1000, (4, 400), dtype=np.int32)
    return (x, np.zeros_like(x), 400), (4,), {1: x.cumsum(1)}


def _recurrence(rng: np.random.Generator) -> Made:
    decay, x = rng.random((3, 300), np.float32), _floats(rng, 3, 300)
    states, state = np.zeros((3, 300)), np.zeros(3)
    for i in range(300):
        state = decay[:, i] * state + x[:, i]
        states[:, i] = state
    return (decay, x, np.zeros_like(x), 300), (3,), {2: states}


def _sort(rng: np.random.Generator) -> Made:
    x = _floats(rng, 3, 256)
    return (x, np.zeros_like(x)), (3,), {1: np.sort(x, 1)}


def _histogram(rng: np.random.Generator) -> Made:
    x = rng.integers(0, 64, 1000, dtype=np.int32)
    return (x, np.zeros(64, np.int32), 1000), (4,), {1: np.bincount(x, minlength=64)}


def _argmax(rng: np.random.Generator) -> Made:
    x = _floats(rng, 6, 333)
    return (x, np.zeros(6, np.int32), 333), (6,), {1: x.argmax(1)}


def _transpose(rng: np.random.Generator) -> Made:
    x = _floats(rng, 50, 70)
    return (x, np.zeros((70, 50), np.float32), 50, 70), (2, 3), {1: x.T}


def _product(dtype: Any, parts: int = 0) -> Callable[[np.random.Generator], Made]:
    """Of matrices whose sizes are no multiples of the blocks; `parts` of the terms apart."""

    def make(rng: np.random.Generator) -> Made:
        m, n, k = (64, 64, 64) if parts < 0 else (50, 70, 100)
        if np.dtype(dtype).kind == "i":
            a, b = (rng.integers(-128, 128, shape, dtype=np.int8) for shape in ((m, k), (k, n)))
            out = np.zeros((m, n), np.int32)
        else:
            a, b = (_floats(rng, *shape).astype(dtype) for shape in ((m, k), (k, n)))
            out = np.zeros((m, n), np.float32)
        passed = [x.view(np.uint8) if x.itemsize == 1 else x for x in (a, b)]
        grid = (-(-m // 32), -(-n // 32), *([parts] if parts > 0 else []))
        return (*passed, out, m, n, k), grid, {2: a.astype(np.float64) @ b.astype(np.float64)}

    return make


def _attended(q: Any, k: Any, v: Any, scale: float) -> tuple[Any, Any, Any]:
    """Result, logarithms of the sums, weights; causal, in float64."""
    score = np.einsum("hid,hjd->hij", q, k, dtype=np.float64) * scale
    score[:, ~np.tri(score.shape[1], dtype=bool)] = -np.inf
    sums = np.log(np.exp(score).sum(2))
    weight = np.exp(score - sums[:, :, None])
    return weight @ v.astype(np.float64), sums, weight


def _attention(rng: np.random.Generator) -> Made:
    q, k, v = (_floats(rng, 2, 50, 32).astype(np.float16) for _ in range(3))
    result, sums, _ = _attended(q, k, v, 0.2)
    out, logs = np.zeros((2, 50, 32), np.float32), np.zeros((2, 50), np.float32)
    return (q, k, v, out, logs, 50, 0.2), (2, 2), {3: result, 4: sums}


def _attention_backward(rng: np.random.Generator) -> Made:
    q, k, v, grad = (_floats(rng, 2, 50, 32).astype(np.float16) for _ in range(4))
    wide = grad.astype(np.float64)
    result, sums, weight = _attended(q, k, v, 0.2)
    delta = (wide * result).sum(2)
    change = weight * (wide @ v.astype(np.float64).transpose(0, 2, 1) - delta[:, :, None]) * 0.2
    expected = {6: change.transpose(0, 2, 1) @ q.astype(np.float64), 7: weight.transpose(0, 2, 1) @ wide}
    outs = [np.zeros((2, 50, 32), np.float32) for _ in range(2)]
    small = sums.astype(np.float32), delta.astype(np.float32)
    return (q, k, v, grad, *small, *outs, 50, 0.2), (4, 2), expected


_TILES = {"BM": 32, "BN": 32, "BK": 32}
_B = {"BLOCK": 256}


def _dot(kind: str, dtype: Any, close: float, out: str = "*fp32", parts: int = 0, **more: Any) -> Case:
    kernel = "blocked" if parts < 0 else "split_k" if parts else "matmul"
    types = {"a": f"*{kind}", "b": f"*{kind}", "out": out, **dict.fromkeys("mnk", "i32")}
    constants = {**_TILES, **more.pop("constants", {})}
    if kernel == "matmul":
        constants["ACC"] = "int32" if out == "*i32" else "float32"
    return Case("products", kernel, types, _product(dtype, parts), close, constants, more)


_N = {"n": "i32"}
_COLUMNS = {"columns": "i32"}
_ATTENTION = {
    **_types("q k v", q="*fp16", k="*fp16", v="*fp16"),
    **_types("out log_sums seq scale", seq="i32", scale="fp32"),
}
_BACKWARD = {
    **dict.fromkeys(("q", "k", "v", "grad"), "*fp16"),
    **_types("log_sums delta grad_k grad_v seq scale", seq="i32", scale="fp32"),
}
_HEAD = {"D": 32, "BM": 32, "BN": 16}

CASES: dict[str, Case] = {
    "add": Case("elementwise", "add", {**_types("x y out"), **_N}, _add, 0, _B),
    "gelu_f16": Case("elementwise", "gelu", {"x": "*fp16", "out": "*fp16", **_N}, _gelu, 1e-3, _B),
    "swiglu_bf16": Case(
        "elementwise", "swiglu", {**dict.fromkeys(("x", "gate", "out"), "*bf16"), **_N}, _swiglu, 4e-3, _B
    ),
    "strided": Case(
        "elementwise",
        "strided",
        {**_types("x out"), "rows": "i32", "step": "i32"},
        _strided,
        0,
        {"BLOCK": 128},
    ),
    "dropout": Case(
        "elementwise", "dropout", {**_types("x out"), **_N, "p": "fp32", "seed": "i32"}, _dropout, 1e-6, _B
    ),
    "gather": Case(
        "elementwise",
        "gather",
        {"table": "*fp32", "index": "*i32", "out": "*fp32", **_COLUMNS},
        _gather,
        0,
        {"BLOCK": 128},
    ),
    "scatter_add": Case(
        "elementwise",
        "scatter_add",
        {**dict.fromkeys(("index", "value", "out"), "*i32"), **_N},
        _scatter,
        0,
        _B,
    ),
    "extremes": Case(
        "elementwise", "extremes", {**dict.fromkeys(("x", "low", "high"), "*i32"), **_N}, _extremes, 0, _B
    ),
    "claim": Case("elementwise", "claim", dict.fromkeys(("lock", "owner", "winners"), "*i32"), _claim),
    "softmax": Case("rows", "softmax", {**_types("x out"), **_COLUMNS}, _softmax, 1e-6, {"BLOCK": 512}),
    "layer_norm_f16": Case(
        "rows",
        "layer_norm",
        {**_types("x weight bias out", x="*fp16", out="*fp16"), **_COLUMNS, "eps": "fp32"},
        _layer_norm,
        1e-3,
        _B,
    ),
    "rms_norm": Case(
        "rows", "rms_norm", {**_types("x weight out"), **_COLUMNS, "eps": "fp32"}, _rms_norm, 1e-6, _B
    ),
    "prefix_sum": Case(
        "rows", "prefix_sum", {"x": "*i32", "out": "*i32", **_COLUMNS}, _prefix_sum, 0, {"BLOCK": 512}
    ),
    "recurrence": Case(
        "rows", "recurrence", {**_types("decay x out"), **_COLUMNS}, _recurrence, 1e-5, {"BLOCK": 512}
    ),
    "sort": Case("rows", "sort_rows", _types("x out"), _sort, 0, {"SIZE": 256}),
    "histogram": Case(
        "rows", "histogram", {"x": "*i32", "out": "*i32", **_N}, _histogram, 0, {**_B, "BINS": 64}
    ),
    "argmax": Case("rows", "argmax", {"x": "*fp32", "out": "*i32", **_COLUMNS}, _argmax, 0, {"BLOCK": 512}),
    "transpose": Case(
        "rows", "transpose", {**_types("x out"), "rows": "i32", **_COLUMNS}, _transpose, 0, {"BLOCK": 32}
    ),
    "matmul_f32": _dot("fp32", np.float32, 1e-5),
    "matmul_f16": _dot("fp16", np.float16, 1e-5),
    "matmul_bf16": _dot("bf16", ml_dtypes.bfloat16, 1e-5),
    "matmul_fp8_e4m3": _dot("fp8e4nv", ml_dtypes.float8_e4m3fn, 1e-5),
    "matmul_fp8_e5m2": _dot("fp8e5", ml_dtypes.float8_e5m2, 1e-5),
    "matmul_i8": _dot("i8", np.int8, 0, "*i32"),
    "split_k_f16": _dot("fp16", np.float16, 1e-5, parts=3),
    "descriptors_f16": _dot("fp16", np.float16, 1e-5, parts=-1),
    "attention_f16": Case("products", "attention", _ATTENTION, _attention, 2e-3, _HEAD),
    "attention_backward_f16": Case(
        "products", "attention_backward", _BACKWARD, _attention_backward, 2e-3, _HEAD
    ),
    # What an autotuner would choose among.
    "matmul_one_warp": _dot("fp16", np.float16, 1e-5, num_warps=1, num_stages=1),
    "matmul_eight_warps": _dot(
        "fp16", np.float16, 1e-5, constants={"BM": 64, "BN": 64, "BK": 16}, num_warps=8, num_stages=3
    ),
    "matmul_two_waves": _dot("fp16", np.float16, 1e-5, num_warps=2, num_stages=2, waves_per_eu=2),
}
