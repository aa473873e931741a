"""What a call in Python means: by scopes, imports, classes, and what values expressions stand for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rocverify.code.arguments import parsed
from rocverify.code.call_sites import CERTAIN, CallKind, CallSite
from rocverify.code.places import Place
from rocverify.code.python.externals import NEVER_CALL
from rocverify.code.python.methods import Methods
from rocverify.code.python.model import (
    NOTHING,
    ClassValue,
    ContainerValue,
    ExternalValue,
    FunctionInfo,
    FunctionValue,
    InstanceValue,
    LiteralValue,
    Value,
    Values,
)
from rocverify.code.python.modules import ModuleTable
from rocverify.code.python.resolve import Resolver
from rocverify.code.python.scopes import Scope, absolute_module
from rocverify.code.python.shapes import is_property
from rocverify.code.python.strings import line_forming
from rocverify.code.syntax import Call

_CONSTRUCTORS = ("__new__", "__init__", "__post_init__")
_TOGETHER = frozenset({*_CONSTRUCTORS, "__iter__", "__next__"})
"""Methods of which one call runs several."""
_SPECIAL = {
    "item": ("__getitem__",),
    "set item": ("__setitem__",),
    "enter": ("__enter__",),
    "exit": ("__exit__",),
    "iterate": ("__iter__", "__next__"),
}
_Target = tuple[str, FunctionInfo | None, CallKind]


class PythonNames:
    """Names of the Python sources of one project."""

    def __init__(self, table: ModuleTable) -> None:
        self.table = table
        self.resolver = Resolver(table)
        self._methods = Methods(self.resolver)
        self._known: dict[tuple[tuple[str, int, str], str, tuple[int, int]], tuple[CallSite, ...]] = {}

    # -- functions -----------------------------------------------------------------------------------

    def place_of(self, info: FunctionInfo) -> Place | None:
        """The record of a function; None for one that has none."""
        record = self.table.by_path(info.path).record
        function = record.functions.get(id(info.node))
        return None if function is None else Place(record.unit, function)

    def info_of(self, place: Place) -> FunctionInfo | None:
        """The function that a record is of; None for one that can never be defined."""
        return self.table.by_path(place.unit.path).of_record(*place.key[1:])

    # -- values --------------------------------------------------------------------------------------

    def values(self, text: str, place: Place) -> Values:
        """What an expression, as it is written in a function, can stand for."""
        info, node = self.info_of(place), parsed(text)
        if info is None or node is None:
            return NOTHING
        return self.resolver.values(node, self.resolver.scope_of(info))

    def worth(self, text: str, place: Place) -> frozenset[str]:
        """The numbers, texts and names of other libraries that an expression can stand for, those in
        containers included."""
        return frozenset(_written(self.values(text, place)))

    def line_forming(self, text: str, place: Place) -> int | None:
        """The line on which the live code of a function forms exactly this text; None if it does not."""
        info = self.info_of(place)
        return None if info is None else line_forming(self.resolver, info, text)

    # -- calls ---------------------------------------------------------------------------------------

    def resolved(self, call: Call, place: Place) -> list[Place]:
        """The functions that a call is sure to mean; of several that a name may stand for, none."""
        found = self._of_kind(call, place, CallKind.CALL)
        names = {place.function.name for place in found}
        return found if len(found) < 2 or names <= _TOGETHER else []

    def perhaps(self, call: Call, place: Place) -> list[Place]:
        """The functions that it may mean, and those that are handed over to what it calls."""
        sure = {one.key for one in self.resolved(call, place)}
        kinds = [kind for kind in CallKind if kind not in (CallKind.IMPORT, CallKind.DEAD)]
        return [p for kind in kinds for p in self._of_kind(call, place, kind) if p.key not in sure]

    def may_be(self, call: Call, place: Place, wanted: list[Place]) -> bool | None:
        """True for a call of one of the wanted functions, False for one that may be, None for any other."""
        asked = {one.key for one in wanted}
        if {one.key for one in self.resolved(call, place)} & asked:
            return True
        if {one.key for one in self.perhaps(call, place)} & asked:
            return False
        unknown = any(site.name.startswith("?") for site in self.sites(call, place))
        return False if unknown and any(one.function.name == call.name for one in wanted) else None

    def _of_kind(self, call: Call, place: Place, kind: CallKind) -> list[Place]:
        if call.kind == "lambda":
            return self._made(call, place) if kind is CallKind.CALL else []
        found = (site.callee for site in self.sites(call, place) if site.kind is kind)
        return list(dict.fromkeys(callee for callee in found if callee is not None))

    def _made(self, call: Call, place: Place) -> list[Place]:
        """The lambda that is made there."""
        record = self.table.by_path(place.unit.path).record
        function = record.functions.get(id(record.node(call)))
        return [] if function is None else [Place(record.unit, function)]

    def sites(self, call: Call, place: Place) -> tuple[CallSite, ...]:
        """What a call may call; what it would call, of one that can never run."""
        key = (place.key, call.kind, call.at)
        if key not in self._known:
            self._known[key] = ()  # where it asks for itself
            info = self.info_of(place)
            if info is not None:
                found = self._sites(call, info, self.resolver.scope_of(info))
                self._known[key] = tuple(
                    self._site(place, call, name, callee, CallKind.DEAD if call.dead else kind)
                    for name, callee, kind in dict.fromkeys(found)
                    if not call.dead or kind in CERTAIN
                )
        return self._known[key]

    def _site(
        self, place: Place, call: Call, name: str, callee: FunctionInfo | None, kind: CallKind
    ) -> CallSite:
        return CallSite(place, name, call, kind, None if callee is None else self.place_of(callee))

    def _sites(self, call: Call, info: FunctionInfo, scope: Scope) -> Iterator[_Target]:
        node = self.table.by_path(info.path).record.node(call)
        match call.kind, node:
            case "", ast.Call():
                yield from self._call(node, scope)
            case (("get" | "set"), ast.Attribute()):
                yield from self._property(node, scope)
            case (("item" | "set item"), ast.Subscript(value=base)):
                yield from self._special(call.kind, base, scope)
            case (("enter" | "exit" | "iterate"), ast.expr()):
                yield from self._special(call.kind, node, scope)
            case "import", (ast.Import() | ast.ImportFrom()):
                if not isinstance(info.node, ast.Module):
                    yield from self._imports(node, scope)

    def _call(self, node: ast.Call, scope: Scope) -> Iterator[_Target]:
        if isinstance(node.func, ast.Attribute):
            yield from self._property(node.func, scope)
        named = [t for value in self.resolver.values(node.func, scope) for t in self._targets(value)]
        yield from named
        if not named:
            yield from self._unresolved(node)
        if not all(name in NEVER_CALL for name, _, _ in named) or not named:
            for argument in (*node.args, *(k.value for k in node.keywords)):
                for function in _functions(self.resolver.values(argument, scope)):
                    yield function.ref, function, CallKind.PASSED

    def _targets(self, value: Value) -> Iterator[_Target]:
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

    def _method_targets(self, value: InstanceValue, name: str) -> Iterator[_Target]:
        for method in self.resolver.attribute(value, name):
            if isinstance(method, FunctionValue):
                yield method.info.ref, method.info, CallKind.CALL

    def _unresolved(self, node: ast.Call) -> Iterator[_Target]:
        """A call of something unknown: by its name alone, with every method of that name as a maybe."""
        match node.func:
            case ast.Attribute(attr=name):
                yield f"?.{name}", None, CallKind.CALL
                if not name.startswith("__"):  # there are too many __init__ to mean one
                    yield from ((m.ref, m, CallKind.MAYBE) for m in self._methods.named(name))
            case ast.Name(id=name):
                yield f"?{name}", None, CallKind.CALL
            case _:
                yield "?", None, CallKind.CALL

    def _property(self, node: ast.Attribute, scope: Scope) -> Iterator[_Target]:
        for value in self.resolver.values(node.value, scope):
            if isinstance(value, InstanceValue):
                for function in self._accessors(value, node.attr, store=isinstance(node.ctx, ast.Store)):
                    yield function.ref, function, CallKind.CALL

    def _accessors(self, value: InstanceValue, name: str, *, store: bool) -> Iterator[FunctionInfo]:
        for klass in self.resolver.lineage(value.info)[value.after :]:
            scope = self.resolver.module_of(klass).classes[klass]
            for binding in scope.bindings.get(name, ()):
                function = binding.function
                if function is not None and (_is_setter(function) if store else is_property(function)):
                    yield function

    def _special(self, kind: str, base: ast.expr, scope: Scope) -> Iterator[_Target]:
        """The special methods that an operation calls on instances of project classes."""
        for value in self.resolver.values(base, scope):
            if isinstance(value, InstanceValue):
                for method in _SPECIAL[kind]:
                    yield from self._method_targets(value, method)

    def _imports(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> Iterator[_Target]:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            base = absolute_module(node, self.resolver.package_of(scope))
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            parsed = self.table.by_name(name)
            if parsed is not None and (body := parsed.scope.function) is not None:
                yield body.ref, body, CallKind.IMPORT


def _functions(values: Values) -> Iterator[FunctionInfo]:
    """The functions among values, those in containers included."""
    for value in values:
        if isinstance(value, FunctionValue):
            yield value.info
        elif isinstance(value, ContainerValue):
            yield from _functions(value.elements)


def _written(values: Values) -> Iterator[str]:
    for value in values:
        match value:
            case ExternalValue(name=name):
                yield name
            case LiteralValue(value=held):
                yield str(held)
            case ContainerValue(elements=elements):
                yield from _written(elements)


def _is_setter(info: FunctionInfo) -> bool:
    if isinstance(info.node, ast.Lambda | ast.Module):
        return False
    return any(isinstance(d, ast.Attribute) and d.attr == "setter" for d in info.node.decorator_list)
