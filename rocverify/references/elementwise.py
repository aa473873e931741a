"""Functions of single elements, of any shape."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, pi, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def relu(x: Array) -> Array:
    """max(x, 0); NaN stays NaN."""
    return np.where(x < 0, x.dtype.type(0), x)


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow for large negative x."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small)).astype(x.dtype)


def silu(x: Array) -> Array:
    """x * sigmoid(x) (swish)."""
    return x * sigmoid(x)


def gelu(x: Array) -> Array:
    """x times the normal distribution's integral up to x, by the error function."""
    integral: Callable[[Array], Array] = np.vectorize(
        lambda value: 0.5 * (1 + erf(value / sqrt(2))), otypes=[x.dtype]
    )
    return x * (integral(x) if x.size else x)


def gelu_tanh(x: Array) -> Array:
    """The approximation of `gelu` by tanh: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))."""
    inner = x.dtype.type(sqrt(2 / pi)) * (x + x.dtype.type(0.044715) * x * x * x)
    result: Array = x / 2 * (1 + np.tanh(inner))
    return result


def swiglu(gate: Array, up: Array) -> Array:
    """silu(gate) * up, arrays of one shape."""
    return silu(gate) * up


def wrong_silu(x: Array) -> dict[str, Array]:
    """Mistakes of a `silu` kernel."""
    return {"sigmoid alone": sigmoid(x), "sign of the exponent": x * sigmoid(-x), "gelu": gelu_tanh(x)}


def wrong_gelu(x: Array) -> dict[str, Array]:
    """Mistakes of a `gelu` kernel."""
    half = x / 2 * (1 + np.tanh(x.dtype.type(sqrt(2 / pi)) * x))
    return {"relu": relu(x), "silu": silu(x), "the cubic term left out": half}


def wrong_swiglu(gate: Array, up: Array) -> dict[str, Array]:
    """Mistakes of a `swiglu` kernel."""
    return {"gate and up exchanged": swiglu(up, gate), "no gate": up, "sigmoid alone": sigmoid(gate) * up}
