"""What a Rust statement does to what stands behind it, and conditions that never change."""

from __future__ import annotations

from collections.abc import Mapping

from tree_sitter import Node

from rocverify.code.languages.numbers import compared
from rocverify.code.languages.rust_parts import condition, is_cfg, path_of, text_of

_JUMPS = frozenset({"return_expression", "break_expression", "continue_expression"})
_DIVERGING = frozenset({"panic", "unreachable", "todo", "unimplemented"})
_MOST_NODES = 1_000
_DEEPEST = 12
"""Levels of blocks and conditions into which a question about a statement looks."""


def constant(node: Node | None, known: Mapping[str, bool], depth: int = 0) -> bool | None:
    """What a condition always is; None for one that may be either. `known`: constants in sight."""
    if node is None or depth > _DEEPEST:
        return None
    children = node.named_children
    if node.type == "boolean_literal":
        return text_of(node) == "true"
    if node.type == "parenthesized_expression" and children:
        return constant(children[-1], known, depth + 1)
    if node.type == "identifier":
        return known.get(text_of(node))
    if node.type == "unary_expression" and text_of(node).startswith("!") and children:
        inner = constant(children[-1], known, depth + 1)
        return None if inner is None else not inner
    if node.type == "binary_expression" and len(children) == 2:
        sign = text_of(node.child_by_field_name("operator"))
        if (told := compared(sign, *map(text_of, children))) is not None:
            return told
        values = {constant(child, known, depth + 1) for child in children}
        decided = {"&&": False, "||": True}.get(sign)
        return decided if decided is not None and decided in values else None
    if node.type == "macro_invocation" and text_of(node.child_by_field_name("macro")) == "cfg":
        return condition(text_of(children[-1])[1:-1], test=False) if len(children) > 1 else None
    return None


def leaves(statement: Node | None, depth: int = 0) -> bool:
    """Whether nothing behind a statement runs: a jump, what never returns, or both ways of an `if`."""
    node = statement
    if node is not None and node.type in ("expression_statement", "else_clause", "unsafe_block"):
        node = node.named_children[-1] if node.named_children else None
    if node is None or depth > _DEEPEST:
        return False
    kind = node.type
    if kind == "macro_invocation":
        return text_of(node.child_by_field_name("macro")) in _DIVERGING
    if kind == "call_expression":
        called = path_of(node.child_by_field_name("function"))
        return called[-2:] in (("process", "exit"), ("process", "abort"))
    if kind == "loop_expression":
        return not _has(node.child_by_field_name("body"), "break_expression")
    if kind == "block":
        return not _has_cfg(node) and any(leaves(c, depth + 1) for c in node.named_children)
    if kind == "if_expression":
        ways = (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
        always = constant(node.child_by_field_name("condition"), {})
        if always is not None:
            return leaves(ways[0 if always else 1], depth + 1)
        return all(way is not None and leaves(way, depth + 1) for way in ways)
    if kind == "match_expression":
        arms = [c for c in _arms(node) if c.type == "match_arm"]
        return bool(arms) and all(leaves(arm.child_by_field_name("value"), depth + 1) for arm in arms)
    return kind in _JUMPS


def never_turns(over: Node | None) -> bool:
    """Whether a `for` goes over a range that holds nothing: `0..0`."""
    ends = [text_of(child) for child in over.named_children] if over is not None else []
    plain = over is not None and over.type == "range_expression" and ".." in text_of(over)
    return plain and len(ends) == 2 and ends[0] == ends[1] and ends[0].isdigit() and "=" not in text_of(over)


def _arms(match: Node) -> list[Node]:
    body = match.child_by_field_name("body")
    return body.named_children if body is not None else []


def _has_cfg(block: Node) -> bool:
    return any(c.type == "attribute_item" and is_cfg(text_of(c)) for c in block.named_children)


def _has(node: Node | None, kind: str) -> bool:
    """Whether a node holds one of a kind; True as well where it is too large to be told, or has a macro
    (which may hold anything)."""
    stack = [node] if node is not None else []
    for _ in range(_MOST_NODES):
        if not stack:
            return False
        current = stack.pop()
        if current.type in (kind, "macro_invocation"):
            return True
        stack += current.named_children
    return True
