"""What the resolver of Python's names speaks of: functions, classes, and abstract values."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Module


@dataclass(frozen=True, slots=True)
class FunctionInfo:
    """A function, method, nested function, lambda or module body of the project.

    `qualname` is Python's, without `<locals>`: `Rope.apply`, `outer.inner`. `owner` is the qualified
    name of the class whose method it is.
    """

    module: str
    qualname: str
    path: str
    line: int
    node: FunctionNode = field(compare=False, repr=False)
    owner: str | None = None

    @property
    def ref(self) -> str:
        """`package.module:qualname`."""
        return f"{self.module}:{self.qualname}"

    @property
    def name(self) -> str:
        """The last part of the qualified name."""
        return self.qualname.rpartition(".")[2]

    @property
    def location(self) -> str:
        """`path:line` of the function."""
        return f"{self.path}:{self.line}"

    @property
    def body(self) -> list[ast.stmt]:
        """The statements; a lambda's expression stands as its return statement."""
        if isinstance(self.node, ast.Lambda):
            return [ast.copy_location(ast.Return(self.node.body), self.node.body)]
        return self.node.body

    @property
    def arguments(self) -> tuple[ast.arg, ...]:
        """All parameters in order: positional, keyword-only, then * and **."""
        if isinstance(self.node, ast.Module):
            return ()
        spec = self.node.args
        rest = [a for a in (spec.vararg, spec.kwarg) if a is not None]
        return (*spec.posonlyargs, *spec.args, *spec.kwonlyargs, *rest)

    @property
    def positional(self) -> tuple[str, ...]:
        """Names of the parameters that positional arguments bind, in order."""
        if isinstance(self.node, ast.Module):
            return ()
        return tuple(a.arg for a in (*self.node.args.posonlyargs, *self.node.args.args))


@dataclass(frozen=True, slots=True)
class ModuleValue:
    """A module of the project."""

    name: str


@dataclass(frozen=True, slots=True)
class FunctionValue:
    """A function of the project, bound or not."""

    info: FunctionInfo


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """A class of the project."""

    module: str
    qualname: str
    path: str
    line: int
    node: ast.ClassDef = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ClassValue:
    """A class of the project, as a value."""

    info: ClassInfo


@dataclass(frozen=True, slots=True)
class InstanceValue:
    """An instance of a project class. `after` skips the class itself in the lookup (`super()`)."""

    info: ClassInfo
    after: bool = False


@dataclass(frozen=True, slots=True)
class ExternalValue:
    """Something imported from outside the project, by its dotted name."""

    name: str


@dataclass(frozen=True, slots=True)
class LiteralValue:
    """A constant. `kind` keeps 1, 1.0 and True apart."""

    value: str | bytes | int | float | bool | None
    kind: str


@dataclass(frozen=True, slots=True)
class ContainerValue:
    """A list, tuple, set or dict that holds, among what is unknown, these values."""

    elements: frozenset[Value]


Value = (
    ModuleValue | FunctionValue | ClassValue | InstanceValue | ExternalValue | LiteralValue | ContainerValue
)
Values = frozenset[Value]
NOTHING: Values = frozenset()


def union(parts: Iterable[Values]) -> Values:
    """All of them together."""
    return NOTHING.union(*parts)
