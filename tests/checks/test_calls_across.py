"""Calls from one language into another: those that names show are followed, the others are left open."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rocverify.errors import RocverifyError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

C = 'extern "C" int run_rope(float* x) {\n  return go(x);\n}\n'
CPP = f"int go(float* x) {{\n  return x != nullptr;\n}}\n{C}"
BLOCK = 'extern "C" {\nint other(int n) { return n; }\nint run_rope(float* x) { return 1; }\n}\n'
HIDDEN = "int run_rope(float* x) {\n  return 1;\n}\n"
PYBIND = (
    "int rotate(float* x) {\n  return 1;\n}\n"
    'PYBIND11_MODULE(engine, m) {\n  m.def("run_rope", &rotate, "rotates");\n}\n'
)
CTYPES = "import ctypes\nlib = ctypes.CDLL('libengine.so')\ndef apply(x):\n    return {}\n"
RUST = 'extern "C" { fn run_rope(x: *mut f32) -> i32; }\npub fn apply(x: *mut f32) {\n    %s\n}\n'
NO_MANGLE = (
    '#[no_mangle]\npub extern "C" fn run_rope(x: *mut f32) -> i32 {\n    go(x)\n}\n'
    "fn go(x: *mut f32) -> i32 { 1 }\n"
)
PYO3 = (
    "#[pyfunction]\nfn run_rope(x: u64) -> u64 {\n    x\n}\n"
    "#[pymodule]\nfn engine(m: &Bound<PyModule>) -> PyResult<()> {\n    Ok(())\n}\n"
)
FROM_PYTHON, FROM_RUST, FROM_CPP = "kernels/a.py", "src/a.rs", "src/a.cpp"
TO_CPP, TO_RUST = "src/rope.cpp", "src/rope.rs"

FOLLOWED = {
    "ctypes": (FROM_PYTHON, CTYPES.format("lib.run_rope(x)"), TO_CPP, CPP, "run_rope"),
    "ctypes, one call deeper there": (FROM_PYTHON, CTYPES.format("lib.run_rope(x)"), TO_CPP, CPP, "go"),
    "ctypes, one call deeper here": (
        FROM_PYTHON,
        CTYPES.format("inner(x)") + "def inner(x):\n    return lib.run_rope(x)\n",
        TO_CPP,
        CPP,
        "run_rope",
    ),
    "a block of C": (FROM_PYTHON, CTYPES.format("lib.run_rope(x)"), TO_CPP, BLOCK, "run_rope"),
    "pybind11": (
        FROM_PYTHON,
        "import engine\ndef apply(x):\n    engine.run_rope(x)\n",
        TO_CPP,
        PYBIND,
        "rotate",
    ),
    "pybind11, imported by name": (
        FROM_PYTHON,
        "from engine import run_rope\ndef apply(x):\n    run_rope(x)\n",
        TO_CPP,
        PYBIND,
        "rotate",
    ),
    "a Rust library from Python": (
        FROM_PYTHON,
        CTYPES.format("lib.run_rope(x)"),
        TO_RUST,
        NO_MANGLE,
        "run_rope",
    ),
    "PyO3": (
        FROM_PYTHON,
        "import engine\ndef apply(x):\n    engine.run_rope(x)\n",
        TO_RUST,
        PYO3,
        "run_rope",
    ),
    "Rust to C": (FROM_RUST, RUST % "unsafe { run_rope(x) };", TO_CPP, CPP, "go"),
    "C++ to Rust": (
        FROM_CPP,
        'extern "C" int run_rope(float* x);\nint apply(float* x) {\n  return run_rope(x);\n}\n',
        TO_RUST,
        NO_MANGLE,
        "go",
    ),
}
OPEN = {
    "no call": (FROM_PYTHON, CTYPES.format("lib.other(x)"), TO_CPP, CPP, "run_rope"),
    "a comment": (FROM_PYTHON, CTYPES.format("0  # lib.run_rope(x)"), TO_CPP, CPP, "run_rope"),
    "no library": (FROM_PYTHON, "def apply(lib, x):\n    lib.run_rope(x)\n", TO_CPP, CPP, "run_rope"),
    "no linkage of C": (FROM_PYTHON, CTYPES.format("lib.run_rope(x)"), TO_CPP, HIDDEN, "run_rope"),
    "another module": (
        FROM_PYTHON,
        "import numpy\ndef apply(x):\n    numpy.run_rope(x)\n",
        TO_CPP,
        PYBIND,
        "rotate",
    ),
    "a branch that never runs": (
        FROM_PYTHON,
        CTYPES.format("0\n    lib.run_rope(x)"),
        TO_CPP,
        CPP,
        "run_rope",
    ),
    "not called in Rust": (FROM_RUST, RUST % "let _ = x;", TO_CPP, CPP, "run_rope"),
    "a method of that name": (FROM_RUST, RUST % "x.run_rope();", TO_CPP, CPP, "run_rope"),
}


@pytest.mark.parametrize(("start", "text", "end", "other", "callee"), FOLLOWED.values(), ids=FOLLOWED.keys())
def test_what_names_show_is_followed(
    project: Make, start: str, text: str, end: str, other: str, callee: str
) -> None:
    made = project({"src/lib.rs": "", start: text, end: other})
    outcome = made.check("key_link", from_path=start, to_path=end, caller="apply", callee=callee)
    assert outcome.verdict is CheckVerdict.PASSED
    assert "run_rope" in outcome.message


@pytest.mark.parametrize(("start", "text", "end", "other", "callee"), OPEN.values(), ids=OPEN.keys())
def test_the_rest_is_left_open(
    project: Make, start: str, text: str, end: str, other: str, callee: str
) -> None:
    made = project({"src/lib.rs": "", start: text, end: other})
    with pytest.raises(RocverifyError, match="cannot be told"):
        made.check("key_link", from_path=start, to_path=end, caller="apply", callee=callee)
