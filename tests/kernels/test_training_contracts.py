"""What the contracts of training leave open: what NaN does behind a mask, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kernels.contracts.attention_backward import gradients, gradients_of_seen_keys
from rocverify.oracle.contract import ContractSpec

# Without dropout: every weight of every query counts.
CHOICES = {"masking": 2, "sixteenths": 0, "seed": 1, "offset": 1}


def tensors(**changes: float) -> dict[str, Any]:
    """q, k, v and dout of three queries and keys; `changes` set the second element of the last row."""
    rng = np.random.default_rng(4)
    drawn = {name: rng.standard_normal((1, 1, 3, 4)) for name in ("q", "k", "v", "dout")}
    for name, value in changes.items():
        drawn[name][0, 0, 2, 1] = value
    return drawn


@pytest.fixture
def training() -> Any:
    from kernels.contracts import attention_backward

    return attention_backward


def opened(spec: ContractSpec, given: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: given[name] for name in given if name in spec.arrays}
    with np.errstate(all="ignore"):
        return dict(spec.subject.unspecified(**wanted, **CHOICES))


@pytest.mark.parametrize("contract", ["FlashDropout", "FlashBackward"])
def test_nothing_is_left_open_for_finite_values(training: Any, contract: str) -> None:
    found = opened(getattr(training, contract), tensors())
    assert found
    assert not any(mask.any() for mask in found.values())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_only_queries_that_do_not_see_a_special_value_are_left_open(training: Any, value: float) -> None:
    """The last key is seen by the last query alone."""
    (out,) = opened(training.FlashDropout, tensors(v=value)).values()
    expected = np.zeros((1, 1, 3, 4), bool)
    expected[0, 0, :2, 1] = True
    np.testing.assert_array_equal(out, expected)
    backward = opened(training.FlashBackward, tensors(v=value))
    np.testing.assert_array_equal(backward["out"], expected)
    assert backward["dq"][0, 0, :2].any()
    assert not backward["dq"][0, 0, 2].any()
    assert not backward["dv"][0, 0, 0].any()


def test_the_strict_gradients_are_the_gradients_where_values_are_finite() -> None:
    given = tensors()
    sees = np.tril(np.ones((3, 3), bool))
    factors = np.random.default_rng(1).choice((0.0, 2.0), (1, 1, 3, 3))
    args = (*(given[name] for name in ("q", "k", "v", "dout")), sees, factors)
    for every, seen in zip(gradients(*args), gradients_of_seen_keys(*args), strict=True):
        np.testing.assert_allclose(seen, every, rtol=1e-12, atol=1e-14)
