"""What an expression can stand for: functions, classes, modules, constants, as far as can be seen.

Flow-insensitive and on demand: a name stands for everything that any live statement binds to it.
What cannot be seen contributes nothing; the call graph reports such calls as unresolved.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from rocverify.code.annotations import annotated_names
from rocverify.code.externals import FIRST_ARGUMENT
from rocverify.code.liveness import walk_expression
from rocverify.code.model import (
    NOTHING,
    ClassInfo,
    ClassValue,
    ContainerValue,
    ExternalValue,
    FunctionInfo,
    FunctionValue,
    InstanceValue,
    ModuleValue,
    Value,
    Values,
)
from rocverify.code.modules import ModuleTable
from rocverify.code.scopes import Binding, ParsedModule, Scope
from rocverify.code.shapes import assignments_to, is_arm, is_property, literal_values, returned_expressions

_ELEMENT_METHODS = frozenset({"get", "pop", "popitem", "values", "items", "keys", "setdefault", "copy"})


class Resolver:
    """Evaluates expressions of the modules of a table."""

    def __init__(self, table: ModuleTable) -> None:
        self.table = table
        self._memo: dict[tuple[int, int], Values] = {}
        self._names: dict[tuple[int, str], Values] = {}
        self._returns: dict[FunctionInfo, Values] = {}
        self._keep: list[object] = []  # what the memo's ids belong to must stay alive

    # -- scopes ----------------------------------------------------------------------------------

    def scope_of(self, info: FunctionInfo) -> Scope:
        """The scope inside a function."""
        return self.module_of(info).functions[info]

    def module_of(self, item: FunctionInfo | ClassInfo) -> ParsedModule:
        return self.table.by_path(item.path)

    def package_of(self, scope: Scope) -> str:
        """The package that relative imports in a scope start from."""
        return self._module(scope).package

    # -- expressions -----------------------------------------------------------------------------

    def values(self, node: ast.expr, scope: Scope) -> Values:
        """Everything that is known that the expression can stand for."""
        key = (id(node), id(scope))
        if key not in self._memo:
            self._memo[key] = NOTHING  # a cycle contributes nothing new
            self._keep.append((node, scope))
            try:
                self._memo[key] = self._evaluate(node, scope)
            except RecursionError:
                self._memo[key] = NOTHING
        return self._memo[key]

    def _evaluate(self, node: ast.expr, scope: Scope) -> Values:
        match node:
            case ast.Constant(value=value):
                return literal_values(value)
            case ast.Name(id=name):
                return self.lookup(name, scope)
            case ast.Attribute(value=base, attr=attribute):
                return self._union(self.attribute(v, attribute) for v in self.values(base, scope))
            case ast.Call():
                return self._call(node, scope)
            case ast.Lambda():
                return frozenset({FunctionValue(self._module(scope).add_lambda(node, scope))})
            case ast.NamedExpr(value=inner) | ast.Await(value=inner) | ast.Starred(value=inner):
                return self.values(inner, scope)
            case ast.Subscript(value=base):
                return self._elements(self.values(base, scope)) | self._items(self.values(base, scope))
            case _:
                return self._evaluate_compound(node, scope)

    def _evaluate_compound(self, node: ast.expr, scope: Scope) -> Values:
        match node:
            case ast.IfExp() | ast.BoolOp():
                parts = [e for e in walk_expression(node) if is_arm(e, node)]
                return self._union(self.values(e, scope) for e in parts)
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return self._container(elements, scope)
            case ast.Dict(keys=keys, values=values):
                return self._container([*values, *(k for k in keys if k is not None)], scope)
            case ast.ListComp(elt=element) | ast.SetComp(elt=element) | ast.GeneratorExp(elt=element):
                return self._container([element], scope)
            case ast.DictComp(key=key, value=value):
                return self._container([key, value], scope)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):  # dict | dict, and unions of types
                return self.values(left, scope) | self.values(right, scope)
        return NOTHING

    def _container(self, elements: list[ast.expr], scope: Scope) -> Values:
        return frozenset({ContainerValue(self._union(self.values(e, scope) for e in elements))})

    def _elements(self, values: Values) -> Values:
        """What one gets out of containers."""
        return self._union(v.elements for v in values if isinstance(v, ContainerValue))

    def _items(self, values: Values) -> Values:
        """What `value[...]` of instances gives: what their `__getitem__` returns."""
        getters = self._union(
            self.attribute(v, "__getitem__") for v in values if isinstance(v, InstanceValue)
        )
        return self._union(self.returned(v.info) for v in getters if isinstance(v, FunctionValue))

    @staticmethod
    def _union(parts: Iterable[Values]) -> Values:
        return NOTHING.union(*parts)

    def _module(self, scope: Scope) -> ParsedModule:
        body = scope.outermost().function
        assert body is not None, "the scope of a module has its body"
        return self.table.by_path(body.path)

    # -- names -----------------------------------------------------------------------------------

    def lookup(self, name: str, scope: Scope) -> Values:
        """What a name stands for in a scope: there, in the functions around it, in the module, built in."""
        current: Scope | None = scope.elsewhere.get(name, scope)
        while current is not None:
            if name in current.bindings:
                return self._bound(current, name)
            if current.kind == "module" and (starred := self._starred(current, name)):
                return starred
            current = current.parent
            while current is not None and current.kind == "class":  # not seen from inside
                current = current.parent
        return frozenset({ExternalValue(f"builtins.{name}")})

    def _starred(self, scope: Scope, name: str) -> Values:
        if name.startswith("_"):
            return NOTHING
        # a star import from outside the project could give any name, so it gives none
        inside = (star for star in scope.stars if self.table.has(star))
        return self._union(self.module_attribute(star, name) for star in inside)

    def _bound(self, scope: Scope, name: str) -> Values:
        self_values = self._implicit_first(scope, name)
        return self_values | self._union(self._binding(b, scope) for b in scope.bindings[name])

    def _implicit_first(self, scope: Scope, name: str) -> Values:
        """`self` and `cls`: the first parameter of a method."""
        info = scope.function
        if info is None or info.owner is None or not info.arguments or info.arguments[0].arg != name:
            return NOTHING
        if isinstance(info.node, ast.Lambda | ast.Module):
            return NOTHING
        kinds = {ast.unparse(d) for d in info.node.decorator_list}
        owner = scope.parent.klass if scope.parent else None
        if owner is None or "staticmethod" in kinds:
            return NOTHING
        is_class = "classmethod" in kinds or info.name in ("__new__", "__init_subclass__")
        return frozenset({ClassValue(owner) if is_class else InstanceValue(owner)})

    def _binding(self, binding: Binding, scope: Scope) -> Values:
        match binding:
            case Binding(kind="def", function=FunctionInfo() as info):
                return self._decorated(info, scope)
            case Binding(kind="class", klass=ClassInfo() as klass):
                return frozenset({ClassValue(klass)})
            case Binding(kind="import", module=module, attribute=attribute):
                return self.imported(module, attribute)
            case Binding(kind="value", expr=ast.expr() as expr):
                return self.values(expr, scope)
            case Binding(kind="element", expr=ast.expr() as expr):
                return self._elements(self.values(expr, scope))
            case Binding(kind="enter", expr=ast.expr() as expr):
                return self._entered(self.values(expr, scope))
            case Binding(kind="instance", expr=ast.expr() as expr):
                return self.instances(expr, scope)
        return NOTHING

    def imported(self, module: str, attribute: str | None) -> Values:
        """What `import module` or `from module import attribute` gives."""
        if attribute is not None:
            return self.module_attribute(module, attribute)
        known = self.table.has(module)
        return frozenset({ModuleValue(module) if known else ExternalValue(module)})

    def module_attribute(self, module: str, name: str) -> Values:
        """A name in a module's namespace, followed through re-exports; else the submodule of that name."""
        if not self.table.has(module):
            return frozenset({ExternalValue(f"{module}.{name}")})
        parsed = self.table.by_name(module)
        if parsed is not None:
            if name in parsed.scope.bindings:
                return self._once(parsed.scope, name)
            if starred := self._starred(parsed.scope, name):
                return starred
        submodule = f"{module}.{name}"
        return frozenset({ModuleValue(submodule)}) if self.table.has(submodule) else NOTHING

    def _once(self, scope: Scope, name: str) -> Values:
        """A module name's values, guarded against modules that import each other's names in a ring."""
        key = (id(scope), name)
        if key not in self._names:
            self._names[key] = NOTHING
            self._names[key] = self._bound(scope, name)
        return self._names[key]

    # -- functions and classes ---------------------------------------------------------------------

    def _decorated(self, info: FunctionInfo, scope: Scope) -> Values:
        """The function, and what decorators of the project put in its place."""
        found: set[Value] = {FunctionValue(info)}
        if not isinstance(info.node, ast.Lambda | ast.Module):
            for decorator in info.node.decorator_list:
                for value in self.values(decorator, scope):
                    if isinstance(value, FunctionValue) and value.info != info:
                        found |= self.returned(value.info)
        return frozenset(found)

    def returned(self, info: FunctionInfo) -> Values:
        """What a call of the function can give: instances of its annotation, and what it returns."""
        if info not in self._returns:
            self._returns[info] = NOTHING
            scope = self.scope_of(info)
            found = self._union(self.values(e, scope) for e in returned_expressions(info))
            annotation = getattr(info.node, "returns", None)
            if annotation is not None and scope.parent is not None:
                found |= self.instances(annotation, scope.parent)
            self._returns[info] = found
        return self._returns[info]

    def _entered(self, values: Values) -> Values:
        """What `with value as name` binds: what `__enter__` returns, else the value itself."""
        found: set[Value] = set()
        for value in values:
            enters = self.attribute(value, "__enter__") if isinstance(value, InstanceValue) else NOTHING
            functions = [v.info for v in enters if isinstance(v, FunctionValue)]
            found |= self._union(self.returned(f) for f in functions) if functions else {value}
        return frozenset(found)

    def instances(self, annotation: ast.expr, scope: Scope) -> Values:
        """Instances of the project classes that an annotation names; containers of them for `list[C]`."""
        found: set[Value] = set()
        for node, contained in annotated_names(annotation):
            values = frozenset(
                InstanceValue(v.info) for v in self.values(node, scope) if isinstance(v, ClassValue)
            )
            if values:
                found |= {ContainerValue(values)} if contained else values
        return frozenset(found)

    def lineage(self, klass: ClassInfo) -> tuple[ClassInfo, ...]:
        """The class and its project bases, nearest first."""
        order: dict[ClassInfo, None] = {}

        def visit(info: ClassInfo) -> None:
            if info not in order:
                order[info] = None
                scope = self.module_of(info).classes[info].parent
                assert scope is not None, "a class stands in a scope"
                for base in info.node.bases:
                    for value in self.values(base, scope):
                        if isinstance(value, ClassValue):
                            visit(value.info)

        visit(klass)
        return tuple(order)

    def attribute(self, value: Value, name: str) -> Values:
        """`value.name`."""
        match value:
            case ModuleValue(name=module):
                return self.module_attribute(module, name)
            case ExternalValue(name=external):
                return frozenset({ExternalValue(f"{external}.{name}")})
            case ClassValue(info=info):
                return self._member(self.lineage(info), name)
            case InstanceValue(info=info, after=after):
                return self._instance_attribute(self.lineage(info)[after:], name)
        return NOTHING

    def _member(self, lineage: tuple[ClassInfo, ...], name: str) -> Values:
        for info in lineage:
            scope = self.module_of(info).classes[info]
            if name in scope.bindings:
                return self._once(scope, name)
        return NOTHING

    def _instance_attribute(self, lineage: tuple[ClassInfo, ...], name: str) -> Values:
        found: set[Value] = set()
        for value in self._member(lineage, name):
            if isinstance(value, FunctionValue) and is_property(value.info):
                found |= self.returned(value.info)
            else:
                found.add(value)
        for info in lineage:
            found |= self._assigned_on_self(info, name)
        return frozenset(found)

    def _assigned_on_self(self, klass: ClassInfo, name: str) -> Values:
        """What the methods of a class assign to `self.name`."""
        key = (id(klass.node), f"self.{name}")
        if key not in self._names:
            self._names[key] = NOTHING
            module = self.module_of(klass)
            methods = [(f, s) for f, s in module.functions.items() if s.parent is module.classes[klass]]
            self._names[key] = self._union(
                self.values(expr, scope)
                for info, scope in methods
                if info.arguments
                for expr in assignments_to(info, info.arguments[0].arg, name)
            )
        return self._names[key]

    # -- calls -------------------------------------------------------------------------------------

    def _call(self, node: ast.Call, scope: Scope) -> Values:
        if isinstance(node.func, ast.Attribute) and node.func.attr in _ELEMENT_METHODS:
            base = self.values(node.func.value, scope)
            if any(isinstance(v, ContainerValue) for v in base):
                whole = base if node.func.attr in ("values", "items", "copy") else NOTHING
                return self._elements(base) | whole
        found: set[Value] = set()
        for value in self.values(node.func, scope):
            match value:
                case FunctionValue(info=info):
                    found |= self.returned(info)
                case ClassValue(info=klass):
                    found.add(InstanceValue(klass))
                case InstanceValue():
                    for method in self.attribute(value, "__call__"):
                        if isinstance(method, FunctionValue):
                            found |= self.returned(method.info)
                case ExternalValue(name=name):
                    found |= self._external_call(name, node, scope)
        return frozenset(found)

    def _external_call(self, name: str, node: ast.Call, scope: Scope) -> Values:
        arguments = node.args
        if name in FIRST_ARGUMENT and arguments:
            return self.values(arguments[0], scope)
        match name, arguments:
            case "builtins.getattr", [base, ast.Constant(value=str(attribute)), *default]:
                found = self._union(self.attribute(v, attribute) for v in self.values(base, scope))
                return found | self._union(self.values(d, scope) for d in default)
            case (("importlib.import_module" | "builtins.__import__"), [ast.Constant(value=str(module)), *_]):
                return self.imported(module, None)
            case "typing.cast", [target, inner]:
                return self.instances(target, scope) | self.values(inner, scope)
            case "builtins.super", _:
                return self._super(scope)
            case (("builtins.zip" | "builtins.enumerate" | "builtins.map" | "itertools.chain"), _):
                return self._container(list(arguments), scope) | self._union(
                    self.values(a, scope) for a in arguments
                )
        return NOTHING

    def _super(self, scope: Scope) -> Values:
        current: Scope | None = scope
        while current is not None and current.kind != "class":
            current = current.parent
        if current is None or current.klass is None:
            return NOTHING
        return frozenset({InstanceValue(current.klass, after=True)})
