"""Questions about a syntax tree that are the same in every language."""

from __future__ import annotations

from tree_sitter import Node

_STRINGS = frozenset({"string_literal", "raw_string_literal"})
_IDENTIFIERS = frozenset({"identifier", "field_identifier"})


def text_in(node: Node | None) -> str:
    """The text of a node, as it is."""
    return "" if node is None or node.text is None else node.text.decode("utf-8", "replace")


def broken(root: Node) -> int | None:
    """The line of the first error in a tree."""
    if not root.has_error:
        return None
    stack = [root]
    while stack:
        current = stack.pop()
        if current.is_error or current.is_missing:
            return current.start_point[0] + 1
        stack += [child for child in reversed(current.children) if child.has_error]
    return root.start_point[0] + 1


def strings_in(node: Node | None) -> tuple[tuple[str, int], ...]:
    """The contents of the string literals below a node, with their lines."""
    found: list[tuple[str, int]] = []
    stack = [] if node is None else [node]
    while stack:
        current = stack.pop()
        if current.type in _STRINGS:
            written = (current.text or b"").decode("utf-8", "replace")
            found.append((written.partition('"')[2].rpartition('"')[0], current.start_point[0] + 1))
        else:
            stack += reversed(current.named_children)
    return tuple(found)


def has_kind(node: Node | None, kinds: frozenset[str]) -> bool:
    """Whether a node of these kinds is below a node."""
    stack = [] if node is None else [node]
    while stack:
        current = stack.pop()
        if current.type in kinds:
            return True
        stack += current.named_children
    return False


def mentions(node: Node, name: str, types: frozenset[str] = _IDENTIFIERS) -> bool:
    """Whether an identifier occurs below a node."""
    wanted = name.encode()
    if wanted not in (node.text or b""):
        return False
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type in types and current.text == wanted:
            return True
        stack += current.named_children
    return False


def used_after(node: Node, name: str, types: frozenset[str] = _IDENTIFIERS) -> bool:
    """Whether a name occurs in what follows a statement in its block."""
    following = node.next_named_sibling
    while following is not None:
        if mentions(following, name, types):
            return True
        following = following.next_named_sibling
    return False
