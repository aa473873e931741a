"""What a C or C++ expression or declaration shows: the kernel that it launches, the type of a value, a
condition."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from rocverify.code.languages.cpp_parts import field, squeezed, text_of, type_path
from rocverify.code.syntax import Call

MAKERS = frozenset({"make_unique", "make_shared"})
_LAUNCHES = {
    "hipLaunchKernelGGL": "macro",
    "hipExtLaunchKernelGGL": "macro",
    "hipLaunchKernel": "function",
    "hipLaunchCooperativeKernel": "function",
    "hipExtLaunchKernel": "function",
}
_KERNEL = re.compile(r"(?P<name>[A-Za-z_]\w*(?:\s*::\s*\w+)*)\s*(?:<.*>)?[\s)]*\Z", re.DOTALL)


def launched(call: Call) -> Iterator[Call]:
    """The kernel that HIP's launch macros and functions launch."""
    given = call.arguments
    found = _KERNEL.search(given[0]) if given and call.name in _LAUNCHES else None
    if found is None:
        return
    *scope, name = "".join(found["name"].split()).split("::")
    if _LAUNCHES[call.name] == "macro":
        launch, rest = given[1:5], given[5:]
    else:
        launch, rest = (*given[1:3], *given[4:6]), tuple(f"*{a}" for a in given[3:4])
    yield Call(name, tuple(scope), None, call.line, call.dead, call.sure, rest, launch, at=call.at)


def type_written(kind: Node | None, declarator: Node) -> str:
    """The type of a declaration as it is written, with the pointers and references of its declarator."""
    signs = ""
    node: Node | None = declarator
    while node is not None and node.type != "identifier":
        if node.type == "pointer_declarator":
            signs += "*"
        elif node.type == "reference_declarator":
            signs += "&"
        elif node.type == "array_declarator":
            signs += f"[{squeezed(field(node, 'size'))}]"
        inner = field(node, "declarator")
        node = inner or (node.named_children[-1] if node.type == "reference_declarator" else None)
    return squeezed(kind) + (f" {signs}" if signs else "")


def made_by(value: Node | None) -> str:
    """The type of a value that shows from how it is made: `new W(..)`, `make_unique<W>(..)`, `W{..}`,
    `W(..)`."""
    if value is None:
        return ""
    if value.type in ("new_expression", "compound_literal_expression"):
        return (type_path(field(value, "type")) or ("",))[-1]
    function = field(value, "function")
    while function is not None and function.type == "qualified_identifier":
        function = field(function, "name")
    if (
        function is not None
        and function.type == "template_function"
        and text_of(field(function, "name")) in MAKERS
    ):
        arguments = field(function, "arguments")
        inner = arguments.named_children[0] if arguments and arguments.named_children else None
        return (type_path(field(inner, "type")) or ("",))[-1]
    return ""


def condition_text(node: Node | None) -> str:
    """A condition as it is written, without its parentheses."""
    text = squeezed(node)
    return text[1:-1].strip() if text.startswith("(") and text.endswith(")") else text
