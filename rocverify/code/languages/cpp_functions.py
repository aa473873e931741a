"""The functions of a C or C++ syntax tree as records, and the imports that a body may have."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from tree_sitter import Node

from rocverify.code.languages.cpp_body import CppBody
from rocverify.code.languages.cpp_parts import (
    declared,
    doc_before,
    field,
    parameters_of,
    path_of,
    squeezed,
    text_of,
    type_text,
)
from rocverify.code.syntax import Function, Import, Value

STATIC = "static"


@dataclass(frozen=True, slots=True)
class Block:
    """Items to be read: the namespaces around them, the type they belong to, whether only this file sees
    them."""

    node: Node
    scope: tuple[str, ...] = ()
    owner: str = ""
    local: bool = False


class CppFunctions:
    """Makes the records of functions. `marks` are the byte offsets of HIP's annotations; `spaces` the names
    of the namespaces met so far."""

    def __init__(
        self, constants: Mapping[str, bool], launches: Collection[int], marks: Mapping[int, bytes]
    ) -> None:
        self._constants = constants
        self._launches = launches
        self._marks = sorted(offset for offset, mark in marks.items() if mark == b"__global__")
        self.spaces: set[str] = set()

    def defined(self, node: Node, around: Block, begin: int) -> Function | None:
        """The function of a definition that begins at byte `begin`; None for what only looks like one."""
        outer = field(node, "declarator")
        name, function = declared(outer)
        if name is not None and name.type == "operator_cast":
            path: tuple[str, ...] = (f"operator {squeezed(field(name, 'type'))}",)
            function = field(name, "declarator")
        else:
            path = path_of(name)
        if function is None or name is None or not path or not path[-1]:
            return None
        made = self.prototype(node, around, path, name, function, begin)
        body = self._body(node, outer, made)
        inner = field(node, "body")
        return replace(
            made,
            calls=tuple(body.calls),
            imports=tuple(one for using, dead in body.imports for one in imports_of(using, dead)),
            values=tuple(body.values),
            branches=tuple(body.branches),
            doc=doc_before(_whole(node)),
            template=node.parent is not None and node.parent.type == "template_declaration",
            declared=inner is None and not any(c.type == "try_statement" for c in node.named_children),
        )

    def _body(self, node: Node, outer: Node | None, made: Function) -> CppBody:
        """What a definition does, initializers of members included."""
        types = {p.name: p.type for p in made.parameters if p.name}
        body = CppBody(made.owner, types, self._constants, self._launches)
        inner = field(node, "body")
        for part in node.named_children:
            if (
                part.type in ("field_initializer_list", "try_statement", "compound_statement")
                and part != inner
            ):
                body.read(part)
        for part in outer.named_children if outer is not None else ():
            if part.type == "field_initializer_list":
                body.read(part)
        if inner is not None:
            body.read(inner)
        return body

    def prototype(
        self, node: Node, around: Block, path: tuple[str, ...], name: Node, function: Node, begin: int
    ) -> Function:
        """The function that a declaration names, without a body."""
        scope, owner = self._home(path, around)
        return Function(
            name=path[-1],
            owner=owner,
            scope=scope,
            line=name.start_point[0] + 1,
            last_line=node.end_point[0] + 1,
            calls=(),
            parameters=tuple(_parameters(function)),
            returns=squeezed(field(node, "type")),
            doc=doc_before(node),
            kernel=self._is_kernel(begin, name.start_byte),
            declared=True,
            local=around.local or (not around.owner and has(node, STATIC)),
        )

    def _home(self, path: tuple[str, ...], around: Block) -> tuple[tuple[str, ...], str]:
        """The namespaces and the type of a function from how its name is written."""
        if len(path) == 1:
            return around.scope, around.owner
        before = path[:-1]
        if before[-1] in self.spaces:
            return (*around.scope, *before), ""
        return (*around.scope, *before[:-1]), before[-1]

    def _is_kernel(self, begin: int, end: int) -> bool:
        at = bisect_left(self._marks, begin)
        return at < len(self._marks) and self._marks[at] < end


def _whole(node: Node) -> Node:
    """An item with its `template <...>` and `extern "C"`."""
    parent = node.parent
    while parent is not None and parent.type in ("template_declaration", "linkage_specification"):
        node, parent = parent, parent.parent
    return node


def has(node: Node, word: str) -> bool:
    """Whether a declaration has a storage class."""
    return any(c.type == "storage_class_specifier" and text_of(c) == word for c in node.named_children)


def _parameters(function: Node) -> Iterator[Value]:
    for node in parameters_of(function):
        if node.type == "...":
            yield Value("...", "...", "", node.start_point[0] + 1)
            continue
        name, _ = declared(field(node, "declarator"))
        shown = text_of(name) if name is not None and name.type == "identifier" else ""
        pack = "..." if node.type == "variadic_parameter_declaration" else ""
        default = squeezed(field(node, "default_value"))
        yield Value(shown, type_text(node, name) + pack, default, node.start_point[0] + 1)


def spaces_of(node: Node | None) -> list[Node]:
    """The names of a namespace: two of `a::b`."""
    if node is None:
        return []
    return _all_spaces(node) if node.type == "nested_namespace_specifier" else [node]


def _all_spaces(node: Node) -> list[Node]:
    """The names of `a::b::c`, which nests to the right."""
    found: list[Node] = []
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type == "nested_namespace_specifier":
            stack += reversed(current.named_children)
        else:
            found.append(current)
    return found


def imports_of(node: Node, dead: str) -> Iterator[Import]:
    """What `using a::b`, `using namespace a` and `namespace x = a::b` bring in."""
    line = node.start_point[0] + 1
    if node.type == "namespace_alias_definition":
        path = tuple(text_of(part) for part in spaces_of(node.named_children[-1]))
        yield Import(text_of(field(node, "name")), path, line, True, dead)
        return
    inner = node.named_children[-1] if node.named_children else None
    path = path_of(inner)
    if path:
        whole = any(child.type == "namespace" for child in node.children)
        yield Import("*" if whole else path[-1], path, line, True, dead)
