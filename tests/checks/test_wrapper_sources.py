"""Launches in Rust and C++: what the argument array and the block say against the kernel that is compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rocverify.errors import RocverifyError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

KERNEL = """#include <hip/hip_runtime.h>
extern "C" __global__ __launch_bounds__(256) void scale_kernel(float* x, const float* w, int n, float s) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) x[i] = w[i] * s;
}
"""
CPP = """#include <hip/hip_runtime.h>
constexpr int kWaveSize = 32;
constexpr unsigned kBlock = 256;
namespace detail {
void run(hipFunction_t f, float* x, const float* w, int n, float s) {
  void* args[] = {&x, &w, &n, &s};
  hipModuleLaunchKernel(f, (n + kBlock - 1) / kBlock, 1, 1, kBlock, 1, 1, 0, nullptr, args, nullptr);
}
}
void scale(hipModule_t m, float* x, const float* w, int n, float s) {
  hipFunction_t f;
  hipModuleGetFunction(&f, m, "scale_kernel");
  detail::run(f, x, w, n, s);
}
"""
RUST = """const WAVE_SIZE: u32 = 32;
pub fn scale(m: Module, x: *mut c_void, w: *mut c_void, n: i32, s: f32) {
    let f = m.get_function("scale_kernel");
    run(f, x, w, n, s)
}
fn run(f: Function, x: *mut c_void, w: *mut c_void, n: i32, s: f32) {
    let mut args = [
        &x as *const _ as *mut c_void, &w as *const _ as *mut c_void,
        &n as *const _ as *mut c_void, &s as *const _ as *mut c_void,
    ];
    let block = 256u32;
    unsafe { hipModuleLaunchKernel(f, 1, 1, 1, block, 1, 1, 0, null_mut(), args.as_mut_ptr(), null_mut()) };
}
"""
HOSTS = {"src/scale.cpp": CPP, "src/scale.rs": RUST}

CPP_RUN = "const float* w, int n, float s) {\n  void*"
SABOTAGES = [
    ("src/scale.cpp", "{&x, &w, &n, &s}", "{&x, &w, &n}", "hands over 3 arguments"),
    ("src/scale.cpp", "{&x, &w, &n, &s}", "{&w, &x, &n, &s}", "the name of argument 1"),
    ("src/scale.cpp", "{&x, &w, &n, &s}", "{&x, &n, &w, &s}", "the kernel takes a pointer"),
    (
        "src/scale.cpp",
        CPP_RUN,
        CPP_RUN.replace("int", "long"),
        "8 bytes",
    ),
    (
        "src/scale.cpp",
        CPP_RUN,
        CPP_RUN.replace("float s", "double s"),
        "8 bytes",
    ),
    ("src/scale.cpp", "kBlock = 256", "kBlock = 512", "blocks of 512 x 1 x 1"),
    ("src/scale.cpp", "kWaveSize = 32", "kWaveSize = 64", "kWaveSize is 64"),
    ("src/scale.rs", ", &s as *const _ as *mut c_void", "", "hands over 3 arguments"),
    ("src/scale.rs", "&n as *const _", "&w as *const _", "a pointer"),
    ("src/scale.rs", "n: i32, s: f32) {\n    let mut", "n: u64, s: f32) {\n    let mut", "8 bytes"),
    ("src/scale.rs", "n: i32, s: f32) {\n    let mut", "n: u32, s: f32) {\n    let mut", "no sign"),
    (
        "src/scale.rs",
        "n: i32, s: f32) {\n    let mut",
        "n: i32, s: i32) {\n    let mut",
        "the kernel takes float",
    ),
    ("src/scale.rs", "WAVE_SIZE: u32 = 32", "WAVE_SIZE: u32 = 64", "WAVE_SIZE is 64"),
]


def check(make: Make, path: str, text: str) -> object:
    made = make({"kernels/scale.hip": KERNEL, path: text})
    return made.check(
        "wrapper_present", wrapper=f"{path}:scale", source="kernels/scale.hip", symbol="scale_kernel"
    )


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize("path", HOSTS)
def test_a_right_launch_is_unverified_until_it_runs(project: Make, path: str) -> None:
    with pytest.raises(
        RocverifyError, match=r"launches scale_kernel at src/scale\.\w+:\d+; nothing that runs"
    ):
        check(project, path, HOSTS[path])


@pytest.mark.long
@pytest.mark.parametrize(("path", "old", "new", "said"), SABOTAGES)
def test_a_wrong_launch_fails(project: Make, path: str, old: str, new: str, said: str) -> None:
    assert old in HOSTS[path]
    outcome = check(project, path, HOSTS[path].replace(old, new, 1))
    assert getattr(outcome, "verdict", None) is CheckVerdict.FAILED
    assert said in getattr(outcome, "message", "")


@pytest.mark.long
def test_what_does_not_show_is_no_fault(project: Make) -> None:
    text = CPP.replace("{&x, &w, &n, &s};", "{first(x), &w.data, get<0>(p), &s.v};").replace(
        "kBlock, 1", "size(n), 1"
    )
    with pytest.raises(RocverifyError, match="nothing that runs it was executed"):
        check(project, "src/scale.cpp", text)


def test_a_launch_in_dead_code_is_none(project: Make) -> None:
    text = CPP.replace("  detail::run(f", "  return;\n  detail::run(f")
    with pytest.raises(RocverifyError, match="shows no launch of scale_kernel"):
        check(project, "src/scale.cpp", text)
