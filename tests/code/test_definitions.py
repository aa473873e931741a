"""What files of each language define, and what only looks so."""

from __future__ import annotations

import pytest

from tests.code.conftest import MakeIndex

PYTHON = """\
'''in_docstring = 1'''
import os
from kernels.h import helper, other as renamed
CONSTANT: int = 1
first, (second, *rest) = 1, (2, 3)
# commented = 1
declared: int
if False:
    dead = 1
try:
    import numpy
except ImportError:
    fallback = 1

def function():
    local = 1
    from kernels.h import local_import as listed
    def inner(): ...
    class Local: ...

class Class:
    attribute = 1
    def method(self): ...

__all__ = ["function", "helper", "missing", "listed"]
"""


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("function", "function"),
        ("Class", "class"),
        ("Class.method", "method"),
        ("Class.attribute", "field"),
        ("CONSTANT", "variable"),
        ("second", "variable"),
        ("rest", "variable"),
        ("fallback", "variable"),
        ("helper", "re-export"),
    ],
)
def test_python_defines(project: MakeIndex, name: str, kind: str) -> None:
    definition = project({"kernels/a.py": PYTHON}).definition("kernels/a.py", name)
    assert definition is not None
    assert definition.kind == kind
    assert name.rpartition(".")[2] in PYTHON.splitlines()[definition.line - 1]


@pytest.mark.parametrize(
    "name",
    [
        *("in_docstring", "commented", "declared", "dead", "local", "os", "renamed", "missing", "method"),
        *("nope", "inner", "Local", "listed", "function.inner"),
    ],
)
def test_python_does_not_define(project: MakeIndex, name: str) -> None:
    assert project({"kernels/a.py": PYTHON}).definition("kernels/a.py", name) is None


def test_a_package_exports_what_its_init_imports(project: MakeIndex) -> None:
    index = project({"kernels/__init__.py": "from kernels.a import f\n", "kernels/a.py": "def f(): ...\n"})
    assert index.definition("kernels/__init__.py", "f") is not None


TOML = """\
# commented = "gone.hip"
[build]
flags = ["-O3"]
[[kernel]]
source = "kernels/rope.hip"
symbols = ["rope_kernel"]
"""


@pytest.mark.parametrize(
    ("name", "line"), [("build", 2), ("build.flags", 3), ("-O3", 3), ("rope_kernel", 6), ("source", 5)]
)
def test_toml_defines_keys_and_values(project: MakeIndex, name: str, line: int) -> None:
    definition = project({"a.toml": TOML}).definition("a.toml", name)
    assert definition is not None
    assert definition.line == line


@pytest.mark.parametrize("name", ["commented", "gone.hip", "rope", "kernels"])
def test_toml_does_not_define_what_is_commented_or_partial(project: MakeIndex, name: str) -> None:
    assert project({"a.toml": TOML}).definition("a.toml", name) is None


@pytest.mark.parametrize(
    ("path", "text", "name", "found"),
    [
        ("a.rs", "pub fn apply_rope_device() {}\n", "apply_rope_device", True),
        ("a.rs", "// fn apply_rope_device() {}\napply_rope_device();\n", "apply_rope_device", False),
        ("a.rs", "const KERNELS: &[&str] = &[];\n", "KERNELS", True),
        ("CMakeLists.txt", "add_library(rope rope.hip)\n", "rope", True),
        ("Makefile", "verify: test\n\tdo\nFLAGS ?= -O3\n", "verify", True),
        ("Makefile", "verify: test\n\tdo\nFLAGS ?= -O3\n", "FLAGS", True),
        ("Makefile", "# verify:\n", "verify", False),
        ("a.md", "## GPU flow\n", "GPU flow", True),
        ("a.md", "<!-- GPU flow -->\n", "GPU flow", False),
        ("a.hip", "__global__ void rope_kernel(float* x) {}\n", "rope_kernel", True),
        ("a.hip", "__global__ void rope_kernel(float* x);\n", "rope_kernel", False),
        ("a.hip", "/* __global__ void rope_kernel(float* x) {} */\n", "rope_kernel", False),
    ],
)
def test_other_languages(project: MakeIndex, path: str, text: str, name: str, found: bool) -> None:
    assert (project({path: text}).definition(path, name) is not None) is found
