"""The inputs that attention's contracts draw: what mistakes need to show is always there."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kernels.contracts.attention_values import draw_qkv
from rocverify.oracle.contract import BF16, F16, F32, F64, DType


@given(
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([(F32, 88), (F16, 88), (BF16, 88), (F64, 709)]),
    groups=st.sampled_from([(1, 1), (4, 2), (6, 1), (3, 3)]),
    extents=st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 7), st.sampled_from([5, 16, 80])),
)
def test_heavy_values_have_a_score_at_which_exp_overflows(
    seed: int, dtype: tuple[DType, int], groups: tuple[int, int], extents: tuple[int, int, int, int]
) -> None:
    """Without it, leaving out the subtraction of the maximum would change nothing in some runs."""
    element, overflows_at = dtype
    (heads, kv_heads), (batch, seq_q, seq_k, head_dim) = groups, extents
    shapes = (batch, heads, seq_q, head_dim), (batch, kv_heads, seq_k, head_dim)
    drawn = draw_qkv(np.random.default_rng(seed), *shapes, element, "heavy")
    q, k = (drawn[name].astype(element.numpy).astype(np.float64) for name in ("q", "k"))
    first = np.repeat(k, heads // kv_heads, axis=1)[:, :, 0]
    scores = np.einsum("bhd,bhd->bh", q[:, :, -1], first) / np.sqrt(head_dim)
    assert overflows_at < scores.max() < np.inf
