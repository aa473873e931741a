"""Whether a list in one file has an item, as in "KERNELS list includes rope.hip"."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from rocverify.code.definitions import toml_data, toml_entries
from rocverify.code.index import CodeIndex
from rocverify.code.languages import is_python, is_toml
from rocverify.code.liveness import expressions_of, walk_block, walk_expression
from rocverify.records import Finding


@dataclass(frozen=True, slots=True)
class ListClaim:
    """A claim that something called `owner` lists `item`."""

    owner: str
    item: str


def check_list(index: CodeIndex, claim: ListClaim, path: str) -> str | Finding:
    """Where the item is listed, as text; a Finding if it is not.

    TOML is read as data. In Python the strings in live code count, those of the variable `owner` if the
    module has one. Elsewhere the item must stand in code.
    """
    if is_toml(path):
        return _in_toml(index, claim, path)
    if is_python(path):
        return _in_python(index, claim, path)
    result = index.search_word(path, claim.item, beside="-")
    if result.code:
        return f"{claim.item} stands in code at {path}:{result.code[0].line}"
    note = f", only in a comment (line {result.comments[0].line})" if result.comments else ""
    return Finding(f"{path} does not list {claim.item}{note}", path, entity=claim.item)


def _in_toml(index: CodeIndex, claim: ListClaim, path: str) -> str | Finding:
    masked = index.mask(path)
    for kind, dotted, text in toml_entries(toml_data(path, masked.text)):
        if kind == "value" and _is_item(text, claim.item):
            return f"{dotted} of {path} has {text}"
    return _missing(index, claim, path)


def _in_python(index: CodeIndex, claim: ListClaim, path: str) -> str | Finding:
    statements = list(walk_block(index.module(path).tree.body))
    named = [s for s in statements if claim.owner in _assigned(s)]
    for statement in named or statements:
        for line, text in _strings(statement):
            if _is_item(text, claim.item):
                return f"{claim.owner if named else path} has {text} ({path}:{line})"
    return _missing(index, claim, path)


def _missing(index: CodeIndex, claim: ListClaim, path: str) -> Finding:
    result = index.search(path, claim.item)
    note = f"; it stands only in a comment (line {result.comments[0].line})" if result.comments else ""
    return Finding(f"{path} does not list {claim.item}{note}", path, entity=claim.item)


def _is_item(text: str, item: str) -> bool:
    """Equal, or a path whose last parts are the item's."""
    parts, wanted = PurePosixPath(text).parts, PurePosixPath(item).parts
    return text == item or (bool(wanted) and parts[-len(wanted) :] == wanted)


def _assigned(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.Assign(targets=targets):
            return {t.id for t in targets if isinstance(t, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.AugAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def _strings(statement: ast.stmt) -> Iterator[tuple[int, str]]:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return  # a docstring, or a string that does nothing
    for expression in expressions_of(statement):
        for node in walk_expression(expression):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.lineno, node.value
