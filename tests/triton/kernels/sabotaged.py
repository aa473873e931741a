"""Kernels with a mistake each."""

import triton
import triton.language as tl


@triton.jit
def unmasked(x, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + at, tl.load(x + at, at < n))  # goes beyond out


@triton.jit
def racing(x, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    place = out + tl.load(x + at, at < n, other=0)
    tl.store(place, tl.load(place, at < n) + 1, at < n)  # counts without atomics
