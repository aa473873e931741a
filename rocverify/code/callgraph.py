"""Who calls whom, in live code, over the host sources; cycles and depth do no harm.

Edges of four kinds (`CallKind`). A proof that something happens follows the certain ones; a proof that
something never happens follows all.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from rocverify.code.externals import NEVER_CALL
from rocverify.code.liveness import expressions_of, walk_block, walk_expression
from rocverify.code.methods import Methods
from rocverify.code.model import (
    CERTAIN,
    CallKind,
    CallSite,
    ClassValue,
    ContainerValue,
    ExternalValue,
    FunctionInfo,
    FunctionValue,
    InstanceValue,
    Value,
    Values,
)
from rocverify.code.modules import ModuleTable
from rocverify.code.resolve import Resolver
from rocverify.code.scopes import Scope, absolute_module
from rocverify.code.shapes import is_property

Path = tuple[CallSite, ...]

_CONSTRUCTORS = ("__new__", "__init__", "__post_init__")


class CallGraph:
    """Call sites of functions, reachability and paths, computed on demand."""

    def __init__(self, table: ModuleTable) -> None:
        self.table = table
        self.resolver = Resolver(table)
        self._sites: dict[FunctionInfo, tuple[CallSite, ...]] = {}
        self._methods = Methods(self.resolver)

    def sites(self, info: FunctionInfo) -> tuple[CallSite, ...]:
        """The calls that the live code of a function makes, in evaluation order."""
        if info not in self._sites:
            found = dict.fromkeys(self._find_sites(info, info.body))
            self._sites[info] = tuple(found)
        return self._sites[info]

    def sites_in(self, info: FunctionInfo, statement: ast.stmt) -> Iterator[CallSite]:
        """The calls inside one statement of a function, those of its inner blocks included."""
        yield from self._find_sites(info, [statement])

    def sites_of(self, info: FunctionInfo, expression: ast.expr) -> list[CallSite]:
        """The calls inside one expression of a function."""
        scope = self.resolver.scope_of(info)
        return [s for node in walk_expression(expression) for s in self._sites_of(node, info, scope)]

    def paths(self, entry: FunctionInfo, kinds: frozenset[CallKind] = CERTAIN) -> Mapping[FunctionInfo, Path]:
        """Every function that can be reached from the entry (itself included), with a shortest path."""
        found: dict[FunctionInfo, Path] = {entry: ()}
        queue = deque([entry])
        while queue:
            current = queue.popleft()
            for site in self.sites(current):
                if site.kind in kinds and site.callee is not None and site.callee not in found:
                    found[site.callee] = (*found[current], site)
                    queue.append(site.callee)
        return found

    def reachable_sites(
        self, entry: FunctionInfo, kinds: frozenset[CallKind] = CERTAIN
    ) -> Iterator[tuple[CallSite, Path]]:
        """Every call site that can run after a call of the entry, with the path that leads to it."""
        for info, path in self.paths(entry, kinds).items():
            for site in self.sites(info):
                if site.kind in kinds:
                    yield site, (*path, site)

    def find(
        self,
        entry: FunctionInfo,
        wanted: Callable[[CallSite], bool],
        kinds: frozenset[CallKind] = CERTAIN,
    ) -> Path | None:
        """A shortest path from the entry to a call site that is wanted; None if there is none."""
        found = [path for site, path in self.reachable_sites(entry, kinds) if wanted(site)]
        return min(found, key=len, default=None)

    # -- call sites --------------------------------------------------------------------------------

    def _find_sites(self, info: FunctionInfo, block: list[ast.stmt]) -> Iterator[CallSite]:
        scope = self.resolver.scope_of(info)
        for statement in walk_block(block):
            for expression in expressions_of(statement):
                for node in walk_expression(expression):
                    yield from self._sites_of(node, info, scope)
            yield from self._implicit(statement, info, scope)

    def _sites_of(self, node: ast.expr, info: FunctionInfo, scope: Scope) -> Iterator[CallSite]:
        match node:
            case ast.Call():
                yield from self._call(node, info, scope)
            case ast.Attribute(ctx=ast.Load() | ast.Store()):
                yield from self._property(node, info, scope)
            case ast.Subscript(value=base, ctx=context):
                method = "__getitem__" if isinstance(context, ast.Load) else "__setitem__"
                yield from self._special(base, method, node, info, scope)

    def _call(self, node: ast.Call, info: FunctionInfo, scope: Scope) -> Iterator[CallSite]:
        targets = self.resolver.values(node.func, scope)
        named = [t for value in targets for t in self._targets(value)]
        for name, callee, kind in named:
            yield CallSite(info, name, info.path, node.lineno, kind, callee, node)
        if not named:
            yield from self._unresolved(node, info)
        if not all(name in NEVER_CALL for name, _, _ in named) or not named:
            yield from self._passed(node, info, scope)

    def _targets(self, value: Value) -> Iterator[tuple[str, FunctionInfo | None, CallKind]]:
        """What calling a value calls: its name, the function if it is the project's, and how surely."""
        match value:
            case FunctionValue(info=info):
                yield info.ref, info, CallKind.CALL
                yield from ((o.ref, o, CallKind.MAYBE) for o in self._methods.overrides(info))
            case ClassValue(info=klass):
                yield f"{klass.module}:{klass.qualname}", None, CallKind.CALL
                for name in _CONSTRUCTORS:
                    yield from self._method_targets(InstanceValue(klass), name)
            case InstanceValue():
                yield from self._method_targets(value, "__call__")
            case ExternalValue(name=name):
                yield name, None, CallKind.CALL

    def _method_targets(
        self, value: InstanceValue, name: str
    ) -> Iterator[tuple[str, FunctionInfo | None, CallKind]]:
        for method in self.resolver.attribute(value, name):
            if isinstance(method, FunctionValue):
                yield method.info.ref, method.info, CallKind.CALL

    def _unresolved(self, node: ast.Call, info: FunctionInfo) -> Iterator[CallSite]:
        """A call of something unknown: by its name alone, with every method of that name as a maybe."""
        match node.func:
            case ast.Attribute(attr=name):
                dotted = f"?.{name}"
                special = name.startswith("__")  # there are too many __init__ to mean one
                maybe = () if special else self._methods.named(name)
            case ast.Name(id=name):
                dotted, maybe = f"?{name}", ()
            case _:
                dotted, maybe = "?", ()
        yield CallSite(info, dotted, info.path, node.lineno, CallKind.CALL, None, node)
        for method in maybe:
            yield CallSite(info, method.ref, info.path, node.lineno, CallKind.MAYBE, method, node)

    def _passed(self, node: ast.Call, info: FunctionInfo, scope: Scope) -> Iterator[CallSite]:
        """Functions handed over as arguments: whoever gets them presumably calls them."""
        for argument in (*node.args, *(k.value for k in node.keywords)):
            for function in _functions(self.resolver.values(argument, scope)):
                line = argument.lineno
                yield CallSite(info, function.ref, info.path, line, CallKind.PASSED, function, node)

    def _property(self, node: ast.Attribute, info: FunctionInfo, scope: Scope) -> Iterator[CallSite]:
        for value in self.resolver.values(node.value, scope):
            if isinstance(value, InstanceValue):
                for function in self._accessors(value, node.attr, store=isinstance(node.ctx, ast.Store)):
                    yield CallSite(info, function.ref, info.path, node.lineno, CallKind.CALL, function, node)

    def _accessors(self, value: InstanceValue, name: str, *, store: bool) -> Iterator[FunctionInfo]:
        for klass in self.resolver.lineage(value.info)[value.after :]:
            scope = self.resolver.module_of(klass).classes[klass]
            for binding in scope.bindings.get(name, ()):
                function = binding.function
                if function is not None and (_is_setter(function) if store else is_property(function)):
                    yield function

    def _special(
        self, base: ast.expr, method: str, node: ast.expr, info: FunctionInfo, scope: Scope
    ) -> Iterator[CallSite]:
        """The special method that an operation calls on instances of project classes."""
        for value in self.resolver.values(base, scope):
            if isinstance(value, InstanceValue):
                for name, callee, kind in self._method_targets(value, method):
                    yield CallSite(info, name, info.path, node.lineno, kind, callee, node)

    def _implicit(self, statement: ast.stmt, info: FunctionInfo, scope: Scope) -> Iterator[CallSite]:
        """Calls that no call expression shows: context managers, iteration, imports."""
        match statement:
            case ast.With(items=items) | ast.AsyncWith(items=items):
                for item in items:
                    for method in ("__enter__", "__exit__"):
                        yield from self._special(item.context_expr, method, item.context_expr, info, scope)
            case ast.For(iter=iterable) | ast.AsyncFor(iter=iterable):
                for method in ("__iter__", "__next__"):
                    yield from self._special(iterable, method, iterable, info, scope)
            case ast.Import() | ast.ImportFrom() if not isinstance(info.node, ast.Module):
                yield from self._imports(statement, info, scope)

    def _imports(
        self, node: ast.Import | ast.ImportFrom, info: FunctionInfo, scope: Scope
    ) -> Iterator[CallSite]:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            module = self.resolver.package_of(scope)
            base = absolute_module(node, module)
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            parsed = self.table.by_name(name)
            if parsed is not None and (body := parsed.scope.function) is not None:
                yield CallSite(info, body.ref, info.path, node.lineno, CallKind.IMPORT, body)


def _functions(values: Values) -> Iterator[FunctionInfo]:
    """The functions among values, those in containers included."""
    for value in values:
        if isinstance(value, FunctionValue):
            yield value.info
        elif isinstance(value, ContainerValue):
            yield from _functions(value.elements)


def _is_setter(info: FunctionInfo) -> bool:
    if isinstance(info.node, ast.Lambda | ast.Module):
        return False
    return any(isinstance(d, ast.Attribute) and d.attr == "setter" for d in info.node.decorator_list)
