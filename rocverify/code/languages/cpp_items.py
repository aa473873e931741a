"""The items of a C or C++ syntax tree as records: functions, types, constants, fields, imports."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from tree_sitter import Node

from rocverify.code.languages.cpp_body import CppBody
from rocverify.code.languages.cpp_parts import (
    bare_type,
    declared,
    doc_before,
    elements_of,
    field,
    parameters_of,
    path_of,
    squeezed,
    text_of,
    type_path,
    type_text,
)
from rocverify.code.syntax import Function, Import, Named, Value

_RECORDS = frozenset({"struct_specifier", "class_specifier", "union_specifier"})
_TRANSPARENT = frozenset({"linkage_specification", "declaration_list", "ERROR", "export_declaration"})
_STATIC = "static"


@dataclass(frozen=True, slots=True)
class _Block:
    """Items to be read: the namespaces around them, the type they belong to, whether only this file sees
    them."""

    node: Node
    scope: tuple[str, ...] = ()
    owner: str = ""
    local: bool = False


class CppItems:
    """Collects the items of one tree. `marks` are the byte offsets of HIP's annotations."""

    def __init__(
        self, constants: Mapping[str, bool], launches: Collection[int], marks: Mapping[int, bytes]
    ) -> None:
        self._constants = constants
        self._launches = launches
        self._marks = sorted(offset for offset, mark in marks.items() if mark == b"__global__")
        self._blocks: list[_Block] = []
        self._spaces: set[str] = set()
        self.functions: list[Function] = []
        self.imports: list[Import] = []
        self.named: list[Named] = []
        self.tables: list[Function] = []

    def read(self, root: Node) -> None:
        self._blocks.append(_Block(root))
        while self._blocks:
            block = self._blocks.pop()
            previous_end = block.node.start_byte if block.node.parent is not None else 0
            for node in block.node.named_children:
                self._item(node, block, previous_end)
                previous_end = node.end_byte

    def _item(self, node: Node, around: _Block, begin: int) -> None:
        kind = node.type
        if kind == "template_declaration":
            for child in node.named_children[1:]:
                self._item(child, around, begin)
        elif kind == "namespace_definition":
            names = tuple(text_of(part) for part in _spaces(field(node, "name")))
            self._spaces.update(names)
            body = field(node, "body")
            if body is not None:
                scope, nameless = (*around.scope, *names), not names
                self._blocks.append(_Block(body, scope, around.owner, around.local or nameless))
        elif kind in _TRANSPARENT:
            body = field(node, "body") or node
            if body.type in _TRANSPARENT:
                self._blocks.append(replace(around, node=body))
            else:
                self._item(body, around, begin)
        elif kind == "function_definition":
            self._function(node, around, begin)
        elif kind in _RECORDS:
            self._record(node, around)
        elif kind == "enum_specifier":
            self._enum(node, around)
        elif kind in ("declaration", "field_declaration"):
            self._declaration(node, around, begin)
        elif kind in ("type_definition", "alias_declaration"):
            self._alias(node, around)
        elif kind in ("using_declaration", "namespace_alias_definition"):
            self.imports += imports_of(node, "")
        elif kind == "friend_declaration":
            self._blocks.append(replace(around, node=node, owner=""))

    # -- types -------------------------------------------------------------------------------------

    def _record(self, node: Node, around: _Block) -> str:
        name, body = path_of(field(node, "name")), field(node, "body")
        last = name[-1] if name else ""
        if body is None:
            return last
        bases = next((c for c in node.named_children if c.type == "base_class_clause"), None)
        parents = tuple(
            path[-1]
            for child in (bases.named_children if bases else ())
            if child.type != "access_specifier" and (path := type_path(child))
        )
        owner = around.owner or "".join(around.scope[-1:])
        if last:
            line = node.start_point[0] + 1
            self.named.append(Named(last, "type", line, owner=owner, bases=parents, doc=doc_before(node)))
        self._blocks.append(_Block(body, (*around.scope, *name[:-1]), last or around.owner, around.local))
        return last

    def _enum(self, node: Node, around: _Block) -> None:
        name, body = text_of(field(node, "name")), field(node, "body")
        if name and body is not None:
            self.named.append(
                Named(name, "type", node.start_point[0] + 1, owner=around.owner, doc=doc_before(node))
            )
        for child in body.named_children if body else ():
            if child.type == "enumerator":
                inner, value = text_of(field(child, "name")), squeezed(field(child, "value"))
                self.named.append(
                    Named(inner, "constant", child.start_point[0] + 1, owner=name or around.owner, text=value)
                )

    def _alias(self, node: Node, around: _Block) -> None:
        inner = field(node, "type")
        if inner is not None and inner.type in _RECORDS:
            self._record(inner, around)
        elif inner is not None and inner.type == "enum_specifier":
            self._enum(inner, around)
        names = [field(node, "name")] if node.type == "alias_declaration" else []
        for declarator in node.children_by_field_name("declarator"):
            names.append(_innermost(declarator))
        for name in names:
            if name is not None:
                written = squeezed(inner)
                line = node.start_point[0] + 1
                self.named.append(Named(text_of(name), "type", line, owner=around.owner, type=written))

    # -- functions ---------------------------------------------------------------------------------

    def _function(self, node: Node, around: _Block, begin: int) -> None:
        outer = field(node, "declarator")
        name, function = declared(outer)
        if name is not None and name.type == "operator_cast":
            path: tuple[str, ...] = (f"operator {squeezed(field(name, 'type'))}",)
            function = field(name, "declarator")
        else:
            path = path_of(name)
        if function is None or name is None or not path or not path[-1]:
            kind = field(node, "type")
            if kind is not None and kind.type in _RECORDS:
                self._record(kind, around)  # a macro before the name: `class API Engine { ... }`
            return
        scope, owner = self._home(path, around)
        parameters = tuple(_parameters(function))
        types = {p.name: p.type for p in parameters if p.name}
        body = CppBody(owner, types, self._constants, self._launches)
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
        self.functions.append(
            Function(
                name=path[-1],
                owner=owner,
                scope=scope,
                line=name.start_point[0] + 1,
                last_line=node.end_point[0] + 1,
                calls=tuple(body.calls),
                imports=tuple(made for using, dead in body.imports for made in imports_of(using, dead)),
                parameters=parameters,
                values=tuple(body.values),
                branches=tuple(body.branches),
                doc=doc_before(_whole(node)),
                template=node.parent is not None and node.parent.type == "template_declaration",
                kernel=self._is_kernel(begin, name.start_byte),
                declared=inner is None and not any(c.type in ("try_statement",) for c in node.named_children),
                local=around.local or (not around.owner and _has(node, _STATIC)),
            )
        )

    def _home(self, path: tuple[str, ...], around: _Block) -> tuple[tuple[str, ...], str]:
        """The namespaces and the type of a function from how its name is written."""
        if len(path) == 1:
            return around.scope, around.owner
        before = path[:-1]
        if before[-1] in self._spaces:
            return (*around.scope, *before), ""
        return (*around.scope, *before[:-1]), before[-1]

    def _is_kernel(self, begin: int, end: int) -> bool:
        at = bisect_left(self._marks, begin)
        return at < len(self._marks) and self._marks[at] < end

    def _declaration(self, node: Node, around: _Block, begin: int) -> None:
        """Prototypes, variables, constants and fields; types that are defined on the way."""
        kind = field(node, "type")
        if kind is not None and kind.type in _RECORDS:
            self._record(kind, around)
        elif kind is not None and kind.type == "enum_specifier":
            self._enum(kind, around)
        for declarator in node.children_by_field_name("declarator"):
            name, function = declared(declarator)
            path = path_of(name)
            if name is None or not path or not path[-1]:
                continue
            if function is not None:
                self._prototype(node, around, path, name, function, begin)
            else:
                self._variable(node, around, path, declarator)

    def _prototype(
        self, node: Node, around: _Block, path: tuple[str, ...], name: Node, function: Node, begin: int
    ) -> None:
        scope, owner = self._home(path, around)
        self.functions.append(
            Function(
                name=path[-1],
                owner=owner,
                scope=scope,
                line=name.start_point[0] + 1,
                last_line=node.end_point[0] + 1,
                calls=(),
                parameters=tuple(_parameters(function)),
                doc=doc_before(node),
                kernel=self._is_kernel(begin, name.start_byte),
                declared=True,
                local=around.local or (not around.owner and _has(node, _STATIC)),
            )
        )

    def _variable(self, node: Node, around: _Block, path: tuple[str, ...], declarator: Node) -> None:
        is_field = node.type == "field_declaration" and not _has(node, _STATIC)
        value = field(declarator, "value") or field(node, "default_value")
        if not is_field and _has(node, "extern") and value is None:
            return
        name, _ = declared(declarator)
        line = node.start_point[0] + 1
        owner = path[-2] if len(path) > 1 else around.owner or "".join(around.scope[-1:])
        written = (
            type_text(node, name) if declarator.type != "init_declarator" else squeezed(field(node, "type"))
        )
        kind = "field" if is_field else "variable"
        made = Named(
            path[-1],
            kind,
            line,
            "",
            owner,
            (),
            written,
            squeezed(value),
            elements_of(value),
            doc_before(node),
        )
        self.named.append(made)
        if value is not None:
            body = CppBody("", {}, {}, self._launches)
            body.read(value)
            calls = tuple(replace(call, sure=False) for call in body.calls)
            if calls:
                self.tables.append(Function(path[-1], "", (), line, node.end_point[0] + 1, calls))


def _whole(node: Node) -> Node:
    """An item with its `template <...>` and `extern "C"`."""
    parent = node.parent
    while parent is not None and parent.type in ("template_declaration", "linkage_specification"):
        node, parent = parent, parent.parent
    return node


def _spaces(node: Node | None) -> list[Node]:
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


def _innermost(declarator: Node) -> Node | None:
    stack = [declarator]
    while stack:
        current = stack.pop()
        if current.type in ("type_identifier", "primitive_type"):
            return current
        inner = current.child_by_field_name("declarator")
        stack += [inner] if inner is not None else current.named_children[:1]
    return None


def _has(node: Node, word: str) -> bool:
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


def imports_of(node: Node, dead: str) -> Iterator[Import]:
    """What `using a::b`, `using namespace a` and `namespace x = a::b` bring in."""
    line = node.start_point[0] + 1
    if node.type == "namespace_alias_definition":
        path = tuple(text_of(part) for part in _spaces(node.named_children[-1]))
        yield Import(text_of(field(node, "name")), path, line, True, dead)
        return
    inner = node.named_children[-1] if node.named_children else None
    path = path_of(inner)
    if path:
        whole = any(child.type == "namespace" for child in node.children)
        yield Import("*" if whole else path[-1], path, line, True, dead)


def simple_constants(root: Node) -> dict[str, bool]:
    """The constants at file scope that are simply true or false."""
    found: dict[str, bool] = {}
    for node in root.named_children:
        words = {
            text_of(c) for c in node.named_children if c.type in ("type_qualifier", "storage_class_specifier")
        }
        if node.type != "declaration" or not words & {"const", "constexpr"}:
            continue
        for declarator in node.children_by_field_name("declarator"):
            value = field(declarator, "value")
            if (
                value is not None
                and value.type in ("true", "false")
                and bare_type(squeezed(field(node, "type")))
            ):
                found[text_of(field(declarator, "declarator"))] = value.type == "true"
    return found
