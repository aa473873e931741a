"""What the body of a Python function does, in the order in which it runs."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from rocverify.code.languages.python_parts import assignment, evaluated_at, parts_of, path_of
from rocverify.code.liveness import live_children
from rocverify.code.syntax import Branch, Call, Value

DEAD = "it can never run"

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_CALLING = (ast.Call, ast.Attribute, ast.Subscript, ast.With, ast.AsyncWith, ast.withitem, *_COMPREHENSIONS)
"""What calls something once its parts are evaluated."""


class Texts:
    """The text of nodes, runs of blanks as one. Columns of `ast` count bytes."""

    def __init__(self, text: str) -> None:
        self._lines = text.encode("utf-8", "replace").splitlines()

    def of(self, node: ast.AST | None) -> str:
        first, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0)
        if not first or not last or last > len(self._lines):
            return ""
        begin, end = getattr(node, "col_offset", 0), getattr(node, "end_col_offset", None)
        lines = self._lines[first - 1 : last]
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][begin:]
        return " ".join(b" ".join(lines).decode("utf-8", "replace").split())


def lambda_name(node: ast.Lambda) -> str:
    """The name under which a lambda is a function."""
    return f"<lambda:{node.lineno}:{node.col_offset}>"


@dataclass(frozen=True, slots=True)
class _Step:
    """A node that is to be read, or (`after`) what it calls once its parts are read."""

    node: ast.AST
    within: tuple[str, ...]
    dead: str
    after: bool = False


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
        stack = [_Step(node, (), dead)]
        while stack:
            step = stack.pop()
            if step.after:
                self._after(step)
                continue
            dead = step.dead or (DEAD if id(step.node) in self._dead else "")
            parts = self._parts(replace(step, dead=dead))
            if isinstance(step.node, _CALLING):
                parts.append(_Step(step.node, step.within, dead, after=True))
            stack += reversed(parts)

    def _parts(self, step: _Step) -> list[_Step]:
        """What is to be read of a node, in this order."""
        node, within, dead = step.node, step.within, step.dead
        if isinstance(node, _DEFINITIONS):
            if isinstance(node, ast.Lambda):
                self.lambdas.append((node, dead))
                held = Call(lambda_name(node), (), None, node.lineno, dead, sure=False)
                self._add(held, "lambda", replace(step, within=(*within, _tag("closure", node, 0))))
            return [_Step(part, within, dead) for part in evaluated_at(node)]
        self._note(step)
        skipped = _never(node)
        found = []
        for number, (kind, child) in enumerate(parts_of(node)):
            called = isinstance(node, ast.Call) and child is node.func and isinstance(child, ast.Attribute)
            inner = (*within, _tag(kind, node, number)) if kind else within
            why = dead or (DEAD if id(child) in skipped else "")
            found.append(_Step(child.value if called else child, inner, why))  # type: ignore[attr-defined]
            if isinstance(node, ast.For | ast.AsyncFor) and child is node.iter:
                found.append(_Step(node, within, dead, after=True))
        return found

    # -- calls ---------------------------------------------------------------------------------------

    def _add(self, call: Call, kind: str, step: _Step, node: ast.AST | None = None) -> None:
        node = node or step.node
        at = (getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0)
        self.calls.append(replace(call, kind=kind, at=at, within=step.within))
        self.nodes[kind, at] = node

    def _after(self, step: _Step) -> None:
        """What a node calls, by a call expression or without one."""
        node = step.node
        match node:
            case ast.Call():
                self._call(node, step)
            case ast.Attribute(attr=name, ctx=context):
                self._implicit("set" if isinstance(context, ast.Store) else "get", name, node, step)
            case ast.Subscript(ctx=context):
                loads = isinstance(context, ast.Load)
                kind, name = ("item", "__getitem__") if loads else ("set item", "__setitem__")
                self._implicit(kind, name, node, step)
            case ast.withitem(context_expr=inner):
                self._implicit("enter", "__enter__", inner, step)
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in reversed(items):
                    self._implicit("exit", "__exit__", item.context_expr, step)
            case ast.For(iter=over) | ast.AsyncFor(iter=over):
                self._implicit("iterate", "__iter__", over, step)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                for generator in node.generators:
                    self._implicit("iterate", "__iter__", generator.iter, step)

    def _implicit(self, kind: str, name: str, node: ast.expr, step: _Step) -> None:
        """A call that no call expression shows. What a name deletes is neither read nor written."""
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Del):
            return
        self._add(Call(name, (), "", node.end_lineno or node.lineno, step.dead), kind, step, node)

    def _call(self, node: ast.Call, step: _Step) -> None:
        arguments = tuple(self._texts.of(a) for a in node.args)
        arguments += tuple(
            f"{k.arg}={self._texts.of(k.value)}" if k.arg else self._texts.of(k.value) for k in node.keywords
        )
        path = path_of(node.func)
        line = node.func.end_lineno or node.lineno
        call = Call("", (), None, line, step.dead, True, arguments)
        if len(path) == 1:
            call = replace(call, name=path[0])
        elif len(path) == 2 and path[0] in ("self", "cls"):
            call = replace(call, name=path[1], receiver=self._owner)
        elif len(path) > 1 and path[0] in self._types:
            call = replace(call, name=path[-1], receiver=self._types[path[0]] if len(path) == 2 else "")
        elif len(path) > 1:
            call = replace(call, name=path[-1], scope=path[:-1])
        elif isinstance(node.func, ast.Attribute):
            call = replace(call, name=node.func.attr, receiver="")
        on = self._texts.of(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        self._add(replace(call, on=on), "", step)

    # -- branches and values ---------------------------------------------------------------------------

    def _note(self, step: _Step) -> None:
        node = step.node
        line, last = getattr(node, "lineno", 0), getattr(node, "end_lineno", 0) or 0
        match node:
            case ast.If(test=test, orelse=other) | ast.IfExp(test=test, orelse=other):
                self.branches.append(Branch("if", self._texts.of(test), line, last))
                if isinstance(other, list) and other:
                    begin, end = other[0].lineno, other[-1].end_lineno or last
                    self.branches.append(Branch("else", self._texts.of(test), begin, end))
            case ast.While(test=test):
                self.branches.append(Branch("loop", self._texts.of(test), line, last))
            case ast.For(iter=over) | ast.AsyncFor(iter=over):
                self.branches.append(Branch("loop", self._texts.of(over), line, last))
            case ast.ExceptHandler(type=caught):
                self.branches.append(Branch("handler", self._texts.of(caught), line, last))
            case ast.Match(subject=subject):
                self.branches.append(Branch("match", self._texts.of(subject), line, last))
            case ast.Return():
                self.branches.append(Branch("leave", self._texts.of(node), line, last))
            case ast.Import() | ast.ImportFrom():
                self._add(Call("import", (), None, line, step.dead), "import", step)
            case ast.stmt():
                self._assign(node)

    def _assign(self, node: ast.stmt) -> None:
        targets, value = assignment(node)
        annotation = self._texts.of(getattr(node, "annotation", None))
        made = path_of(value.func) if isinstance(value, ast.Call) else ()
        kind = annotation or (made[-1] if made and made[-1][:1].isupper() else "")
        inner = value.elts if isinstance(value, ast.List | ast.Tuple) else []
        elements = tuple(self._texts.of(element) for element in inner)
        for target in targets:
            if isinstance(target, ast.Name):
                self._types[target.id] = kind
                self.values.append(Value(target.id, annotation, self._texts.of(value), node.lineno, elements))


def _never(node: ast.AST) -> set[int]:
    """The parts of an expression that can never be evaluated."""
    if not isinstance(node, ast.IfExp | ast.BoolOp):
        return set()
    live = {id(child) for child in live_children(node)}
    return {id(child) for child in ast.iter_child_nodes(node)} - live


def _tag(kind: str, around: ast.AST, number: int) -> str:
    """A name for a part of a statement or expression: of those that exclude each other, each its own."""
    apart = f".{number}" if kind in ("case", "handler") else ""
    return f"{kind}@{getattr(around, 'lineno', 0)}:{getattr(around, 'col_offset', 0)}{apart}"
