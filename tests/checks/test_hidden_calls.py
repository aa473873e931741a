"""Calls that no call expression shows: by tables, fields, traits, operators, macros, names made at run time.

Each text under hidden_calls/ has a function `apply` that leads to `launch`. Whether it does so may stay
open, but it must not be denied; where nothing leads there it must be.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from rocverify.errors import RocverifyError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

Make = Callable[[Mapping[str, str]], Project]

LAUNCH_RUST = "pub fn launch(x: u32) -> u32 { x }\n"
RUST = {
    "src/lib.rs": "mod a; mod b; mod m;\n",
    "src/b.rs": LAUNCH_RUST,
    "src/m.rs": "#[macro_export] macro_rules! go { () => { $crate::b::launch(1) } }\n",
    "src/t.rs": "pub struct S;\nimpl S { pub fn h() { crate::b::launch(1); } }\n"
    "pub trait Op { fn op(&self); }\nimpl Op for S { fn op(&self) { crate::b::launch(1); } }\n",
    "src/weird.rs": "pub fn h() { crate::b::launch(1); }\n",
}
CPP = {
    "src/b.h": "#pragma once\nnamespace gpu {\nint launch(int n);\n}\n",
    "src/b.cpp": '#include "b.h"\nnamespace gpu {\nint launch(int n) { return n; }\n}\n',
}
PYTHON = {
    "kernels/__init__.py": "",
    "kernels/b.py": "def launch():\n    return 1\n",
    "kernels/c.py": "def stub(): ...\n",
}
LANGUAGES = {
    "rust": (RUST, "src/a.rs", "src/b.rs", ""),
    "cpp": (CPP, "src/a.cpp", "src/b.cpp", '#include "b.h"\n'),
    "python": (PYTHON, "kernels/a.py", "kernels/b.py", ""),
}


def cases() -> Iterator[object]:
    for language in LANGUAGES:
        text = (Path(__file__).parent / "hidden_calls" / f"{language}.txt").read_text(encoding="utf-8")
        for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
            name, _, body = part.partition("\n")
            yield pytest.param(language, body, id=f"{language}: {name}")


def verdict(make: Make, language: str, text: str) -> CheckVerdict | None:
    """What is said of the call; None where it is left open."""
    files, start, end, head = LANGUAGES[language]
    made = make({**files, start: head + text})
    try:
        return made.check("key_link", from_path=start, to_path=end, caller="apply", callee="launch").verdict
    except RocverifyError as error:
        open_ = ("as far as can be seen", "cannot be told: the macro there may do so")
        return None if any(words in str(error) for words in open_) else CheckVerdict.ERROR


@pytest.mark.parametrize(("language", "text"), list(cases()))
def test_a_hidden_call_is_not_denied(project: Make, language: str, text: str) -> None:
    assert verdict(project, language, text) in (None, CheckVerdict.PASSED)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("rust", "pub fn apply(x: u32) -> u32 {\n    x + 1\n}\n"),
        (
            "rust",
            "pub fn apply(v: &[u32]) -> usize {\n    v.iter().map(|x| x + 1).sum::<u32>() as usize\n}\n",
        ),
        (
            "rust",
            "// launch(1)\npub fn apply() {\n    // crate::b::launch(1);\n    helper();\n}\nfn helper() {}\n",
        ),
        (
            "rust",
            "struct S;\nimpl S {\n    fn go(&self) {}\n}\npub fn apply(s: S) {\n    s.go();\n}\n",
        ),
        (
            "rust",
            'pub fn apply() {\n    println!("launch");\n}\npub fn other() {\n    crate::b::launch(1);\n}\n',
        ),
        ("cpp", "int apply(int n) {\n  return n + 1;\n}\n"),
        ("cpp", "// gpu::launch(1)\nint apply(int n) {\n  /* gpu::launch(1); */\n  return n;\n}\n"),
        ("cpp", "struct S {\n  int go() { return 1; }\n};\nint apply() {\n  S s;\n  return s.go();\n}\n"),
        (
            "cpp",
            "int other() {\n  return gpu::launch(1);\n}\nint apply(const char* s) {\n  return s[0];\n}\n",
        ),
        (
            "cpp",
            "struct S {\n  int launch() { return 1; }\n};\nint apply() {\n  S s;\n  return s.launch();\n}\n",
        ),
        ("python", "def apply(x):\n    return x + 1\n"),
        (
            "python",
            "from kernels.b import launch\ndef apply(x):\n    '''launch()'''\n    return [y for y in x]\n",
        ),
        ("python", "from kernels.b import launch\ndef other():\n    launch()\ndef apply(x):\n    print(x)\n"),
        ("python", "class S:\n    def go(self):\n        return 1\ndef apply():\n    return S().go()\n"),
        ("python", "from kernels.b import launch\ndef apply(x):\n    return getattr(x, 'launch_count')\n"),
    ],
)
def test_what_is_not_called_is_denied(project: Make, language: str, text: str) -> None:
    assert verdict(project, language, text) is CheckVerdict.FAILED
