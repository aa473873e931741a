"""What of a test looks at a result: its asserts, those of its helpers, and those of the libraries for tests.

pytest reports the asserts that it has rewritten, which are those of test files. Helpers beside them are
rewritten, too. What raises by itself (`if wrong: raise`, `pytest.fail`, a program that must end with 0),
`pytest.raises`, `pytest.warns` and the `assert...` functions of unittest, NumPy, PyTorch and the like are
seen when they are entered.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

_CHECKING = re.compile(r"_?(?:assert|expect|should)|\w+_(?:close|equal|match(?:es)?)\Z")
"""Names of helpers that compare, where they stand beside the code under test."""
_RAISING = ("fail", "check_call", "check_output", "check_returncode", "raise_for_status")
_NEAR = 4
"""How many frames of a library may lie between a test and its `assert...` function."""
_LARGEST = 1_000_000


class Assertions:
    """Which code objects look at results. `root` is the project's."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[CodeType, bool] = {}

    def entered(self, frame: FrameType) -> bool:
        """Whether the function that begins with this frame looks at a result."""
        code = frame.f_code
        found = self._known.get(code)
        if found is None:
            found = self._known[code] = self._looks(code)
        return found and (self._is_own(code.co_filename) or self._asked_by_project(frame))

    def _looks(self, code: CodeType) -> bool:
        if not self._is_own(code.co_filename):
            raising = code.co_name == "__exit__" and Path(code.co_filename).parent.name == "_pytest"
            return code.co_name.startswith("assert") or raising
        path = Path(code.co_filename)
        if _is_of_tests(path.relative_to(self._root)):
            return code.co_firstlineno in _functions(path, asserting=False)
        return bool(_CHECKING.match(code.co_name)) and code.co_firstlineno in _functions(path, asserting=True)

    def _is_own(self, file: str) -> bool:
        return file.startswith(f"{self._root}/") and "site-packages" not in file

    def _asked_by_project(self, frame: FrameType) -> bool:
        caller = frame.f_back
        for _ in range(_NEAR):
            if caller is None:
                return False
            if self._is_own(caller.f_code.co_filename):
                return True
            caller = caller.f_back
        return False

    def helpers(self) -> Iterator[str]:
        """Names by which modules in folders of tests may be imported, none of them another module's."""
        for folder in (path for path in self._root.glob("*") if path.is_dir() and _is_of_tests(path / "_")):
            for path in folder.rglob("*.py"):
                parts = path.relative_to(self._root).with_suffix("").parts
                yield from {
                    name
                    for name in (parts[-1], ".".join(parts), ".".join(parts[1:]))
                    if name and name not in sys.modules and name not in sys.stdlib_module_names
                }


def is_constant(text: str) -> bool:
    """Whether an assert's condition says nothing of what ran: `True`, `1 == 1`, `(x, "words")`."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        return False
    if isinstance(node, ast.Tuple) and node.elts:
        return True
    asking = (ast.Name, ast.Call, ast.Attribute, ast.Await)
    return not any(isinstance(part, asking) for part in ast.walk(node))


def _is_of_tests(path: Path) -> bool:
    """A file of tests or in a folder of tests."""
    named = path.name.startswith(("test_", "testing")) or path.stem.endswith("_test")
    named = named or path.name == "conftest.py"
    return named or any(part in ("tests", "test", "testing") for part in path.parts[:-1])


@cache
def _functions(path: Path, *, asserting: bool) -> frozenset[int]:
    """The first lines of the functions that raise by themselves, or, asserting, by an assert."""
    try:
        if path.stat().st_size > _LARGEST:
            return frozenset()
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _raises(node.body, asserting):
            found.add(min([node.lineno, *(one.lineno for one in node.decorator_list)]))
    return frozenset(found)


def _raises(body: list[ast.stmt], asserting: bool) -> bool:
    return any(_is_raising(node, asserting) for statement in body for node in _own(statement))


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """A statement's parts without functions in it, and without handlers, which only raise again."""
    yield node
    for part in ast.iter_child_nodes(node):
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ExceptHandler):
            yield from _own(part)


def _is_raising(node: ast.AST, asserting: bool) -> bool:
    if isinstance(node, ast.Raise) or (asserting and isinstance(node, ast.Assert)):
        return True
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    checked = any(
        one.arg == "check" and isinstance(one.value, ast.Constant) and one.value.value is True
        for one in node.keywords
    )
    return name in _RAISING or (name == "run" and checked)
