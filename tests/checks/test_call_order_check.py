"""call_order: what is done before what, in Python, C++ and Rust; what cannot be told decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from rocverify.checks.base import Outcome
from rocverify.errors import RocverifyError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

PYTHON = """
    from contextlib import suppress
    from hip import hip
    def fill_mask(x): x.fill(0)
    def launch(x): hip.hipModuleLaunchKernel(x)
    def fetch(x): hip.hipMemcpy(x, x, 4, hip.hipMemcpyKind.hipMemcpyDeviceToHost)
    def prepared(x):
        if x is None:
            return
        fill_mask(x)
    def lazily(x):
        yield fill_mask(x)
    def never(f): return lambda *given: None
    @never
    def dropped(x): fill_mask(x)
    @staticmethod
    def plain(x): fill_mask(x)
    def step(x, ready, hooks):
        {0}
"""
RUST = """
    extern "C" {{ fn hipModuleLaunchKernel(x: i32) -> i32; }}
    fn fill_mask(x: i32) -> i32 {{ x }}
    fn launch(x: i32) {{ unsafe {{ hipModuleLaunchKernel(x); }} }}
    fn fetch(x: i32) {{ unsafe {{ hipMemcpy(x, x, 4, hipMemcpyDeviceToHost); }} }}
    fn prepared(x: i32) {{ if x < 0 {{ return; }} fill_mask(x); }}
    fn fallible(x: i32) -> Option<i32> {{ None?; fill_mask(x); Some(1) }}
    fn step(x: i32, ready: bool) {{
        {0}
    }}
"""
CPP = """
    __global__ void mask_kernel(float* x) {{ x[0] = 0; }}
    int fill_mask(float* x) {{ return 0; }}
    void launch(float* x) {{ mask_kernel<<<1, 64>>>(x); }}
    void fetch(float* x) {{ hipMemcpy(x, x, 4, hipMemcpyDeviceToHost); }}
    void prepared(float* x) {{ if (!x) return; fill_mask(x); }}
    int flush(float* x) {{ return fill_mask(x); }}
    #define flush(x) ((void)0)
    #define DROP(x) ((void)0)
    #define SIZED(x) (sizeof(x))
    #define CHECKED(x, ...) do {{ if ((x) != 0) abort(); }} while (0)
    void step(float* x, bool ready) {{
        {0}
    }}
"""
HOSTS = {"py": ("kernels/engine.py", PYTHON), "rs": ("src/engine.rs", RUST), "cpp": ("src/engine.cpp", CPP)}

KEPT = [
    ("py", "fill_mask(x); launch(x)"),
    ("py", "for i in x: fill_mask(i); launch(i)"),
    ("py", "fill_mask(x)\n        if ready: launch(x)\n        launch(x)"),
    ("py", "with x:\n            fill_mask(x)\n        launch(x)"),
    ("py", "try:\n            fill_mask(x)\n            launch(x)\n        except OSError: pass"),
    ("py", "plain(x); launch(x)"),
    ("cpp", "CHECKED(fill_mask(x)); launch(x);"),
    ("rs", "fill_mask(x); launch(x);"),
    ("rs", "loop { fill_mask(x); if ready { break; } launch(x); }"),
    ("rs", "let y = fill_mask(x); match y { 0 => launch(y), _ => {} }"),
    ("rs", "launch(fill_mask(x));"),
    ("rs", "fallible(x).unwrap(); launch(x);"),
    ("cpp", "fill_mask(x); switch (1) { case 1: launch(x); }"),
    ("cpp", "for (fill_mask(x); ready; ) launch(x);"),
    ("cpp", "fill_mask(x); launch(x);"),
    ("cpp", "if (fill_mask(x) != 0) return; launch(x);"),
    ("cpp", "do { fill_mask(x); } while (0); mask_kernel<<<1, 64>>>(x);"),
    ("cpp", "fill_mask(x); hipLaunchKernelGGL(mask_kernel, 1, 64, 0, 0, x);"),
]
BROKEN = [
    ("py", "launch(x); fill_mask(x)"),
    ("py", "for i in x: launch(i); fill_mask(i)"),
    ("py", "if ready: launch(x); fill_mask(x)"),
    ("rs", "launch(x); fill_mask(x);"),
    ("rs", "for i in 0..x { launch(i); fill_mask(i); }"),
    ("rs", "// fill_mask(x);\n launch(x); fill_mask(x);"),
    ("cpp", "launch(x); fill_mask(x);"),
    ("cpp", "launch(x);\n#if 0\n fill_mask(x);\n#endif\n fill_mask(x);"),
    ("cpp", "mask_kernel<<<1, 64>>>(x); if (ready) fill_mask(x);"),
]
OPEN = [
    ("rs", "fill_mask(x); let go = |y| launch(y); go(x);"),
    ("py", "if ready: fill_mask(x)\n        launch(x)"),
    ("py", "ready and fill_mask(x)\n        launch(x)"),
    ("py", "prepared(x); launch(x)"),
    ("py", "lazily(x); launch(x)"),
    ("py", "try: fill_mask(x)\n        except OSError: pass\n        launch(x)"),
    ("py", "with suppress(OSError): fill_mask(x)\n        launch(x)"),
    ("py", "launch(x); fill_mask(x); launch(x)"),
    ("py", "hooks.append(fill_mask); launch(x); fill_mask(x)"),
    ("py", "0 < ready < fill_mask(x)\n        launch(x)"),
    ("py", "y: fill_mask(x) = 3\n        launch(x)"),
    ("rs", "let _ = fallible(x); launch(x);"),
    ("rs", "fallible(x).ok(); launch(x);"),
    ("cpp", "assert(fill_mask(x) == 0); launch(x);"),
    ("cpp", "bool y = requires { fill_mask(x); }; launch(x);"),
    ("cpp", "bool y = noexcept(fill_mask(x)); launch(x);"),
    ("cpp", "auto& y = typeid(fill_mask(x)); launch(x);"),
    ("cpp", "switch (1) { fill_mask(x); case 1: break; } launch(x);"),
    ("cpp", "for (; ready; fill_mask(x)) break; launch(x);"),
    ("rs", "if ready { fill_mask(x); } launch(x);"),
    ("rs", "prepared(x); launch(x);"),
    ("rs", "let go = |y| launch(y); fill_mask(x); go(x);"),
    ("rs", "let fill = |y| { fill_mask(y); }; fill(x); launch(x);"),
    ("rs", "while ready { fill_mask(x); } launch(x);"),
    ("rs", "'a: { if ready { break 'a; } fill_mask(x); } launch(x);"),
    ("rs", "match x { 0 => { fill_mask(x); } _ => {} } launch(x);"),
    ("py", "dropped(x); launch(x)"),
    ("cpp", "DROP(fill_mask(x)); launch(x);"),
    ("cpp", "SIZED(fill_mask(x)); launch(x);"),
    ("cpp", "CHECKED(0, fill_mask(x)); launch(x);"),
    ("cpp", "if (ready) fill_mask(x); launch(x);"),
    ("cpp", "ready && fill_mask(x); launch(x);"),
    ("cpp", "if (ready) goto skip; fill_mask(x); skip: launch(x);"),
    ("cpp", "try { fill_mask(x); } catch (...) { } launch(x);"),
    ("cpp", "switch (1) { case 0: fill_mask(x); case 1: launch(x); }"),
    ("cpp", "prepared(x); launch(x);"),
    ("cpp", "auto go = [&] { launch(x); }; fill_mask(x); go();"),
]


def _made(project: Make, language: str, body: str) -> Project:
    path, text = HOSTS[language]
    return project({path: text.format(body)})


def _check(made: Project, **more: Any) -> Outcome:
    return made.check("call_order", **{"first": "fill_mask", "then": "dispatch", **more})


@pytest.mark.parametrize(("language", "body"), KEPT)
def test_an_order_that_is_kept(project: Make, language: str, body: str) -> None:
    outcome = _check(_made(project, language, body))
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert "in step: fill_mask() is called at" in outcome.message


@pytest.mark.parametrize(("language", "body"), BROKEN)
def test_an_order_that_is_broken(project: Make, language: str, body: str) -> None:
    outcome = _check(_made(project, language, body))
    assert outcome.verdict is CheckVerdict.FAILED, outcome.message
    assert outcome.findings[0].location.startswith(HOSTS[language][0])


@pytest.mark.parametrize(("language", "body"), OPEN)
def test_what_cannot_be_told_decides_nothing(project: Make, language: str, body: str) -> None:
    with pytest.raises(RocverifyError):
        _check(_made(project, language, body))


@pytest.mark.parametrize("language", HOSTS)
def test_after_read_back(project: Make, language: str) -> None:
    end = "" if language == "py" else ";"
    outcome = _check(
        _made(project, language, f"fetch(x); fill_mask(x){end}"), first="read_back", then="fill_mask"
    )
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message


@pytest.mark.parametrize("language", HOSTS)
def test_after_read_back_is_not_before(project: Make, language: str) -> None:
    end = "" if language == "py" else ";"
    outcome = _check(
        _made(project, language, f"fill_mask(x); fetch(x){end}"), first="read_back", then="fill_mask"
    )
    assert outcome.verdict is CheckVerdict.FAILED, outcome.message


def test_in_the_function_that_is_named(project: Make) -> None:
    made = _made(project, "rs", "launch(x);")
    outcome = _check(made, entry="src/engine.rs:step")
    assert outcome.verdict is CheckVerdict.FAILED
    assert "(not in step)" in outcome.message


def test_a_function_that_is_called_nowhere(project: Make) -> None:
    text = "pub fn fill_mask() {}\npub fn go() { unsafe { hipModuleLaunchKernel(1); } }"
    made = project({"src/a.rs": text})
    outcome = _check(made)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "called nowhere" in outcome.message


def test_through_calls_and_methods(project: Make) -> None:
    text = """
        struct Engine { mask: Mask }
        struct Mask { on: bool }
        impl Mask { fn fill_mask(&self) {} }
        impl Engine {
            fn prepare(&self) { self.mask.fill_mask(); }
            fn dispatch_all(&self) { unsafe { hipModuleLaunchKernel(1); } }
            fn step(&self) { self.prepare(); self.dispatch_all(); }
            fn leap(&self) { self.dispatch_all(); self.prepare(); }
        }
    """
    made = project({"src/engine.rs": text})
    assert _check(made, entry="src/engine.rs:Engine::step").verdict is CheckVerdict.PASSED
    assert _check(made, entry="src/engine.rs:Engine::leap").verdict is CheckVerdict.FAILED
    with pytest.raises(RocverifyError, match="cannot be told"):  # the one does, the other does not
        _check(made)


@pytest.mark.parametrize(
    "text",
    [
        "impl Drop for X { fn fill_mask(&self) {} }\nfn go() { unsafe { hipModuleLaunchKernel(1); } }",
        "#[no_mangle]\npub fn fill_mask() {}\nfn go() { unsafe { hipModuleLaunchKernel(1); } }",
    ],
)
def test_what_is_called_unnamed_is_not_called_nowhere(project: Make, text: str) -> None:
    with pytest.raises(RocverifyError, match="no function is seen to lead both"):
        _check(project({"src/a.rs": text}))


def test_a_dispatch_inside_of_the_first_decides_nothing(project: Make) -> None:
    with pytest.raises(RocverifyError, match="cannot be told"):
        _check(_made(project, "rs", "launch(x);"), first="launch", entry="src/engine.rs:step")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"first": "nothing_of_this"}, "no host source defines"),
        ({"first": "upload", "then": "dispatch"}, "entry must say where"),
        ({"then": "fetch"}, "no function is seen to lead both"),
    ],
)
def test_what_is_not_there_decides_nothing(project: Make, params: dict[str, str], said: str) -> None:
    with pytest.raises(RocverifyError, match=said):
        _check(_made(project, "rs", "fill_mask(x); launch(x); } fn other(x: i32) { fetch(x);"), **params)


def test_a_sentence_is_no_function(project: Make) -> None:
    with pytest.raises(ValidationError, match="neither a function"):
        _check(project({}), first="the mask")


def test_a_macro_of_a_functions_name_hides_it(project: Make) -> None:
    with pytest.raises(RocverifyError):
        _check(_made(project, "cpp", "flush(x); launch(x);"), first="flush")


@pytest.mark.parametrize(
    "files",
    [
        {"src/a.cpp": "void fill_mask(int x) {}\nvoid fill_mask(float* x) {}\n"},
        {"src/a.cpp": "void fill_mask(float* x) {}\n", "src/b.cpp": "static void fill_mask(float* x) {}\n"},
        {"src/a.rs": "fn fill_mask() {}\nfn s() { fill_mask(); }", "src/b.rs": "fn fill_mask() {}"},
        {"src/a.rs": "struct A; struct B; impl A { fn fill_mask() {} } impl B { fn fill_mask() {} }"},
    ],
    ids=["overloads", "static", "modules", "methods"],
)
def test_of_twins_one_says_nothing_of_the_other(project: Make, files: dict[str, str]) -> None:
    step = "void step(float* x) { fill_mask(x); hipModuleLaunchKernel(x); }\n"
    made = project({path: text + (step if path.endswith("a.cpp") else "") for path, text in files.items()})
    with pytest.raises(RocverifyError, match="may be any of 2 functions"):
        _check(made)


def test_a_twin_for_another_build_and_one_of_tests_are_none(project: Make) -> None:
    text = CPP.format("fill_mask(x); launch(x);")
    twin = "#else\nint fill_mask(float* x) { return 1; }\n#endif\n"
    made = project(
        {
            "src/engine.cpp": text.replace("    int fill_mask", "#ifdef FAST\n    int fill_mask").replace(
                "    void launch", f"{twin}    void launch"
            ),
            "tests/fill.cpp": "int fill_mask(double* x) { return 1; }\n",
        }
    )
    outcome = _check(made, first="src/engine.cpp:fill_mask")
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
