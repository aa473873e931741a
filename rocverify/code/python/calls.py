"""What calls give, as far as their targets are known."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from rocverify.code.python.externals import FIRST_ARGUMENT
from rocverify.code.python.model import (
    NOTHING,
    ClassValue,
    ContainerValue,
    ExternalValue,
    FunctionValue,
    InstanceValue,
    Value,
    Values,
    union,
)
from rocverify.code.python.scopes import Scope

if TYPE_CHECKING:
    from rocverify.code.python.resolve import Resolver


_ELEMENT_METHODS = frozenset({"get", "pop", "popitem", "values", "items", "keys", "setdefault", "copy"})


class Calls:
    """Resolves calls for a resolver, which resolves what is called."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver

    def of(self, node: ast.Call, scope: Scope) -> Values:
        """What a call may return, as values that are known."""
        if isinstance(node.func, ast.Attribute) and node.func.attr in _ELEMENT_METHODS:
            base = self._resolver.values(node.func.value, scope)
            if any(isinstance(v, ContainerValue) for v in base):
                whole = base if node.func.attr in ("values", "items", "copy") else NOTHING
                return self._resolver.elements(base) | whole
        found: set[Value] = set()
        for value in self._resolver.values(node.func, scope):
            match value:
                case FunctionValue(info=info):
                    found |= self._resolver.returned(info)
                case ClassValue(info=klass):
                    found.add(InstanceValue(klass))
                case InstanceValue():
                    for method in self._resolver.attribute(value, "__call__"):
                        if isinstance(method, FunctionValue):
                            found |= self._resolver.returned(method.info)
                case ExternalValue(name=name):
                    found |= self._external_call(name, node, scope)
        return frozenset(found)

    def _external_call(self, name: str, node: ast.Call, scope: Scope) -> Values:
        arguments = node.args
        if name in FIRST_ARGUMENT and arguments:
            return self._resolver.values(arguments[0], scope)
        match name, arguments:
            case "builtins.getattr", [base, ast.Constant(value=str(attribute)), *default]:
                found = union(
                    self._resolver.attribute(v, attribute) for v in self._resolver.values(base, scope)
                )
                return found | union(self._resolver.values(d, scope) for d in default)
            case (("importlib.import_module" | "builtins.__import__"), [ast.Constant(value=str(module)), *_]):
                return self._resolver.names.imported(module, None)
            case "typing.cast", [target, inner]:
                return self._resolver.instances(target, scope) | self._resolver.values(inner, scope)
            case "builtins.super", _:
                return self._super(scope)
            case (("builtins.zip" | "builtins.enumerate" | "builtins.map" | "itertools.chain"), _):
                return self._resolver.container(list(arguments), scope) | union(
                    self._resolver.values(a, scope) for a in arguments
                )
        return NOTHING

    def _super(self, scope: Scope) -> Values:
        current: Scope | None = scope
        while current is not None and current.kind != "class":
            current = current.parent
        if current is None or current.klass is None:
            return NOTHING
        return frozenset({InstanceValue(current.klass, after=True)})
