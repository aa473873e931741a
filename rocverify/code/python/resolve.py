"""What an expression can stand for: functions, classes, modules, constants, as far as can be seen.

Flow-insensitive and on demand: a name stands for everything that any live statement binds to it.
What cannot be seen contributes nothing; the call graph reports such calls as unresolved.
"""

from __future__ import annotations

import ast

from rocverify.code.languages.python_flow import walk_expression
from rocverify.code.python.annotations import annotated_names
from rocverify.code.python.calls import Calls
from rocverify.code.python.members import Members
from rocverify.code.python.model import (
    NOTHING,
    ClassInfo,
    ClassValue,
    ContainerValue,
    FunctionInfo,
    FunctionValue,
    InstanceValue,
    Value,
    Values,
    union,
)
from rocverify.code.python.modules import ModuleTable
from rocverify.code.python.names import Names
from rocverify.code.python.scopes import ParsedModule, Scope
from rocverify.code.python.shapes import is_arm, literal_values, returned_expressions


class Resolver:
    """Evaluates expressions of the modules of a table."""

    def __init__(self, table: ModuleTable) -> None:
        self.table = table
        self._memo: dict[tuple[int, int], Values] = {}
        self.names, self.members, self._calls = Names(self), Members(self), Calls(self)
        self._returns: dict[FunctionInfo, Values] = {}
        self._keep: list[object] = []  # what the memo's ids belong to must stay alive

    # -- scopes ----------------------------------------------------------------------------------

    def scope_of(self, info: FunctionInfo) -> Scope:
        """The scope inside a function."""
        return self.module_of(info).functions[info]

    def module_of(self, item: FunctionInfo | ClassInfo) -> ParsedModule:
        """The module that defines a function or class."""
        return self.table.by_path(item.path)

    def package_of(self, scope: Scope) -> str:
        """The package that relative imports in a scope start from."""
        return self.module_around(scope).package

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
                return union(self.attribute(v, attribute) for v in self.values(base, scope))
            case ast.Call():
                return self._calls.of(node, scope)
            case ast.Lambda():
                return frozenset({FunctionValue(self.module_around(scope).add_lambda(node, scope))})
            case ast.NamedExpr(value=inner) | ast.Await(value=inner) | ast.Starred(value=inner):
                return self.values(inner, scope)
            case ast.Subscript(value=base):
                return self.elements(self.values(base, scope)) | self._items(self.values(base, scope))
            case _:
                return self._evaluate_compound(node, scope)

    def _evaluate_compound(self, node: ast.expr, scope: Scope) -> Values:
        match node:
            case ast.IfExp() | ast.BoolOp():
                parts = [e for e in walk_expression(node) if is_arm(e, node)]
                return union(self.values(e, scope) for e in parts)
            case ast.List(elts=elements) | ast.Tuple(elts=elements) | ast.Set(elts=elements):
                return self.container(elements, scope)
            case ast.Dict(keys=keys, values=values):
                return self.container([*values, *(k for k in keys if k is not None)], scope)
            case ast.ListComp(elt=element) | ast.SetComp(elt=element) | ast.GeneratorExp(elt=element):
                return self.container([element], scope)
            case ast.DictComp(key=key, value=value):
                return self.container([key, value], scope)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):  # dict | dict, and unions of types
                return self.values(left, scope) | self.values(right, scope)
        return NOTHING

    def container(self, elements: list[ast.expr], scope: Scope) -> Values:
        """A container of what these expressions stand for."""
        return frozenset({ContainerValue(union(self.values(e, scope) for e in elements))})

    def elements(self, values: Values) -> Values:
        """What one gets out of containers."""
        return union(v.elements for v in values if isinstance(v, ContainerValue))

    def _items(self, values: Values) -> Values:
        """What `value[...]` of instances gives: what their `__getitem__` returns."""
        getters = union(self.attribute(v, "__getitem__") for v in values if isinstance(v, InstanceValue))
        return union(self.returned(v.info) for v in getters if isinstance(v, FunctionValue))

    def module_around(self, scope: Scope) -> ParsedModule:
        """The module that a scope stands in."""
        body = scope.outermost().function
        assert body is not None, "the scope of a module has its body"
        return self.table.by_path(body.path)

    # -- functions and classes ---------------------------------------------------------------------

    def decorated(self, info: FunctionInfo, scope: Scope) -> Values:
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
            found = union(self.values(e, scope) for e in returned_expressions(info))
            annotation = getattr(info.node, "returns", None)
            if annotation is not None and scope.parent is not None:
                found |= self.instances(annotation, scope.parent)
            self._returns[info] = found
        return self._returns[info]

    def entered(self, values: Values) -> Values:
        """What `with value as name` binds: what `__enter__` returns, else the value itself."""
        found: set[Value] = set()
        for value in values:
            enters = self.attribute(value, "__enter__") if isinstance(value, InstanceValue) else NOTHING
            functions = [v.info for v in enters if isinstance(v, FunctionValue)]
            found |= union(self.returned(f) for f in functions) if functions else {value}
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

    # -- names and members, which are resolved beside it --------------------------------------------

    def lookup(self, name: str, scope: Scope) -> Values:
        """What a name stands for in a scope: there, in the functions around it, in the module, built in."""
        return self.names.lookup(name, scope)

    def module_attribute(self, module: str, name: str) -> Values:
        """A name in a module's namespace, followed through re-exports; else the submodule of that name."""
        return self.names.module_attribute(module, name)

    def attribute(self, value: Value, name: str) -> Values:
        """`value.name`."""
        return self.members.attribute(value, name)

    def lineage(self, klass: ClassInfo) -> tuple[ClassInfo, ...]:
        """The class and its project bases, nearest first."""
        return self.members.lineage(klass)
