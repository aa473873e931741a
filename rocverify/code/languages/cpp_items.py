"""The items of a C or C++ syntax tree as records: functions, types, constants, fields, imports."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from tree_sitter import Node

from rocverify.code.languages.cpp_body import CppBody
from rocverify.code.languages.cpp_functions import STATIC, Block, CppFunctions, has, imports_of, spaces_of
from rocverify.code.languages.cpp_parts import (
    bare_type,
    declared,
    doc_before,
    elements_of,
    field,
    path_of,
    squeezed,
    text_of,
    type_path,
    type_text,
)
from rocverify.code.languages.tree import strings_in
from rocverify.code.syntax import Function, Import, Named

_RECORDS = frozenset({"struct_specifier", "class_specifier", "union_specifier"})
_TRANSPARENT = frozenset({"linkage_specification", "declaration_list", "ERROR", "export_declaration"})


class CppItems:
    """Collects the items of one tree. `marks` are the byte offsets of HIP's annotations."""

    def __init__(
        self, constants: Mapping[str, bool], launches: Collection[int], marks: Mapping[int, bytes]
    ) -> None:
        self._launches = launches
        self._functions = CppFunctions(constants, launches, marks)
        self._blocks: list[Block] = []
        self.functions: list[Function] = []
        self.imports: list[Import] = []
        self.named: list[Named] = []
        self.tables: list[Function] = []

    def read(self, root: Node) -> None:
        """Reads all items of a file: functions, types, constants, what namespaces and classes hold."""
        self._blocks.append(Block(root))
        while self._blocks:
            block = self._blocks.pop()
            previous_end = block.node.start_byte if block.node.parent is not None else 0
            for node in block.node.named_children:
                self._item(node, block, previous_end)
                previous_end = node.end_byte

    def _item(self, node: Node, around: Block, begin: int) -> None:
        kind = node.type
        if kind == "template_declaration":
            for child in node.named_children[1:]:
                self._item(child, around, begin)
        elif kind == "namespace_definition":
            names = tuple(text_of(part) for part in spaces_of(field(node, "name")))
            self._functions.spaces.update(names)
            body = field(node, "body")
            if body is not None:
                scope, nameless = (*around.scope, *names), not names
                self._blocks.append(Block(body, scope, around.owner, around.local or nameless))
        elif kind in _TRANSPARENT:
            body = field(node, "body") or node
            if body.type in _TRANSPARENT:
                self._blocks.append(replace(around, node=body))
            else:
                self._item(body, around, begin)
        elif kind == "function_definition":
            made = self._functions.defined(node, around, begin)
            if made is not None:
                self.functions.append(made)
            elif (inner := field(node, "type")) is not None and inner.type in _RECORDS:
                self._record(inner, around)  # a macro before the name: `class API Engine { ... }`
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

    def _record(self, node: Node, around: Block) -> str:
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
        self._blocks.append(Block(body, (*around.scope, *name[:-1]), last or around.owner, around.local))
        return last

    def _enum(self, node: Node, around: Block) -> None:
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

    def _alias(self, node: Node, around: Block) -> None:
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

    def _declaration(self, node: Node, around: Block, begin: int) -> None:
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
                made = self._functions.prototype(node, around, path, name, function, begin)
                self.functions.append(made)
            else:
                self._variable(node, around, path, declarator)

    def _variable(self, node: Node, around: Block, path: tuple[str, ...], declarator: Node) -> None:
        is_field = node.type == "field_declaration" and not has(node, STATIC)
        value = field(declarator, "value") or field(node, "default_value")
        if not is_field and has(node, "extern") and value is None:
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
            doc=doc_before(node),
            strings=strings_in(value),
        )
        self.named.append(made)
        if value is not None:
            body = CppBody("", {}, {}, self._launches)
            body.read(value)
            calls = tuple(replace(call, sure=False) for call in body.calls)
            if calls:
                self.tables.append(Function(path[-1], "", (), line, node.end_point[0] + 1, calls))


def _innermost(declarator: Node) -> Node | None:
    stack = [declarator]
    while stack:
        current = stack.pop()
        if current.type in ("type_identifier", "primitive_type"):
            return current
        inner = current.child_by_field_name("declarator")
        stack += [inner] if inner is not None else current.named_children[:1]
    return None


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
