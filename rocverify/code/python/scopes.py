"""Scopes of a Python module and what binds each name in them. Dead statements bind nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from rocverify.code.languages.python import MODULE, PythonRecord, read_python
from rocverify.code.languages.python_body import lambda_name
from rocverify.code.languages.python_flow import expressions_of, live_blocks, live_statements, walk_expression
from rocverify.code.python.model import ClassInfo, FunctionInfo

BindingKind = Literal["value", "element", "enter", "instance", "import", "def", "class", "unknown"]


@dataclass(frozen=True, slots=True)
class Binding:
    """One way by which a name gets a value.

    `value`, `element` (of a container), `enter` (`with ... as`) and `instance` (of an annotation)
    carry the expression; `import` a module and perhaps a name in it; `def` and `class` what they
    define, in `scope` of its own.
    """

    kind: BindingKind
    expr: ast.expr | None = None
    module: str = ""
    attribute: str | None = None
    function: FunctionInfo | None = None
    klass: ClassInfo | None = None


UNKNOWN = Binding("unknown")


@dataclass(eq=False)
class Scope:
    """A module, class or function scope. `stars` are the modules of its `from m import *`, `elsewhere`
    the names that it declares global or nonlocal, with the scope that has them."""

    kind: Literal["module", "class", "function"]
    module: str
    qualname: str
    parent: Scope | None
    function: FunctionInfo | None = None
    klass: ClassInfo | None = None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    elsewhere: dict[str, Scope] = field(default_factory=dict)

    def bind(self, name: str, binding: Binding, *, conditional: bool) -> None:
        """Adds a binding; one that surely runs replaces those before it, except in functions."""
        scope = self.elsewhere.get(name, self)
        if scope is not self or conditional or scope.kind == "function":
            scope.bindings.setdefault(name, []).append(binding)
        else:
            scope.bindings[name] = [binding]

    def outermost(self) -> Scope:
        """The scope of the module."""
        return self if self.parent is None else self.parent.outermost()

    def enclosing(self, name: str) -> Scope:
        """The function scope around this one that binds `name`, for nonlocal."""
        scope = self.parent
        while scope is not None and scope.parent is not None:
            if scope.kind == "function" and name in scope.bindings:
                return scope
            scope = scope.parent
        return self

    def child_name(self, name: str) -> str:
        """The qualified name of what is defined in this scope under a name."""
        return f"{self.qualname}.{name}" if self.qualname else name


@dataclass(eq=False)
class ParsedModule:
    """One Python file of the project with all its scopes. `package` is what relative imports start from."""

    name: str
    path: str
    text: str
    tree: ast.Module
    package: str
    scope: Scope = field(init=False)
    functions: dict[FunctionInfo, Scope] = field(default_factory=dict)
    classes: dict[ClassInfo, Scope] = field(default_factory=dict)
    by_node: dict[int, FunctionInfo] = field(default_factory=dict)
    """The functions by the `id` of their nodes."""

    def __post_init__(self) -> None:
        body = FunctionInfo(self.name, MODULE, self.path, 1, self.tree)
        self.scope = Scope("module", self.name, "", None, function=body)
        self.add(body, self.scope)
        _Builder(self).block(self.tree.body, self.scope, conditional=False)

    @cached_property
    def record(self) -> PythonRecord:
        """What the file says by itself."""
        return read_python(self.path, self.text, self.tree)

    def add(self, info: FunctionInfo, scope: Scope) -> None:
        """Registers a function and the scope inside it."""
        self.functions[info] = scope
        self.by_node[id(info.node)] = info

    @cached_property
    def _of_records(self) -> dict[tuple[int, str], FunctionInfo]:
        records = ((record, self.by_node.get(node)) for node, record in self.record.functions.items())
        return {(record.line, record.qualified): info for record, info in records if info is not None}

    def of_record(self, line: int, qualified: str) -> FunctionInfo | None:
        """The function whose record begins on a line; None for one that can never be defined."""
        return self._of_records.get((line, qualified))

    def add_lambda(self, node: ast.Lambda, scope: Scope) -> FunctionInfo:
        """Registers a lambda that was met in `scope`."""
        name = scope.child_name(lambda_name(node))
        info = FunctionInfo(self.name, name, self.path, node.lineno, node)
        if info not in self.functions:
            inner = Scope("function", self.name, name, scope, function=info)
            self.add(info, inner)
            builder = _Builder(self)
            builder.parameters(info, inner)
            builder.inner_targets(node.body, inner)
        return info


class _Builder:
    """Fills the scopes of one module."""

    def __init__(self, module: ParsedModule) -> None:
        self._module = module

    def block(self, block: list[ast.stmt], scope: Scope, *, conditional: bool) -> None:
        for statement in live_statements(block):
            self._statement(statement, scope, conditional=conditional)
            certain = isinstance(statement, ast.With | ast.AsyncWith)
            for inner in live_blocks(statement):
                self.block(inner, scope, conditional=conditional or not certain)

    def _statement(self, node: ast.stmt, scope: Scope, *, conditional: bool) -> None:
        for expression in expressions_of(node):
            self.inner_targets(expression, scope)
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node, scope, conditional=conditional)
            case ast.ClassDef():
                self._class(node, scope, conditional=conditional)
            case ast.Import() | ast.ImportFrom():
                self._import(node, scope, conditional=conditional)
            case ast.Global(names=names):
                scope.elsewhere.update(dict.fromkeys(names, scope.outermost()))
            case ast.Nonlocal(names=names):
                scope.elsewhere.update({name: scope.enclosing(name) for name in names})
            case _:
                for name, binding in _targets_of(node):
                    scope.bind(name, binding, conditional=conditional)

    def inner_targets(self, expression: ast.expr, scope: Scope) -> None:
        """Names that expressions bind: the walrus, and the variables of comprehensions. Lambdas in them have
        scopes of their own."""
        for node in walk_expression(expression):
            if isinstance(node, ast.Lambda):
                self._module.add_lambda(node, scope)
            elif isinstance(node, ast.NamedExpr):
                scope.bind(node.target.id, Binding("value", node.value), conditional=True)
            for generator in getattr(node, "generators", ()):
                for name, binding in _spread(generator.target, generator.iter, "element"):
                    scope.bind(name, binding, conditional=True)

    def _function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope, *, conditional: bool
    ) -> None:
        owner = scope.klass.qualname if scope.kind == "class" and scope.klass else None
        module = self._module
        info = FunctionInfo(module.name, scope.child_name(node.name), module.path, node.lineno, node, owner)
        inner = Scope("function", module.name, info.qualname, scope, function=info)
        module.add(info, inner)
        self.parameters(info, inner)
        self.block(node.body, inner, conditional=False)
        accessor = any(isinstance(d, ast.Attribute) and d.attr in _ACCESSORS for d in node.decorator_list)
        scope.bind(node.name, Binding("def", function=info), conditional=conditional or accessor)

    def parameters(self, info: FunctionInfo, scope: Scope) -> None:
        """Binds the parameters: to instances of their annotations, and to their defaults."""
        assert not isinstance(info.node, ast.Module)
        spec = info.node.args
        positional = [a.arg for a in (*spec.posonlyargs, *spec.args)]
        with_default = positional[len(positional) - len(spec.defaults) :]
        defaults: dict[str, ast.expr | None] = dict(zip(with_default, spec.defaults, strict=True))
        defaults.update(zip((a.arg for a in spec.kwonlyargs), spec.kw_defaults, strict=True))
        for argument in info.arguments:
            scope.bind(argument.arg, UNKNOWN, conditional=True)
            if argument.annotation is not None:
                scope.bind(argument.arg, Binding("instance", argument.annotation), conditional=True)
            if (default := defaults.get(argument.arg)) is not None:
                scope.bind(argument.arg, Binding("value", default), conditional=True)

    def _class(self, node: ast.ClassDef, scope: Scope, *, conditional: bool) -> None:
        module = self._module
        info = ClassInfo(module.name, scope.child_name(node.name), module.path, node.lineno, node)
        inner = Scope("class", module.name, info.qualname, scope, klass=info)
        module.classes[info] = inner
        self.block(node.body, inner, conditional=False)
        scope.bind(node.name, Binding("class", klass=info), conditional=conditional)

    def _import(self, node: ast.Import | ast.ImportFrom, scope: Scope, *, conditional: bool) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                module = alias.name if alias.asname else name
                # `import a.b` after `import a.c` binds `a` again to the same package
                scope.bind(name, Binding("import", module=module), conditional=conditional)
            return
        module = absolute_module(node, self._module.package)
        for alias in node.names:
            if alias.name == "*":
                scope.stars.append(module)
            else:
                binding = Binding("import", module=module, attribute=alias.name)
                scope.bind(alias.asname or alias.name, binding, conditional=conditional)


_ACCESSORS = frozenset({"setter", "getter", "deleter", "register", "overload"})


def absolute_module(node: ast.ImportFrom, package: str) -> str:
    """The absolute dotted name of the module that a `from ... import` names."""
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    base = parts[: len(parts) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


def _targets_of(node: ast.stmt) -> Iterator[tuple[str, Binding]]:
    """The names that one statement binds by itself."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _spread(target, value, "value")
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            yield name, Binding("value", value) if value is not None else Binding("instance", annotation)
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            yield name, Binding("value", value)
        case ast.For(target=target, iter=iterable) | ast.AsyncFor(target=target, iter=iterable):
            yield from _spread(target, iterable, "element")
        case ast.With(items=items) | ast.AsyncWith(items=items):
            for item in items:
                if item.optional_vars is not None:
                    yield from _spread(item.optional_vars, item.context_expr, "enter")
        case ast.Try(handlers=handlers) | ast.TryStar(handlers=handlers):
            yield from ((h.name, UNKNOWN) for h in handlers if h.name)
        case ast.Match(cases=cases):
            yield from ((name, UNKNOWN) for case in cases for name in _captures(case.pattern))
        case ast.Delete():
            return


def _spread(target: ast.expr, value: ast.expr, kind: BindingKind) -> Iterator[tuple[str, Binding]]:
    """Binds a target that may be a tuple: element by element where the value is one of that length."""
    if isinstance(target, ast.Name):
        yield target.id, Binding(kind, value)
    elif isinstance(target, ast.Starred):
        yield from _spread(target.value, value, kind)
    elif isinstance(target, ast.Tuple | ast.List):
        inner: list[ast.expr | None] = [None] * len(target.elts)
        if kind == "value" and isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(inner):
            inner = list(value.elts)
        for element, part in zip(target.elts, inner, strict=True):
            if part is not None:
                yield from _spread(element, part, kind)
            else:  # some element of the value, whichever
                yield from _spread(element, value, "element")


def _captures(pattern: ast.pattern) -> Iterator[str]:
    for node in ast.walk(pattern):
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        if isinstance(name, str):
            yield name
