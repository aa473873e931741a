"""What stands around a call in a Rust or C++ source: the macros whose argument it is, and where the closure
goes that it is in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from rocverify.code.languages.tree import text_in
from rocverify.code.syntax import Call


@dataclass(frozen=True, slots=True)
class Around:
    """One thing around a call.

    `kind`: `call` (the call itself), `dropped` (nothing takes what it gives), `macro` and `handed` (it is, or
    is in, the argument at `position` of what is called `name`), `held` (a variable `name` holds it, from
    `line` on), `unrun` (`name` says why it is not made).
    """

    kind: str
    name: str = ""
    position: int | str = 0
    line: int = 0


_FUNCTIONS = frozenset({"function_item", "function_definition", "source_file", "translation_unit"})
_CLOSURES = frozenset({"closure_expression", "lambda_expression"})
_ARGUMENTS = frozenset({"arguments", "argument_list"})
_THROUGH = frozenset(
    {
        *("reference_expression", "parenthesized_expression", "unary_expression", "pointer_expression"),
        *("type_cast_expression", "cast_expression", "scoped_identifier", "qualified_identifier"),
        *("initializer_list", "generic_function", "template_function"),
    }
)
_NAMES = frozenset({"identifier", "scoped_identifier", "qualified_identifier"})
_HOLDERS = frozenset(
    {"Box", "Rc", "Arc", "Some", "Ok", "function", "move", "forward", "make_unique", "make_shared"}
)
_LAZY = frozenset({"map", "filter", "filter_map", "flat_map", "inspect", "take_while", "map_while", "scan"})
_OTHERWISE = frozenset({"unwrap_or_else", "or_else", "map_or_else"})


def around_in_tree(root: Node, call: Call) -> Iterator[Around]:
    """What stands around a call, the innermost first."""
    yield Around("call")
    node = _node_of(root, call)
    if node is None:
        return
    if node.type in _NAMES:
        yield from _destination(node)
    elif _is_discarded(node):
        yield Around("dropped")
    child, parent = node, node.parent
    while parent is not None and parent.type not in _FUNCTIONS:
        if parent.type == "macro_invocation":
            yield Around("macro", _last(parent.child_by_field_name("macro")))
        elif parent.type == "call_expression" and child.type == "argument_list" and node.type not in _NAMES:
            function = parent.child_by_field_name("function")
            if function is not None and function.type == "identifier":
                yield Around("macro", text_in(function), _position(child, node))
        elif parent.type == "async_block" and _is_discarded(parent):
            yield Around("unrun", "it stands in an async block that nothing awaits")
        elif parent.type in _CLOSURES:
            yield from _destination(parent)
        child, parent = parent, parent.parent


def _node_of(root: Node, call: Call) -> Node | None:
    """The call in the tree, or the name that is handed on."""
    row, column = call.at[0] - 1, call.at[1]
    node = root.descendant_for_point_range((row, max(column - 1, 0)), (row, column))
    if node is None or row < 0:
        return None
    if node.type == "identifier":
        while node.parent is not None and node.parent.type in _NAMES:
            node = node.parent
        return node if _last(node) == call.name else None
    while node is not None and node.type not in ("call_expression", "macro_invocation"):
        node = node.parent
    return node if node is not None and node.end_point == (row, column) else None


def _last(node: Node | None) -> str:
    """The last part of a name."""
    return text_in(node).rpartition("::")[2].partition("<")[0].strip()


def _position(arguments: Node, inner: Node) -> int:
    given = [c for c in arguments.named_children if not c.type.endswith("comment")]
    inside = (
        n for n, c in enumerate(given) if c.start_byte <= inner.start_byte and inner.end_byte <= c.end_byte
    )
    return next(inside, 0)


def _is_discarded(node: Node) -> bool:
    """Whether a statement is no more than the expression, or gives it to nothing."""
    parent = node.parent
    while parent is not None and parent.type in _THROUGH:
        parent = parent.parent
    if parent is None:
        return False
    if parent.type == "let_declaration":
        return text_in(parent.child_by_field_name("pattern")).startswith("_")
    return parent.type == "expression_statement"


def _destination(node: Node) -> Iterator[Around]:
    """Where a closure, or a function that is named as a value, goes."""
    child, parent = node, node.parent
    while parent is not None and parent.type in _THROUGH:
        child, parent = parent, parent.parent
    if parent is None:
        return
    if parent.type in _ARGUMENTS and parent.parent is not None:
        if parent.parent.type == "init_declarator":
            yield _held(parent.parent)
        else:
            yield from _to_call(parent.parent, _position(parent, child))
    elif parent.type in ("let_declaration", "init_declarator"):
        yield _held(parent)
    elif parent.type == "expression_statement":
        yield Around("unrun", "nothing calls the closure that it is in")


def _held(declaration: Node) -> Around:
    pattern = declaration.child_by_field_name("pattern") or declaration.child_by_field_name("declarator")
    name = text_in(pattern).removeprefix("mut ").lstrip("*& ")
    if name == "_" or not name.isidentifier():
        return Around("unrun", "what holds it is dropped at once") if name == "_" else Around("call")
    return Around("held", name, 0, declaration.start_point[0] + 1)


def _to_call(call: Node, position: int) -> Iterator[Around]:
    function = call.child_by_field_name("function")
    if function is None:
        return
    if function.type == "field_expression":
        name, value = _last(function.child_by_field_name("field")), function.child_by_field_name("value")
        if name in _LAZY and value is not None and _is_discarded_chain(call):
            yield Around("unrun", f"nothing runs the iterator of .{name}")
        elif name in _OTHERWISE and text_in(value).startswith(("Some(", "Ok(")):
            yield Around("unrun", f"what .{name} stands behind is never missing")
        elif name not in _LAZY:
            yield Around("handed", name, position)
        return
    name = _last(function)
    owner = text_in(function).rpartition("::")[0].rpartition("::")[2].partition("<")[0]
    deferred = name == "async" and "deferred" in text_in(call.child_by_field_name("arguments"))
    if name in _HOLDERS or (name == "new" and owner in _HOLDERS) or deferred:
        yield from _destination(call)
    else:
        yield Around("handed", name, position)


def _is_discarded_chain(call: Node) -> bool:
    """Whether a chain of lazy methods ends without one that runs it."""
    top = call
    while top.parent is not None and top.parent.type == "field_expression" and top.parent.parent is not None:
        if text_in(top.parent.child_by_field_name("field")) not in _LAZY:
            return False
        top = top.parent.parent
    return _is_discarded(top)
