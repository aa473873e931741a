"""Claims about order, definitions, fallbacks and speed that the project does not keep, in one run."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import dedent
from typing import Any

import pytest

from tests.attacks.conftest import RunFiles
from tests.attacks.project import PHASE, Ran, plan_text

STEPS = """\
extern "C" { fn hipModuleLaunchKernel(x: i32) -> i32; }
fn fill_a(x: i32) {}
fn fill_b(x: i32) {}
fn fill_c(x: i32) {}
fn fill_d(x: i32) {}
fn fill_e(x: i32) {}
fn launch(x: i32) { unsafe { hipModuleLaunchKernel(x); } }
fn after(x: i32) { launch(x); fill_a(x); }
fn sometimes(x: i32) { if x > 1_000_000 { fill_b(x); } launch(x); }
fn closed(x: i32) { let fill = |y: i32| fill_c(y); launch(x); fill(x); }
fn early(x: i32) { prepared(x); launch(x); }
fn prepared(x: i32) { if x > 0 { return; } fill_d(x); }
fn commented(x: i32) { /* fill_e(x); */ launch(x); #[cfg(any())] fill_e(x); }
fn fill_f(x: i32) {}
fn fallible(x: i32) -> Option<i32> { None?; fill_f(x); Some(x) }
fn dropped(x: i32) { let _ = fallible(x); launch(x); }
// fn only_written_about() {}
#[cfg(any())]
fn never_built() {}
fn still_here() {}
fn twin(x: i32) {}
mod other { pub fn twin(x: i32) {} }
fn paired(x: i32) { other::twin(x); launch(x); }
"""
CALLS = """
void fill_g(float* x) {}
#define DROP(x) ((void)0)
void through(float* x) { DROP(fill_g(x)); hipModuleLaunchKernel(x); }
constexpr int TILE = 32;
namespace narrow { constexpr int TILE = 16; }
"""
PYTHON = """
from kernels.affine import affine


def drop(function):
    return lambda *given: None


@drop
def fill_h(x): ...


def decorated(x):
    fill_h(x)
    affine(x, x, x, 1, 1)


def taken_back(): ...


del taken_back
"""

SOURCE = "src/steps.rs"
COMPARED = {"contract": "kernels.contracts.affine:Affine"}
HOSTED = """
import numpy as np
from rocm.bindings import hip

from kernels.gpu import checked


def affine(x, shift, out, rows, cols):
    a, b = np.empty((rows, cols), np.float32), np.empty(cols, np.float32)
    checked(hip.hipMemcpy(a, x, a.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost))
    checked(hip.hipMemcpy(b, shift, b.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost))
    result = 2 * a + b
    checked(hip.hipMemcpy(out, result, result.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice))
"""

# Truth, binding, and the verdict: what is seen to be wrong has failed, what cannot be told is unverified.
CLAIMS: dict[str, tuple[str, Mapping[str, Any] | None, str]] = {
    "called after the dispatch": ("fill_a() runs before the dispatch", None, "failed"),
    "called under a condition that no run meets": ("fill_b() runs before the dispatch", None, "unverified"),
    "called in a closure that runs later": ("fill_c() runs before the dispatch", None, "unverified"),
    "behind an early return, one call deeper": ("fill_d() runs before the dispatch", None, "unverified"),
    "behind an error that is dropped": ("fill_f() runs before the dispatch", None, "unverified"),
    "called in a comment and in what no build has": (
        "fill_e() runs before the dispatch in commented()",
        None,
        "failed",
    ),
    "defined in a comment": (f"only_written_about() exists in {SOURCE}", None, "failed"),
    "defined where no build has it": (f"never_built() exists in {SOURCE}", None, "failed"),
    "said to be removed": (f"still_here() is removed from {SOURCE}", None, "failed"),
    "hidden from the build, not removed": (f"never_built() is removed from {SOURCE}", None, "unverified"),
    "another function of the name": ("twin() runs before the dispatch", None, "unverified"),
    "a macro that drops the call": ("fill_g() runs before the dispatch in through()", None, "unverified"),
    "a decorator that drops the call": (
        "fill_h() runs before affine()",
        {"check": "call_order", "first": "fill_h", "then": "affine", "entry": "kernels.steps:decorated"},
        "unverified",
    ),
    "deleted again": (
        "taken_back() exists in kernels/steps.py",
        {"check": "defined", "names": ["taken_back"], "path": "kernels/steps.py"},
        "failed",
    ),
    "left in the build": (
        "No OLD_FLAG remains in the project",
        {"check": "absent", "names": ["OLD_FLAG"]},
        "failed",
    ),
    "a constant of another namespace": (
        "`TILE` is 32 in src/calls.hip",
        {"check": "constant_value", "name": "TILE", "value": 32, "paths": ["src/calls.hip"]},
        "unverified",
    ),
    "a fallback that is always taken": (
        "The CPU fallback of affine works when the kernel is missing",
        {"check": "fallback", **COMPARED},
        "unverified",
    ),
    "faster than itself": (
        "affine is at least 2 times faster than before",
        {"check": "faster", **COMPARED, "than": COMPARED["contract"], "by": 2},
        "unverified",
    ),
}


def cases() -> list[Any]:
    """Each claim by its name."""
    return [
        pytest.param(f"T{number}", CLAIMS[name][2], id=name.replace(" ", "_").replace(",", ""))
        for number, name in enumerate(CLAIMS, 1)
    ]


@pytest.fixture(scope="module")
def claimed(run_files: RunFiles) -> Ran:
    """The run of a plan that claims all of them."""
    plan = plan_text([(truth, binding) for truth, binding, _ in CLAIMS.values()])
    files = {f"{PHASE}/01-01-PLAN.md": plan, SOURCE: dedent(STEPS), "kernels/affine.py": HOSTED}
    files |= {"src/calls.hip": CALLS, "kernels/steps.py": PYTHON, "CMakeLists.txt": "set(OLD_FLAG 1)\n"}
    return run_files("orders", files)


@pytest.mark.long
@pytest.mark.parametrize(("tail", "verdict"), cases())
def test_a_claim_that_is_not_kept(claimed: Ran, tail: str, verdict: str) -> None:
    assert claimed.verdict(tail) == verdict, claimed.said(tail)
    assert claimed.said(tail).strip(), "and it is said why"
