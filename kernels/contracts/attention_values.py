"""Inputs of attention for the contracts: random, but such that the answer is well conditioned.

A score of 1e8 in float32 is known to 8 only, and the exponential of that means nothing. What is drawn here
keeps the scores within some hundreds (far beyond the 88 at which exp overflows in float32), and puts the
extremes where attention can be held to an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt
from typing import Any

import numpy as np

from rocverify.oracle.contract import DType

Shape = tuple[int, ...]
_SPECIALS = (np.nan, np.inf, -np.inf)


def draw_qkv(
    rng: np.random.Generator, q: Shape, k: Shape, dtype: DType, kind: str, *, special_values: bool = True
) -> dict[str, Any]:
    """q, k and v of the given shapes (k's for v too), in float64 for the harness to round.

    special_values: whether a special case may have a NaN in V, which a masked key must not.
    """
    makers: dict[str, Callable[[], dict[str, Any]]] = {
        "plain": lambda: _plain(rng, q, k),
        "heavy": lambda: _heavy(rng, q, k, dtype),
        "extreme": lambda: _extreme(rng, q, k, dtype),
        "rows": lambda: _rows(rng, q, k, dtype),
        "masked": lambda: _plain(rng, q, k),  # masks are arguments of their own, or causal
        "special": lambda: _special(rng, _plain(rng, q, k), special_values),
    }
    return makers[kind]()


def _plain(rng: np.random.Generator, q: Shape, k: Shape) -> dict[str, Any]:
    return {"q": rng.standard_normal(q), "k": rng.standard_normal(k), "v": rng.standard_t(3, k)}


def _heavy(rng: np.random.Generator, q: Shape, k: Shape, dtype: DType) -> dict[str, Any]:
    """Rows of q that differ in size a thousandfold: some attend to all keys alike, some to a single one, and
    one at least has a score beyond where exp overflows: at 88, in float64 at 709."""
    reach = min(20, -dtype.min_exponent - 4)
    largest = 10 if dtype.bits == 64 else 6
    values = {
        "q": rng.standard_normal(q) * np.exp2(rng.uniform(-4, largest, (*q[:-1], 1))),
        "k": rng.standard_normal(k) * np.exp2(rng.uniform(-2, 2, (*k[:-1], 1))),
        "v": rng.choice((-1.0, 1.0), k) * np.exp2(rng.uniform(-reach, reach, k)),
    }
    batch, head = (int(rng.integers(length)) for length in q[:2])
    # The last query sees the first key whatever the mask, unless one is added.
    key = values["k"][batch, head // (q[1] // k[1]), 0]
    score = 900 if dtype.bits == 64 else 250
    values["q"][batch, head, -1] = np.sign(key) * score * sqrt(q[-1]) / abs(key).sum()
    return values


def _rows(rng: np.random.Generator, q: Shape, k: Shape, dtype: DType) -> dict[str, Any]:
    """Keys that point one way, and queries along it or against it: the scores of a row have one sign, some
    hundreds of it; rows of v are all equal, shifted, or have an outlier."""
    way = rng.choice((-1.0, 1.0), (q[0], 1, 1, q[-1]))
    keys = way * rng.uniform(0.5, 1, k)
    # The largest score: q . k by the root of head_dim.
    reach = rng.choice((-1.0, 1.0), (*q[:-1], 1)) * np.exp2(rng.uniform(2, 7.5, (*q[:-1], 1)))
    values = rng.standard_t(3, k)
    sort = rng.integers(0, 4, (*k[:-1], 1))
    shifted = values + np.exp2(rng.uniform(1, dtype.precision / 3, (*k[:-1], 1)))
    outlier = np.where(np.arange(k[-1]) == 0, values * 64, values)
    v = np.select([sort == 0, sort == 1, sort == 2], [shifted, outlier, values[..., :1]], values)
    return {"q": way * reach / sqrt(q[-1]) * rng.uniform(0.9, 1, q), "k": keys, "v": v}


def _extreme(rng: np.random.Generator, q: Shape, k: Shape, dtype: DType) -> dict[str, Any]:
    """Zeros of both signs, subnormals and ones in q and k; v near the largest number, tiny, or zero."""
    huge = dtype.largest / 32
    # Far enough above the subnormals of the type computed in that products with weights round normally.
    tiny = max(dtype.smallest_normal, 2.0**-100)
    sign_q, sign_k, sign_v = (rng.choice((-1.0, 1.0), shape) for shape in (q, k, k))
    return {
        "q": sign_q * rng.choice((0.0, dtype.smallest_subnormal * 3, 1.0, 2.0), q),
        "k": sign_k * rng.choice((0.0, dtype.smallest_normal, 1.0, 8.0), k),
        "v": sign_v * rng.choice((0.0, tiny, 1.0, huge), k),
    }


def _special(rng: np.random.Generator, values: dict[str, Any], special_values: bool) -> dict[str, Any]:
    """A NaN or an infinity in one row of q, in one of k, and perhaps in one element of v: the rows that do
    not meet it must stay right."""
    for name in ("q", "k", "v") if special_values else ("q", "k"):
        flat = values[name].reshape(-1)
        flat[rng.integers(prod(values[name].shape))] = rng.choice(_SPECIALS)
    return values
