"""Truths about behaviour become checks of their own kinds, or reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from rocverify.binding import BoundMustHave

BindTruth = Callable[..., BoundMustHave]
ROW, DEVICE = "kernels.contracts.softmax:RowSoftmax", "kernels.contracts.softmax:SoftmaxDevice"
MASK = "kernels.contracts.mask:MaskDevice"


def checks(bound: BoundMustHave) -> list[tuple[str, Mapping[str, Any]]]:
    return [(spec.kind, spec.params) for spec in bound.checks]


@pytest.mark.parametrize(
    ("truth", "kind", "contracts"),
    [
        ("Row softmax kernel is numerically stable", "numerical_stability", [ROW, DEVICE]),
        ("Causal mask kernel gives no NaN or Inf", "numerical_stability", [MASK]),
        (
            "row_softmax_gpu() is numerically stable for extreme scores (SOFT-02)",
            "numerical_stability",
            [ROW],
        ),
        ("Causal mask kernel is memory-safe", "memory_safety", [MASK]),
        ("No data races and no out-of-bounds accesses in the causal mask kernel", "memory_safety", [MASK]),
        ("softmax_device() reads its declared layout", "layout", [DEVICE]),
        ("There is no layout mismatch in softmax_device()", "layout", [DEVICE]),
        (
            "row_softmax_gpu() refuses unsupported configurations before any launch",
            "unsupported_config",
            [ROW],
        ),
        ("Unsupported shapes are rejected by mask_device()", "unsupported_config", [MASK]),
    ],
)
def test_by_contract(bind_truth: BindTruth, truth: str, kind: str, contracts: list[str]) -> None:
    assert checks(bind_truth(truth)) == [(kind, {"contract": ref}) for ref in contracts]


@pytest.mark.parametrize(
    ("truth", "params"),
    [
        ("Causal mask kernel has no register spills", {"limits": {"spills": 0}}),
        ("Causal mask kernel needs no scratch memory", {"limits": {"scratch_bytes": 0}}),
        ("causal_mask_kernel has no spills", {"limits": {"spills": 0}, "symbols": ["causal_mask_kernel"]}),
    ],
)
def test_resources(bind_truth: BindTruth, truth: str, params: Mapping[str, Any]) -> None:
    assert checks(bind_truth(truth)) == [("resources", {"source": "kernels/causal_mask.hip", **params})]


def test_two_claims_in_one_truth_are_both_bound(bind_truth: BindTruth) -> None:
    bound = bind_truth("Causal mask kernel compiles with no spills and is memory safe")
    kinds = {kind for kind, _ in checks(bound)}
    assert kinds == {"kernel_compiled", "resources", "memory_safety"}


def test_the_kernels_that_run(bind_truth: BindTruth) -> None:
    assert checks(bind_truth("mask_device() runs only causal_mask_kernel")) == [
        ("backend_selected", {"contract": MASK, "kernels": ["causal_mask_kernel"]})
    ]
    assert "one contract that drives" in bind_truth("mask_device() runs only row_softmax_kernel").reason


def test_named_tests(bind_truth: BindTruth) -> None:
    bound = bind_truth("tests/a/test_one.py and tests/test_two.py pass")
    assert checks(bound) == [("tests_pass", {"nodes": ["tests/a/test_one.py", "tests/test_two.py"]})]
    assert "names a test file" in bind_truth("Integration tests pass").reason


def test_the_tests_of_the_plan(bind_truth: BindTruth) -> None:
    artifacts = "  artifacts:\n    - path: tests/test_mask.py\n    - path: kernels/mask.py\n"
    bound = bind_truth("All integration tests are created and pass", artifacts)
    assert checks(bound) == [("tests_pass", {"nodes": ["tests/test_mask.py"]})]


@pytest.mark.parametrize(
    "truth",
    [
        "Causal mask kernel is numerically stable and twice as fast",
        "Row softmax kernel has 20 register spills",
        "mask_device() runs causal_mask_kernel only on Tuesdays",
        "Most tests in tests/test_two.py pass",
    ],
)
def test_what_says_more_stays_undecided(bind_truth: BindTruth, truth: str) -> None:
    bound = bind_truth(truth)
    assert bound.checks == ()
    assert bound.reason
