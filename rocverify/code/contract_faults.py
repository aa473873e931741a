"""Contracts that cannot run, as far as their sources show it: nothing is imported.

Only classes are judged whose body says everything: no bases, nothing but plain assignments and methods, no
decorator besides @contract.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rocverify.code.contracts import contract_files, is_contract
from rocverify.code.index import CodeIndex
from rocverify.errors import SourceError

_GIVEN = frozenset({"In", "InOut", "HostIn"})
_INTEGERS = frozenset({"I8", "I16", "I32", "I64", "U8", "U16", "U32", "U64"})


@dataclass(frozen=True, slots=True)
class ContractFault:
    """What stops a contract from running. place: `path:line`; contract: the class's name."""

    place: str
    contract: str
    message: str
    hint: str


def contract_faults(index: CodeIndex, globs: tuple[str, ...]) -> Iterator[ContractFault]:
    """The faults of the contracts in the files that the globs select; of files that cannot be read, none."""
    for path in contract_files(index, globs):
        try:
            tree = index.module(path).tree
        except SourceError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and _says_everything(node):
                yield from _of_class(path, node)


def _says_everything(node: ast.ClassDef) -> bool:
    if node.bases or node.keywords or len(node.decorator_list) != 1:
        return False
    decorator = node.decorator_list[0]
    return isinstance(decorator, ast.Call) and is_contract(decorator.func) and all(map(_is_plain, node.body))


def _is_plain(statement: ast.stmt) -> bool:
    match statement:
        case ast.FunctionDef() | ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Name()]):
            return True
    return False


def _of_class(path: str, node: ast.ClassDef) -> Iterator[ContractFault]:
    values = {
        target.id: statement.value
        for statement in node.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    for name, at in _unknown_parameters(values):
        yield ContractFault(
            f"{path}:{at}",
            node.name,
            f"parameter {name!r} is not an array, a scalar or a dimension",
            f"declare it, as {name} = Scalar(F32) or in Dims(...), or correct `parameters`",
        )
    methods = {statement.name for statement in node.body if isinstance(statement, ast.FunctionDef)}
    lacking = [] if "prepare" in {*methods, *values} else list(_unprepared(values))
    if lacking:
        yield ContractFault(
            f"{path}:{values[lacking[0]].lineno}",
            node.name,
            f"prepare() must supply {', '.join(lacking)}: integers are never random",
            "write prepare(self, rng, dims), which returns a dict of NumPy arrays by name, as "
            f"{{{lacking[0]!r}: rng.integers(...)}}",
        )


def _unknown_parameters(values: Mapping[str, ast.expr]) -> Iterator[tuple[str, int]]:
    """The names in `parameters` that nothing declares, with their lines."""
    dims = values.get("dims")
    match values.get("parameters"):
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            pass
        case _:
            return
    if not (isinstance(dims, ast.Call) and _called(dims) == "Dims" and all(k.arg for k in dims.keywords)):
        return
    known = {*values, *(str(keyword.arg) for keyword in dims.keywords)}
    for element in elements:
        if (
            isinstance(element, ast.Constant)
            and isinstance(element.value, str)
            and element.value not in known
        ):
            yield element.value, element.lineno


def _unprepared(values: Mapping[str, ast.expr]) -> Iterator[str]:
    """The inputs of an integer type, whose values only `prepare` could supply."""
    for name, value in values.items():
        if not isinstance(value, ast.Call):
            continue
        called = _called(value)
        plain = called in _GIVEN and len(value.args) == 2 and _is_integer(value.args[1])
        scalar = called == "Scalar" and len(value.args) == 1 and not value.keywords
        if plain or (scalar and _is_integer(value.args[0])):
            yield name


def _is_integer(node: ast.expr) -> bool:
    return ast.unparse(node).rpartition(".")[2] in _INTEGERS


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]
