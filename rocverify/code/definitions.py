"""What a file defines under a name: the places that an `exports` of a plan can mean.

Python, Rust, HIP and its relatives by their syntax trees (see `syntax`), TOML as data, everything else by
the words that languages put before a name they define. Comments define nothing.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

import regex

from rocverify.code.languages import is_markdown, is_toml
from rocverify.code.languages.python_flow import live_blocks, live_statements
from rocverify.code.masking import Mask
from rocverify.code.python.scopes import ParsedModule
from rocverify.errors import SourceError

_DEFINING = (
    r"\b(?:fn|func|function|def|class|struct|enum|trait|interface|type|const|static|let|var|val|mod|module|"
    r"macro_rules!|set|option|add_executable|add_library|add_custom_target)\b[\s(]+(?:mut\s+)?"
)
_ASSIGNED = r"^\s*(?:export\s+)?{name}\s*(?::=|\?=|\+=|=|:)"


@dataclass(frozen=True, slots=True)
class Definition:
    """A name that a file defines: as what, and on which line."""

    name: str
    kind: str
    line: int


def python_deletions(module: ParsedModule) -> Iterator[tuple[str, int, bool]]:
    """The names that a module takes back (`del f`, `f = None` for a function or class): name, line, and
    whether that surely happens."""
    yield from _deleted(module.tree.body, "", sure=True)


def _deleted(block: list[ast.stmt], prefix: str, *, sure: bool) -> Iterator[tuple[str, int, bool]]:
    defined: set[str] = set()
    for statement in live_statements(block):
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                defined.add(name)
            case ast.ClassDef(name=name, body=body):
                defined.add(name)
                yield from _deleted(body, f"{prefix}{name}.", sure=sure)
            case ast.Delete(targets=targets):
                yield from ((prefix + ast.unparse(one), statement.lineno, sure) for one in targets)
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=None)):
                if name in defined:
                    yield prefix + name, statement.lineno, sure
            case _:
                surely = sure and isinstance(statement, ast.With)
                for inner in live_blocks(statement):
                    yield from _deleted(inner, prefix, sure=surely)


def find_definition(name: str, path: str, masked: Mask) -> Definition | None:
    """The definition of a name in a file that has no record; None if the file has none."""
    if is_toml(path):
        return _toml_definition(name, path, masked)
    if is_markdown(path):
        return _first(regex.escape(name), name, "text", masked)
    escaped = regex.escape(name)
    return _first(_DEFINING + escaped + r"\b", name, "definition", masked) or _first(
        _ASSIGNED.format(name=escaped), name, "assignment", masked
    )


def toml_data(path: str, text: str) -> dict[str, object]:
    """The data of a TOML file; SourceError with the parser's position if it is none."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SourceError(f"is not valid TOML: {error}", where=path) from None


def toml_entries(data: object, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Every key and every string of TOML data: (`key` or `value`, dotted path, the key or string)."""
    if isinstance(data, dict):
        for key, value in data.items():
            dotted = f"{prefix}.{key}" if prefix else key
            yield "key", dotted, key
            yield from toml_entries(value, dotted)
    elif isinstance(data, list):
        for item in data:
            yield from toml_entries(item, prefix)
    elif isinstance(data, str):
        yield "value", prefix, data


def _toml_definition(name: str, path: str, masked: Mask) -> Definition | None:
    for kind, dotted, text in toml_entries(toml_data(path, masked.text)):
        if name in (text, dotted):
            return Definition(name, kind, _line_of(text, masked))
    return None


def _first(pattern: str, name: str, kind: str, masked: Mask) -> Definition | None:
    found = regex.search(pattern, masked.code, regex.MULTILINE)
    return Definition(name, kind, masked.code.count("\n", 0, found.end()) + 1) if found else None


def _line_of(text: str, masked: Mask) -> int:
    """The first line of code with the text; 1 where escapes hide it."""
    offset = masked.code.find(text)
    return 1 if offset < 0 else masked.code.count("\n", 0, offset) + 1
