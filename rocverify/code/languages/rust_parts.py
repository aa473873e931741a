"""Parts of Rust's syntax tree read alike everywhere: names, paths, types, and what attributes keep out.

Trees may be nested thousands deep: nothing here calls itself once for each level.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

_TOKEN = re.compile(r'\s*(?:(?P<name>"(?:[^"\\]|\\.)*"|[\w:]+)|(?P<sign>[(),=]))')
_CFG = re.compile(r"#!?\[\s*cfg\s*\((?P<inner>.*)\)\s*\]", re.DOTALL)
_TOKENS = 40
"""Tokens before a name that are looked at for its path."""
_LONGEST_CFG = 2_000
"""Characters of a condition that is read: a longer one keeps nothing out."""

QUOTING = frozenset({"stringify", "quote", "quote_spanned", "parse_quote", "concat", "cfg", "macro_rules"})
"""Macros whose arguments are not executed."""
ATTRIBUTES = ("attribute_item", "inner_attribute_item")
COMMENTS = ("line_comment", "block_comment")


def text_of(node: Node | None) -> str:
    """The text of a node; a raw identifier (`r#fn`) is the name that it is."""
    text = node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""
    return text[2:] if text.startswith("r#") and text[2:3].isidentifier() else text


def squeezed(node: Node | None) -> str:
    """The text of a node, runs of blanks as one."""
    return " ".join(text_of(node).split())


def arguments_of(node: Node | None) -> tuple[str, ...]:
    """The texts of what is handed to a call."""
    return tuple(squeezed(c) for c in node.named_children if c.type not in COMMENTS) if node else ()


def elements_of(value: Node | None) -> tuple[str, ...]:
    """The texts of an array literal, behind references and in `vec![..]` too."""
    while value is not None and value.type == "reference_expression":
        value = value.child_by_field_name("value")
    if value is not None and value.type == "array_expression":
        return arguments_of(value)
    if value is not None and value.type == "macro_invocation":
        name = text_of(value.child_by_field_name("macro"))
        return (
            split_tokens(value.named_children[-1]) if name == "vec" and len(value.named_children) > 1 else ()
        )
    return ()


def split_tokens(tree: Node) -> tuple[str, ...]:
    """What stands between the commas of a macro's arguments."""
    text = (tree.text or b"").decode("utf-8", "replace")
    cuts = [child.start_byte - tree.start_byte for child in tree.children if child.type == ","]
    data = text.encode()
    bounds = [1, *(cut + 1 for cut in cuts)], [*cuts, len(data) - 1]
    parts = (b" ".join(data[a:b].split()).decode("utf-8", "replace") for a, b in zip(*bounds, strict=True))
    return tuple(part for part in parts if part)


def doc_before(node: Node) -> str:
    """The `///` and `/** */` comments before an item, attributes between them left out."""
    lines: list[str] = []
    before = node.prev_named_sibling
    while before is not None and before.type in (*COMMENTS, *ATTRIBUTES):
        text = text_of(before)
        if text.startswith(("///", "/**")):
            inner = re.sub(r"\A/\*\*|\*/\s*\Z|\A///", "", text.rstrip())
            lines = [line.strip(" *") for line in inner.split("\n")] + lines
        before = before.prev_named_sibling
    return "\n".join(lines).strip()


def is_cfg(attribute: str) -> bool:
    """Whether an attribute makes what follows depend on the build."""
    return _CFG.fullmatch(attribute) is not None


def unbuilt(attributes: list[str]) -> str:
    """Why attributes keep an item out of what is shipped; empty where they may not."""
    for attribute in attributes:
        if re.fullmatch(r"#\[\s*(?:test|bench)\s*\]", attribute):
            return "it is built for tests only"
        found = _CFG.fullmatch(attribute)
        if found and condition(found["inner"], test=False) is False:
            in_tests = condition(found["inner"], test=True) is not False
            return "it is built for tests only" if in_tests else "no build has it"
    return ""


def condition(text: str, *, test: bool) -> bool | None:
    """What a condition of `cfg` comes to in a build for tests or for use; None for what depends on more."""
    if len(text) > _LONGEST_CFG:
        return None
    stack: list[tuple[str, list[bool | None]]] = [("all", [])]
    pending, is_value = "", False
    for token in _TOKEN.finditer(text):
        name, sign = token["name"], token["sign"]
        if name is not None:
            pending = "" if is_value else name
            is_value = False
        elif sign == "(":
            stack.append((pending, []))
            pending = ""
        elif sign == "=":
            stack[-1][1].append(None)
            pending, is_value = "", True
        else:
            if pending:
                stack[-1][1].append(_plain(pending, test))
                pending = ""
            if sign == ")" and len(stack) > 1:
                operator, values = stack.pop()
                stack[-1][1].append(_combined(operator, values))
    if pending:
        stack[-1][1].append(_plain(pending, test))
    return _combined("all", stack[0][1]) if len(stack) == 1 else None


def _plain(name: str, test: bool) -> bool | None:
    known: dict[str, bool | None] = {"test": test, "false": False, "FALSE": False, "true": True}
    return known.get(name)


def _combined(operator: str, values: list[bool | None]) -> bool | None:
    if operator == "not" and len(values) == 1:
        return None if values[0] is None else not values[0]
    if operator == "any":
        return True if True in values else None if None in values else False
    if operator == "all":
        return False if False in values else None if None in values else True
    return None


def type_name(node: Node | None) -> str:
    """The bare name of a type: `Bar` of `&mut a::Bar<T>`."""
    while node is not None:
        if node.type in ("type_identifier", "primitive_type", "identifier"):
            return text_of(node)
        if node.type == "scoped_type_identifier":
            return text_of(node.child_by_field_name("name"))
        inner = node.child_by_field_name("type")
        node = inner if inner is not None and inner != node else None
    return ""


_POINTERS = ("Arc", "Box", "Rc")


def held_type(node: Node | None) -> str:
    """The bare name of a type whose methods a value of this one has: `Bar` of `&Arc<Bar>`; empty where a
    trait or the whole pointer is what shows."""
    found, inner = type_name(node), node
    while found in _POINTERS and inner is not None:
        while inner is not None and inner.type != "generic_type":
            inner = inner.child_by_field_name("type")
        held = inner.child_by_field_name("type_arguments") if inner is not None else None
        inner = held.named_children[0] if held is not None and held.named_children else None
        found = type_name(inner)
    return found


def path_of(node: Node | None) -> tuple[str, ...]:
    """The parts of `a::b::c`, type arguments left out; `B` of `<B as T>`."""
    parts: list[str] = []
    while node is not None:
        if node.type in ("scoped_identifier", "scoped_type_identifier"):
            parts.append(text_of(node.child_by_field_name("name")))
            node = node.child_by_field_name("path")
        elif node.type in ("generic_type", "generic_function", "qualified_type"):
            node = node.child_by_field_name("type") or node.child_by_field_name("function")
        elif node.type == "bracketed_type":
            node = node.named_children[0] if node.named_children else None
        else:
            parts.append(text_of(node))
            node = None
    return tuple(reversed(parts))


def pattern_names(node: Node | None) -> tuple[str, ...]:
    """The names that a pattern binds, and those of types in it."""
    found: list[str] = []
    stack = [node] if node is not None else []
    while stack:
        current = stack.pop()
        if current.type in ("identifier", "shorthand_field_identifier"):
            found.append(text_of(current))
        guard = current.child_by_field_name("condition")
        stack += [child for child in current.named_children if child != guard]
    return tuple(found)


def token_calls(tree: Node) -> Iterator[tuple[list[str], Node]]:
    """The names before parentheses among the tokens of a macro, each with the tokens up to it."""
    trees = [tree]
    while trees:
        children = trees.pop().children
        words = [text_of(child) if child.type != "token_tree" else "" for child in children]
        for at, child in enumerate(children):
            if child.type != "token_tree" or (at > 1 and words[at - 1] == "!" and words[at - 2] in QUOTING):
                continue
            trees.append(child)
            if at and children[at - 1].type == "identifier" and text_of(child).startswith("("):
                yield words[max(0, at - _TOKENS) : at], children[at - 1]
