"""The body of a C or C++ function: its calls, variables and branches, and which of them can never run."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tree_sitter import Node

from rocverify.code.languages.cpp_flow import CppFlow
from rocverify.code.languages.cpp_parts import (
    COMMENT,
    arguments_of,
    bare_type,
    declared,
    elements_of,
    field,
    names_in,
    path_of,
    pointee,
    squeezed,
    text_of,
    type_path,
    type_text,
)
from rocverify.code.languages.cpp_values import MAKERS, launched, made_by, type_written
from rocverify.code.languages.tree import used_after
from rocverify.code.languages.walking import OWN, VARIABLE, Bind, Step, begin_of, end_of
from rocverify.code.syntax import Call, Value

_CASTS = frozenset(
    {
        "static_cast",
        "reinterpret_cast",
        "const_cast",
        "dynamic_cast",
        "bit_cast",
        "defined",
        "__builtin_expect",
    }
)
_NOT_RUN = frozenset(
    {
        "sizeof_expression",
        "alignof_expression",
        "decltype",
        "static_assert_declaration",
        "offsetof_expression",
        "requires_expression",
    }
)
_PERHAPS_RUN = frozenset({"assert", "noexcept", "typeid"})
"""What looks like a call, and whose argument no run may evaluate."""
_SCOPES = frozenset(
    {"for_statement", "for_range_loop", "if_statement", "while_statement", "switch_statement", "catch_clause"}
)


class CppBody(CppFlow):
    """`owner` is the type of a method, `launches` the byte offsets of `<<<`, `constants` the file's constants
    that are true or false."""

    def __init__(
        self,
        owner: str,
        types: dict[str, str],
        constants: Mapping[str, bool],
        launches: Collection[int],
    ) -> None:
        super().__init__(types, constants)
        self._owner = owner
        self._launches = launches
        self.imports: list[tuple[Node, str]] = []
        """The `using` declarations in it, and why they never count."""
        self._read |= {
            "declaration": self._declaration,
            "call_expression": self._call,
            "new_expression": self._new,
            "compound_literal_expression": self._literal,
            "delete_expression": self._delete,
            "identifier": self._mention,
            "qualified_identifier": self._mention,
            "using_declaration": lambda node, dead: self.imports.append((node, dead)),
        }

    def visit(self, node: Node, dead: str) -> None:
        """Reads one node of a function; `dead` says why what it holds is never run, or is empty."""
        if node.type in _NOT_RUN or node.type == COMMENT:
            return
        if node.type in _SCOPES:
            self.next(self.scope_end())
        reader = self._read.get(node.type)
        if reader is not None:
            reader(node, dead)
        else:
            self.children(node, dead)

    # -- variables ---------------------------------------------------------------------------------

    def _declaration(self, node: Node, dead: str) -> None:
        """Variables: of a type that shows, or closures, whose calls count if they are used."""
        kind = field(node, "type")
        steps: list[Step] = []
        for declarator in node.children_by_field_name("declarator"):
            name, function = declared(declarator)
            if function is not None or name is None:
                continue  # the declaration of a function
            value = field(declarator, "value") or field(node, "value")
            steps += self._variable(node, kind, declarator, value, dead)
        self.next(*steps)

    def _variable(
        self, node: Node, kind: Node | None, declarator: Node, value: Node | None, dead: str
    ) -> list[Step]:
        name, _ = declared(declarator)
        names = tuple(names_in(declarator))
        written = type_text(node, name)
        if declarator.type in ("init_declarator", "array_declarator", "pointer_declarator"):
            fixed = any(text_of(c) in ("const", "constexpr") for c in node.named_children)
            written = ("const " if fixed else "") + type_written(kind, declarator)
        made = made_by(value)
        line, text, elements = node.start_point[0] + 1, squeezed(value), elements_of(value)
        begin, end = (begin_of(value), end_of(value)) if value is not None else ((0, 0), (0, 0))
        self.values += [Value(n, written, text, line, elements, begin, end) for n in names]
        if value is not None and value.type == "lambda_expression" and len(names) == 1:
            unused = "" if used_after(node, names[0]) else f"the closure {names[0]} is never used"
            return [Bind(names, OWN), (value, dead or unused)]
        is_object = (
            declarator.type in ("identifier", "init_declarator") and "*" not in written and "&" not in written
        )
        steps: list[Step] = [(value, dead)]
        constructed = type_path(kind)
        if is_object and constructed and not (value is not None and value.type == "call_expression"):
            arguments = arguments_of(value) if value is not None and value.type.endswith("_list") else ()
            steps.append(self._made(constructed, arguments, node, dead))
            steps.append(self._ended(constructed, node, dead))
        steps.append(Bind(names, VARIABLE, made or (squeezed(kind) if bare_type(squeezed(kind)) else "")))
        return steps

    def _made(self, path: tuple[str, ...], arguments: tuple[str, ...], node: Node, dead: str) -> Call:
        """The call of a constructor."""
        return Call(path[-1], path, None, node.start_point[0] + 1, dead, True, arguments, at=end_of(node))

    def _ended(self, path: tuple[str, ...], node: Node, dead: str) -> Call:
        """The call of a destructor, at the end of a scope."""
        return Call(f"~{path[-1]}", path, None, node.start_point[0] + 1, dead, at=end_of(node))

    # -- expressions -------------------------------------------------------------------------------

    def _call(self, node: Node, dead: str) -> None:
        function, arguments = field(node, "function"), field(node, "arguments")
        launch: tuple[str, ...] | None = None
        configuration: Node | None = None
        if function is not None and function.type == "call_expression":
            configuration = field(function, "arguments")
            if configuration is not None and configuration.start_byte in self._launches:
                launch, function = arguments_of(configuration), field(function, "function")
            else:
                configuration = None
        inside, call = self._called(function, node, dead, arguments_of(arguments), launch)
        made = [call, *launched(call)] if call else []
        read: tuple[Step, ...] = ((arguments, dead),)
        if call is not None and call.name in _PERHAPS_RUN:
            read = self.part("if", arguments, *read)
        self.next((inside, dead), (configuration, dead), *read, *made)

    def _called(
        self,
        function: Node | None,
        node: Node,
        dead: str,
        arguments: tuple[str, ...],
        launch: tuple[str, ...] | None,
    ) -> tuple[Node | None, Call | None]:
        """What of the callee is to be read itself, and the call."""
        if function is None:
            return None, None
        line, at = function.end_point[0] + 1, end_of(node)
        if function.type == "parenthesized_expression" and len(function.named_children) == 1:
            function = function.named_children[0]
        if function.type == "field_expression":
            member = path_of(field(function, "field"))
            receiver = self._type_of(
                field(function, "argument"), "->" in text_of(field(function, "operator"))
            )
            scope = member[:-1]
            call = Call(
                member[-1] if member else "", scope, receiver, line, dead, True, arguments, launch, at=at
            )
            return field(function, "argument"), call
        path = path_of(function)
        if function.type not in ("identifier", "qualified_identifier", "template_function", "dependent_name"):
            return function, None
        name = path[-1] if path else ""
        if not name or (len(path) == 1 and name in _CASTS):
            return None, None
        if len(path) > 1 or name not in self.known:
            made = made_by(node)
            scope = path[:-1]
            if name in MAKERS and made:
                name, scope = made, (made,)
            return None, Call(name, scope, None, line, dead, True, arguments, launch, at=at)
        if self.known[name] == OWN:
            return None, None
        kind = bare_type(self.types.get(name, ""))
        if kind and kind != "function" and launch is None:
            return None, Call("operator()", (), kind, line, dead, True, arguments, launch, at=at)
        return None, Call(name, (), None, line, dead, False, arguments, launch, at=at)

    def _new(self, node: Node, dead: str) -> None:
        path, arguments = type_path(field(node, "type")), field(node, "arguments")
        call = [self._made(path, arguments_of(arguments), node, dead)] if path else []
        self.next((field(node, "placement"), dead), (arguments, dead), *call)

    def _literal(self, node: Node, dead: str) -> None:
        path, value = type_path(field(node, "type")), field(node, "value")
        call = [self._made(path, arguments_of(value), node, dead)] if path else []
        self.next((value, dead), *call)

    def _delete(self, node: Node, dead: str) -> None:
        inner = node.named_children[-1] if node.named_children else None
        kind = self._type_of(inner, True)
        self.next((inner, dead), *([self._ended((kind,), node, dead)] if kind else []))

    def _mention(self, node: Node, dead: str) -> None:
        """A name that stands for a value: a function that is handed on may be called."""
        *scope, name = path_of(node) or ("",)
        if name and (scope or name not in self.known):
            self.add(Call(name, tuple(scope), None, node.start_point[0] + 1, dead, False, at=end_of(node)))

    def _type_of(self, node: Node | None, arrow: bool) -> str:
        """The type of a receiver, as far as it shows; `Type.field` for a field, empty for one that does
        not."""
        while node is not None and node.type in ("parenthesized_expression", "pointer_expression"):
            arrow = arrow or node.type == "pointer_expression"
            node = node.named_children[-1] if node.named_children else None
        if node is None:
            return ""
        if node.type == "this":
            return self._owner
        if node.type == "identifier":
            name = text_of(node)
            written = self.types.get(name, "")
            if name in self.known:
                return pointee(written) if arrow else bare_type(written)
            return f"{self._owner}.{name}{'*' if arrow else ''}" if self._owner else ""
        if node.type == "field_expression" and field(node, "field") is not None:
            outer = self._type_of(field(node, "argument"), "->" in text_of(field(node, "operator")))
            return f"{outer}.{text_of(field(node, 'field'))}{'*' if arrow else ''}" if outer else ""
        if node.type == "compound_literal_expression":
            return (type_path(field(node, "type")) or ("",))[-1]
        return ""
