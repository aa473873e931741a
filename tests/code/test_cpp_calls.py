"""Calls in C++, told apart: made, never made, made in what can never run, and what cannot be told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rocverify.code.callgraph import Chain
from rocverify.code.index import CodeIndex
from rocverify.settings import Settings
from tests.code.conftest import searched

HEADER = """#pragma once
namespace gpu {
int launch(int n);
struct Engine { int launch(int n); virtual int step(int); };
}
"""
SOURCE = """#include "b.h"
namespace gpu {
int launch(int n) { return n; }
int Engine::launch(int n) { return n; }
}
"""


def chain(
    root: Path,
    text: str,
    callee: str = "launch",
    caller: str = "apply",
    more: Mapping[str, str] | None = None,
) -> Chain:
    for path, content in {"src/b.h": HEADER, "src/b.cpp": SOURCE, "src/a.cpp": text, **(more or {})}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    index = CodeIndex(root, Settings())
    return searched(index, ("src/a.cpp", caller), ("src/b.cpp", callee))


@pytest.mark.parametrize(
    "text",
    [
        "int apply() { return gpu::launch(1); }",
        "using namespace gpu; int apply() { return launch(1); }",
        "using gpu::launch; int apply() { return launch(1); }",
        "namespace g = gpu; int apply() { return g::launch(1); }",
        "namespace gpu { int apply() { return launch(1); } }",
        "namespace gpu { namespace inner { int apply() { return launch(1); } } }",
        "static int helper() { return gpu::launch(1); } int apply() { return helper(); }",
        "int apply() { auto f = [&](int n) { return gpu::launch(n); }; return f(1); }",
        "template <typename T> T apply(T x) { return gpu::launch(x); }",
        "#define LAUNCH(n) gpu::launch(n)\nint apply() { return LAUNCH(1); }",
        "#define CHECK(x) do { if (x) return 1; } while (0)\nint apply() { CHECK(gpu::launch(1)); return "
        "0; }",
        "struct Guard { Guard() { gpu::launch(1); } }; int apply() { Guard guard; return 0; }",
        "struct Guard { ~Guard() { gpu::launch(1); } }; int apply() { Guard guard; return 0; }",
        "struct F { int operator()(int n) { return gpu::launch(n); } }; int apply() { F f; return f(1); }",
        "int apply(int n) { switch (n) { case 0: return 0; default: return gpu::launch(n); } }",
        "int apply(int n) { for (int i = 0; i < gpu::launch(n); ++i) {} return 0; }",
        "int apply(int n) { if (n) return 0; else return gpu::launch(1); }",
        "int apply(int n) { if (n) { return 0; } return gpu::launch(1); }",
        "int apply(int n) try { return gpu::launch(n); } catch (...) { return 0; }",
        "struct S { int n; S(int x) : n(gpu::launch(x)) {} }; int apply() { return S(1).n; }",
        "#ifdef __HIPCC__\nint apply() { return gpu::launch(1); }\n#endif",
        "int apply(int n)\n#ifdef USE_IT\n{ return gpu::launch(n);\n#else\n{ return gpu::launch(n "
        "+ 1);\n#endif\n}",
        "int apply(int n) { return n > 0 ? gpu::launch(n) : 0; }",
        "int apply(int n) { goto end; return 1; end: return gpu::launch(n); }",
        "auto apply(int n) -> int { return gpu::launch(n); }",
    ],
)
def test_a_call_that_is_made(tmp_path: Path, text: str) -> None:
    more = {"CMakeLists.txt": "option(USE_IT)"}
    found = chain(tmp_path, f'#include "b.h"\n{text}\n', more=more)
    assert found.steps, found


@pytest.mark.parametrize(
    "text",
    [
        "int apply(gpu::Engine& engine) { return engine.launch(1); }",
        "int apply(gpu::Engine* engine) { return engine->launch(1); }",
        "int apply() { gpu::Engine engine; return engine.launch(1); }",
        "int apply() { auto engine = std::make_unique<gpu::Engine>(); return engine->launch(1); }",
        "int apply() { auto* engine = new gpu::Engine(); return (*engine).launch(1); }",
        "struct Host { gpu::Engine engine; int apply() { return engine.launch(1); } };",
        "struct Host { std::shared_ptr<gpu::Engine> engine; int apply() { return this->engine->launch(1); "
        "} };",
        "struct Own : gpu::Engine { int apply() { return launch(1); } };",
        "using E = gpu::Engine; int apply() { E e; return e.launch(1); }",
        "int apply() { return gpu::Engine{}.launch(1); }",
    ],
)
def test_a_method_that_is_called(tmp_path: Path, text: str) -> None:
    found = chain(tmp_path, f'#include <memory>\n#include "b.h"\n{text}\n', callee="Engine::launch")
    assert found.steps, found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#if 0\ngpu::launch(1);\n#endif\nreturn 0;", "#if 0"),
        ("#ifdef NOBODY_DEFINES_IT\ngpu::launch(1);\n#endif\nreturn 0;", "NOBODY_DEFINES_IT"),
        ("return 0; gpu::launch(1);", "leaves the block"),
        ("throw 1; gpu::launch(1);", "leaves the block"),
        ("if (false) { gpu::launch(1); } return 0;", "always false"),
        ("if constexpr (false) { gpu::launch(1); } return 0;", "always false"),
        ("if (kNever && n) { gpu::launch(1); } return 0;", "always false"),
        ("while (0) { gpu::launch(1); } return 0;", "always false"),
        ("auto unused = [] { gpu::launch(1); }; return 0;", "never used"),
        ("std::abort(); gpu::launch(1);", "leaves the block"),
    ],
)
def test_a_call_that_can_never_run(tmp_path: Path, text: str, why: str) -> None:
    found = chain(
        tmp_path, f'#include "b.h"\nconstexpr bool kNever = false;\nint apply(int n) {{\n{text}\n}}\n'
    )
    assert not found.steps
    assert found.dead is not None
    assert why in found.dead[1]


@pytest.mark.parametrize(
    "text",
    [
        "int apply() { return 0; }",
        "int apply() { /* gpu::launch(1); */ return 0; } // gpu::launch(1)",
        'int apply() { puts("gpu::launch(1)"); return 0; }',
        'const char* s = R"(int apply() { gpu::launch(1); })"; int apply() { return 0; }',
        "namespace cpu { int launch(int n) { return n; } } int apply() { return cpu::launch(1); }",
        "struct Other { int launch(int n) { return n; } }; int apply(Other& o) { return o.launch(1); }",
        "static int launch(int n) { return n; } int apply() { return launch(1); }",
        "int apply() { return sizeof(gpu::launch(1)); }",
        "int other() { return gpu::launch(1); } int apply() { return 0; }",
        "int apply(int launch) { return launch; }",
        "int apply(std::vector<int>& v) { return v.launch(1); }",
    ],
)
def test_a_call_that_is_not_made(tmp_path: Path, text: str) -> None:
    found = chain(tmp_path, f'#include "b.h"\n{text}\n')
    assert not found.steps
    assert not found.maybe


@pytest.mark.parametrize(
    "text",
    [
        "int run(int (*f)(int)) { return f(1); } int apply() { return run(&gpu::launch); }",
        "static int (*table[])(int) = {gpu::launch}; int apply() { return table[0](1); }",
        "template <typename F> int apply(F f) { auto g = gpu::launch; return g(1); }",
    ],
)
def test_a_call_that_cannot_be_told(tmp_path: Path, text: str) -> None:
    found = chain(tmp_path, f'#include "b.h"\n{text}\n')
    assert not found.steps
    assert found.maybe


def test_an_override_may_be_what_runs(tmp_path: Path) -> None:
    text = """#include "b.h"
struct Sub : gpu::Engine { int step(int) override; };
int apply(gpu::Engine& e) { return e.step(1); }
"""
    more = {"src/b.cpp": '#include "b.h"\nint gpu::Engine::step(int n) { return n; }\n'}
    assert chain(tmp_path, text, callee="Engine::step", more=more).maybe


def test_overloads_are_told_by_the_number_of_arguments(tmp_path: Path) -> None:
    other = "namespace gpu { int launch(int a, int b) { return a + b; } }\n"
    text = """#include "b.h"
namespace gpu { int launch(int a, int b); }
int apply() { return gpu::launch(1, 2); }
"""
    assert not chain(tmp_path, text, more={"src/c.cpp": other}).steps
