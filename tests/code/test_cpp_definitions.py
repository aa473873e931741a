"""What HIP sources define and call, by their syntax tree."""

from __future__ import annotations

import pytest

from rocverify.code.languages.cpp import read_cpp
from rocverify.code.syntax import Unit

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
    "method": "method",
}


def read(text: str) -> Unit:
    return read_cpp("a.hip", text, dict.fromkeys(_lines_of_if_0(text), "`#if 0`"))


def _lines_of_if_0(text: str) -> list[int]:
    lines, inside = [], False
    for number, line in enumerate(text.split("\n"), 1):
        inside = (inside or line == "#if 0") and line != "#endif"
        lines += [number] if inside else []
    return lines


def definitions(unit: Unit) -> dict[str, tuple[str, int]]:
    """What is defined at file scope and in namespaces, as what and on which line."""
    names = [f.name for f in unit.functions] + [n.name for n in unit.named]
    return {name: found for name in names if (found := unit.defines(name))}


def test_a_source_defines_what_it_defines() -> None:
    unit = read(SOURCE)
    found = {name: kind for name, (kind, _) in definitions(unit).items()}
    assert {n: found.get(n) for n in EXPECTED} == EXPECTED
    assert (
        not {"declared_only", "elsewhere", "commented_kernel", "disabled_kernel", "in_string"} & found.keys()
    )
    assert unit.broken is None


def test_lines_are_those_of_the_names() -> None:
    lines = SOURCE.split("\n")
    for name, (_, line) in definitions(read(SOURCE)).items():
        assert name in lines[line - 1]


def test_calls_inside_bodies_are_seen_and_words_are_not() -> None:
    calls = {f.name: [call.name for call in f.calls if call.sure] for f in read(SOURCE).functions}
    assert calls["rope_kernel"] == ["SQUARE", "deep"]  # in the order in which they are made
    assert calls["deep"] == ["twice"]
    assert calls["second_kernel"] == ["twice"]
    assert calls["make"] == ["Pair"]


@pytest.mark.parametrize(
    "text", ["", "}", "{", "(", "void f(", "template <", "#define", "struct {", "f() {", "= {", "'"]
)
def test_broken_sources_define_what_can_be_seen(text: str) -> None:
    assert isinstance(read(text).functions, tuple)


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
    assert definitions(read(MACROS)) == {
        "KERNEL": ("macro", 2),
        "DEFINE_ROPE": ("macro", 3),
        "TWICE": ("macro", 7),
        "rope_kernel_f16": ("kernel", 8),
        "rope_kernel_bf16": ("kernel", 9),
        "plain_kernel": ("kernel", 10),
    }
