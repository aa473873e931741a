"""The parts of a Python statement or expression in the order in which they run, and which may be left out."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rocverify.code.languages.python_tree import children

Part = tuple[str, ast.AST]
"""A kind (`if`, `else`, `loop`, `case`, `try`, `handler`, `closure`; empty for what always runs), a node."""


_DIVIDED = (
    *(ast.If, ast.While, ast.IfExp, ast.For, ast.AsyncFor, ast.Try, ast.TryStar, ast.With, ast.AsyncWith),
    *(ast.Match, ast.Assert, ast.BoolOp, ast.Compare, ast.AnnAssign, ast.Assign),
    *(ast.Lambda, ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp),
)
"""What has parts that run in another order than they stand in, or that may be left out."""


def parts_of(node: ast.AST) -> Iterable[Part]:
    """The nodes right below a node, as they run."""
    return _parts_of(node) if isinstance(node, _DIVIDED) else [("", child) for child in children(node)]


def _parts_of(node: ast.AST) -> Iterator[Part]:
    match node:
        case ast.If(test=test, body=body, orelse=other) | ast.While(test=test, body=body, orelse=other):
            yield "", test
            yield from _each("if" if isinstance(node, ast.If) else "loop", body)
            yield from _each("else", other)
        case ast.IfExp(test=test, body=one, orelse=another):
            yield from (("", test), ("if", one), ("else", another))
        case ast.For() | ast.AsyncFor():
            yield from (("", node.iter), ("", node.target))
            yield from _each("loop", node.body)
            yield from _each("else", node.orelse)
        case ast.Try() | ast.TryStar():
            yield from _each("try" if node.handlers else "", node.body)
            yield from _each("handler", node.handlers)
            yield from _each("else", node.orelse)
            yield from _each("", node.finalbody)
        case ast.With(items=items, body=body) | ast.AsyncWith(items=items, body=body):
            yield from _each("", items)
            yield from _each("try" if any(map(_suppresses, items)) else "", body)
        case ast.Match(subject=subject, cases=cases):
            yield "", subject
            yield from _each("case", cases)
        case ast.Assert():
            yield from _each("if", children(node))
        case ast.BoolOp(values=[first, *rest]):
            yield "", first
            yield from _each("if", rest)
        case ast.Compare(left=left, comparators=[second, *rest]):
            yield from (("", left), ("", second))
            yield from _each("if", rest)
        case ast.AnnAssign():  # what a function annotates in its body is never evaluated
            yield from (("", part) for part in (node.value, node.target) if part is not None)
            yield "closure", node.annotation
        case ast.Assign():
            yield "", node.value
            yield from _each("", (child for child in children(node) if child is not node.value))
        case _:
            yield from _others(node)


def _others(node: ast.AST) -> Iterator[Part]:
    match node:
        case ast.Lambda() | ast.GeneratorExp():
            yield from _each("closure", children(node))
        case ast.ListComp(elt=result) | ast.SetComp(elt=result):
            yield from _comprehension(node.generators, [result])
        case ast.DictComp():
            yield from _comprehension(node.generators, [node.key, node.value])
        case _:
            yield from _each("", children(node))


def _comprehension(generators: list[ast.comprehension], results: list[ast.expr]) -> Iterator[Part]:
    for number, generator in enumerate(generators):
        yield "loop" if number else "", generator.iter
        yield from _each("loop", generator.ifs)
    yield from _each("loop", results)


def _each(kind: str, nodes: Iterable[ast.AST]) -> Iterator[Part]:
    return ((kind, node) for node in nodes)


def _suppresses(item: ast.withitem) -> bool:
    """Whether a context manager lets errors vanish, by its name."""
    called = item.context_expr.func if isinstance(item.context_expr, ast.Call) else item.context_expr
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("raises",) or "suppress" in name


def begin_of(node: ast.AST) -> tuple[int, int]:
    """Where a node begins: line and column in bytes."""
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def end_of(node: ast.AST) -> tuple[int, int]:
    """Where it ends. Of the nodes of one kind each ends elsewhere."""
    return getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0


def evaluated_at(node: ast.AST) -> Iterator[ast.expr]:
    """What a definition evaluates where it stands: decorators, bases, defaults."""
    match node:
        case ast.ClassDef():
            yield from (*node.decorator_list, *node.bases, *(k.value for k in node.keywords))
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from node.decorator_list
            yield from _defaults(node.args)
        case ast.Lambda():
            yield from _defaults(node.args)


def _defaults(spec: ast.arguments) -> Iterator[ast.expr]:
    yield from spec.defaults
    yield from (default for default in spec.kw_defaults if default is not None)


def assignment(node: ast.stmt) -> tuple[list[ast.expr], ast.expr | None]:
    """The targets of an assignment and its value; no targets for any other statement."""
    match node:
        case ast.Assign(targets=targets, value=value):
            return targets, value
        case ast.AnnAssign(target=target, value=value):
            return [target], value
    name = getattr(node, "name", None)  # `type X = ...` exists from Python 3.12 on
    return ([name], getattr(node, "value", None)) if isinstance(name, ast.Name) else ([], None)


def path_of(node: ast.AST | None) -> tuple[str, ...]:
    """The parts of `a.b.c`; empty for anything else than names."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()
