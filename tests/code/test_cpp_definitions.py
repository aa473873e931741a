"""What HIP sources define and call, by their tokens."""

from __future__ import annotations

import pytest

from rocverify.code.cpp import cpp_definitions, cpp_functions
from rocverify.code.masking import mask

SOURCE = r"""
#include <hip/hip_runtime.h>
#define WAVE 32
#define SQUARE(x) ((x) * (x))
// __global__ void commented_kernel() {}
#if 0
__global__ void disabled_kernel() {}
#endif
constexpr unsigned kBlock = 256;
__constant__ float table[4] = {1, 2, 3, 4};
__device__ int counter;
extern int elsewhere;
static const char* kText = "void in_string() {}";
struct Pair { float a, b; float sum() const { return a + b; } };
enum class Layout { kHalf, kFull };
typedef unsigned short half_bits;
using Index = unsigned long;
__device__ float declared_only(float);
template <typename T, int N = (4 > 2)>
__device__ __forceinline__ T twice(T x) { return x + x; }
namespace detail { inline float deep(float x) noexcept { return twice<float>(x); } }
extern "C" __global__ __launch_bounds__(kBlock) void rope_kernel(float* x, int n) {
  if (n > 0) { x[0] = detail::deep(SQUARE(x[0])); }
}
extern "C" {
__global__ void __launch_bounds__(64, 2) second_kernel(float* x) { twice(x[0]); }
}
auto trailing(int x) -> int { return x; }
Pair make() { return Pair{1, 2}; }
float Pair::method() { return 0; }
"""

EXPECTED = {
    "WAVE": "macro",
    "SQUARE": "macro",
    "kBlock": "variable",
    "table": "variable",
    "counter": "variable",
    "kText": "variable",
    "Pair": "type",
    "Layout": "type",
    "half_bits": "type",
    "Index": "type",
    "twice": "function",
    "deep": "function",
    "rope_kernel": "kernel",
    "second_kernel": "kernel",
    "trailing": "function",
    "make": "function",
    "method": "function",
}


def test_a_source_defines_what_it_defines() -> None:
    found = {d.name: str(d.kind) for d in cpp_definitions(mask(SOURCE, "a.hip").code)}
    assert found == EXPECTED


def test_lines_are_those_of_the_names() -> None:
    lines = SOURCE.split("\n")
    for definition in cpp_definitions(mask(SOURCE, "a.hip").code):
        assert definition.name in lines[definition.line - 1]


def test_calls_inside_bodies_are_seen_and_words_are_not() -> None:
    calls = {f.name: [name for name, _ in f.calls] for f in cpp_functions(mask(SOURCE, "a.hip").code)}
    assert calls["rope_kernel"] == ["deep", "SQUARE"]
    assert calls["deep"] == ["twice"]
    assert calls["second_kernel"] == ["twice"]
    assert calls["make"] == []


@pytest.mark.parametrize(
    "text", ["", "}", "{", "(", "void f(", "template <", "#define", "struct {", "f() {", "= {", "'"]
)
def test_broken_sources_define_what_can_be_seen(text: str) -> None:
    assert isinstance(cpp_definitions(text), tuple)
    assert isinstance(cpp_functions(text), tuple)


MACROS = r"""
#define KERNEL extern "C" __global__
#define DEFINE_ROPE(suffix, T) \
  KERNEL void rope_kernel_##suffix(T* x, int n) { \
    if (n) { check(#suffix); } \
  }
#define TWICE(x) ((x) * 2)
DEFINE_ROPE(f16, _Float16)
DEFINE_ROPE(bf16, Pair<int, 2>)
KERNEL void plain_kernel(float* x) { x[0] = TWICE(1); }
// DEFINE_ROPE(f64, double)
"""


def test_kernels_that_macros_define_are_kernels() -> None:
    found = {d.name: (str(d.kind), d.line) for d in cpp_definitions(mask(MACROS, "a.hip").code)}
    assert found == {
        "KERNEL": ("macro", 2),
        "DEFINE_ROPE": ("macro", 3),
        "TWICE": ("macro", 7),
        "rope_kernel_f16": ("kernel", 8),
        "rope_kernel_bf16": ("kernel", 9),
        "plain_kernel": ("kernel", 10),
    }


RUST = """
pub mod attention {
impl<'a> Rope<'a> {
    pub fn apply_rope_device<T: Copy>(&'a self, x: &'a T) -> Result<(), Error> {
        let c = 'x'; let s = "rope_kernel() }";
        self.upload::<f32>(x)?;
        crate::kernels::rope_gpu_kernel(x)
    }
    // fn commented() { other() }
}
}
unsafe fn free_standing(x: i32) -> i32 { x }
"""


def test_functions_of_rust_and_their_calls() -> None:
    found = {f.name: [name for name, _ in f.calls] for f in cpp_functions(mask(RUST, "a.rs").code)}
    assert found == {"apply_rope_device": ["upload", "rope_gpu_kernel"], "free_standing": []}
