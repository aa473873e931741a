"""Links from functions of hosts to the kernels that they launch, in every language: by name and by handle."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rocverify.errors import RocverifyError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

HIP = "kernels/row.hip"
KERNELS = (
    '#include <hip/hip_runtime.h>\nextern "C" __global__ void row_kernel(float* x) { x[0] = 1; }\n'
    'extern "C" __global__ void other_kernel(float* x) { x[0] = 2; }\n'
)
_CPP_LAUNCH = "hipModuleLaunchKernel(f, 1, 1, 1, 64, 1, 1, 0, nullptr, args, nullptr);"
_RUST_LAUNCH = "hipModuleLaunchKernel(f, 1, 1, 1, 64, 1, 1, 0, s, args, n);"
_GET = "void run(hipModule_t m, void** args) { hipFunction_t f; hipModuleGetFunction(&f, m, "
_EXTERN = 'extern "C" { fn hipModuleLaunchKernel(f: F, x: u32) -> i32; }\n'

SEEN = {
    "C++ by name": (
        "a.cpp",
        "__global__ void row_kernel(float*);\nvoid run(float* x) { row_kernel<<<1, 64>>>(x); }",
    ),
    "C++ one call deeper": (
        "a.cpp",
        "__global__ void row_kernel(float*);\nstatic void go(float* x) { row_kernel<<<1, 64>>>(x); }\n"
        "void run(float* x) { go(x); }",
    ),
    "C++ by handle": (
        "a.cpp",
        f'{_GET}"row_kernel"); {_CPP_LAUNCH} }}',
    ),
    "C++ by a constant": (
        "a.cpp",
        f'static const char* kName = "row_kernel";\n{_GET}kName); {_CPP_LAUNCH} }}',
    ),
    "Rust by handle": (
        "a.rs",
        f'{_EXTERN}fn run(m: &Module) {{ let f = m.function("row_kernel"); unsafe {{ {_RUST_LAUNCH} }} }}',
    ),
    "Rust by a constant, one call deeper": (
        "a.rs",
        f'{_EXTERN}const NAME: &str = "row_kernel";\nfn run(m: &Module) {{ go(m.function(NAME)); }}\n'
        f"fn go(f: F) {{ unsafe {{ {_RUST_LAUNCH} }} }}",
    ),
    "a type of Rust": (
        "a.rs",
        f"{_EXTERN}struct run;\nimpl run {{ fn go(&self) {{ "
        f'let f = self.m.function("row_kernel"); unsafe {{ {_RUST_LAUNCH} }} }} }}',
    ),
    "Python by handle": (
        "kernels/a.py",
        "from hip import hip\ndef run(m):\n"
        "    f = hip.hipModuleGetFunction(m, b'row_kernel')\n    hip.hipModuleLaunchKernel(f)",
    ),
}


@pytest.mark.parametrize(("path", "text"), SEEN.values(), ids=SEEN.keys())
def test_a_launch_is_followed(project: Make, path: str, text: str) -> None:
    made = project({HIP: KERNELS, path: f"{text}\n"})
    outcome = made.check("key_link", from_path=path, to_path=HIP, caller="run", callee="row_kernel")
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    other = made.check("key_link", from_path=path, to_path=HIP, caller="run", callee="other_kernel")
    assert other.verdict is CheckVerdict.FAILED, "another one's launch is none of it"


OPEN = {
    "Python: the handle is made elsewhere": (
        "kernels/a.py",
        "from hip import hip\nclass Rows:\n    def __init__(self, m):\n"
        "        self.f = hip.hipModuleGetFunction(m, b'row_kernel')\n"
        "    def step(self):\n        hip.hipModuleLaunchKernel(self.f)\n"
        "def run(rows: Rows):\n    rows.step()",
    ),
    "C++: the handle is made elsewhere": (
        "a.cpp",
        'struct Rows { Rows(hipModule_t m) { hipModuleGetFunction(&f, m, "row_kernel"); }\n'
        f"  void step(void** args) {{ {_CPP_LAUNCH} }}\n  hipFunction_t f; }};\n"
        "void run(Rows& rows, void** args) { rows.step(args); }",
    ),
    "Rust: the handle is made elsewhere": (
        "a.rs",
        f"{_EXTERN}struct Rows {{ f: F }}\nimpl Rows {{\n"
        '    fn new(m: &Module) -> Rows { Rows { f: m.get("row_kernel") } }\n'
        f"    fn step(&self) {{ let f = self.f; unsafe {{ {_RUST_LAUNCH} }} }}\n}}\n"
        "fn run(rows: &Rows) { rows.step(); }",
    ),
    "Rust: another library launches": ("a.rs", 'fn run(q: &Queue) { q.enqueue("row_kernel"); }'),
    "Python: what it is called on does not show": (
        "kernels/a.py",
        "from hip import hip\nclass Rows:\n    def step(self):\n"
        "        hip.hipModuleLaunchKernel(b'row_kernel')\ndef run(rows):\n    rows.step()",
    ),
}


@pytest.mark.parametrize(("path", "text"), OPEN.values(), ids=OPEN.keys())
def test_a_launch_that_cannot_be_told_is_not_denied(project: Make, path: str, text: str) -> None:
    made = project({HIP: KERNELS, path: f"{text}\n"})
    with pytest.raises(RocverifyError, match="as far as can be seen"):
        made.check("key_link", from_path=path, to_path=HIP, caller="run", callee="row_kernel")


GONE = {
    "C++: none": ("a.cpp", "void run(float* x) { x[0] = 1; }", "does not call row_kernel"),
    "C++: another one": (
        "a.cpp",
        f'{_GET}"other_kernel"); {_CPP_LAUNCH} }}',
        "nothing on the way names the kernel row_kernel",
    ),
    "C++: behind a return": (
        "a.cpp",
        "__global__ void row_kernel(float*);\nvoid run(float* x) { return; row_kernel<<<1, 64>>>(x); }",
        "can never run",
    ),
    "Rust: behind a return": (
        "a.rs",
        f'{_EXTERN}fn run(m: &Module) {{ let f = m.function("row_kernel"); return; '
        f"unsafe {{ {_RUST_LAUNCH} }} }}",
        "can never run",
    ),
    "Python: none": ("kernels/a.py", "def run(x):\n    return x", "run reaches no kernel launch"),
}


@pytest.mark.parametrize(("path", "text", "why"), GONE.values(), ids=GONE.keys())
def test_a_launch_that_is_not_there(project: Make, path: str, text: str, why: str) -> None:
    made = project({HIP: KERNELS, path: f"{text}\n"})
    outcome = made.check("key_link", from_path=path, to_path=HIP, caller="run", callee="row_kernel")
    assert outcome.verdict is CheckVerdict.FAILED
    assert why in outcome.message
