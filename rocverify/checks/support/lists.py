"""Whether a list in one file has an item, as in "KERNELS list includes rope.hip"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from rocverify.code.definitions import toml_data, toml_entries
from rocverify.code.index import CodeIndex
from rocverify.code.languages import is_c_family, is_python, is_rust, is_toml
from rocverify.code.search import SearchResult
from rocverify.code.syntax import Named, Unit
from rocverify.records import Finding

_VALUES = frozenset({"addition", "constant", "static", "variable"})
_STRING = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")


@dataclass(frozen=True, slots=True)
class ListClaim:
    """A claim that something called `owner` lists `item`."""

    owner: str
    item: str


def check_list(index: CodeIndex, claim: ListClaim, path: str) -> str | Finding:
    """Where the item is listed, as text; a Finding if it is not.

    TOML is read as data. In Python, Rust and C++ the strings in the value of `owner` count, if the file has
    such a variable or constant, and in Python else any string. Elsewhere the item must stand in code.
    """
    if is_toml(path):
        return _in_toml(index, claim, path)
    if is_python(path) or is_rust(path) or is_c_family(path):
        values = _values(index.unit(path), claim.owner)
        if any(value.strings for value in values):
            return _in_values(index, claim, path, values)
    if is_python(path):
        return _quoted(index, claim, path)
    result = index.search_word(path, claim.item, beside="-")
    if result.code:
        return f"{claim.item} stands in code at {path}:{result.code[0].line}"
    return _missing(claim, path, result)


def _values(unit: Unit, owner: str) -> list[Named]:
    """The variables and constants of a name, and those that their values name."""
    live = [n for n in unit.named if n.kind in _VALUES and not (n.dead or n.inner)]
    found = [n for n in live if n.name == owner]
    said = {word for n in found for word in _words(n)}
    return [*found, *(n for n in live if n.name in said and n not in found)]


def _words(named: Named) -> list[str]:
    """The names in a value."""
    return re.findall(r"[A-Za-z_]\w*", _STRING.sub("", named.text))


def _in_values(index: CodeIndex, claim: ListClaim, path: str, named: Sequence[Named]) -> str | Finding:
    for text, line in (pair for one in named for pair in one.strings):
        if _is_item(text, claim.item):
            return f"{claim.owner} has {text} ({path}:{line})"
    for one in named:
        if claim.item in _words(one):
            return f"{claim.owner} names {claim.item} ({path}:{one.line})"
    return _missing(claim, path, index.search(path, claim.item))


def _quoted(index: CodeIndex, claim: ListClaim, path: str) -> str | Finding:
    """The item as a string of its own, or the end of a path."""
    pattern = rf"""["'](?:[^"'\n]*/)?{re.escape(claim.item)}["']"""
    result = index.search(path, pattern)
    if result.code:
        return f"{path} has {claim.item} ({path}:{result.code[0].line})"
    return _missing(claim, path, index.search(path, claim.item))


def _in_toml(index: CodeIndex, claim: ListClaim, path: str) -> str | Finding:
    masked = index.mask(path)
    for kind, dotted, text in toml_entries(toml_data(path, masked.text)):
        if kind == "value" and _is_item(text, claim.item):
            return f"{dotted} of {path} has {text}"
    return _missing(claim, path, index.search(path, claim.item))


def _missing(claim: ListClaim, path: str, result: SearchResult) -> Finding:
    note = f"; it stands only in a comment (line {result.comments[0].line})" if result.comments else ""
    return Finding(f"{path} does not list {claim.item}{note}", path, entity=claim.item)


def _is_item(text: str, item: str) -> bool:
    """Equal, or a path whose last parts are the item's."""
    parts, wanted = PurePosixPath(text).parts, PurePosixPath(item).parts
    return text == item or (bool(wanted) and parts[-len(wanted) :] == wanted)
