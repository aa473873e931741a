"""Truths about what is gone bind the absent check; near misses stay unbound."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rocverify.binding import BoundMustHave

BindTruth = Callable[..., BoundMustHave]


@pytest.mark.parametrize(
    ("truth", "names", "path"),
    [
        ("No __shfl_down_f32 remains in kernels/", ["__shfl_down_f32"], "kernels/"),
        (
            "No vendor intrinsics __shfl_f32 or __ballot64 remain in src/",
            ["__shfl_f32", "__ballot64"],
            "src/",
        ),
        ("No `to_host_vec` remains in src/", ["to_host_vec"], "src/"),
        ("No `x` remains in src/", ["x"], "src/"),
        ("src/a.rs has no TODO markers", ["TODO"], "src/a.rs"),
        ("kernels/a.hip contains no `printf` calls", ["printf"], "kernels/a.hip"),
        ("old_softmax() calls are removed from src/ops.rs", ["old_softmax"], "src/ops.rs"),
        ("`OLD_TILE` is removed from src/ops.rs", ["OLD_TILE"], "src/ops.rs"),
        (
            "to_host_vec and from_host_vec are gone from the src/ops folder",
            ["to_host_vec", "from_host_vec"],
            "src/ops",
        ),
    ],
)
def test_bound(bind_truth: BindTruth, truth: str, names: list[str], path: str) -> None:
    bound = bind_truth(truth)
    assert [(spec.kind, spec.params) for spec in bound.checks] == [
        ("absent", {"names": names, "paths": [path]})
    ]


@pytest.mark.parametrize(
    "truth",
    [
        "No sprites remain in the atlas",
        "The loader has no bugs",
        "Dead code is removed from the project",
        "No __shfl_down_f32 remains in kernels/ and every kernel is twice as fast",
        "The plugin is removed from src/plugins.rs",
        "No performance regression remains in kernels/",
    ],
)
def test_not_bound(bind_truth: BindTruth, truth: str) -> None:
    assert bind_truth(truth).checks == ()


@pytest.mark.parametrize(
    "truth",
    ["old_softmax() is removed from src/ops.rs", "The function `old_softmax()` was deleted from src/ops.rs"],
)
def test_a_function_that_is_removed(bind_truth: BindTruth, truth: str) -> None:
    assert [(spec.kind, spec.params) for spec in bind_truth(truth).checks] == [
        ("defined", {"names": ["old_softmax"], "path": "src/ops.rs", "absent": True})
    ]
