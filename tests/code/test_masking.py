"""Comments and docstrings disappear, code stays, and nothing moves."""

from __future__ import annotations

import io
import tokenize
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.code.masking import mask

PATHS = (
    "a.py",
    "a.hip",
    "a.cu",
    "a.rs",
    "a.toml",
    "a.md",
    "a.yaml",
    "a.sh",
    "CMakeLists.txt",
    "Makefile",
    "a.xyz",
)


def code(text: str, path: str) -> str:
    return mask(text, path).code


@pytest.mark.parametrize(
    ("path", "text", "kept", "gone"),
    [
        ("a.py", "f()  # g()\n", ["f()"], ["g()"]),
        ("a.py", '"""g()"""\nf()\n', ["f()"], ["g()"]),
        ("a.py", "def h():\n    '''g()'''\n    f()\n", ["f()", "def h"], ["g()"]),
        ("a.py", "class C:\n    r'g()'\n    x = 'f()'\n", ["f()"], ["g()"]),
        ("a.py", "f()\n'''\ng()\n'''\nh()\n", ["f()", "h()"], ["g()"]),
        ("a.py", "x = '# rope.hip'\n", ["# rope.hip"], []),
        ("a.py", "def f(): 'g()'; h()\n", ["h()"], ["g()"]),
        ("a.py", "x: 'g()' = 1\n", ["g()"], []),
        ("a.py", "x = ('rope' 'hip')  # c\n", ["rope", "hip"], ["# c"]),
        ("a.py", "def ü(): 'döc g()'; h()  # c\n", ["h()", "ü"], ["g()", "# c"]),
        ("a.py", "f'{g()}'\n", ["g()"], []),
        ("a.hip", "int x; // g()\n/* h()\n i() */ int y;", ["int x", "int y"], ["g()", "h()", "i()"]),
        ("a.hip", "#if 0\ng();\n#endif\nf();\n", ["f()", "g()"], []),  # dead code is no comment
        ("a.hip", '#include "rope.h"\n#define F(x) f(x) // g\n', ["rope.h", "F(x)"], ["// g"]),
        ("a.hip", '#define URL "http://f"\n', ["http://f"], []),
        ("a.hip", 'auto s = "// f()"; // g()\n', ["// f()"], ["g()"]),
        ("a.hip", "// one \\\n g()\nf();\n", ["f()"], ["g()"]),
        ("a.rs", "/// g()\nfn f() {} // h()\n//! i()\n", ["fn f()"], ["g()", "h()", "i()"]),
        (
            "a.toml",
            'a = "rope.hip" # g.hip\n# h.hip\nb = "x # y"\n',
            ["rope.hip", "x # y"],
            ["g.hip", "h.hip"],
        ),
        ("a.yaml", "a: rope # g\n", ["rope"], ["# g"]),
        ("CMakeLists.txt", "add_library(rope) # g\n", ["rope"], ["# g"]),
        ("a.sh", "#!/bin/sh\nf # g\n", ["#!/bin/sh", "f"], ["# g"]),
        ("a.md", "# rope\n<!-- g -->\ntext <!-- h\ni --> f\n", ["rope", "text", "f"], ["g", "h", "i -->"]),
        ("a.md", "```\n<!-- f -->\n```\n<!-- g -->\n", ["<!-- f -->"], ["g"]),
        ("a.md", "~~~~\n~~~\n<!-- f -->\n~~~~\n<!-- g", ["<!-- f -->"], ["g"]),
        ("a.xyz", "// rope\n# f\n", ["rope", "f"], []),
    ],
)
def test_what_is_code(path: str, text: str, kept: list[str], gone: list[str]) -> None:
    masked = code(text, path)
    assert [k for k in kept if k not in masked] == []
    assert [g for g in gone if g in masked] == []


def test_code_keeps_its_place() -> None:
    text = 'x = 1  # größe\n"""doc\nmore"""\nf(x)\n'
    masked = code(text, "a.py")
    assert masked.index("f(x)") == text.index("f(x)")
    assert masked.splitlines()[3] == "f(x)"


def test_python_that_does_not_parse_still_loses_its_comments() -> None:
    masked = code('def f(:\n    "doc"\n    g()  # h()\n', "a.py")
    assert "g()" in masked
    assert "h()" not in masked


def test_line_ends_of_other_systems_do_not_shift_anything() -> None:
    text = "a = 1  # c\r\n'''d\r\ne'''\r\nf()  # g\r\n"
    masked = code(text, "a.py")
    assert masked.index("f()") == text.index("f()")
    assert "# c" not in masked
    assert "# g" not in masked
    assert masked.count("\r\n") == text.count("\r\n")


@given(text=st.text(max_size=200), path=st.sampled_from(PATHS))
@settings(max_examples=300, deadline=None)
def test_any_text_keeps_its_length_and_lines(text: str, path: str) -> None:
    masked = code(text, path)
    assert len(masked) == len(text)
    assert [len(line) for line in masked.splitlines()] == [len(line) for line in text.splitlines()]
    assert all(m == t or (m == " " and not t.isspace()) for m, t in zip(masked, text, strict=True))


FRAGMENTS = st.sampled_from(
    (
        *("f()", "# c\n", "// c\n", "/* c */", '"s"', "'s'", '"""d"""', "'''", '"', "\\", "\n", "\r\n", "\r"),
        *("    ", "def g():", "<!--", "-->", "```\n", "#if 0\n", "#endif\n", "\f", "é", "\u2028"),
        *("x = 1", "{", "}", ";", ":"),
    )
)


@given(parts=st.lists(FRAGMENTS, max_size=25), path=st.sampled_from(PATHS))
@settings(max_examples=300, deadline=None)
def test_text_made_of_comment_marks_keeps_its_layout(parts: list[str], path: str) -> None:
    text = "".join(parts)
    masked = code(text, path)
    assert len(masked) == len(text)
    assert masked.count("\n") == text.count("\n")


@pytest.mark.parametrize("name", ["ast.py", "tokenize.py", "enum.py", "dataclasses.py", "textwrap.py"])
def test_python_means_the_same_without_its_comments(name: str) -> None:
    text = (Path(tokenize.__file__).parent / name).read_text(encoding="utf-8")
    masked = code(text, "a.py")
    comments = [
        t for t in tokenize.generate_tokens(io.StringIO(masked).readline) if t.type == tokenize.COMMENT
    ]
    assert comments == []
    names = [
        t.string for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type == tokenize.NAME
    ]
    left = [
        t.string for t in tokenize.generate_tokens(io.StringIO(masked).readline) if t.type == tokenize.NAME
    ]
    assert left == names
