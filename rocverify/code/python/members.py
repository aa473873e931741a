"""What attributes of modules, classes and instances stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.code.python.model import (
    NOTHING,
    ClassInfo,
    ClassValue,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    ModuleValue,
    Value,
    Values,
    union,
)
from rocverify.code.python.shapes import assignments_to, is_property

if TYPE_CHECKING:
    from rocverify.code.python.resolve import Resolver


class Members:
    """Resolves attributes for a resolver, which resolves what they are bound to."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[tuple[int, str], Values] = {}

    def lineage(self, klass: ClassInfo) -> tuple[ClassInfo, ...]:
        """The class and its project bases, nearest first."""
        order: dict[ClassInfo, None] = {}

        def visit(info: ClassInfo) -> None:
            if info not in order:
                order[info] = None
                scope = self._resolver.module_of(info).classes[info].parent
                assert scope is not None, "a class stands in a scope"
                for base in info.node.bases:
                    for value in self._resolver.values(base, scope):
                        if isinstance(value, ClassValue):
                            visit(value.info)

        visit(klass)
        return tuple(order)

    def attribute(self, value: Value, name: str) -> Values:
        """`value.name`."""
        match value:
            case ModuleValue(name=module):
                return self._resolver.module_attribute(module, name)
            case ExternalValue(name=external):
                return frozenset({ExternalValue(f"{external}.{name}")})
            case ClassValue(info=info):
                return self._member(self.lineage(info), name)
            case InstanceValue(info=info, after=after):
                return self._instance_attribute(self.lineage(info)[after:], name)
        return NOTHING

    def _member(self, lineage: tuple[ClassInfo, ...], name: str) -> Values:
        for info in lineage:
            scope = self._resolver.module_of(info).classes[info]
            if name in scope.bindings:
                return self._resolver.names.once(scope, name)
        return NOTHING

    def _instance_attribute(self, lineage: tuple[ClassInfo, ...], name: str) -> Values:
        found: set[Value] = set()
        for value in self._member(lineage, name):
            if isinstance(value, FunctionValue) and is_property(value.info):
                found |= self._resolver.returned(value.info)
            else:
                found.add(value)
        for info in lineage:
            found |= self._assigned_on_self(info, name)
        return frozenset(found)

    def _assigned_on_self(self, klass: ClassInfo, name: str) -> Values:
        """What the methods of a class assign to `self._resolver.name`."""
        key = (id(klass.node), f"self.{name}")
        if key not in self._known:
            self._known[key] = NOTHING
            module = self._resolver.module_of(klass)
            methods = [(f, s) for f, s in module.functions.items() if s.parent is module.classes[klass]]
            self._known[key] = union(
                self._resolver.values(expr, scope)
                for info, scope in methods
                if info.arguments
                for expr in assignments_to(info, info.arguments[0].arg, name)
            )
        return self._known[key]
