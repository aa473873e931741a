"""Values that Python source states, read from its syntax tree: nothing of the subject is imported."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path


def parse_python(path: Path) -> ast.Module | None:
    """The syntax tree, or None for a file that Python itself could not read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def constants(tree: ast.Module) -> dict[str, ast.expr]:
    """What each name of the module is assigned, the last assignment winning."""
    found: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            found |= {t.id: statement.value for t in statement.targets if isinstance(t, ast.Name)}
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found |= {statement.target.id: statement.value} if statement.value else {}
    return found


def resolve(node: ast.expr | None, names: Mapping[str, ast.expr]) -> ast.expr | None:
    """The expression that a name of the module stands for, followed through other names."""
    seen: set[str] = set()
    while isinstance(node, ast.Name) and node.id in names and node.id not in seen:
        seen.add(node.id)
        node = names[node.id]
    return node


def text_of(node: ast.expr | None, names: Mapping[str, ast.expr]) -> str | None:
    """The string that an expression is, directly or by a name; None if it is none."""
    value = resolve(node, names)
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else None


def texts_of(node: ast.expr | None, names: Mapping[str, ast.expr]) -> tuple[str, ...]:
    """A string, or the string values of a dict, in order."""
    value = resolve(node, names)
    nodes = value.values if isinstance(value, ast.Dict) else [value] if value is not None else []
    texts = (text_of(n, names) for n in nodes)
    return tuple(text for text in texts if text is not None)


def integers_of(node: ast.expr | None, names: Mapping[str, ast.expr]) -> tuple[int, ...]:
    """The integers of `choices(1, 2)`, of a tuple, or of one number; empty for anything else."""
    value = resolve(node, names)
    if isinstance(value, ast.Call):
        called = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return _integers(value.args, names) if called == "choices" else ()
    if isinstance(value, ast.Tuple | ast.List):
        return _integers(value.elts, names)
    return _integers([value], names) if value is not None else ()


def _integers(nodes: list[ast.expr], names: Mapping[str, ast.expr]) -> tuple[int, ...]:
    values = [resolve(node, names) for node in nodes]
    found = [v.value for v in values if isinstance(v, ast.Constant) and type(v.value) is int]
    return tuple(found) if len(found) == len(values) else ()


def keywords(node: ast.expr | None) -> dict[str, ast.expr]:
    """The keyword arguments of a call."""
    return {k.arg: k.value for k in node.keywords if k.arg} if isinstance(node, ast.Call) else {}


def functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Qualified name and line of the functions of a module and the methods of its classes."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield f"{node.name}.{inner.name}", inner.lineno
