"""Truths whose functions stand in Rust, where no contract drives anything: the plan's key links name them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.binding import BoundMustHave

BindTruth = Callable[..., BoundMustHave]

_ROTATE = """\
pub struct Rotary;
impl Rotary {
    pub fn rotate_on_gpu(&self, x: &mut Buffer) { unsafe { launch_rotary(x.pointer()) } }
}
"""
_LINKS = """
  key_links:
    - {from: src/rotate.rs, to: src/launch.rs, via: rotate_on_gpu() calls launch_rotary()}
"""


@pytest.fixture
def bound(bind_truth: BindTruth, project: Path) -> Callable[[str], BoundMustHave]:
    (project / "src").mkdir(exist_ok=True)
    (project / "Cargo.toml").write_text('[package]\nname = "host"\nversion = "0.1.0"\nedition = "2021"\n')
    (project / "src/lib.rs").write_text("mod launch;\nmod rotate;\n")
    (project / "src/launch.rs").write_text("pub unsafe fn launch_rotary(x: *mut f32) {}\n")
    (project / "src/rotate.rs").write_text(_ROTATE)
    return lambda text: bind_truth(text, _LINKS)


def test_a_flow_in_rust_has_no_docstring_and_refuses_no_plan(bound: Callable[[str], BoundMustHave]) -> None:
    one = bound("The GPU execution flow is documented")
    assert one.checks == ()
    assert "src/rotate.rs:Rotary::rotate_on_gpu is not a function of Python" in one.reason


def test_transfers_are_looked_for_where_the_key_links_begin(bound: Callable[[str], BoundMustHave]) -> None:
    (spec,) = bound("No to_host_vec in the GPU path").checks
    assert spec.kind == "no_host_roundtrip"
    assert spec.params["entry"] == "src/rotate.rs:Rotary::rotate_on_gpu"
    assert spec.params["forbid"] == ["to_host_vec"]
