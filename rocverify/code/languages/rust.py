"""Rust sources as records, from tree-sitter's syntax tree."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import tree_sitter_rust
from tree_sitter import Language, Node, Parser

from rocverify.code.syntax import Call, Function, Import, Named, Unit

_TYPES = {
    "struct_item": "struct",
    "enum_item": "enum",
    "union_item": "union",
    "trait_item": "trait",
    "type_item": "type",
    "const_item": "constant",
    "static_item": "static",
    "macro_definition": "macro",
    "mod_item": "module",
}
_AROUND = ("parenthesized_expression", "reference_expression", "try_expression")
_JUMPS = frozenset({"return_expression", "break_expression", "continue_expression"})
_NEVER = ("cfg(any())", "cfg(not(all()))", "cfg(FALSE)", "cfg(false)")
_DIVERGING = frozenset({"panic", "unreachable", "todo", "unimplemented"})


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_rust.language()))


def read_rust(path: str, text: str) -> Unit:
    """The records of one file. What cannot be parsed is left out; `Unit.broken` says from which line."""
    root = _parser().parse(text.encode("utf-8", "replace")).root_node
    reader = _Reader()
    reader.items(root, (), "", "")
    return Unit(path, tuple(reader.functions), tuple(reader.imports), tuple(reader.named), _broken(root))


def _broken(node: Node) -> int | None:
    """The line of the first error in a tree."""
    if not node.has_error:
        return None
    stack = [node]
    while stack:
        current = stack.pop()
        if current.is_error or current.is_missing:
            return current.start_point[0] + 1
        stack += [child for child in reversed(current.children) if child.has_error]
    return node.start_point[0] + 1


class _Reader:
    """Collects the items of a file, those of modules and implementations too."""

    def __init__(self) -> None:
        self.functions: list[Function] = []
        self.imports: list[Import] = []
        self.named: list[Named] = []

    def items(self, block: Node, scope: tuple[str, ...], owner: str, dead: str) -> None:
        """The items of a block; `owner` is the type they belong to, `dead` why no build has them."""
        attributes: list[str] = []
        for node in block.named_children:
            if node.type in ("attribute_item", "inner_attribute_item"):
                attributes.append(_text(node))
                continue
            if node.type not in ("line_comment", "block_comment"):
                self._item(node, scope, owner, dead or _unbuilt(attributes))
                attributes = []

    def _item(self, node: Node, scope: tuple[str, ...], owner: str, dead: str) -> None:
        name = _text(node.child_by_field_name("name"))
        body = node.child_by_field_name("body")
        if node.type in ("function_item", "function_signature_item"):
            self.functions.append(_function(node, scope, owner, dead))
        elif node.type == "use_declaration":
            exported = any(child.type == "visibility_modifier" for child in node.children)
            argument = node.child_by_field_name("argument")
            found = _imports(argument, ()) if argument else ()
            line = node.start_point[0] + 1
            self.imports += [Import(n, p, line, exported, dead) for n, p in found]
        elif node.type == "impl_item":
            if body:
                self.items(body, scope, _type_name(node.child_by_field_name("type")), dead)
        elif node.type == "foreign_mod_item":
            if body:
                self.items(body, scope, owner, dead)
        elif node.type in _TYPES:
            self.named.append(Named(name, _TYPES[node.type], node.start_point[0] + 1, dead))
            if body and node.type in ("mod_item", "trait_item"):
                inner = (*scope, name) if node.type == "mod_item" else scope
                self.items(body, inner, name if node.type == "trait_item" else "", dead)


def _text(node: Node | None) -> str:
    return node.text.decode("utf-8", "replace") if node is not None and node.text is not None else ""


def _unbuilt(attributes: list[str]) -> str:
    """Why attributes keep an item out of what is shipped."""
    for text in attributes:
        folded = "".join(text.split())
        if "cfg(test)" in folded or "cfg(all(test" in folded or folded in ("#[test]", "#[bench]"):
            return "it is built for tests only"
        if (
            "cfg(any())" in folded
            or "cfg(not(all()))" in folded
            or "cfg(FALSE)" in folded
            or "cfg(false)" in folded
        ):
            return "no build has it"
    return ""


def _type_name(node: Node | None) -> str:
    """The bare name of a type: `Bar` of `&mut a::Bar<T>`."""
    while node is not None:
        if node.type in ("type_identifier", "primitive_type", "identifier"):
            return _text(node)
        if node.type == "scoped_type_identifier":
            return _text(node.child_by_field_name("name"))
        inner = node.child_by_field_name("type")
        node = inner if inner is not None and inner != node else None
    return ""


def _imports(node: Node, before: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Names and paths of a `use`: `a::{b, c as d, e::*}`."""
    if node.type == "use_list":
        for child in node.named_children:
            yield from _imports(child, before)
    elif node.type == "scoped_use_list":
        head = (*before, *_path(node.child_by_field_name("path")))
        inner = node.child_by_field_name("list")
        yield from _imports(inner, head) if inner else ()
    elif node.type == "use_as_clause":
        yield _text(node.child_by_field_name("alias")), (*before, *_path(node.child_by_field_name("path")))
    elif node.type == "use_wildcard":
        yield "*", (*before, *_path(node.named_children[0] if node.named_children else None))
    elif node.type == "self" and before:
        yield before[-1], before
    else:
        path = (*before, *_path(node))
        if path:
            yield path[-1], path


def _path(node: Node | None) -> tuple[str, ...]:
    """The parts of `a::b::c`, type arguments left out."""
    if node is None:
        return ()
    if node.type in ("scoped_identifier", "scoped_type_identifier"):
        return (*_path(node.child_by_field_name("path")), _text(node.child_by_field_name("name")))
    if node.type in ("generic_type", "generic_function", "bracketed_type"):
        inner = node.child_by_field_name("type") or node.child_by_field_name("function")
        return _path(inner if inner is not None else node.named_children[0] if node.named_children else None)
    return (_text(node),)


def _function(node: Node, scope: tuple[str, ...], owner: str, dead: str) -> Function:
    body = node.child_by_field_name("body")
    reader = _Body(owner, _parameters(node))
    if body is not None:
        reader.block(body, "")
    return Function(
        name=_text(node.child_by_field_name("name")),
        owner=owner,
        scope=scope,
        line=node.start_point[0] + 1,
        last_line=node.end_point[0] + 1,
        calls=tuple(reader.calls),
        local=reader.local,
        dead=dead,
    )


def _parameters(node: Node) -> dict[str, str]:
    """The types of a function's parameters, by name."""
    found: dict[str, str] = {}
    parameters = node.child_by_field_name("parameters")
    for parameter in parameters.named_children if parameters else ():
        if parameter.type == "parameter":
            name = _text(parameter.child_by_field_name("pattern"))
            found[name.removeprefix("mut ")] = _type_name(parameter.child_by_field_name("type"))
    return found


class _Body:
    """Collects the calls of a body, the types of its variables, and what can never run."""

    def __init__(self, owner: str, types: dict[str, str]) -> None:
        self._owner = owner
        self._types = types
        self._closures: dict[str, list[Call]] = {}
        self.calls: list[Call] = []
        self.local: dict[str, int] = {}

    def block(self, node: Node, dead: str) -> None:
        """A block: what stands behind a jump, or what attributes keep out, is dead."""
        attributes: list[str] = []
        for child in node.named_children:
            if child.type == "attribute_item":
                attributes.append(_text(child))
                continue
            self.visit(child, dead or _unbuilt(attributes))
            attributes = []
            if not dead and _leaves(child):
                dead = f"it stands behind line {child.start_point[0] + 1}, which leaves the block"

    def visit(self, node: Node, dead: str) -> None:
        """One expression or statement, with what is in it."""
        kind = node.type
        if kind == "block":
            self.block(node, dead)
        elif kind == "let_declaration":
            self._let(node, dead)
        elif kind == "function_item":
            self.local[_text(node.child_by_field_name("name"))] = node.start_point[0] + 1
        elif kind == "if_expression":
            self._branches(node, dead)
        elif kind == "macro_invocation":
            self._macro(node, dead)
        else:
            if kind == "call_expression":
                self._call(node, dead)
            for child in node.named_children:
                self.visit(child, dead)

    def _let(self, node: Node, dead: str) -> None:
        """A variable: of a type that shows, or a closure, whose calls count where it is called."""
        name = _text(node.child_by_field_name("pattern")).removeprefix("mut ")
        value = node.child_by_field_name("value")
        declared = _type_name(node.child_by_field_name("type"))
        made = (
            _path(value.child_by_field_name("function")) if value and value.type == "call_expression" else ()
        )
        if declared or (len(made) > 1 and made[-1][:3] in ("new", "fro", "def", "wit")):
            self._types[name] = declared or (self._owner if made[-2] == "Self" else made[-2])
        elif value and value.type == "struct_expression":
            self._types[name] = _type_name(value.child_by_field_name("name"))
        if value is not None and value.type == "closure_expression":
            self.local[name] = node.start_point[0] + 1
            before, self.calls = self.calls, []
            self.visit(value, dead)
            self._closures[name], self.calls = self.calls, before
            unused = f"the closure {name} is never used"
            if _used_after(node, name):
                self.calls += self._closures[name]
            else:
                self.calls += [_dead_call(call, call.dead or unused) for call in self._closures[name]]
            return
        for child in (value, node.child_by_field_name("alternative")):
            if child is not None:
                self.visit(child, dead)

    def _branches(self, node: Node, dead: str) -> None:
        condition = node.child_by_field_name("condition")
        never = "true" if _text(condition) == "true" else "false" if _text(condition) == "false" else ""
        for name in ("condition", "consequence", "alternative"):
            child = node.child_by_field_name(name)
            kept_out = (never, name) in (("false", "consequence"), ("true", "alternative"))
            if child is not None:
                self.visit(child, dead or ("its condition is always " + never if kept_out else ""))

    def _call(self, node: Node, dead: str) -> None:
        function = node.child_by_field_name("function")
        if function is not None and function.type == "generic_function":
            function = function.child_by_field_name("function")
        if function is None:
            return
        line = node.start_point[0] + 1
        if function.type == "field_expression":
            receiver = self._type_of(function.child_by_field_name("value"))
            name = _text(function.child_by_field_name("field"))
            self.calls.append(Call(name, (), receiver, function.end_point[0] + 1, dead))
        elif function.type in ("identifier", "scoped_identifier"):
            *scope, name = _path(function)
            parts = tuple(self._owner if part == "Self" and self._owner else part for part in scope)
            self.calls.append(Call(name, parts, None, line, dead))

    def _type_of(self, node: Node | None) -> str:
        """The type of a receiver, as far as it shows; empty for one that does not."""
        while node is not None and node.type in (
            "parenthesized_expression",
            "reference_expression",
            "try_expression",
        ):
            node = node.named_children[-1] if node.named_children else None
        if node is None:
            return ""
        text = _text(node)
        return self._owner if text == "self" else self._types.get(text, "")

    def _macro(self, node: Node, dead: str) -> None:
        """The arguments of a macro are tokens: a name before parentheses in them is taken for a call."""
        for tree in node.named_children:
            if tree.type == "token_tree":
                self._tokens(tree, dead)

    def _tokens(self, tree: Node, dead: str) -> None:
        children = tree.children
        for before, name, after in zip(("", *children), children, children[1:], strict=False):
            if name.type == "identifier" and after.type == "token_tree" and _text(after).startswith("("):
                sign = _text(before) if isinstance(before, Node) else ""
                receiver = "" if sign == "." else None
                self.calls.append(Call(_text(name), (), receiver, name.start_point[0] + 1, dead))
        for child in children:
            if child.type == "token_tree":
                self._tokens(child, dead)


def _dead_call(call: Call, why: str) -> Call:
    return Call(call.name, call.scope, call.receiver, call.line, why)


def _leaves(statement: Node) -> bool:
    """Whether nothing behind a statement runs: a jump, or a macro that never returns."""
    node = statement.named_children[0] if statement.type == "expression_statement" else statement
    if node.type in _JUMPS:
        return True
    return node.type == "macro_invocation" and _text(node.child_by_field_name("macro")) in _DIVERGING


def _used_after(node: Node, name: str) -> bool:
    """Whether a name occurs in what follows a statement in its block."""
    following = node.next_named_sibling
    while following is not None:
        if _mentions(following, name):
            return True
        following = following.next_named_sibling
    return False


def _mentions(node: Node, name: str) -> bool:
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type == "identifier" and _text(current) == name:
            return True
        stack += current.children
    return False
