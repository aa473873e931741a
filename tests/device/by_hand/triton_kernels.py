"""Run by test_triton.py in a process of its own: what Triton compiles, called through rocverify.load."""

from __future__ import annotations

from typing import Any

import numpy as np
import triton
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

import rocverify


@triton.jit
def add(x, y, out, n, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at, at < n) + tl.load(y + at, at < n), at < n)


@triton.jit
def softmax(x, out, columns, BLOCK: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    at = tl.arange(0, BLOCK)
    row = tl.load(x + tl.program_id(0) * columns + at, at < columns, other=-float("inf"))
    powers = tl.exp(row - tl.max(row, 0))
    tl.store(out + tl.program_id(0) * columns + at, powers / tl.sum(powers, 0), at < columns)


@triton.jit
def multiply(a, b, out, SIZE: tl.constexpr):  # type: ignore[no-untyped-def]  # noqa: N803
    at = tl.arange(0, SIZE)[:, None] * SIZE + tl.arange(0, SIZE)[None, :]
    tl.store(out + at, tl.dot(tl.load(a + at), tl.load(b + at)))


def compiled(function: Any, signature: dict[str, str], **constants: int) -> Any:
    full = {**signature, **dict.fromkeys(constants, "constexpr")}
    source = ASTSource(fn=function, signature=full, constexprs=constants)
    return triton.compile(source, target=GPUTarget("hip", "gfx1100", 32))


def main() -> None:
    rng = np.random.default_rng(1)
    pointers = {"x": "*fp32", "y": "*fp32", "out": "*fp32"}
    x, y, out = rng.random(1000, np.float32), rng.random(1000, np.float32), np.zeros(1000, np.float32)
    kernel = rocverify.load(compiled(add, {**pointers, "n": "i32"}, BLOCK=256), sanitize=True)["add"]
    kernel[4](x, y, out, 1000)
    assert np.array_equal(out, x + y)
    assert kernel.findings == []

    row, out = rng.random((7, 300), np.float32), np.zeros((7, 300), np.float32)
    source = compiled(softmax, {"x": "*fp32", "out": "*fp32", "columns": "i32"}, BLOCK=512)
    rocverify.load(source)["softmax"][7](row, out, 300)
    powers = np.exp(row - row.max(1, keepdims=True))
    assert np.allclose(out, powers / powers.sum(1, keepdims=True), rtol=1e-5)

    a, b = rng.random((32, 32)).astype(np.float16), rng.random((32, 32)).astype(np.float16)
    product = np.zeros((32, 32), np.float32)
    source = compiled(multiply, {"a": "*fp16", "b": "*fp16", "out": "*fp32"}, SIZE=32)
    rocverify.load(source)["multiply"][1](a, b, product)
    assert np.allclose(product, a.astype(np.float32) @ b.astype(np.float32), rtol=1e-3)
    print("all as NumPy has it")


if __name__ == "__main__":
    main()
