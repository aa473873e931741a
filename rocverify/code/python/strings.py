"""The texts that code can form: which kernel symbols a function's live code can name.

Constants, f-strings and sums of strings become regular expressions, the unknown parts being `\\w*`.
Follows names to the constants and tables they stand for.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product

import regex

from rocverify.code.languages.python_flow import expressions_of, walk_block, walk_expression
from rocverify.code.python.model import ContainerValue, FunctionInfo, LiteralValue, Values
from rocverify.code.python.resolve import Resolver
from rocverify.code.python.scopes import Scope

_UNKNOWN = r"\w*"
_MOST = 256
_LEAST_KNOWN = 4
"""A text must share this many characters with a pattern that has unknown parts, else it proves nothing."""


def line_forming(resolver: Resolver, info: FunctionInfo, text: str) -> int | None:
    """The line on which the live code of a function forms exactly this text; None if it does not."""
    scope = resolver.scope_of(info)
    for statement in walk_block(info.body):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring, or a string that does nothing
        for expression in expressions_of(statement):
            for node in walk_expression(expression):
                if any(_fits(pattern, text) for pattern in _texts(node, scope, resolver)):
                    return node.lineno
    return None


def _fits(pattern: str, text: str) -> bool:
    known = pattern.replace(_UNKNOWN, "").replace("\\", "")
    if _UNKNOWN in pattern and len(known) < _LEAST_KNOWN:
        return False
    return regex.fullmatch(pattern, text) is not None


def _texts(node: ast.expr, scope: Scope, resolver: Resolver) -> Iterator[str]:
    match node:
        case ast.Constant(value=str() | bytes()) | ast.Name() | ast.Attribute() | ast.Subscript():
            yield from _literals(resolver.values(node, scope), deep=isinstance(node, ast.Name))
        case ast.JoinedStr(values=parts):
            yield from _joined([_alternatives(part, scope, resolver) for part in parts])
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from _joined([_alternatives(side, scope, resolver) for side in (left, right)])
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_texts(body, scope, resolver), *_texts(orelse, scope, resolver))


def _alternatives(node: ast.expr, scope: Scope, resolver: Resolver) -> list[str]:
    inner = node.value if isinstance(node, ast.FormattedValue) else node
    return list(dict.fromkeys(_texts(inner, scope, resolver))) or [_UNKNOWN]


def _joined(parts: list[list[str]]) -> Iterator[str]:
    size = 1
    for part in parts:
        size *= len(part)
    if size > _MOST:
        parts = [part if len(part) == 1 else [_UNKNOWN] for part in parts]
    yield from ("".join(choice) for choice in product(*parts))


def _literals(values: Values, *, deep: bool) -> Iterator[str]:
    """The constants among values, as patterns; those in containers too where asked."""
    for value in values:
        match value:
            case LiteralValue(value=str(text)):
                yield regex.escape(text)
            case LiteralValue(value=bytes(raw)):
                yield regex.escape(raw.decode("latin-1"))
            case ContainerValue(elements=elements) if deep:
                yield from _literals(elements, deep=True)
