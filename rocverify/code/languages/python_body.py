"""What the body of a Python function does, in the order in which it runs."""

from __future__ import annotations

import ast

from rocverify.code.languages.python_branches import branches_of
from rocverify.code.languages.python_flow import live_children
from rocverify.code.languages.python_parts import (
    assignment,
    begin_of,
    end_of,
    evaluated_at,
    parts_of,
    path_of,
)
from rocverify.code.languages.python_tree import children
from rocverify.code.syntax import Branch, Call, Value

DEAD = "it can never run"

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_NOTED = (ast.stmt, ast.IfExp, ast.BoolOp, ast.Yield)
_SILENT = (ast.Name, ast.Constant, ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)
"""What calls nothing and has no parts that do."""
_CALLING = (ast.Call, ast.Attribute, ast.Subscript, ast.With, ast.AsyncWith, ast.withitem, *_COMPREHENSIONS)
"""What calls something once its parts are evaluated."""


class Texts:
    """The text of nodes, runs of blanks as one. Columns of `ast` count bytes."""

    def __init__(self, text: str) -> None:
        self._lines = text.encode("utf-8", "replace").splitlines()

    def of(self, node: ast.AST | None) -> str:
        """The source text of a node; empty where it has no place."""
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        if not first or not last or last > len(self._lines):
            return ""
        begin, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", None)
        if first == last:
            return " ".join(self._lines[first - 1][begin:end].decode("utf-8", "replace").split())
        lines = self._lines[first - 1 : last]
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][begin:]
        return " ".join(b" ".join(lines).decode("utf-8", "replace").split())


def lambda_name(node: ast.Lambda) -> str:
    """The name under which a lambda is a function."""
    return f"<lambda:{node.lineno}:{node.col_offset}>"


_Step = tuple[ast.AST, tuple[str, ...], str, bool]
"""A node that is to be read, the parts that it is in, why it can never run, and whether its own parts have
been read, so that what it calls remains to be said."""


class Body:
    """What one function's own code does; functions, lambdas and classes inside are read by themselves."""

    def __init__(self, texts: Texts, dead: set[int], owner: str, parameters: tuple[Value, ...]) -> None:
        self._texts = texts
        self._dead = dead
        self._owner = owner
        self._types = {p.name: p.type for p in parameters if p.type.isidentifier()}
        self.calls: list[Call] = []
        self.nodes: dict[tuple[str, tuple[int, int]], ast.AST] = {}
        """The nodes of the calls, by their kind and where they end."""
        self.lambdas: list[tuple[ast.Lambda, str]] = []
        """The lambdas in it, each with why it can never run."""
        self.values: list[Value] = []
        self.branches: list[Branch] = []

    def read(self, node: ast.AST, dead: str = "") -> None:
        """A node and all below it; a call after its arguments, in the order of execution."""
        stack: list[_Step] = [(node, (), dead, False)]
        loops: list[tuple[ast.AST, tuple[int, int]]] = []
        while stack:
            current, within, why, after = stack.pop()
            if after:
                self._after(current, within, why)
                continue
            why = why or (DEAD if id(current) in self._dead else "")
            if isinstance(current, _NOTED) and not why:
                while loops and begin_of(current) > loops[-1][1]:
                    loops.pop()
                self.branches += branches_of(current, self._texts.of, loops[-1][0] if loops else None)
                if isinstance(current, _LOOPS):
                    loops.append((current, end_of(current.body[-1])))
            parts = self._parts(current, within, why)
            if isinstance(current, _CALLING):
                parts.append((current, within, why, True))
            stack += reversed(parts)

    def _parts(self, node: ast.AST, within: tuple[str, ...], dead: str) -> list[_Step]:
        """What is to be read of a node, in this order."""
        if isinstance(node, _DEFINITIONS):
            if isinstance(node, ast.Lambda):
                self.lambdas.append((node, dead))
                self._add(node, (*within, _tag("closure", node, 0)), dead, "lambda", lambda_name(node))
            return [(part, within, dead, False) for part in evaluated_at(node)]
        if isinstance(node, ast.Import | ast.ImportFrom):
            self._add(node, within, dead, "import", "import")
            return []
        if isinstance(node, ast.stmt):
            self._assign(node)
        elif isinstance(node, ast.NamedExpr):
            self._bind(node.target, node.value, "", node.lineno)
        skipped = _never(node) if isinstance(node, ast.IfExp | ast.BoolOp) else ()
        called = node.func if isinstance(node, ast.Call) else None
        iterated = node.iter if isinstance(node, ast.For | ast.AsyncFor) else None
        found: list[_Step] = []
        for number, (kind, child) in enumerate(parts_of(node)):
            if isinstance(child, _SILENT):
                continue
            inner = (*within, _tag(kind, node, number)) if kind else within
            why = dead or (DEAD if skipped and id(child) in skipped else "")
            if child is called and isinstance(child, ast.Attribute):
                child = child.value
            found.append((child, inner, why, False))
        if iterated is not None:  # before the body, which follows it and the target
            begun = [number for number, step in enumerate(found) if step[0] is iterated]
            found.insert(begun[0] + 1 if begun else 0, (node, within, dead, True))
        return found

    # -- calls ---------------------------------------------------------------------------------------

    def _add(self, node: ast.AST, within: tuple[str, ...], dead: str, kind: str, name: str) -> None:
        """A call that no call expression shows, or the making of a lambda."""
        at = end_of(node)
        line = begin_of(node)[0] if kind in ("lambda", "import") else at[0]
        receiver = None if kind in ("lambda", "import") else ""
        call = Call(name, (), receiver, line, dead, kind != "lambda", within=within, kind=kind, at=at)
        self.calls.append(call)
        self.nodes[kind, at] = node

    def _after(self, node: ast.AST, within: tuple[str, ...], dead: str) -> None:
        """What a node calls, by a call expression or without one."""
        match node:
            case ast.Call():
                self._call(node, within, dead)
            case ast.Attribute(attr=name, ctx=context):
                if not isinstance(context, ast.Del):
                    self._add(node, within, dead, "set" if isinstance(context, ast.Store) else "get", name)
            case ast.Subscript(ctx=context):
                loads = isinstance(context, ast.Load)
                kind, name = ("item", "__getitem__") if loads else ("set item", "__setitem__")
                self._add(node, within, dead, kind, name)
            case ast.withitem(context_expr=inner):
                self._add(inner, within, dead, "enter", "__enter__")
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in reversed(items):
                    self._add(item.context_expr, within, dead, "exit", "__exit__")
            case ast.For(iter=over) | ast.AsyncFor(iter=over):
                self._add(over, within, dead, "iterate", "__iter__")
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for generator in node.generators:
                    self._add(generator.iter, within, dead, "iterate", "__iter__")

    def _call(self, node: ast.Call, within: tuple[str, ...], dead: str) -> None:
        arguments = [self._texts.of(a) for a in node.args]
        for keyword in node.keywords:
            text = self._texts.of(keyword.value)
            arguments.append(f"{keyword.arg}={text}" if keyword.arg else text)
        name, scope, receiver = self._named(node.func)
        method = node.func if isinstance(node.func, ast.Attribute) else None
        at = end_of(node)
        call = Call(
            name=name,
            scope=scope,
            receiver=receiver,
            line=node.func.end_lineno or node.lineno,
            dead=dead,
            arguments=tuple(arguments),
            within=within,
            at=at,
            on=self._texts.of(method.value) if method is not None else "",
        )
        self.calls.append(call)
        self.nodes["", at] = node

    def _named(self, function: ast.expr) -> tuple[str, tuple[str, ...], str | None]:
        """The name that is called, the parts before it, and the type of what a method is called on."""
        path = path_of(function)
        if len(path) == 1:
            return path[0], (), None
        if len(path) == 2 and path[0] in ("self", "cls"):
            return path[1], (), self._owner
        if path and path[0] in self._types:
            return path[-1], (), self._types[path[0]] if len(path) == 2 else ""
        if path:
            return path[-1], path[:-1], None
        return (function.attr, (), "") if isinstance(function, ast.Attribute) else ("", (), None)

    # -- values ----------------------------------------------------------------------------------------

    def _assign(self, node: ast.stmt) -> None:
        """What a statement binds: names, and members and elements of something (`self.x`)."""
        targets, value = assignment(node)
        if targets:
            annotation = self._texts.of(getattr(node, "annotation", None))
            made = path_of(value.func) if isinstance(value, ast.Call) else ()
            kind = annotation or (made[-1] if made and made[-1][:1].isupper() else "")
            for target in targets:
                if isinstance(target, ast.Name):
                    self._types[target.id] = kind
                self._bind(target, value, annotation, node.lineno)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if item.optional_vars is not None:
                    self._bind(item.optional_vars, item.context_expr, "", node.lineno)

    def _bind(self, target: ast.expr, value: ast.expr | None, kind: str, line: int) -> None:
        """`a, b = x, y` binds each to its own, and `a, b = f()` both to parts of it."""
        inner = target.elts if isinstance(target, ast.Tuple | ast.List) else None
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else None
        if inner is not None:
            whole = values is None or len(inner) != len(values)
            whole = whole or any(isinstance(e, ast.Starred) for e in (*inner, *(values or ())))
            for number, part in enumerate(inner):
                self._bind(part, value if whole or values is None else values[number], kind, line)
            return
        begin, end = (begin_of(value), end_of(value)) if value is not None else ((0, 0), (0, 0))
        elements = tuple(self._texts.of(element) for element in values or ())
        name = target.id if isinstance(target, ast.Name) else self._texts.of(target)
        self.values.append(Value(name, kind, self._texts.of(value), line, elements, begin, end))


def _never(node: ast.IfExp | ast.BoolOp) -> set[int]:
    """The parts of an expression that can never be evaluated."""
    live = {id(child) for child in live_children(node)}
    return {id(child) for child in children(node)} - live


def _tag(kind: str, around: ast.AST, number: int) -> str:
    """A name for a part of a statement or expression: of those that exclude each other, each its own."""
    apart = f".{number}" if kind in ("case", "handler") else ""
    return f"{kind}@{getattr(around, 'lineno', 0)}:{getattr(around, 'col_offset', 0)}{apart}"
