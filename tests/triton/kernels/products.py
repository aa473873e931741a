"""Matrix products and attention."""

import triton
import triton.language as tl


@triton.jit
def matmul(a, b, out, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, ACC: tl.constexpr):
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    j = tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), ACC)
    for start in range(0, k, BK):
        at = start + tl.arange(0, BK)
        left = tl.load(a + i[:, None] * k + at[None, :], (i < m)[:, None] & (at < k)[None, :], other=0.0)
        right = tl.load(b + at[:, None] * n + j[None, :], (at < k)[:, None] & (j < n)[None, :], other=0.0)
        total = tl.dot(left, right, total, input_precision="ieee", out_dtype=ACC)
    tl.store(out + i[:, None] * n + j[None, :], total, (i < m)[:, None] & (j < n)[None, :])


@triton.jit
def split_k(a, b, out, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """Each program along z adds up a part of the terms."""
    i = tl.program_id(0) * BM + tl.arange(0, BM)
    j = tl.program_id(1) * BN + tl.arange(0, BN)
    total = tl.zeros((BM, BN), tl.float32)
    for start in range(tl.program_id(2) * BK, k, tl.num_programs(2) * BK):
        at = start + tl.arange(0, BK)
        left = tl.load(a + i[:, None] * k + at[None, :], (i < m)[:, None] & (at < k)[None, :], other=0.0)
        right = tl.load(b + at[:, None] * n + j[None, :], (at < k)[:, None] & (j < n)[None, :], other=0.0)
        total = tl.dot(left, right, total)
    tl.atomic_add(out + i[:, None] * n + j[None, :], total, (i < m)[:, None] & (j < n)[None, :])


@triton.jit
def blocked(a, b, out, m, n, k, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr):
    """The same through descriptors of tensors."""
    left = tl.make_tensor_descriptor(a, (m, k), (k, 1), (BM, BK))
    right = tl.make_tensor_descriptor(b, (k, n), (n, 1), (BK, BN))
    to = tl.make_tensor_descriptor(out, (m, n), (n, 1), (BM, BN))
    row, column = tl.program_id(0) * BM, tl.program_id(1) * BN
    total = tl.zeros((BM, BN), tl.float32)
    for start in range(0, k, BK):
        total = tl.dot(left.load([row, start]), right.load([start, column]), total)
    to.store([row, column], total)


@triton.jit
def attention(q, k, v, out, log_sums, seq, scale, D: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr):
    """Causal, with a running maximum; log_sums is what the backward pass needs."""
    base = tl.program_id(1) * seq * D
    i, d = tl.program_id(0) * BM + tl.arange(0, BM), tl.arange(0, D)
    query = tl.load(q + base + i[:, None] * D + d[None, :], (i < seq)[:, None], other=0.0)
    highest = tl.full((BM,), -float("inf"), tl.float32)
    weight = tl.zeros((BM,), tl.float32)
    total = tl.zeros((BM, D), tl.float32)
    for start in range(0, tl.minimum(seq, (tl.program_id(0) + 1) * BM), BN):
        j = start + tl.arange(0, BN)
        keys = tl.load(k + base + j[None, :] * D + d[:, None], (j < seq)[None, :], other=0.0)
        score = tl.dot(query, keys) * scale
        score = tl.where((i[:, None] >= j[None, :]) & (j < seq)[None, :], score, -float("inf"))
        top = tl.maximum(highest, tl.max(score, 1))
        powers = tl.exp(score - top[:, None])
        shrink = tl.exp(highest - top)
        values = tl.load(v + base + j[:, None] * D + d[None, :], (j < seq)[:, None], other=0.0)
        total = tl.dot(powers.to(values.dtype), values, total * shrink[:, None])
        weight, highest = weight * shrink + tl.sum(powers, 1), top
    tl.store(out + base + i[:, None] * D + d[None, :], total / weight[:, None], (i < seq)[:, None])
    tl.store(log_sums + tl.program_id(1) * seq + i, highest + tl.log(weight), i < seq)


@triton.jit
def attention_backward(
    q,
    k,
    v,
    grad,
    log_sums,
    delta,
    grad_k,
    grad_v,
    seq,
    scale,
    D: tl.constexpr,
    BM: tl.constexpr,
    BN: tl.constexpr,
):
    """What comes back to keys and values: a program has a block of keys and goes over the queries."""
    base = tl.program_id(1) * seq * D
    j, d = tl.program_id(0) * BN + tl.arange(0, BN), tl.arange(0, D)
    inside = (j < seq)[:, None]
    keys = tl.load(k + base + j[:, None] * D + d[None, :], inside, other=0.0)
    values = tl.load(v + base + j[:, None] * D + d[None, :], inside, other=0.0)
    to_k, to_v = tl.zeros((BN, D), tl.float32), tl.zeros((BN, D), tl.float32)
    for start in range(0, seq, BM):
        i = start + tl.arange(0, BM)
        rows = (i < seq)[:, None]
        query = tl.load(q + base + i[:, None] * D + d[None, :], rows, other=0.0)
        back = tl.load(grad + base + i[:, None] * D + d[None, :], rows, other=0.0)
        sums = tl.load(log_sums + tl.program_id(1) * seq + i, i < seq, other=0.0)
        score = tl.dot(query, tl.trans(keys)) * scale
        seen = (i[:, None] >= j[None, :]) & rows
        powers = tl.where(seen, tl.exp(score - sums[:, None]), 0.0)
        to_v = tl.dot(tl.trans(powers).to(back.dtype), back, to_v)
        means = tl.load(delta + tl.program_id(1) * seq + i, i < seq, other=0.0)
        change = powers * (tl.dot(back, tl.trans(values)) - means[:, None]) * scale
        to_k = tl.dot(tl.trans(change).to(query.dtype), query, to_k)
    tl.store(grad_k + base + j[:, None] * D + d[None, :], to_k, inside)
    tl.store(grad_v + base + j[:, None] * D + d[None, :], to_v, inside)
