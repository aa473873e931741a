"""Parts of C++'s syntax tree read alike everywhere: names, declarators, types, texts and constant
conditions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tree_sitter import Node

from rocverify.code.languages.numbers import compared
from rocverify.code.languages.tree import has_kind

_WRAPPERS = frozenset(
    {
        "pointer_declarator",
        "reference_declarator",
        "array_declarator",
        "parenthesized_declarator",
        "init_declarator",
        "attributed_declarator",
        "variadic_declarator",
        "function_declarator",
        "structured_binding_declarator",
    }
)
JUMPS = frozenset(
    {"return_statement", "break_statement", "continue_statement", "goto_statement", "throw_statement"}
)
_NEVER_RETURN = frozenset(
    {
        "abort",
        "exit",
        "_exit",
        "quick_exit",
        "terminate",
        "__builtin_unreachable",
        "__builtin_trap",
        "unreachable",
    }
)
_SMART = re.compile(r"(?:std\s*::\s*)?(?:unique_ptr|shared_ptr)\s*<\s*(?:const\s+)?(?P<inner>[\w:]+)")
_DEEPEST = 12
_MOST_NODES = 1_000
COMMENT = "comment"


_ENDLESS = frozenset({"for_statement", "while_statement", "do_statement"})
_WAYS_OUT = frozenset({"break_statement", "goto_statement", "continue_statement", "labeled_statement"})


def text_of(node: Node | None) -> str:
    """The text of a node."""
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""


def squeezed(node: Node | None) -> str:
    """The text of a node, runs of blanks as one."""
    return " ".join(text_of(node).split())


def field(node: Node | None, name: str) -> Node | None:
    """The child of a node by the name of a field; None where there is no node, or no such child."""
    return node.child_by_field_name(name) if node is not None else None


def path_of(node: Node | None) -> tuple[str, ...]:
    """The parts of `a::b<int>::c`, template arguments left out."""
    parts: list[str] = []
    while node is not None:
        if node.type in ("qualified_identifier", "template_function", "template_type", "template_method"):
            scope = node.child_by_field_name("scope")
            if scope is not None:
                parts += path_of(scope) if scope.type == "template_type" else [text_of(scope)]
            node = node.child_by_field_name("name")
        elif node.type == "dependent_name":
            node = node.named_children[-1] if node.named_children else None
        elif node.type == "operator_name":
            parts.append("".join(text_of(node).split()))
            node = None
        else:
            parts.append(text_of(node))
            node = None
    return tuple(parts)


def type_path(node: Node | None) -> tuple[str, ...]:
    """The parts of a type's name: `a`, `Bar` of `const a::Bar<T>&`; empty for a built-in one."""
    if node is None or node.type in (
        "primitive_type",
        "placeholder_type_specifier",
        "sized_type_specifier",
        "decltype",
    ):
        return ()
    if node.type in ("struct_specifier", "class_specifier", "union_specifier", "enum_specifier"):
        return path_of(node.child_by_field_name("name"))
    return path_of(node)


def pointee(written: str) -> str:
    """The type that `->` of a value reaches: what a smart pointer holds, else the type itself."""
    found = _SMART.match(written)
    return found["inner"].rpartition("::")[2] if found else bare_type(written)


def bare_type(written: str) -> str:
    """The last name of a type as written: `Bar` of `const a::Bar<T> &`; empty for `auto`."""
    text = re.sub(
        r"\b(?:const|volatile|struct|class|typename|static|constexpr|mutable|inline|extern)\b", " ", written
    )
    name = re.match(r"\s*(?P<name>\w+(?:\s*::\s*\w+)*)", text.split("<")[0])
    last = name["name"].rpartition("::")[2].strip() if name else ""
    return "" if last in ("auto", "decltype") else last


def declared(node: Node | None) -> tuple[Node | None, Node | None]:
    """The name that a declarator declares, and the function declarator around it (None for none)."""
    function: Node | None = None
    pointed = False
    while node is not None and node.type in _WRAPPERS:
        if node.type == "function_declarator":
            function = node
            pointed = False
        elif node.type == "pointer_declarator" and function is not None:
            pointed = True  # a pointer to a function is a variable
        inner = node.child_by_field_name("declarator")
        if inner is None:
            named = [child for child in node.named_children if child.type != COMMENT]
            inner = named[-1] if named else None
        node = inner
    return node, None if pointed else function


def parameters_of(function: Node | None) -> list[Node]:
    """The parameters of a function declarator; `(void)` has none."""
    found = field(function, "parameters")
    if found is None:
        return []
    nodes = [
        child
        for child in found.children
        if child.type
        in (
            "parameter_declaration",
            "optional_parameter_declaration",
            "variadic_parameter_declaration",
            "...",
        )
    ]
    if len(nodes) == 1 and text_of(nodes[0]) == "void":
        return []
    return nodes


def type_text(node: Node, name: Node | None) -> str:
    """The type of a declaration or parameter as written, pointers, references and arrays with it."""
    declarator = node.child_by_field_name("declarator")
    words = [
        squeezed(child)
        for child in node.named_children
        if child.type in ("type_qualifier", "storage_class_specifier")
        or child == node.child_by_field_name("type")
    ]
    signs = ""
    while declarator is not None and declarator.type in _WRAPPERS and declarator != name:
        if declarator.type == "pointer_declarator":
            signs += "*"
        elif declarator.type == "reference_declarator":
            signs += "&"
        elif declarator.type == "array_declarator":
            signs += f"[{squeezed(declarator.child_by_field_name('size'))}]"
        inner = declarator.child_by_field_name("declarator")
        if inner is None and declarator.named_children:
            inner = declarator.named_children[-1]
        declarator = inner
    if declarator is not None and declarator.type.startswith("abstract_"):
        signs += "".join(text_of(declarator).split())
    return " ".join(words) + (f" {signs}" if signs else "")


def elements_of(value: Node | None) -> tuple[str, ...]:
    """The texts of an initializer list."""
    if value is None or value.type != "initializer_list":
        return ()
    return tuple(squeezed(child) for child in value.named_children if child.type != COMMENT)


def arguments_of(node: Node | None) -> tuple[str, ...]:
    """The texts of what stands between parentheses or braces."""
    return tuple(squeezed(child) for child in node.named_children if child.type != COMMENT) if node else ()


def names_in(node: Node | None) -> Iterator[str]:
    """The names that a declarator binds, those of `auto [a, b]` too."""
    stack = [node] if node is not None else []
    while stack:
        current = stack.pop()
        if current.type in ("identifier", "field_identifier"):
            yield text_of(current)
        elif current.type in _WRAPPERS:
            inner = current.child_by_field_name("declarator")
            stack += [inner] if inner is not None else current.named_children


def constant(node: Node | None, known: Mapping[str, bool], depth: int = 0) -> bool | None:
    """What a condition always is; None for one that may be either. `known`: constants in sight."""
    if node is None or depth > _DEEPEST:
        return None
    if node.type in ("true", "false"):
        return node.type == "true"
    if node.type == "number_literal":
        text = text_of(node).rstrip("uUlL").replace("'", "")
        return int(text) != 0 if text.isdecimal() else None
    if node.type in ("condition_clause", "parenthesized_expression"):
        inner = field(node, "value") or (node.named_children[-1] if node.named_children else None)
        return constant(inner, known, depth + 1)
    if node.type == "identifier":
        return known.get(text_of(node))
    if node.type == "unary_expression" and text_of(field(node, "operator")) in ("!", "not"):
        value = constant(field(node, "argument"), known, depth + 1)
        return None if value is None else not value
    if node.type == "binary_expression":
        sides = [text_of(field(node, side)) for side in ("left", "right")]
        if (told := compared(text_of(field(node, "operator")), *sides)) is not None:
            return told
        decided = {"&&": False, "and": False, "||": True, "or": True}.get(text_of(field(node, "operator")))
        values = {constant(field(node, side), known, depth + 1) for side in ("left", "right")}
        return decided if decided is not None and decided in values else None
    return None


def leaves(statement: Node | None, depth: int = 0) -> bool:
    """Whether nothing behind a statement runs: a jump, what never returns, or both ways of an `if`."""
    node = statement
    if node is None or depth > _DEEPEST:
        return False
    kind = node.type
    if kind in ("else_clause", "expression_statement"):
        return bool(node.named_children) and leaves(node.named_children[-1], depth + 1)
    if kind == "call_expression":
        return (path_of(node.child_by_field_name("function")) or ("",))[-1] in _NEVER_RETURN
    if kind == "compound_statement":
        return not _has_label(node) and any(leaves(c, depth + 1) for c in node.named_children)
    if kind == "if_statement":
        ways = (node.child_by_field_name("consequence"), node.child_by_field_name("alternative"))
        always = constant(node.child_by_field_name("condition"), {})
        if always is not None:
            return leaves(ways[0 if always else 1], depth + 1)
        return all(way is not None and leaves(way, depth + 1) for way in ways)
    if kind in _ENDLESS:
        return _never_ends(node, depth)
    return kind in JUMPS or kind == "throw_expression"


def _never_ends(loop: Node, depth: int) -> bool:
    """Whether nothing behind a loop runs: it has no end and no way out, or turns once and leaves."""
    condition, body = loop.child_by_field_name("condition"), loop.child_by_field_name("body")
    if has_kind(body, _WAYS_OUT):
        return False
    if loop.type == "do_statement" and leaves(body, depth + 1):
        return True
    endless = loop.type == "for_statement" and condition is None
    return endless or (condition is not None and constant(condition, {}) is True)


def _has_label(block: Node) -> bool:
    return any(child.type in ("labeled_statement", "case_statement") for child in block.named_children)


def doc_before(node: Node) -> str:
    """The comments that stand right before an item, their signs left out."""
    lines: list[str] = []
    before, row = node.prev_sibling, node.start_point[0]
    while (
        before is not None and before.type == COMMENT and before.end_point[0] >= row - 1 and len(lines) < 400
    ):
        text = re.sub(r"\A/\*+!?|\*+/\Z", "", text_of(before))
        lines = [
            re.sub(r"^\s*(?://[/!]?<?|\*+(?!/))\s?", "", line).rstrip() for line in text.split("\n")
        ] + lines
        row, before = before.start_point[0], before.prev_sibling
    return "\n".join(lines).strip()
