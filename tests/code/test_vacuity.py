"""Patterns that prove nothing, and code that no build compiles."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocverify.checks.context import CheckContext
from rocverify.checks.support.matching import pattern_finding
from rocverify.code.conditionals import branches, dead_lines, never_taken
from rocverify.code.index import CodeIndex
from rocverify.settings import Settings

FILES = {
    "kernels/rope.py": (
        "import os\nfrom kernels.wrap import rotate\n\n\n"
        "def apply_rope(x):\n    y = rotate(x)\n    return x\n"
    ),
    "kernels/wrap.py": "import os\n\n\ndef rotate(x):\n    return x\n",
    "kernels/other.py": "import sys\n\n\ndef other_one(x):\n    return x + 1\n",
    "kernels/last.py": "import re\n\n\ndef last_one(x):\n    return x + 2\n",
    "kernels/rope.hip": """\
        #include "pair.h"
        #ifdef NEVER
        extern "C" __global__ void never_kernel(float* x) { x[0] = 1; }
        #elif 0
        int zeroth;
        #else
        extern "C" __global__ void rope_kernel(float* x) { x[0] = 2; }
        #endif
        #if USE_FAST
        int fast_path;
        #else
        int slow_path;
        #endif
        #if defined(__gfx942__)
        int other_target;
        #endif
        """,
    "kernels/pair.h": "#define USE_FAST 1\n#ifdef UNSET\nint unset_one;\n#endif\nint pair_one;\n",
    "kernels/kernels.toml": (
        '[[kernel]]\nsource = "kernels/rope.hip"\nsymbols = ["rope_kernel"]\nenv = "ROPE"\n'
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("e", "files of any language"),
        (r"\w+\s*=", "files of any language"),
        (r"\n\s*\n", "nothing but white space"),
        ("import", "of 6 files of the project"),
        ("return x", "of 6 files of the project"),
    ],
)
def test_vacuous_patterns(root: Path, pattern: str, said: str) -> None:
    index = CodeIndex(root, Settings())
    finding = pattern_finding(index, index.search("kernels/rope.py", pattern))
    assert finding is not None
    assert "is vacuous" in finding.message
    assert said in finding.message


@pytest.mark.parametrize("pattern", ["apply_rope", r"\brotate\(", r"def \w+_rope\(", "kernels.wrap"])
def test_patterns_with_a_name_of_their_own(root: Path, pattern: str) -> None:
    index = CodeIndex(root, Settings())
    assert pattern_finding(index, index.search("kernels/rope.py", pattern)) is None


@pytest.mark.parametrize("compiled", [True, False], ids=["compiler", "evaluated"])
@pytest.mark.parametrize(
    ("path", "name", "live"),
    [
        ("kernels/rope.hip", "never_kernel", False),
        ("kernels/rope.hip", "zeroth", False),
        ("kernels/rope.hip", "rope_kernel", True),
        ("kernels/rope.hip", "fast_path", True),
        ("kernels/rope.hip", "other_target", True),
        ("kernels/pair.h", "unset_one", False),
        ("kernels/pair.h", "pair_one", True),
    ],
)
def test_code_that_no_build_compiles(root: Path, path: str, name: str, live: bool, compiled: bool) -> None:
    index = CheckContext(root, Settings(), seed=1).code if compiled else CodeIndex(root, Settings())
    result = index.search(path, name)
    assert (bool(result.code), bool(result.dead)) == (live, not live)
    finding = pattern_finding(index, result)
    assert (finding is None) == live
    if finding:
        assert "that can never run, since no build compiles it" in finding.message


def test_the_compiler_knows_values_of_macros(root: Path) -> None:
    assert CheckContext(root, Settings(), seed=1).code.search("kernels/rope.hip", "slow_path").dead
    assert CodeIndex(root, Settings()).search("kernels/rope.hip", "slow_path").code


def test_a_kernel_in_dead_code_is_not_defined(root: Path) -> None:
    index = CodeIndex(root, Settings())
    assert index.definition("kernels/rope.hip", "never_kernel") is None
    assert index.definition("kernels/rope.hip", "rope_kernel") is not None
    assert index.kernels("kernels/rope.hip") == ("rope_kernel",)


BLOCKS = st.recursive(
    st.just(["code"]),
    lambda inner: st.tuples(st.sampled_from(["0", "1"]), inner, inner).map(
        lambda t: [f"#if {t[0]}", *t[1], "#else", *t[2], "#endif"]
    ),
    max_leaves=12,
)


def expected(lines: list[str]) -> set[int]:
    """The lines of code that a preprocessor would leave out, by a stack of its own."""
    stack: list[bool] = []
    dead = set()
    for number, line in enumerate(lines, 1):
        if line.startswith("#if"):
            stack.append(line == "#if 1")
        elif line == "#else":
            stack[-1] = not stack[-1]
        elif line == "#endif":
            stack.pop()
        elif not all(stack):
            dead.add(number)
    return dead


@given(BLOCKS)
def test_nested_conditionals(lines: list[str]) -> None:
    found = branches("\n".join(lines))
    dead = dead_lines(found, never_taken(found, ()))
    assert {n for n in dead if lines[n - 1] == "code"} == expected(lines)
