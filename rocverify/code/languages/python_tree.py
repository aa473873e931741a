"""The nodes of a Python syntax tree, without those that only say how: contexts and operators.

`ast` walks a tree by the names of all fields; of a large project that takes seconds.
"""

from __future__ import annotations

import ast
from functools import cache
from typing import Any

_NO_NODES = frozenset(
    {"ctx", "op", "ops", "id", "attr", "arg", "asname", "level", "type_comment", "type_ignores"}
)
"""Fields that hold no node, or one that says how."""


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below one, in their order."""
    found: list[ast.AST] = []
    kind: Any = type(node)
    for name in _fields(kind):
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [part for part in value if isinstance(part, ast.AST)]
    return found


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    """The fields of a class of nodes that may hold some."""
    if issubclass(kind, ast.Constant):
        return ()
    names: tuple[str, ...] = kind._fields
    return tuple(name for name in names if name not in _NO_NODES)


def nodes(top: ast.AST) -> list[ast.AST]:
    """A node and all below it, in no order that means anything."""
    found = [top]
    for node in found:  # which grows
        found += children(node)
    return found


def identifiers(tree: ast.Module) -> tuple[str, ...]:
    """Every identifier of a file, once: names, attributes, parameters, definitions, and constants that are
    names (`getattr(x, "name")`, the symbols of kernels)."""
    found: dict[str, None] = {}
    for node in nodes(tree):
        kind = type(node)
        if kind is ast.Name:
            found[node.id] = None  # type: ignore[attr-defined]
        elif kind is ast.Attribute:
            found[node.attr] = None  # type: ignore[attr-defined]
        elif kind is ast.Constant:
            text = node.value  # type: ignore[attr-defined]
            if isinstance(text, str) and text.isidentifier():
                found[text] = None
        else:
            found.update(dict.fromkeys(_names_in(node)))
    return tuple(found)


def _names_in(node: ast.AST) -> list[str]:
    match node:
        case ast.arg(arg=name) | ast.keyword(arg=str(name)):
            return [name]
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.alias(name=name, asname=asname):
            return [asname or name.partition(".")[0], name.rpartition(".")[2]]
    return []
