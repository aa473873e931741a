"""The contracts' mathematics and the wrappers' tables, against complex multiplication and exact angles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.contracts.rotation import (
    angles_of,
    half_split,
    interleaved,
    magnitude,
    mistakes,
    random_tables,
    spread_positions,
)
from kernels.tables import angle_tables

shapes = st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 12))


@settings(max_examples=60)
@given(shapes, st.integers(0, 2**32))
def test_both_layouts_are_multiplication_by_a_unit_complex_number(
    shape: tuple[int, int, int], seed: int
) -> None:
    seq, heads, pairs = shape
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((seq, heads, 2 * pairs))
    angles = rng.uniform(-4, 4, (seq, pairs))
    cos, sin = np.cos(angles), np.sin(angles)
    turn = np.exp(1j * angles)[:, None, :]
    split = (x[..., :pairs] + 1j * x[..., pairs:]) * turn
    np.testing.assert_allclose(
        half_split(x, cos, sin), np.concatenate([split.real, split.imag], -1), atol=1e-12
    )
    adjacent = (x[..., 0::2] + 1j * x[..., 1::2]) * turn
    found = interleaved(x, cos, sin)
    np.testing.assert_allclose(found[..., 0::2], adjacent.real, atol=1e-12)
    np.testing.assert_allclose(found[..., 1::2], adjacent.imag, atol=1e-12)


@pytest.mark.parametrize("rotation", [half_split, interleaved])
def test_the_magnitude_is_the_sum_of_the_sizes_of_the_terms(rotation) -> None:
    rng = np.random.default_rng(0)
    x, angles = rng.standard_normal((3, 2, 8)), rng.uniform(-3, 3, (3, 4))
    cos, sin = np.cos(angles), np.sin(angles)
    sizes = magnitude(rotation, x, cos, sin)
    assert (sizes >= np.abs(rotation(x, cos, sin)) - 1e-15).all()
    for token, head, pair in np.ndindex(3, 2, 4):
        low, high = (pair, pair + 4) if rotation is half_split else (2 * pair, 2 * pair + 1)
        a, b = abs(x[token, head, [low, high]])
        c, s = abs(cos[token, pair]), abs(sin[token, pair])
        assert sizes[token, head, low] == pytest.approx(a * c + b * s)
        assert sizes[token, head, high] == pytest.approx(a * s + b * c)


def test_every_mistake_differs_from_the_right_result() -> None:
    rng = np.random.default_rng(1)
    tables = {k: v.astype(np.float64) for k, v in random_tables(rng, 5, 8).items()}
    x = rng.standard_normal((5, 3, 8))
    right = half_split(x, **tables)
    for name, wrong in mistakes(half_split, interleaved, x, **tables).items():
        assert not np.allclose(wrong, right), name


@pytest.mark.parametrize("theta", [10_000, 500_000])
def test_the_wrappers_tables_are_the_rounded_cosines_and_sines_up_to_the_largest_position(theta: int) -> None:
    positions = np.array([0, 1, 2, 4095, 131071, 10**6])
    cos, sin = angle_tables(positions, 64, theta)
    assert cos.dtype == sin.dtype == np.float32
    assert cos.flags.c_contiguous
    assert cos.shape == (6, 32)
    for (row, pair), value in np.ndenumerate(cos):
        angle = int(positions[row]) / theta ** (2 * pair / 64)
        # Two ways to the angle differ by some float64 roundings, which the angle's size multiplies.
        assert value == pytest.approx(math.cos(angle), abs=6e-8 + 1e-15 * angle)
        assert sin[row, pair] == pytest.approx(math.sin(angle), abs=6e-8 + 1e-15 * angle)


def test_the_contracts_own_angles_agree_with_the_tables() -> None:
    positions = np.array([0, 7, 131071])
    cos, sin = angles_of(positions, np.zeros((3, 1, 256)), 10_000)
    table_cos, table_sin = angle_tables(positions, 256, 10_000.0)
    np.testing.assert_allclose(table_cos, cos, atol=6.1e-8)
    np.testing.assert_allclose(table_sin, sin, atol=6.1e-8)


@given(st.integers(1, 50), st.integers(1, 10_000), st.integers(0, 99))
def test_spread_positions_stay_below_the_limit_and_reach_it(seq: int, limit: int, seed: int) -> None:
    positions = spread_positions(np.random.default_rng(seed), seq, limit)
    assert positions.shape == (seq,)
    assert positions.min() >= 0
    assert positions[-1] == limit - 1 == positions.max()
