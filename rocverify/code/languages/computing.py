"""What a Rust or C++ body computes on the host, element by element, and how blocks of it end.

A loop that stores what arithmetic gives, or adds products up; an iterator whose closure computes. Sizes are
no elements: what is multiplied by a literal integer or by a `sizeof` and only added up computes nothing.
"""

from __future__ import annotations

import re

from tree_sitter import Node

from rocverify.code.languages.cpp_casts import misreads
from rocverify.code.languages.tree import text_in

_LOOPS = frozenset(
    {
        *("for_expression", "while_expression", "loop_expression"),
        *("for_statement", "for_range_loop", "while_statement", "do_statement"),
    }
)
_FUNCTIONS = frozenset({"function_item", "function_definition"})
_PLACES = frozenset({"index_expression", "subscript_expression", "pointer_expression", "call_expression"})
"""What is assigned to where an element is stored; in C++ `m(i, j)` and `v.at(i)` too."""
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})
_PRODUCTS = frozenset({"*", "/"})
_FLOATS = re.compile(
    r"\b(?:exp|exp2|ln|log|log2|sqrt|sin|cos|tan|tanh|powf|powi|pow|abs|erf|mul_add|fma)[fl]?\s*\("
)
_SIZES = re.compile(r"\bsizeof\b|\bsize_of\b|(?<![\w.])\d+(?:u|U|l|L|usize|i32|u32|u64)*(?![\w.])")
_ITERATES = re.compile(r"\b(?:par_|into_)*(?:iter|iter_mut|chunks\w*|windows|zip|enumerate)\s*\(|\.\.")
_ADAPTERS = frozenset({"map", "for_each", "fold", "flat_map", "filter_map", "scan", "try_for_each"})
_DEEPEST = 10_000


def stored_in(node: Node) -> Node | None:
    """The loop around an assignment that computes an element, or an iterator that does; None for others."""
    if node.type == "call_expression":
        return node if _computes_by_iterator(node) else None
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return None
    sign = text_in(node.child_by_field_name("operator")) if node.type != "compound_assignment_expr" else "+="
    element = left.type in _PLACES or (left.type == "unary_expression" and text_in(left).startswith("*"))
    loop = _loop_around(node)
    if loop is None:
        return None
    if sign in ("", "="):
        return loop if element and _computes(right, _ARITHMETIC) else None
    if element or (loop.type == "for_range_loop" and _is_reference(loop, text_in(left))):
        return loop
    return loop if _computes(right, _PRODUCTS) and not _SIZES.search(text_in(right)) else None


def _loop_around(node: Node) -> Node | None:
    """The innermost loop, or closure of an iterator, around a node."""
    current = node.parent
    for _ in range(_DEEPEST):
        if current is None or current.type in _FUNCTIONS:
            return None
        if current.type in _LOOPS:
            return current
        if current.type == "closure_expression":
            call = current.parent.parent if current.parent is not None else None
            return call if call is not None and _is_adapter(call) else None
        current = current.parent
    return None


def _is_reference(loop: Node, name: str) -> bool:
    """Whether a loop over a range gives the elements themselves by this name."""
    declarator = loop.child_by_field_name("declarator")
    return declarator is not None and text_in(declarator).lstrip("& ") == name and "&" in text_in(declarator)


def _computes(node: Node, signs: frozenset[str]) -> bool:
    """Whether an expression holds arithmetic, or calls a function of numbers."""
    if _FLOATS.search(text_in(node)):
        return True
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type == "binary_expression" and text_in(current.child_by_field_name("operator")) in signs:
            return True
        if current.type == "cast_expression" and misreads(current):
            return True
        if current.type not in ("index_expression", "subscript_expression"):
            stack += current.named_children
        else:
            stack += current.named_children[:1]  # not where the element is
    return False


def _is_adapter(call: Node) -> bool:
    function = call.child_by_field_name("function")
    if function is None or function.type != "field_expression":
        return False
    name, value = function.child_by_field_name("field"), function.child_by_field_name("value")
    return text_in(name) in _ADAPTERS and _ITERATES.search(text_in(value)) is not None


def _computes_by_iterator(call: Node) -> bool:
    """Whether an iterator's closure gives what it computes; one that has statements tells by these."""
    arguments = call.child_by_field_name("arguments")
    if arguments is None or not _is_adapter(call):
        return False
    closures = (c for c in arguments.named_children if c.type == "closure_expression")
    given = (_given_by(closure.child_by_field_name("body")) for closure in closures)
    return any(_computes(one, _ARITHMETIC) and not _SIZES.search(text_in(one)) for one in given if one)


def _given_by(body: Node | None) -> Node | None:
    """The expression that a closure gives; None for one that ends with a statement."""
    while body is not None and body.type == "block":
        body = body.named_children[-1] if body.named_children else None
    statement = body is None or body.type.endswith(("statement", "assignment_expr", "assignment_expression"))
    return None if statement else body


_FAILS = re.compile(
    r"(?:co_)?return\s*\(?\s*(?:(?:\w+::)*Err\b|(?:\w+::)*(?:k|hip)?Err\w*|(?:\w+::)*hip(?:blas)?Error\w*|-\s*\d|false\b|"
    r"nullptr\b|NULL\b|std::nullopt\b|None\b|(?:\w+::)*\w*(?:unexpected|error|failure|Failed)\b)"
    r"|(?:(?:\w+::)*Err(?:::<.*>)?\s*\(.*|(?:panic|bail|unreachable|todo|unimplemented)!.*|throw\b.*)\Z"
    r"|(?:(?:::)?\w+::)*(?:exit|abort|_exit|terminate|rethrow_exception|resume_unwind)\s*\(",
    re.DOTALL,
)
_JUMPS = re.compile(r"(?:co_)?return\b|break\b|continue\b|goto\b")


def fails(text: str) -> bool:
    """Whether a statement ends a function by an error: `return Err(e)`, `throw`, `return hipErrorUnknown`."""
    return _FAILS.match(text) is not None


def ends_of(node: Node | None) -> str:
    """How a block or expression is left, as `Branch.ends` says."""
    while node is not None and node.type in (
        "block",
        "compound_statement",
        "else_clause",
        "case_statement",
        "unsafe_block",
    ):
        children = [c for c in node.named_children if not c.type.endswith("comment")]
        node = children[-1] if children else None
    text = text_in(node).strip().rstrip(";").strip()
    if fails(text):
        return "raise"
    return "jump" if _JUMPS.match(text) else "on"
