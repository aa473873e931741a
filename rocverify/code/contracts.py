"""Finding the kernel contracts of a project without running them: classes decorated with @contract."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from rocverify.code.index import CodeIndex
from rocverify.code.languages.python_flow import walk_block
from rocverify.code.python.model import LiteralValue
from rocverify.code.python.scopes import ParsedModule

_DEVICE_ROLES = frozenset({"In", "Out", "InOut"})


@dataclass(frozen=True, slots=True)
class DeclaredContract:
    """A contract as its source declares it: `ref` is `module:Class`; what is no constant is None.
    `device_arrays` are the names of its In, Out and InOut arrays, inherited ones included."""

    ref: str
    wrapper: str | None
    source: str | None
    device_arrays: frozenset[str]


def declared_contracts(index: CodeIndex, globs: tuple[str, ...]) -> tuple[DeclaredContract, ...]:
    """The contracts in the files that the globs select, in order of path and line."""
    return tuple(c for path in contract_files(index, globs) for c in _in_module(index, index.module(path)))


def contract_files(index: CodeIndex, globs: tuple[str, ...]) -> list[str]:
    """The Python files that the globs select, in order of path."""
    paths = {p for glob in globs for p in index.root.glob(glob) if p.is_file() and p.suffix == ".py"}
    return sorted(p.relative_to(index.root).as_posix() for p in paths)


def _in_module(index: CodeIndex, module: ParsedModule) -> Iterator[DeclaredContract]:
    for statement in walk_block(module.tree.body):
        if not isinstance(statement, ast.ClassDef):
            continue
        for decorator in statement.decorator_list:
            if isinstance(decorator, ast.Call) and is_contract(decorator.func):
                texts = {
                    k.arg: _text(index, module, k.value)
                    for k in decorator.keywords
                    if k.arg in ("wrapper", "source")
                }
                ref = f"{module.name}:{statement.name}"
                arrays = _device_arrays(index, module, statement)
                yield DeclaredContract(ref, texts.get("wrapper"), texts.get("source"), arrays)


def _device_arrays(index: CodeIndex, module: ParsedModule, node: ast.ClassDef) -> frozenset[str]:
    resolver = index.python.resolver
    klass = next(k for k in module.classes if k.node is node)
    found: set[str] = set()
    for info in resolver.lineage(klass):
        for statement in info.node.body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=function)):
                    if ast.unparse(function).rpartition(".")[2] in _DEVICE_ROLES:
                        found.add(name)
    return frozenset(found)


def is_contract(node: ast.expr) -> bool:
    """Whether a decorator that is called is @contract."""
    return ast.unparse(node).rpartition(".")[2] == "contract"


def _text(index: CodeIndex, module: ParsedModule, node: ast.expr) -> str | None:
    """The constant that an expression stands for, if it is one string."""
    values = index.python.resolver.values(node, module.scope)
    texts = [v.value for v in values if isinstance(v, LiteralValue) and isinstance(v.value, str)]
    return texts[0] if len(texts) == 1 else None
