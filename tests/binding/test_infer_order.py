"""Sentences about what is done before what: bound, asking, or none of the catalogue's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rocverify.binding import BoundMustHave

BindTruth = Callable[..., BoundMustHave]


@pytest.mark.parametrize(
    ("truth", "params"),
    [
        ("mask_gpu() runs before the dispatch", {"first": "mask_gpu", "then": "dispatch"}),
        ("`mask_gpu()` is called before the kernel launch", {"first": "mask_gpu", "then": "dispatch"}),
        ("mask_gpu() executes before every launch", {"first": "mask_gpu", "then": "dispatch"}),
        ("mask_gpu() runs after read-back", {"first": "read_back", "then": "mask_gpu"}),
        ("mask_gpu() runs after the upload", {"first": "upload", "then": "mask_gpu"}),
        ("mask_gpu() is called after row_softmax_gpu()", {"first": "row_softmax_gpu", "then": "mask_gpu"}),
        (
            "row_softmax_gpu() runs before the dispatch in softmax_device()",
            {"first": "row_softmax_gpu", "then": "dispatch", "entry": "kernels.softmax:softmax_device"},
        ),
    ],
)
def test_bound(bind_truth: BindTruth, truth: str, params: dict[str, Any]) -> None:
    bound = bind_truth(truth)
    assert [(spec.kind, spec.params) for spec in bound.checks] == [("call_order", params)], bound.reason


TYPE = "pub struct Pipeline;\nimpl Pipeline { pub fn run(&self) { go(); } }\nfn go() {}\n"


def test_a_type_as_caller_means_its_methods(project: Path, bind_truth: BindTruth) -> None:
    (project / "src").mkdir()
    (project / "src/pipe.rs").write_text(TYPE)
    (spec,) = bind_truth("Pipeline calls go()").checks
    assert (spec.kind, spec.params["caller"], spec.params["from_path"]) == (
        "key_link",
        "Pipeline",
        "src/pipe.rs",
    )


def test_a_class_of_python_is_one_too(project: Path, bind_truth: BindTruth) -> None:
    (project / "kernels/pipe.py").write_text("class Pipeline:\n    def run(self): step()\ndef step(): ...\n")
    (spec,) = bind_truth("Pipeline calls step()").checks
    found = (spec.kind, spec.params["caller"], spec.params["callee"], spec.params["from_path"])
    assert found == ("key_link", "Pipeline", "step", "kernels/pipe.py")


@pytest.mark.parametrize(
    "truth",
    [
        "softmax_device() calls row_softmax_gpu()",
        "row_softmax_gpu() is called by softmax_device()",
        "`softmax_device(x)` must call row_softmax_gpu(x)",
        "row_softmax_gpu is invoked from softmax_device()",
    ],
)
def test_a_call_is_told_in_several_ways(bind_truth: BindTruth, truth: str) -> None:
    bound = bind_truth(truth)
    (spec,) = bound.checks
    assert (spec.kind, spec.params["caller"], spec.params["callee"]) == (
        "key_link",
        "softmax_device",
        "row_softmax_gpu",
    ), bound.reason


@pytest.mark.parametrize(
    "truth",
    [
        "Tests call mask_gpu()",
        "The wrapper calls mask_gpu()",
        "Nobody calls it",
        "mask_gpu() is called in the hot path",
        "No mask_gpu() is called in softmax_device()",
        "mask_gpu() is called by the loader of sprites",
        "The FlashBackend correctly calls kernels",
    ],
)
def test_an_english_subject_is_no_function(bind_truth: BindTruth, truth: str) -> None:
    bound = bind_truth(truth)
    assert bound.checks == ()
    assert "correctly()" not in bound.reason


@pytest.mark.parametrize(
    "truth",
    [
        "nobody_has_this() runs before the dispatch",
        "mask_gpu() runs before causal_mask_kernel()",
        "mask_gpu() runs before the dispatch in helper_twice()",
    ],
)
def test_asks(bind_truth: BindTruth, truth: str) -> None:
    bound = bind_truth(truth)
    assert bound.checks == ()
    assert "bind call_order with first, then" in bound.reason


@pytest.mark.parametrize(
    "truth",
    [
        "Shadows run before the dispatch",
        "The shader pass runs after upload of the sprites",
        "mask_gpu() runs before breakfast",
        "mask_gpu() does not run before the dispatch",
        "mask_gpu() runs before the dispatch twice as fast",
        "Plugins are called before main()",
    ],
)
def test_not_bound(bind_truth: BindTruth, truth: str) -> None:
    assert bind_truth(truth).checks == ()
