"""Elementwise kernels, atomics and random numbers."""

import triton
import triton.language as tl


@triton.jit
def add(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at, at < n) + tl.load(y + at, at < n), at < n)


@triton.jit
def gelu(x, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + at, at < n).to(tl.float32)
    result = 0.5 * value * (1.0 + tl.erf(value * 0.7071067811865476))
    tl.store(out + at, result.to(out.dtype.element_ty), at < n)


@triton.jit
def swiglu(x, gate, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(gate + at, at < n).to(tl.float32)
    result = value * tl.sigmoid(value) * tl.load(x + at, at < n).to(tl.float32)
    tl.store(out + at, result.to(out.dtype.element_ty), at < n)


@triton.jit
def strided(x, out, rows, step, BLOCK: tl.constexpr):
    """A persistent kernel: each program takes every so-manyth block."""
    for block in range(tl.program_id(0), tl.cdiv(rows, BLOCK), tl.num_programs(0)):
        at = block * BLOCK + tl.arange(0, BLOCK)
        tl.store(out + at, tl.load(x + at * step, at < rows) * 2, at < rows)


@triton.jit
def dropout(x, out, n, p, seed, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    keep = tl.rand(seed, at) > p
    tl.store(out + at, tl.where(keep, tl.load(x + at, at < n) / (1 - p), 0.0), at < n)


@triton.jit
def gather(table, index, out, columns, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    row = tl.load(index + tl.program_id(0))
    tl.store(
        out + tl.program_id(0) * columns + at, tl.load(table + row * columns + at, at < columns), at < columns
    )


@triton.jit
def scatter_add(index, value, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.atomic_add(out + tl.load(index + at, at < n, other=0), tl.load(value + at, at < n, other=0), at < n)


@triton.jit
def extremes(x, low, high, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + at, at < n, other=0)
    tl.atomic_min(low, tl.min(tl.where(at < n, value, 2147483647), 0))
    tl.atomic_max(high, tl.max(tl.where(at < n, value, -2147483648), 0))


@triton.jit
def claim(lock, owner, winners):
    """Of all programs one changes the lock."""
    before = tl.atomic_cas(lock, 0, tl.program_id(0) + 1)
    if before == 0:
        tl.store(owner, tl.program_id(0))
        tl.atomic_add(winners, 1)
