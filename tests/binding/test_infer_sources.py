"""What truths mean depends on the sources: gone, unlisted, of one name, or of another language."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rocverify.binding import BoundMustHave
from tests.binding.test_infer_truths import MASK, BindTruth, checks


def test_two_sources_of_one_name(bind_truth: BindTruth, project: Any) -> None:
    twin = project / "kernels" / "old" / "causal_mask.hip"
    twin.parent.mkdir()
    twin.write_text("")
    bound = bind_truth("Causal mask kernel is compiled")
    assert "kernels/causal_mask.hip, kernels/old/causal_mask.hip" in bound.reason


def test_a_kernel_taken_out_of_the_manifest_is_still_checked(bind_truth: BindTruth, project: Any) -> None:
    (project / "kernels" / "kernels.toml").write_text("")
    bound = bind_truth("Causal mask kernel is compiled")
    assert checks(bound) == [("kernel_compiled", MASK)]
    assert "the build manifest lacks it" in bound.checks[0].why


def test_a_deleted_source_is_still_checked(bind_truth: BindTruth, project: Any) -> None:
    (project / "kernels" / "causal_mask.hip").unlink()
    assert checks(bind_truth("Causal mask kernel is compiled")) == [("kernel_compiled", MASK)]


def test_both_of_one_kernel_is_not_told(project: Path, bind_truth: Callable[..., BoundMustHave]) -> None:
    manifest = project / "kernels/kernels.toml"
    assert bind_truth("Both kernels are compiled").checks
    entry = '[[kernel]]\nsource = "kernels/causal_mask.hip"\nsymbols = ["causal_mask_kernel"]\nenv = "MASK"\n'
    manifest.write_text(entry)
    for path in ("kernels/row_softmax.hip", "kernels/unlisted.hip", "kernels/contracts/softmax.py"):
        (project / path).unlink()
    bound = bind_truth("Both kernels are compiled")
    assert bound.checks == ()
    assert "it says 2 kernels, there is kernels/causal_mask.hip" in bound.reason


TENSOR = """impl Tensor { pub fn to_host_vec(&self) -> Vec<f32> { copy(self) } }
pub fn apply_on_gpu(x: &Tensor) { launch(x) }
"""


def test_what_a_truth_forbids_is_no_entry(project: Path, bind_truth: BindTruth) -> None:
    (project / "src").mkdir()
    (project / "src/tensor.rs").write_text(TENSOR)
    params = {"entry": "src/tensor.rs:apply_on_gpu", "forbid": ["to_host_vec"]}
    truth = "No to_host_vec in the path of apply_on_gpu()"
    assert checks(bind_truth(truth)) == [("no_host_roundtrip", params)]
    (project / "Cargo.toml").write_text('[package]\nname = "engine"\n')
    assert checks(bind_truth(truth)) == [("no_host_roundtrip", {**params, "program": ["cargo test"]})]
    assert bind_truth("There is no to_host_vec in the GPU path").checks == ()
