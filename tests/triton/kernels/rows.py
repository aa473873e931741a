"""Kernels over rows: reductions, scans, sorting, counting."""

import triton
import triton.language as tl


@triton.jit
def softmax(x, out, columns, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    row = tl.load(x + tl.program_id(0) * columns + at, at < columns, other=-float("inf"))
    powers = tl.exp(row - tl.max(row, 0))
    tl.store(out + tl.program_id(0) * columns + at, powers / tl.sum(powers, 0), at < columns)


@triton.jit
def layer_norm(x, weight, bias, out, columns, eps, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    row = tl.load(x + tl.program_id(0) * columns + at, at < columns, other=0.0).to(tl.float32)
    mean = tl.sum(row, 0) / columns
    centred = tl.where(at < columns, row - mean, 0.0)
    scale = tl.rsqrt(tl.sum(centred * centred, 0) / columns + eps)
    result = centred * scale * tl.load(weight + at, at < columns) + tl.load(bias + at, at < columns)
    tl.store(out + tl.program_id(0) * columns + at, result.to(out.dtype.element_ty), at < columns)


@triton.jit
def rms_norm(x, weight, out, columns, eps, BLOCK: tl.constexpr):
    """In several blocks, for rows of any length."""
    total = tl.zeros((BLOCK,), tl.float32)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        row = tl.load(x + tl.program_id(0) * columns + at, at < columns, other=0.0)
        total += row * row
    scale = tl.rsqrt(tl.sum(total, 0) / columns + eps)
    for start in range(0, columns, BLOCK):
        at = start + tl.arange(0, BLOCK)
        row = tl.load(x + tl.program_id(0) * columns + at, at < columns, other=0.0)
        tl.store(
            out + tl.program_id(0) * columns + at,
            row * scale * tl.load(weight + at, at < columns),
            at < columns,
        )


@triton.jit
def prefix_sum(x, out, columns, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    row = tl.load(x + tl.program_id(0) * columns + at, at < columns, other=0)
    tl.store(out + tl.program_id(0) * columns + at, tl.cumsum(row, 0), at < columns)


@triton.jit
def decayed(a, x, b, y):
    return a * b, x * b + y


@triton.jit
def recurrence(decay, x, out, columns, BLOCK: tl.constexpr):
    """h[i] = decay[i] * h[i-1] + x[i] as an associative scan."""
    at = tl.arange(0, BLOCK)
    base = tl.program_id(0) * columns
    factors = tl.load(decay + base + at, at < columns, other=1.0)
    values = tl.load(x + base + at, at < columns, other=0.0)
    _, states = tl.associative_scan((factors, values), 0, decayed)
    tl.store(out + base + at, states, at < columns)


@triton.jit
def sort_rows(x, out, SIZE: tl.constexpr):
    at = tl.program_id(0) * SIZE + tl.arange(0, SIZE)
    tl.store(out + at, tl.sort(tl.load(x + at)))


@triton.jit
def histogram(x, out, n, BLOCK: tl.constexpr, BINS: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    counts = tl.histogram(tl.load(x + at, at < n, other=0), BINS, at < n)
    tl.atomic_add(out + tl.arange(0, BINS), counts)


@triton.jit
def argmax(x, out, columns, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    row = tl.load(x + tl.program_id(0) * columns + at, at < columns, other=-float("inf"))
    tl.store(out + tl.program_id(0), tl.argmax(row, 0))


@triton.jit
def transpose(x, out, rows, columns, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    j = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    tile = tl.load(x + i[:, None] * columns + j[None, :], (i < rows)[:, None] & (j < columns)[None, :])
    tl.store(
        out + j[:, None] * rows + i[None, :], tl.trans(tile), (j < columns)[:, None] & (i < rows)[None, :]
    )
