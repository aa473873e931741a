"""Arithmetic that C++'s grammar takes for a cast: the parentheses of `(a * (size_t)(b)) + c` for a type."""

from __future__ import annotations

from tree_sitter import Node

from rocverify.code.languages.cpp_parts import field
from rocverify.code.languages.tree import has_kind, text_in

HELD = "_held_for_the_parser"
"""A function that gives what it is called with: its parentheses are no cast."""
_FUNCTION_TYPE = frozenset({"abstract_function_declarator"})


def misread_casts(root: Node) -> list[int]:
    """Where the grammar takes a product in parentheses for the type of a cast: `(a * (size_t)(b)) + c`."""
    found: set[int] = set()
    stack = [root]
    while stack:
        current = stack.pop()
        if current.type == "cast_expression" and misreads(current):
            found.add(current.start_byte)
        stack += current.named_children
    return sorted(found)


def misreads(cast: Node) -> bool:
    """Whether what is parsed as a cast is arithmetic: nothing is cast to a function, and `+c`, `-c`, `*c` and
    `&c` are what stands behind a sign."""
    kind, value = field(field(cast, "type"), "declarator"), field(cast, "value")
    signed = value is not None and value.type in ("unary_expression", "pointer_expression")
    return signed and kind is not None and has_kind(kind, _FUNCTION_TYPE) and "(*)" not in text_in(kind)


def held(source: bytes, places: list[int]) -> bytes:
    """The source with these parentheses as those of a call, which is no cast."""
    for begin in reversed(places):
        source = source[:begin] + HELD.encode() + source[begin:]
    return source
