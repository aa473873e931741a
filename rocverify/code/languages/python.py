"""Python sources as records, from the syntax tree of the standard library.

What values are and whom a call means in Python, the resolver of `rocverify.code.callgraph` tells; these
records have what a file says by itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from rocverify.code.languages.python_parts import parts_of
from rocverify.code.liveness import dead_statements, live_statements, walk_expression
from rocverify.code.python_mask import parse_python
from rocverify.code.syntax import Branch, Call, Function, Import, Named, Unit, Value

MODULE = "<module>"
"""The function that stands for what a module runs when it is imported."""

_DEAD = "it can never run"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_OWN = (*_FUNCTIONS, ast.ClassDef)


class _Texts:
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


def read_python(path: str, text: str) -> Unit:
    """The records of one file; a file that Python cannot read has none, and `broken` says 1."""
    tree = parse_python(text)
    if tree is None:
        return Unit(path, (), (), (), 1)
    reader = _Reader(_Texts(text), {id(inner) for s in dead_statements(tree.body) for inner in ast.walk(s)})
    listed = declared_all(tree)
    exports = path.endswith("__init__.py") if listed is None else frozenset(listed)
    reader.block(tree.body, _Around(exported=exports))
    reader.function_body(MODULE, tree, _Around())
    functions = tuple(sorted(reader.functions, key=lambda function: function.line))
    return Unit(path, functions, tuple(reader.imports), tuple(reader.named))


@dataclass(frozen=True, slots=True)
class _Around:
    """`exported`: the names of `__all__` or, without one, whether whatever is imported is an export."""

    scope: tuple[str, ...] = ()
    owner: str = ""
    inner: bool = False
    exported: frozenset[str] | bool = False
    types: dict[str, str] = field(default_factory=dict)


class _Reader:
    """Collects the items of a module, those of classes and functions too."""

    def __init__(self, texts: _Texts, dead: set[int]) -> None:
        self._texts = texts
        self._dead = dead
        self.functions: list[Function] = []
        self.imports: list[Import] = []
        self.named: list[Named] = []

    def _why(self, node: ast.AST) -> str:
        return _DEAD if id(node) in self._dead else ""

    def block(self, statements: list[ast.stmt], around: _Around) -> None:
        """Definitions, imports and assignments, those inside of conditionals too."""
        queue = list(statements)
        while queue:
            node = queue.pop(0)
            if isinstance(node, _FUNCTIONS):
                self._function(node, around)
            elif isinstance(node, ast.ClassDef):
                self._class(node, around)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self.imports += self._imports(node, around.exported)
            else:
                self.named += self._assigned(node, around) if not around.inner or around.owner else []
                inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
                for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                    inner += part.body
                queue[:0] = inner

    def _class(self, node: ast.ClassDef, around: _Around) -> None:
        bases = tuple(_path(base)[-1] for base in node.bases if _path(base))
        doc = ast.get_docstring(node) or ""
        owner = around.owner or "".join(around.scope[-1:])
        why, inner = self._why(node), around.inner
        self.named.append(Named(node.name, "class", node.lineno, why, owner, bases, doc=doc, inner=inner))
        scope = (*around.scope, *([around.owner] if around.owner else []))
        self.block(node.body, _Around(scope, node.name, inner))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, around: _Around) -> None:
        self.function_body(node.name, node, around)
        inner = (*around.scope, *([around.owner] if around.owner else []), node.name)
        self.block(node.body, _Around(inner, inner=True))

    def function_body(
        self, name: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Module, around: _Around
    ) -> None:
        parameters = () if isinstance(node, ast.Module) else tuple(self._parameters(node.args))
        body = _Body(self._texts, self._dead, around.owner, parameters)
        for statement in node.body:
            body.read(statement)
        last = getattr(node, "end_lineno", None) or max((s.end_lineno or 1 for s in node.body), default=1)
        made = Function(
            name=name,
            owner=around.owner,
            scope=around.scope,
            line=getattr(node, "lineno", 1),
            last_line=last,
            calls=tuple(body.calls),
            imports=tuple(body.imports),
            dead=self._why(node),
            parameters=parameters,
            values=tuple(body.values),
            branches=tuple(body.branches),
            doc=ast.get_docstring(node) or "",
            inner=around.inner,
        )
        self.functions.append(made)

    def _parameters(self, spec: ast.arguments) -> Iterator[Value]:
        positional = [*spec.posonlyargs, *spec.args]
        missing: list[ast.expr | None] = [None] * (len(positional) - len(spec.defaults))
        pairs = [*zip(positional, [*missing, *spec.defaults], strict=True)]
        pairs += zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
        for argument, default in pairs:
            yield Value(
                argument.arg, self._texts.of(argument.annotation), self._texts.of(default), argument.lineno
            )
        for rest, sign in ((spec.vararg, "*"), (spec.kwarg, "**")):
            if rest is not None:
                yield Value(sign + rest.arg, "...", "", rest.lineno)

    def _imports(
        self, node: ast.Import | ast.ImportFrom, exported: frozenset[str] | bool
    ) -> Iterator[Import]:
        why = self._why(node)
        for alias in node.names:
            if isinstance(node, ast.Import):
                parts = tuple(alias.name.split("."))
                name = alias.asname or parts[0]
                shown = exported if isinstance(exported, bool) else name in exported
                yield Import(name, parts if alias.asname else parts[:1], node.lineno, shown, why)
            else:
                parts = (*["."] * node.level, *(node.module.split(".") if node.module else ()))
                path = parts if alias.name == "*" else (*parts, alias.name)
                name = alias.asname or alias.name
                shown = exported if isinstance(exported, bool) else name in exported
                yield Import(name, path, node.lineno, shown, why)

    def _assigned(self, node: ast.stmt, around: _Around) -> Iterator[Named]:
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            made = Named(node.target.id, "addition", node.lineno, self._why(node), around.owner)
            yield replace(made, inner=around.inner, strings=_strings_in(node.value))
        targets, value = _assignment(node)
        kind = "field" if around.owner else "annotation" if value is None else "variable"
        annotation = self._texts.of(getattr(node, "annotation", None))
        why, line, inner = self._why(node), node.lineno, around.inner
        for target in targets:
            if isinstance(target, ast.Name):
                elements, text = self._elements(value), self._texts.of(value)
                made = Named(target.id, kind, line, why, around.owner, (), annotation, text, elements)
                yield replace(made, inner=inner, strings=_strings_in(value))
            elif isinstance(target, ast.Tuple | ast.List):  # each gets a part of the value
                names = (
                    n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
                )
                yield from (Named(name, kind, line, why, around.owner, inner=inner) for name in names)

    def _elements(self, value: ast.expr | None) -> tuple[str, ...]:
        inner = value.elts if isinstance(value, ast.List | ast.Tuple | ast.Set) else []
        return tuple(self._texts.of(element) for element in inner)


def _place(kind: str, around: ast.AST, number: int) -> str:
    """A name for a part of a statement or expression: of those that exclude each other, each its own."""
    apart = f".{number}" if kind in ("case", "handler") else ""
    return f"{kind}@{getattr(around, 'lineno', 0)}:{getattr(around, 'col_offset', 0)}{apart}"


def _assignment(node: ast.stmt) -> tuple[list[ast.expr], ast.expr | None]:
    match node:
        case ast.Assign(targets=targets, value=value):
            return targets, value
        case ast.AnnAssign(target=target, value=value):
            return [target], value
    name = getattr(node, "name", None)  # `type X = ...` exists from Python 3.12 on
    return ([name], getattr(node, "value", None)) if isinstance(name, ast.Name) else ([], None)


def declared_all(tree: ast.Module) -> tuple[str, ...] | None:
    """The names of `__all__`, None if the module has none; what is not a literal is left out."""
    names: list[str] = []
    found = False
    for statement in live_statements(tree.body):
        match statement:
            case ast.Assign(targets=[ast.Name(id="__all__")], value=value):
                found, names = True, _strings(value)
            case ast.AnnAssign(target=ast.Name(id="__all__"), value=ast.expr() as value):
                found, names = True, _strings(value)
            case ast.AugAssign(target=ast.Name(id="__all__"), value=value):
                found, names = True, [*names, *_strings(value)]
    return tuple(names) if found else None


def _strings_in(value: ast.expr | None) -> tuple[tuple[str, int], ...]:
    """The strings that an expression may hold, with their lines."""
    nodes = walk_expression(value) if value is not None else ()
    return tuple(
        (n.value, n.lineno) for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)
    )


def _strings(node: ast.expr) -> list[str]:
    return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def _path(node: ast.AST | None) -> tuple[str, ...]:
    """The parts of `a.b.c`; empty for anything else than names."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return (node.id, *reversed(parts)) if isinstance(node, ast.Name) else ()


class _Body:
    """What one function's own code does; functions and classes inside of it are read by themselves."""

    def __init__(self, texts: _Texts, dead: set[int], owner: str, parameters: tuple[Value, ...]) -> None:
        self._texts = texts
        self._dead = dead
        self._owner = owner
        self._types = {p.name: p.type for p in parameters if p.type.isidentifier()}
        self.calls: list[Call] = []
        self.values: list[Value] = []
        self.branches: list[Branch] = []
        self.imports: list[Import] = []

    def read(self, node: ast.AST) -> None:
        """A node and all below it; a call after its arguments, in the order of execution."""
        stack: list[tuple[ast.AST, bool, tuple[str, ...]]] = [(node, False, ())]
        while stack:
            current, done, within = stack.pop()
            if isinstance(current, _OWN):
                stack += [(d, False, within) for d in reversed(current.decorator_list)]
                continue
            if isinstance(current, ast.Call) and not done:
                stack.append((current, True, within))
            elif isinstance(current, ast.Call):
                self._call(current, within)
                continue
            self._note(current)
            for number, (kind, child) in reversed(list(enumerate(parts_of(current)))):
                inner = (*within, _place(kind, current, number)) if kind else within
                stack.append((child, False, inner))

    def _note(self, node: ast.AST) -> None:
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
            case ast.stmt():
                self._assign(node)

    def _assign(self, node: ast.stmt) -> None:
        targets, value = _assignment(node)
        annotation = self._texts.of(getattr(node, "annotation", None))
        made = _path(value.func) if isinstance(value, ast.Call) else ()
        kind = annotation or (made[-1] if made and made[-1][:1].isupper() else "")
        inner = value.elts if isinstance(value, ast.List | ast.Tuple) else []
        elements = tuple(self._texts.of(element) for element in inner)
        for target in targets:
            if isinstance(target, ast.Name):
                self._types[target.id] = kind
                self.values.append(Value(target.id, annotation, self._texts.of(value), node.lineno, elements))

    def _call(self, node: ast.Call, within: tuple[str, ...]) -> None:
        arguments = tuple(self._texts.of(a) for a in node.args)
        arguments += tuple(
            f"{k.arg}={self._texts.of(k.value)}" if k.arg else self._texts.of(k.value) for k in node.keywords
        )
        why = _DEAD if id(node) in self._dead else ""
        path = _path(node.func)
        line = node.func.end_lineno or node.lineno
        call = Call("", (), None, line, why, True, arguments, within=within)
        if len(path) == 1:
            self.calls.append(replace(call, name=path[0]))
        elif len(path) > 1 and path[0] in ("self", "cls") and len(path) == 2:
            self.calls.append(replace(call, name=path[1], receiver=self._owner))
        elif len(path) > 1 and path[0] in self._types:
            kind = self._types[path[0]] if len(path) == 2 else ""
            self.calls.append(replace(call, name=path[-1], receiver=kind))
        elif len(path) > 1:
            self.calls.append(replace(call, name=path[-1], scope=path[:-1]))
        elif isinstance(node.func, ast.Attribute):
            self.calls.append(replace(call, name=node.func.attr, receiver=""))
