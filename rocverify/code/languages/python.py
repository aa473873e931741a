"""Python sources as records, from the syntax tree of the standard library.

What values are and whom a call means in Python, `rocverify.code.names_python` tells; these records have what
a file says by itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from rocverify.code.languages.python_body import DEAD, Body, Texts, lambda_name
from rocverify.code.languages.python_flow import dead_statements, live_statements, walk_expression
from rocverify.code.languages.python_parts import assignment, begin_of, end_of, path_of
from rocverify.code.languages.python_tree import children, identifiers, nodes
from rocverify.code.syntax import Branch, Call, Function, Import, Named, Unit, Value

MODULE = "<module>"
"""The function that stands for what a module runs when it is imported."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module


@dataclass(frozen=True)
class PythonRecord:
    """The record of a file, and which node of its tree each function and each call is."""

    unit: Unit
    functions: dict[int, Function]
    """By the `id` of their nodes."""
    _calls: dict[tuple[str, tuple[int, int]], ast.AST]

    def node(self, call: Call) -> ast.AST:
        """The node of a call: what is called, entered, iterated over, subscripted or imported."""
        return self._calls[call.kind, call.at]


def read_python(path: str, text: str, tree: ast.Module) -> PythonRecord:
    """The records of one file, whose tree this is."""
    reader = _Reader(Texts(text), {id(inner) for s in dead_statements(tree.body) for inner in nodes(s)})
    listed = declared_all(tree)
    exports = path.endswith("__init__.py") if listed is None else frozenset(listed)
    reader.block(tree.body, _Around(exported=exports))
    reader.function_body(MODULE, tree, _Around())
    functions = tuple(sorted(reader.functions.values(), key=lambda function: function.line))
    unit = Unit(path, functions, tuple(reader.imports), tuple(reader.named), identifiers=identifiers(tree))
    return PythonRecord(unit, reader.functions, reader.calls)


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

    def __init__(self, texts: Texts, dead: set[int]) -> None:
        self._texts = texts
        self._dead = dead
        self.functions: dict[int, Function] = {}
        self.calls: dict[tuple[str, tuple[int, int]], ast.AST] = {}
        self.imports: list[Import] = []
        self.named: list[Named] = []

    def _why(self, node: ast.AST) -> str:
        return DEAD if id(node) in self._dead else ""

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
                inner = [child for child in children(node) if isinstance(child, ast.stmt)]
                for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
                    inner += part.body
                queue[:0] = inner

    def _class(self, node: ast.ClassDef, around: _Around) -> None:
        bases = tuple(path_of(base)[-1] for base in node.bases if path_of(base))
        doc = ast.get_docstring(node) or ""
        owner = around.owner or "".join(around.scope[-1:])
        why, inner = self._why(node), around.inner
        self.named.append(Named(node.name, "class", node.lineno, why, owner, bases, doc=doc, inner=inner))
        inside = _Around((*around.scope, *([around.owner] if around.owner else [])), node.name, inner)
        self.block(node.body, inside)
        body = Body(self._texts, self._dead, node.name, ())
        for statement in node.body:  # which run where the class stands, in a scope of their own
            if not isinstance(statement, ast.ClassDef):
                body.read(statement, why)
        self._lambdas(body, (*inside.scope, inside.owner))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, around: _Around) -> None:
        self.function_body(node.name, node, around)
        self.block(node.body, _Around(_path_in(around, node.name), inner=True))

    def function_body(self, name: str, node: _Definition, around: _Around, why: str = "") -> None:
        """The record of a function, and those of the lambdas in it."""
        parameters = () if isinstance(node, ast.Module) else tuple(self._parameters(node.args))
        body = Body(self._texts, self._dead, around.owner, parameters)
        statements = [node.body] if isinstance(node, ast.Lambda) else node.body
        for statement in statements:
            body.read(statement, why)
        if isinstance(node, ast.Lambda):
            last = node.end_lineno or node.lineno
            text = f"return {self._texts.of(node.body)}"
            given = Branch("leave", text, node.lineno, last, begin_of(node.body), end_of(node.body))
            body.branches.append(given)
        self._lambdas(body, () if isinstance(node, ast.Module) else _path_in(around, name))
        self.calls |= body.nodes
        last = getattr(node, "end_lineno", None) or max((s.end_lineno or 1 for s in statements), default=1)
        self.functions[id(node)] = Function(
            name=name,
            owner=around.owner,
            scope=around.scope,
            line=getattr(node, "lineno", 1),
            last_line=last,
            calls=tuple(body.calls),
            dead=why or self._why(node),
            parameters=parameters,
            values=tuple(body.values),
            branches=tuple(body.branches),
            doc="" if isinstance(node, ast.Lambda) else ast.get_docstring(node) or "",
            inner=around.inner,
        )

    def _lambdas(self, body: Body, scope: tuple[str, ...]) -> None:
        for node, why in body.lambdas:
            self.function_body(lambda_name(node), node, _Around(scope, inner=True), why)

    def _parameters(self, spec: ast.arguments) -> Iterator[Value]:
        """As they are written: those behind `*` by their names only."""
        positional = [*spec.posonlyargs, *spec.args]
        missing: list[ast.expr | None] = [None] * (len(positional) - len(spec.defaults))
        for argument, default in zip(positional, [*missing, *spec.defaults], strict=True):
            yield self._parameter(argument, default)
        if spec.vararg is not None:
            yield Value(f"*{spec.vararg.arg}", "...", "", spec.vararg.lineno)
        elif spec.kwonlyargs:
            yield Value("*", "...", "", spec.kwonlyargs[0].lineno)
        for argument, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
            yield self._parameter(argument, default)
        if spec.kwarg is not None:
            yield Value(f"**{spec.kwarg.arg}", "...", "", spec.kwarg.lineno)

    def _parameter(self, argument: ast.arg, default: ast.expr | None) -> Value:
        kind, text = self._texts.of(argument.annotation), self._texts.of(default)
        return Value(argument.arg, kind, text, argument.lineno)

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
        targets, value = assignment(node)
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


def _path_in(around: _Around, name: str) -> tuple[str, ...]:
    """The parts of a function's qualified name."""
    return (*around.scope, around.owner, name) if around.owner else (*around.scope, name)
