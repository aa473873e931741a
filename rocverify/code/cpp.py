"""What a HIP, CUDA, C or C++ source defines, by its tokens. Functions of Rust are understood as well.

Function definitions (kernels apart), types, aliases, macros and variables at file or namespace scope.
Works on masked code, so comments and `#if 0` regions define nothing. Declarations without a body do
not define a function. Token-based on purpose: it needs no compiler and no headers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import regex

from rocverify.code.cpp_macros import Macro, invocations, macros_of, without_directives
from rocverify.code.masking import blank

_STRING = regex.compile(
    r'R"(?P<mark>[^()\\\s]{0,16})\((?:.*?)\)(?P=mark)"|"(?:\\.|[^"\\])*"|(?<![0-9a-fA-F])\'(?:\\[^\'\n]+|[^\'\\\n])\'',
    regex.DOTALL,
)
_TOKEN = regex.compile(r"[A-Za-z_]\w*|::|->|[^\sA-Za-z_0-9]|\d[\w.']*")
_OPAQUE = frozenset({"__launch_bounds__", "__attribute__", "alignas", "__declspec", "decltype", "noexcept"})
_NOT_NAMES = frozenset({"if", "for", "while", "switch", "return", "catch", "sizeof", "operator", "defined"})
_TRANSPARENT = frozenset({"namespace", "extern", "impl", "mod", "trait"})
_TYPES = frozenset({"struct", "class", "union", "enum"})


class Definition(StrEnum):
    """What kind of thing a C-family source defines under a name."""

    KERNEL = "kernel"
    FUNCTION = "function"
    TYPE = "type"
    MACRO = "macro"
    VARIABLE = "variable"


@dataclass(frozen=True, slots=True)
class CppDefinition:
    """A defined name and the line (from 1) of the name."""

    name: str
    kind: Definition
    line: int


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    offset: int

    @property
    def is_name(self) -> bool:
        return self.text[0].isalpha() or self.text[0] == "_"


def cpp_definitions(code: str) -> tuple[CppDefinition, ...]:
    """The definitions of a source whose comments are already blanked."""
    quiet = _STRING.sub(lambda m: blank(m[0]), code)
    macros = macros_of(quiet)
    found = [(m.name, Definition.MACRO, m.offset) for m in macros]
    body = without_directives(quiet)
    for start, stop, text in list(invocations(body, macros)):
        found += [(name, kind, start) for name, kind, _ in _defined(text, macros)]
        body = body[:start] + blank(body[start:stop]) + body[stop:]
    found += _defined(body, macros)
    return tuple(CppDefinition(n, k, code.count("\n", 0, offset) + 1) for n, k, offset in found)


def _defined(body: str, macros: list[Macro]) -> list[tuple[str, Definition, int]]:
    """The definitions in text without directives, with their offsets."""
    kernels = {m.name for m in macros if m.marks_kernels}
    tokens = [_Token("__global__" if m[0] in kernels else m[0], m.start()) for m in _TOKEN.finditer(body)]
    return [(token.text, kind, token.offset) for token, kind in _statements(tokens)]


@dataclass(frozen=True, slots=True)
class CppFunction:
    """A function with a body, and what its body calls: names with their lines, in order."""

    name: str
    line: int
    calls: tuple[tuple[str, int], ...]


def cpp_functions(code: str) -> tuple[CppFunction, ...]:
    """The functions that a source defines, comments being blanked already, with the calls they make."""
    quiet = _STRING.sub(lambda m: blank(m[0]), code)
    tokens = [_Token(m[0], m.start()) for m in _TOKEN.finditer(without_directives(quiet))]
    position = {token.offset: i for i, token in enumerate(tokens)}
    found = []
    for token, kind in _statements(tokens):
        if kind in (Definition.KERNEL, Definition.FUNCTION):
            opening = _body_start(tokens, position[token.offset])
            inside = tokens[opening : _closing(tokens, opening)]
            calls = tuple((t.text, _line(code, t)) for t in _called(inside))
            found.append(CppFunction(token.text, _line(code, token), calls))
    return tuple(found)


def _line(code: str, token: _Token) -> int:
    return code.count("\n", 0, token.offset) + 1


def _body_start(tokens: list[_Token], name: int) -> int:
    """The `{` of the body of the function whose name stands at an index."""
    after = _closing(tokens, _after_template(tokens, name + 1))
    return next(i for i in range(after, len(tokens)) if tokens[i].text == "{")


def _called(tokens: list[_Token]) -> Iterator[_Token]:
    """Names followed by `(`, or by template arguments and `(`; not keywords, not declarations."""
    for i, token in enumerate(tokens[:-1]):
        if not token.is_name or token.text in _NOT_NAMES:
            continue
        if tokens[_after_template(tokens, i + 1)].text == "(":
            yield token


def _after_template(tokens: list[_Token], index: int) -> int:
    """The index behind `<...>`, or the same index where no template arguments stand."""
    start = index + 1 if tokens[index].text == "::" and index + 1 < len(tokens) else index
    if tokens[start].text != "<":
        return index
    depth = 0
    for i in range(start, len(tokens) - 1):
        depth += (tokens[i].text == "<") - (tokens[i].text == ">")
        if tokens[i].text in ";{}":
            return index
        if depth == 0:
            return i + 1
    return index


def _statements(tokens: list[_Token]) -> Iterator[tuple[_Token, Definition]]:
    """Walks the file scope, descending into namespaces and extern "C" blocks only."""
    statement: list[_Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.text == "{":
            if _opens_scope(statement):
                statement = []
            else:
                yield from _definition(statement, has_body=True)
                index = _closing(tokens, index)
                statement = [*statement, tokens[index]] if _is_type_or_value(statement) else []
        elif token.text == ";":
            yield from _definition(statement, has_body=False)
            statement = []
        elif token.text != "}":
            statement.append(token)
        index += 1


def _opens_scope(statement: list[_Token]) -> bool:
    names = [t.text for t in statement]
    if not names or names[-1] in (")", "="):
        return False
    return bool(_TRANSPARENT & set(names[:2]))


def _is_type_or_value(statement: list[_Token]) -> bool:
    """Where a `}` does not end the statement: `struct S {...} s;` and `int a[] = {...};`."""
    outside = set(_outside_parentheses(_without_template(statement)))
    return "=" in outside or (bool(outside & _TYPES) and "(" not in outside)


def _closing(tokens: list[_Token], index: int) -> int:
    """The index of the `}` (or `)`) that closes the one at `index`; the last one if none does."""
    opening = tokens[index].text
    closing = {"{": "}", "(": ")"}[opening]
    depth = 0
    for i in range(index, len(tokens)):
        depth += (tokens[i].text == opening) - (tokens[i].text == closing)
        if depth == 0:
            return i
    return len(tokens) - 1


def _definition(statement: list[_Token], *, has_body: bool) -> Iterator[tuple[_Token, Definition]]:
    if not statement or statement[-1].text == "}":
        return
    words = {t.text for t in statement}
    head = _without_template(statement)
    if head and head[0].text in _TYPES and "(" not in words and "=" not in words:
        names = [t for t in head[1:] if t.is_name and t.text not in _TYPES]
        if names and has_body:
            yield names[0], Definition.TYPE
    elif head and head[0].text in ("typedef", "using"):
        yield from _alias(head)
    elif has_body and "=" not in _outside_parentheses(head):
        if name := _function_name(head):
            yield name, Definition.KERNEL if "__global__" in words else Definition.FUNCTION
    elif name := _variable_name(head, has_body=has_body):
        yield name, Definition.VARIABLE


def _without_template(statement: list[_Token]) -> list[_Token]:
    """The statement behind its `template <...>` prefix."""
    if not statement or statement[0].text != "template":
        return statement
    depth = nested = 0
    for i, token in enumerate(statement[1:], 1):
        nested += (token.text == "(") - (token.text == ")")
        if nested == 0:  # a comparison stands in parentheses there
            depth += (token.text == "<") - (token.text == ">")
        if depth == 0 and nested == 0:
            return _without_template(statement[i + 1 :])
    return statement


def _alias(head: list[_Token]) -> Iterator[tuple[_Token, Definition]]:
    names = [t for t in head[1:] if t.is_name]
    if head[0].text == "typedef" and names:
        yield names[-1], Definition.TYPE
    elif names and len(head) > 2 and head[2].text == "=":
        yield names[0], Definition.TYPE


def _outside_parentheses(head: list[_Token]) -> list[str]:
    depth, outside = 0, []
    for token in head:
        depth -= token.text == ")"
        if depth <= 0:
            outside.append(token.text)
        depth += token.text == "("
    return outside


def _function_name(head: list[_Token]) -> _Token | None:
    """The name before the first parameter list that is not an attribute's or specifier's."""
    index = 0
    while index < len(head):
        if head[index].text != "(":
            index += 1
            continue
        before = _before_template(head, index)
        if before is not None and before.text not in _OPAQUE and before.is_name:
            return None if before.text in _NOT_NAMES else before
        index = _closing(head, index) + 1
    return None


def _before_template(head: list[_Token], index: int) -> _Token | None:
    """The token before a `(`, or before the `<...>` that stands before it."""
    depth = 0
    for token in reversed(head[:index]):
        depth += (token.text == ">") - (token.text == "<")
        if depth == 0 and token.text != "<":
            return token
    return None


def _variable_name(head: list[_Token], *, has_body: bool) -> _Token | None:
    """The variable that a statement at file scope defines; an `extern` without value defines none."""
    texts = [t.text for t in head]
    if "=" in texts:
        head = head[: texts.index("=")]
    elif has_body or "(" in texts or "extern" in texts:
        return None
    while head and head[-1].text == "]":
        depth = len(head) - 1 - [t.text for t in reversed(head)].index("[")
        head = head[:depth]
    return head[-1] if len(head) > 1 and head[-1].is_name else None
