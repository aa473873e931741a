"""The attention of the reference backend, of the contracts, and their gradients, against plain loops."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product

import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernels.attention_config import AttentionConfig, Layout
from kernels.attention_reference import reference_attention
from kernels.contracts import attention_math
from kernels.contracts.attention_backward import gradient_magnitudes, gradients
from kernels.contracts.attention_dropout import dropout_factors, philox
from rocverify.oracle.contract import F32


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The oracle computes with NumPy's warnings off: rows that see no key divide zero by zero."""
    with np.errstate(all="ignore"):
        yield


def every_key(_i: int, _j: int) -> bool:
    return True


def by_loops(q, k, v, scale, sees, added=None) -> np.ndarray:
    """Attention of [batch, heads, rows, dim], number by number. sees(i, j): whether query i sees key j."""
    batch, heads, seq_q, dim = q.shape
    group = heads // k.shape[1]
    out = np.zeros(q.shape)
    for b, h, i in product(range(batch), range(heads), range(seq_q)):
        scores = {}
        for j in range(k.shape[2]):
            if sees(i, j):
                score = scale * math.fsum(q[b, h, i, d] * k[b, h // group, j, d] for d in range(dim))
                scores[j] = score + (0.0 if added is None else float(added[b, h, i, j]))
        scores = {j: s for j, s in scores.items() if s != -math.inf}
        if not scores:
            continue
        top = max(scores.values())
        weights = {j: math.exp(s - top) for j, s in scores.items()}
        total = math.fsum(weights.values())
        for d in range(dim):
            out[b, h, i, d] = math.fsum(w * v[b, h // group, j, d] for j, w in weights.items()) / total
    return out


extents = st.tuples(*(st.integers(1, n) for n in (2, 3, 2, 5, 6, 7)))


def drawn(sizes: tuple[int, ...], seed: int) -> tuple[np.ndarray, ...]:
    batch, kv_heads, group, seq_q, seq_k, dim = sizes
    rng = np.random.default_rng(seed)
    q = rng.standard_normal((batch, kv_heads * group, seq_q, dim))
    return (q, *(rng.standard_normal((batch, kv_heads, seq_k, dim)) for _ in range(2)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(extents, st.booleans(), st.sampled_from(Layout), st.integers(0, 2**32))
def test_reference_and_contract_agree_with_loops(
    sizes: tuple[int, ...], causal: bool, layout: Layout, seed: int
) -> None:
    q, k, v = drawn(sizes, seed)
    batch, heads, seq_q, dim = q.shape
    seq_k = k.shape[2]
    scale = 0.7
    expected = by_loops(q, k, v, scale, lambda i, j: not causal or j <= i + seq_k - seq_q)
    admits = attention_math.causal_admits(seq_q, seq_k) if causal else None
    np.testing.assert_allclose(attention_math.attention(q, k, v, scale, admits), expected, atol=1e-12)
    config = AttentionConfig(
        batch,
        heads,
        seq_q,
        seq_k,
        dim,
        k.shape[1],
        dtype="float64",
        causal=causal,
        layout=layout,
        scale=scale,
    )

    def laid_out(x: np.ndarray) -> np.ndarray:
        return x if layout is Layout.HEAD_MAJOR else x.swapaxes(1, 2).reshape(batch, x.shape[2], -1)

    found = reference_attention(config, laid_out(q), laid_out(k), laid_out(v))
    np.testing.assert_allclose(found, laid_out(expected), atol=1e-12)


def test_an_additive_mask_hides_keys_and_rows_without_keys_are_zeros() -> None:
    q, k, v = drawn((2, 1, 2, 4, 5, 3), 1)
    added = np.random.default_rng(2).normal(0, 2, (2, 2, 4, 5))
    added[:, :, 1, 3] = -np.inf
    added[:, :, 2] = -np.inf
    expected = by_loops(q, k, v, 0.5, every_key, added)
    found = attention_math.attention(q, k, v, 0.5, added=added)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    config = AttentionConfig(2, 2, 4, 5, 3, 1, dtype="float64", masked=True, scale=0.5)
    reference = reference_attention(config, q, k, v, added)
    np.testing.assert_allclose(reference, expected, atol=1e-12)
    assert (reference[:, :, 2] == 0).all()


def test_spare_rows_of_the_cache_are_not_looked_at() -> None:
    q, k, v = drawn((1, 1, 1, 2, 6, 4), 3)
    config = AttentionConfig(1, 1, 2, 4, 4, kv_capacity=6, dtype="float64")
    k[:, :, 4:] = v[:, :, 4:] = np.nan
    expected = by_loops(q, k[:, :, :4], v[:, :, :4], 0.5, every_key)
    np.testing.assert_allclose(reference_attention(config, q, k, v), expected, atol=1e-12)


def test_bfloat16_comes_and_goes_as_bits_and_rounds_to_nearest_even() -> None:
    q, k, v = (x.astype(ml_dtypes.bfloat16) for x in drawn((1, 1, 1, 3, 4, 4), 4))
    config = AttentionConfig(1, 1, 3, 4, 4, dtype="bfloat16")
    found = reference_attention(config, *(x.view(np.uint16) for x in (q, k, v)))
    exact = by_loops(*(x.astype(np.float64) for x in (q, k, v)), 0.5, every_key)
    np.testing.assert_array_equal(found.view(ml_dtypes.bfloat16), exact.astype(ml_dtypes.bfloat16))


@pytest.mark.parametrize("causal", [False, True])
def test_every_mistake_of_a_contract_differs_from_the_right_result(causal: bool) -> None:
    q, k, v = drawn((2, 2, 2, 36, 40, 8), 5)
    q *= np.exp2(np.arange(36))[:, None] % 1000  # rows whose scores overflow exp in float32
    admits = attention_math.causal_admits(36, 40) if causal else None
    right = attention_math.attention(q, k, v, 0.5, admits)
    found = attention_math.mistakes(q, k, v, 0.5, F32, admits)
    found |= attention_math.causal_mistakes(q, k, v, 0.5) if causal else {}
    for name, compute in found.items():
        wrong = compute()
        assert wrong.shape == right.shape, name
        assert not np.allclose(wrong, right, rtol=1e-4, atol=1e-5), name


def test_the_magnitude_bounds_the_effect_of_small_errors_in_scores_and_weights() -> None:
    q, k, v = drawn((1, 1, 1, 6, 9, 5), 6)
    scale, relative, rng = 1.3, 1e-7, np.random.default_rng(7)
    right = attention_math.attention(q, k, v, scale)
    size = attention_math.attention_magnitude(q, k, v, scale)
    terms = attention_math.scores_of(abs(q), abs(k), scale)
    for _ in range(50):
        scores = attention_math.scores_of(q, k, scale) + relative * terms * rng.choice((-1, 1), terms.shape)
        weights = attention_math.softmax(scores) * (1 + relative * rng.choice((-1, 1), terms.shape))
        assert (abs(attention_math.weighted(q, weights, v) - right) <= 1.01 * relative * size + 1e-15).all()


# Known answers of philox4x32-10 from the authors' Random123 distribution (kat_vectors).
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_philox_gives_the_published_words(counter: tuple, key: tuple, words: tuple) -> None:
    assert tuple(philox(np.array(counter, np.uint64), key[0] | key[1] << 32).tolist()) == words


def test_dropout_drops_its_part_independently_of_how_much_is_asked_for() -> None:
    factors = dropout_factors((2, 3, 40, 70), 0.25, 9, 1)
    assert set(np.unique(factors)) == {0.0, 1 / 0.75}
    assert abs((factors == 0).mean() - 0.25) < 0.02
    np.testing.assert_array_equal(factors[:1, :, :7, :33], dropout_factors((1, 3, 7, 33), 0.25, 9, 1))
    for other in ((9, 2), (10, 1)):
        assert abs((dropout_factors((2, 3, 40, 70), 0.25, *other) == factors).mean() - 0.625) < 0.03
    assert (dropout_factors((1, 1, 2, 2), 0.0, 0, 0) == 1).all()


@pytest.mark.parametrize("causal", [False, True])
def test_gradients_are_the_slopes_of_the_output(causal: bool) -> None:
    q, k, v = drawn((2, 2, 2, 3, 4, 5), 8)
    dout = np.random.default_rng(9).standard_normal(q.shape)
    factors = dropout_factors((2, 4, 3, 4), 0.25, 5, 0)
    admits = attention_math.causal_admits(3, 4) if causal else None
    _, *found = gradients(q, k, v, dout, admits, factors)
    sizes = gradient_magnitudes(q, k, v, dout, admits, 1 / 0.75, F32)[1:]

    def loss() -> float:
        return float((gradients(q, k, v, dout, admits, factors)[0] * dout).sum())

    for name, x, slope, size in zip("qkv", (q, k, v), found, sizes, strict=True):
        assert (abs(slope) <= size).all(), name
        for place in np.ndindex(x.shape):
            before, step = x[place], 1e-6
            x[place] = before + step
            above = loss()
            x[place] = before - step
            below = loss()
            x[place] = before
            assert slope[place] == pytest.approx((above - below) / (2 * step), abs=1e-7), (name, place)
