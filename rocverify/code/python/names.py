"""What names stand for: in scopes, in modules, through imports."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from rocverify.code.python.model import (
    NOTHING,
    ClassInfo,
    ClassValue,
    ExternalValue,
    FunctionInfo,
    InstanceValue,
    ModuleValue,
    Values,
    union,
)
from rocverify.code.python.scopes import Binding, Scope

if TYPE_CHECKING:
    from rocverify.code.python.resolve import Resolver


class Names:
    """Resolves names for a resolver, which resolves what they are bound to."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[tuple[int, str], Values] = {}

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
        inside = (star for star in scope.stars if self._resolver.table.has(star))
        return union(self.module_attribute(star, name) for star in inside)

    def _bound(self, scope: Scope, name: str) -> Values:
        self_values = self._implicit_first(scope, name)
        return self_values | union(self._binding(b, scope) for b in scope.bindings[name])

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
                return self._resolver.decorated(info, scope)
            case Binding(kind="class", klass=ClassInfo() as klass):
                return frozenset({ClassValue(klass)})
            case Binding(kind="import", module=module, attribute=attribute):
                return self.imported(module, attribute)
            case Binding(kind="value", expr=ast.expr() as expr):
                return self._resolver.values(expr, scope)
            case Binding(kind="element", expr=ast.expr() as expr):
                return self._resolver.elements(self._resolver.values(expr, scope))
            case Binding(kind="enter", expr=ast.expr() as expr):
                return self._resolver.entered(self._resolver.values(expr, scope))
            case Binding(kind="instance", expr=ast.expr() as expr):
                return self._resolver.instances(expr, scope)
        return NOTHING

    def imported(self, module: str, attribute: str | None) -> Values:
        """What `import module` or `from module import attribute` gives."""
        if attribute is not None:
            return self.module_attribute(module, attribute)
        known = self._resolver.table.has(module)
        return frozenset({ModuleValue(module) if known else ExternalValue(module)})

    def module_attribute(self, module: str, name: str) -> Values:
        """A name in a module's namespace, followed through re-exports; else the submodule of that name."""
        if not self._resolver.table.has(module):
            return frozenset({ExternalValue(f"{module}.{name}")})
        parsed = self._resolver.table.by_name(module)
        if parsed is not None:
            if name in parsed.scope.bindings:
                return self.once(parsed.scope, name)
            if starred := self._starred(parsed.scope, name):
                return starred
        submodule = f"{module}.{name}"
        return frozenset({ModuleValue(submodule)}) if self._resolver.table.has(submodule) else NOTHING

    def once(self, scope: Scope, name: str) -> Values:
        """A module name's values, guarded against modules that import each other's names in a ring."""
        key = (id(scope), name)
        if key not in self._known:
            self._known[key] = NOTHING
            self._known[key] = self._bound(scope, name)
        return self._known[key]
