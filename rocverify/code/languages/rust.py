"""Rust sources as records, from tree-sitter's syntax tree, which may be nested thousands deep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import tree_sitter_rust
from tree_sitter import Language, Node, Parser

from rocverify.code.languages.rust_body import Body
from rocverify.code.languages.rust_parts import (
    COMMENTS,
    doc_before,
    elements_of,
    held_type,
    path_of,
    squeezed,
    text_of,
    type_name,
    unbuilt,
)
from rocverify.code.languages.tree import broken, strings_in
from rocverify.code.syntax import Function, Import, Named, Unit, Value

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
_MADE_BY_MACROS = frozenset({"struct", "enum", "union", "trait", "type", "const", "static", "fn", "mod"})
_BETWEEN = frozenset({"ref", "mut"})


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_rust.language()))


def parsed_rust(source: bytes) -> Node:
    """The syntax tree of a source."""
    return _parser().parse(source).root_node


def read_rust(path: str, text: str) -> Unit:
    """The records of one file. What cannot be parsed is left out; `Unit.broken` says from which line."""
    root = _parser().parse(text.encode("utf-8", "replace")).root_node
    reader = _Reader(_constants(root))
    reader.read(root)
    return Unit(
        path,
        tuple(sorted(reader.functions, key=lambda function: function.line)),
        tuple(reader.imports),
        tuple(reader.named),
        broken(root),
        tuple(reader.macros),
    )


def _constants(root: Node) -> dict[str, bool]:
    """The constants of a file that are simply true or false."""
    found = {}
    for node in root.named_children:
        value = node.child_by_field_name("value") if node.type == "const_item" else None
        if value is not None and value.type == "boolean_literal":
            found[text_of(node.child_by_field_name("name"))] = text_of(value) == "true"
    return found


@dataclass(frozen=True, slots=True)
class _Block:
    """A block of items: the modules around it, the type they belong to, and why no build has them."""

    node: Node
    scope: tuple[str, ...] = ()
    owner: str = ""
    dead: str = ""


class _Reader:
    """Collects the items of a file, those of modules and implementations too."""

    def __init__(self, constants: dict[str, bool]) -> None:
        self._constants = constants
        self._blocks: list[_Block] = []
        self.functions: list[Function] = []
        self.imports: list[Import] = []
        self.named: list[Named] = []
        self.macros: list[Function] = []

    def read(self, root: Node) -> None:
        self._blocks.append(_Block(root))
        while self._blocks:
            self._items(self._blocks.pop(0))

    def _items(self, block: _Block) -> None:
        attributes: list[str] = []
        for node in block.node.named_children:
            if node.type == "inner_attribute_item":
                why = block.dead or unbuilt([text_of(node)])
                block = _Block(block.node, block.scope, block.owner, why)
            elif node.type == "attribute_item":
                attributes.append(text_of(node))
            elif node.type not in COMMENTS:
                dead = block.dead or unbuilt(attributes)
                self._item(node, _Block(block.node, block.scope, block.owner, dead))
                attributes = []

    def _item(self, node: Node, around: _Block) -> None:
        name = text_of(node.child_by_field_name("name"))
        body = node.child_by_field_name("body")
        scope, owner, dead = around.scope, around.owner, around.dead
        if node.type in ("function_item", "function_signature_item"):
            self.functions.append(self._function(node, around))
        elif node.type == "use_declaration":
            self.imports += _imports(node, dead)
        elif node.type in ("impl_item", "foreign_mod_item"):
            inner = type_name(node.child_by_field_name("type")) if node.type == "impl_item" else owner
            self._blocks += [_Block(body, scope, inner, dead)] if body else []
        elif node.type in ("macro_invocation", "expression_statement"):
            self.named += _made_by_macro(node, dead)
        elif node.type in _TYPES:
            line = node.start_point[0] + 1
            self.named.append(_named(node, name, line, dead, owner or "".join(scope[-1:])))
            self.named += _fields(node, name, dead)
            if node.type == "macro_definition":
                self.macros.append(_macro(node, name, dead))
            elif node.type in ("const_item", "static_item"):
                self.macros += _table(node, name, dead)
            if body and node.type in ("mod_item", "trait_item"):
                inner_scope = (*scope, name) if node.type == "mod_item" else scope
                self._blocks.append(
                    _Block(body, inner_scope, name if node.type == "trait_item" else "", dead)
                )

    def _function(self, node: Node, around: _Block) -> Function:
        body = node.child_by_field_name("body")
        parameters = tuple(_parameters(node))
        types = {p.name: held_type(p.node) for p in parameters}
        reader = Body(around.owner, types, self._constants)
        if body is not None:
            reader.read(body)
        imports = [made for inner, dead in reader.imports for made in _imports(inner, dead)]
        return Function(
            name=text_of(node.child_by_field_name("name")),
            owner=around.owner,
            scope=around.scope,
            line=node.start_point[0] + 1,
            last_line=node.end_point[0] + 1,
            calls=tuple(reader.calls),
            imports=tuple(imports),
            dead=around.dead,
            parameters=tuple(p.value for p in parameters),
            values=tuple(reader.values),
            branches=tuple(reader.branches),
            doc=doc_before(node),
            declared=body is None and bool(around.owner),
        )


def _macro(node: Node, name: str, dead: str) -> Function:
    """A macro as if it were a function: what its invocation may call."""
    reader = Body("", {}, {})
    for rule in node.named_children:
        if rule.type == "macro_rule" and (body := rule.child_by_field_name("right")):
            reader.tokens(body, "", sure=False)
    line, last = node.start_point[0] + 1, node.end_point[0] + 1
    return Function(f"{name}!", "", (), line, last, tuple(reader.calls), dead=dead)


def _table(node: Node, name: str, dead: str) -> Iterator[Function]:
    """A constant that names functions, as if it were one that may call them."""
    reader = Body("", {}, {})
    value = node.child_by_field_name("value")
    if value is not None:
        reader.read(value)
    calls = tuple(replace(call, sure=False) for call in reader.calls)
    if calls:
        yield Function(name, "", (), node.start_point[0] + 1, node.end_point[0] + 1, calls, dead=dead)


def _made_by_macro(node: Node, dead: str) -> Iterator[Named]:
    """What the tokens of a macro at the level of items define: `bitflags! { pub struct Flags { .. } }`."""
    trees = [node]
    while trees:
        before = ""
        for child in trees.pop().children:
            if child.type in ("token_tree", "macro_invocation"):
                trees.append(child)
            text = text_of(child) if child.child_count == 0 else ""
            if before in _MADE_BY_MACROS and child.type in ("identifier", "type_identifier"):
                yield Named(text, f"{before} of a macro", child.start_point[0] + 1, dead)
            before = before if text in _BETWEEN else text


def _imports(node: Node, dead: str) -> Iterator[Import]:
    """Names and paths of a `use`: `a::{b, c as d, e::*}`."""
    exported = any(child.type == "visibility_modifier" for child in node.children)
    line = node.start_point[0] + 1
    argument = node.child_by_field_name("argument")
    stack: list[tuple[Node, tuple[str, ...]]] = [(argument, ())] if argument else []
    while stack:
        part, before = stack.pop()
        name, path = "", before
        if part.type == "use_list":
            stack += [(child, before) for child in reversed(part.named_children)]
        elif part.type == "scoped_use_list":
            inner = part.child_by_field_name("list")
            head = (*before, *path_of(part.child_by_field_name("path")))
            stack += [(inner, head)] if inner else []
        elif part.type == "use_as_clause":
            name = text_of(part.child_by_field_name("alias"))
            path = (*before, *path_of(part.child_by_field_name("path")))
        elif part.type == "use_wildcard":
            name, path = "*", (*before, *path_of(part.named_children[0] if part.named_children else None))
        elif part.type not in COMMENTS:
            path = before if part.type == "self" and before else (*before, *path_of(part))
            name = path[-1] if path else ""
        if name:
            path = path[:-1] if len(path) > 1 and path[-1] == "self" else path
            yield Import(name, path, line, exported, dead)


@dataclass(frozen=True, slots=True)
class _Parameter:
    value: Value
    node: Node | None

    @property
    def name(self) -> str:
        return self.value.name


def _parameters(node: Node) -> Iterator[_Parameter]:
    """A function's parameters, `self` left out."""
    parameters = node.child_by_field_name("parameters")
    for parameter in parameters.named_children if parameters else ():
        if parameter.type == "parameter":
            name = text_of(parameter.child_by_field_name("pattern")).removeprefix("mut ")
            kind = parameter.child_by_field_name("type")
            yield _Parameter(Value(name, squeezed(kind), "", parameter.start_point[0] + 1), kind)


def _named(node: Node, name: str, line: int, dead: str, owner: str) -> Named:
    """A type, constant, module or macro."""
    value, kind = node.child_by_field_name("value"), node.child_by_field_name("type")
    return Named(
        name,
        _TYPES[node.type],
        line,
        dead,
        owner,
        type=squeezed(kind) if value is not None else "",
        text=squeezed(value),
        elements=elements_of(value),
        strings=strings_in(value),
        doc=doc_before(node),
    )


def _fields(node: Node, owner: str, dead: str) -> Iterator[Named]:
    """The fields of a struct or union with their types, and the variants of an enum with their values."""
    body = (
        node.child_by_field_name("body") if node.type in ("struct_item", "union_item", "enum_item") else None
    )
    for child in body.named_children if body is not None else ():
        name, line = text_of(child.child_by_field_name("name")), child.start_point[0] + 1
        if child.type == "field_declaration":
            yield Named(name, "field", line, dead, owner, type=squeezed(child.child_by_field_name("type")))
        elif child.type == "enum_variant":
            yield Named(name, "variant", line, dead, owner, text=squeezed(child.child_by_field_name("value")))
