"""Sentences about costs, fallbacks and what a program does: bound where contracts or programs are named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rocverify.binding import BoundMustHave, bind
from rocverify.plan import parse_plan
from rocverify.settings import Settings

BindTruth = Callable[..., BoundMustHave]
MASK = "kernels.contracts.mask:MaskDevice"
TWO = {
    "kernels/slow_mask.hip": "",
    "kernels/contracts/slow.py": """
@contract(source="kernels/slow_mask.hip", symbol="slow_mask_kernel", wrapper="kernels.mask:mask_gpu")
class SlowMask: ...
""",
}
SLOW = "kernels.contracts.slow:SlowMask"


@pytest.fixture
def bound(project: Path, bind_truth: BindTruth) -> BindTruth:
    """Binds in the project with a second kernel that does the same."""
    for name, text in TWO.items():
        (project / name).write_text(text)
    return bind_truth


@pytest.mark.parametrize(
    ("truth", "kind", "params"),
    [
        (
            "causal_mask_kernel is at least 2 times faster than slow_mask_kernel",
            "faster",
            {"contract": MASK, "than": SLOW, "by": 2.0},
        ),
        (
            "The causal mask kernel is twice as fast as the slow mask kernel",
            "faster",
            {"contract": MASK, "than": SLOW, "by": 2.0},
        ),
        (
            "causal_mask_kernel moves at least 1.5x fewer bytes than slow_mask_kernel",
            "faster",
            {"contract": MASK, "than": SLOW, "by": 1.5, "metric": "global_bytes"},
        ),
        (
            "causal_mask_kernel executes 3 times fewer instructions than slow_mask_kernel",
            "faster",
            {"contract": MASK, "than": SLOW, "by": 3.0, "metric": "wave_instructions"},
        ),
        (
            "The CPU fallback works when causal_mask_kernel is missing",
            "fallback",
            {"contract": MASK, "kernels": ["causal_mask_kernel"]},
        ),
        (
            "mask_device() falls back to helper_once() when the kernel is not available",
            "fallback",
            {"contract": MASK, "fallback": "kernels.mask:helper_once"},
        ),
        (
            "`./engine --steps 3` launches only causal_mask_kernel and row_softmax_kernel",
            "program",
            {
                "run": ["./engine --steps 3"],
                "kernels": ["causal_mask_kernel", "row_softmax_kernel"],
                "no_others": True,
            },
        ),
        (
            "`cargo test --test gpu` launches causal_mask_kernel",
            "program",
            {"run": ["cargo test --test gpu"], "kernels": ["causal_mask_kernel"]},
        ),
        (
            "Peak VRAM stays below 1.5 GiB when `./engine` runs",
            "program",
            {"run": ["./engine"], "max_peak_bytes": 1_610_612_736},
        ),
        (
            "causal_mask_kernel buffers are reused from call to call in `./engine`",
            "program",
            {"run": ["./engine"], "reuses_for": "causal_mask_kernel"},
        ),
    ],
)
def test_bound(project: Path, bound: BindTruth, truth: str, kind: str, params: dict[str, Any]) -> None:
    (project / "kernels/mask.py").write_text(
        "def mask_gpu(x): ...\ndef mask_device(x): ...\ndef helper_once(x): ...\n"
    )
    one = bound(truth)
    assert [(spec.kind, spec.params) for spec in one.checks] == [(kind, params)], one.reason


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        ("The fused kernel is at least 2 times faster than the naive one", "bind faster with contract, than"),
        ("causal_mask_kernel is 2 times faster than row_softmax_kernel", "bind faster with contract, than"),
        ("causal_mask_kernel is 2 times faster than causal_mask_kernel", "bind faster with contract, than"),
        ("The CPU fallback works when the kernel is missing", "bind fallback with contract"),
        ("softmax_device() falls back to nobody() when the kernel is missing", "bind fallback with contract"),
        ("Peak VRAM is at most 2 GB", "bind program with run and max_peak_bytes"),
        ("Peak VRAM is at most 2 GB when `the engine` runs", "bind program with run and max_peak_bytes"),
        ("Scratch buffers are reused from call to call", "bind program with run and reuses_for"),
        ("`./engine` launches unknown_kernel", "bind program with run: ['./engine'] and kernels"),
    ],
)
def test_asks(bound: BindTruth, truth: str, said: str) -> None:
    one = bound(truth)
    assert one.checks == ()
    assert said in one.reason


@pytest.mark.parametrize(
    "truth",
    [
        "The loader is 2 times faster than before",
        "causal_mask_kernel is at least 2 times faster than slow_mask_kernel and never fails",
        "causal_mask_kernel is not 2 times faster than slow_mask_kernel",
        "The shader fallback works when the sprite is missing",
        "The plugin falls back to the default theme when its kernel of settings is missing",
        "`./engine` launches",
        "Frame buffers are reused by the renderer",
        "Peak VRAM is at most 2 GB and the frame rate doubles when `./engine` runs",
    ],
)
def test_not_bound(bound: BindTruth, truth: str) -> None:
    assert bound(truth).checks == ()


def test_the_program_of_the_settings(project: Path) -> None:
    path = project / ".planning/phases/09-softmax/09-01-PLAN.md"
    path.parent.mkdir(parents=True)
    truth = "Peak device memory is at most 512 MB"
    path.write_text(f"---\nphase: 09-softmax\nplan: 01\nmust_haves:\n  truths:\n    - {truth}\n---\n")
    (one,) = bind(parse_plan(path, project), Settings(program=("make", "./engine")))
    expected = {"run": ["make", "./engine"], "max_peak_bytes": 512_000_000}
    assert [(spec.kind, spec.params) for spec in one.checks] == [("program", expected)]
