"""Element types and ranges that contract classes state, across the modules that they are spread over."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from rocverify.binding.static import constants, keywords, resolve
from rocverify.binding.vocabulary import types_in

_ARRAYS = frozenset({"In", "Out", "InOut", "HostIn", "HostOut", "Scalar"})
_CODES = frozenset(["BF16", "F16", "F32", "F64", "I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64"])


class ContractFacts:
    """What the contract modules of a project define. A base or constant is looked up by its name: first in
    its own module, then in the others."""

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        self._classes: dict[str, ast.ClassDef] = {}
        self._names: dict[str, ast.expr] = {}
        for tree in trees:
            self._names = {**constants(tree), **self._names}
            found = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
            self._classes = {**found, **self._classes}

    def dtypes(
        self, node: ast.ClassDef, symbol: ast.expr | None, own: dict[str, ast.expr]
    ) -> tuple[str, ...]:
        """The element types of a contract: the keys of its `symbol`, else those of its arrays."""
        names = {**self._names, **own}
        keys = resolve(symbol, names)
        if isinstance(keys, ast.Dict):
            found = {code for key in keys.keys if key is not None for code in _codes(key, names)}
        else:
            arrays = (value for value in self._assigned(node) if _called(value) in _ARRAYS)
            found = {code for call in arrays for code in _codes(call, names)}
        return tuple(sorted(types_in(" ".join(found))))

    def ranges(self, node: ast.ClassDef, own: dict[str, ast.expr]) -> dict[str, tuple[int, ...]]:
        """The whole numbers that each dimension's range names."""
        names = {**self._names, **own}
        dims = next(
            (value for value in self._assigned(node) if _called(resolve(value, names)) == "Dims"), None
        )
        given = keywords(resolve(dims, names))
        return {name: tuple(_integers(value, names)) for name, value in given.items()}

    def _assigned(self, node: ast.ClassDef) -> Iterator[ast.expr]:
        """What the class and its bases assign, the nearest first."""
        seen: set[str] = set()
        queue = [node]
        while queue:
            current = queue.pop(0)
            if current.name not in seen:
                seen.add(current.name)
                yield from constants(ast.Module(current.body, [])).values()
                bases = (base.id for base in current.bases if isinstance(base, ast.Name))
                queue += [self._classes[name] for name in bases if name in self._classes]


def _called(node: ast.expr | None) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _reached(node: ast.expr, names: dict[str, ast.expr], depth: int = 0) -> Iterator[ast.AST]:
    """The nodes of an expression, constants of the modules followed some levels deep."""
    for inner in ast.walk(node):
        yield inner
        if isinstance(inner, ast.Name) and inner.id in names and inner.id not in _CODES and depth < 4:
            yield from _reached(names[inner.id], names, depth + 1)


def _codes(node: ast.expr, names: dict[str, ast.expr]) -> Iterator[str]:
    for inner in _reached(node, names):
        name = inner.attr if isinstance(inner, ast.Attribute) else getattr(inner, "id", "")
        if name in _CODES:
            yield name


def _integers(node: ast.expr, names: dict[str, ast.expr]) -> Iterator[int]:
    for inner in _reached(node, names):
        if isinstance(inner, ast.Constant) and type(inner.value) is int:
            yield inner.value
