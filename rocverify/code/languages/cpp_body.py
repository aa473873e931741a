"""The body of a C or C++ function: its calls, variables and branches, and which of them can never run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from tree_sitter import Node

from rocverify.code.languages.cpp_parts import (
    COMMENT,
    arguments_of,
    bare_type,
    constant,
    declared,
    elements_of,
    field,
    leaves,
    names_in,
    path_of,
    pointee,
    squeezed,
    text_of,
    type_path,
    type_text,
)
from rocverify.code.languages.cpp_values import MAKERS, condition_text, launched, made_by, type_written
from rocverify.code.languages.tree import has_kind, used_after
from rocverify.code.languages.walking import OWN, VARIABLE, Bind, Step, Walk
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
    }
)
_SCOPES = frozenset(
    {"for_statement", "for_range_loop", "if_statement", "while_statement", "switch_statement", "catch_clause"}
)
_JUMPS = frozenset({"break_statement", "continue_statement", "goto_statement"})
_LOOPS = {"for_statement": "condition", "for_range_loop": "right", "do_statement": "condition"}


class CppBody(Walk):
    """`owner` is the type of a method, `launches` the byte offsets of `<<<`, `constants` the file's constants
    that are true or false."""

    def __init__(
        self,
        owner: str,
        types: dict[str, str],
        constants: Mapping[str, bool],
        launches: Collection[int],
    ) -> None:
        super().__init__(types)
        self._owner = owner
        self._constants = constants
        self._launches = launches
        self.imports: list[tuple[Node, str]] = []
        """The `using` declarations in it, and why they never count."""
        self._read: dict[str, Callable[[Node, str], None]] = {
            "compound_statement": self._block,
            "case_statement": self._case,
            "declaration": self._declaration,
            "if_statement": self._if,
            "conditional_expression": self._if,
            "while_statement": self._while,
            "for_statement": self._loop,
            "for_range_loop": self._range_loop,
            "do_statement": self._loop,
            "switch_statement": self._switch,
            "try_statement": self._try,
            "catch_clause": self._handler,
            "binary_expression": self._binary,
            "return_statement": self._leave,
            "co_return_statement": self._leave,
            "goto_statement": lambda node, _: self.branch("goto", "", node),
            "lambda_expression": self._lambda,
            "call_expression": self._call,
            "new_expression": self._new,
            "compound_literal_expression": self._literal,
            "delete_expression": self._delete,
            "identifier": self._mention,
            "qualified_identifier": self._mention,
            "using_declaration": lambda node, dead: self.imports.append((node, dead)),
        }

    def visit(self, node: Node, dead: str) -> None:
        if node.type in _NOT_RUN or node.type == COMMENT:
            return
        if node.type in _SCOPES:
            self.next(self.scope_end())
        reader = self._read.get(node.type)
        if reader is not None:
            reader(node, dead)
        else:
            self.children(node, dead)

    # -- statements --------------------------------------------------------------------------------

    def _block(self, node: Node, dead: str) -> None:
        self.next(*self._statements(node.named_children, dead), self.scope_end())

    def _case(self, node: Node, dead: str) -> None:
        value = field(node, "value")
        self.branch("case", squeezed(value), node)
        inner = self._statements([c for c in node.named_children if c != value], dead)
        self.next(*self.part("case", node, *inner))

    def _statements(self, nodes: list[Node], dead: str) -> list[Step]:
        """What stands behind a jump is dead, up to the next label."""
        steps: list[Step] = []
        behind = ""
        for child in nodes:
            if child.type in ("labeled_statement", "case_statement"):
                behind = ""
            steps.append((child, dead or behind))
            if not behind and leaves(child):
                behind = f"it stands behind line {child.start_point[0] + 1}, which leaves the block"
        return steps

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
        self.values += [
            Value(n, written, squeezed(value), node.start_point[0] + 1, elements_of(value)) for n in names
        ]
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
        return Call(path[-1], path, None, node.start_point[0] + 1, dead, True, arguments)

    def _ended(self, path: tuple[str, ...], node: Node, dead: str) -> Call:
        """The call of a destructor, at the end of a scope."""
        return Call(f"~{path[-1]}", path, None, node.start_point[0] + 1, dead)

    def _if(self, node: Node, dead: str) -> None:
        condition = field(node, "condition")
        other = field(node, "alternative")
        value = constant(condition, self._visible())
        why = f"its condition is always {str(value).lower()}"
        self.branch("if", condition_text(condition), node)
        if other is not None:
            self.branch("else", condition_text(condition), other)
        body = field(node, "consequence")
        inner: tuple[Step, ...] = ((body, dead or (why if value is False else "")),)
        self.next(
            (condition, dead),
            *(inner if value else self.part("if", body, *inner)),
            *self.part("else", other, (other, dead or (why if value is True else ""))),
        )

    def _while(self, node: Node, dead: str) -> None:
        condition = field(node, "condition")
        self.branch("loop", condition_text(condition), node)
        never = constant(condition, self._visible()) is False
        body = field(node, "body")
        why = dead or ("its condition is always false" if never else "")
        self.next((condition, dead), *self.part("loop", body, (body, why)))

    def _visible(self) -> dict[str, bool]:
        return {name: value for name, value in self._constants.items() if name not in self.known}

    def _loop(self, node: Node, dead: str) -> None:
        self.branch("loop", squeezed(field(node, _LOOPS[node.type])), node)
        body = field(node, "body")
        parts: list[Step] = [(child, dead) for child in node.named_children if child != body]
        before = parts[:2] if node.type == "for_statement" else []
        never = constant(field(node, "condition"), self._visible()) is False and node.type == "for_statement"
        why = "its condition is always false" if never else ""
        inner: tuple[Step, ...] = ((body, dead or why), *parts[len(before) :])
        once = node.type == "do_statement" and not has_kind(body, _JUMPS)
        self.next(*before, *(inner if once else self.part("loop", body, *inner)))

    def _range_loop(self, node: Node, dead: str) -> None:
        self.branch("loop", squeezed(field(node, "right")), node)
        declarator = field(node, "declarator")
        kind = squeezed(field(node, "type"))
        bind = Bind(tuple(names_in(declarator)), VARIABLE, kind if bare_type(kind) else "")
        body = field(node, "body")
        self.next((field(node, "right"), dead), bind, *self.part("loop", body, (body, dead)))

    def _switch(self, node: Node, dead: str) -> None:
        self.branch("match", condition_text(field(node, "condition")), node)
        self.children(node, dead)

    def _try(self, node: Node, dead: str) -> None:
        """Its body may end early, and what follows goes on."""
        body = field(node, "body")
        rest: list[Step] = [(child, dead) for child in node.named_children if child != body]
        self.next(*self.part("try", body, (body, dead)), *rest)

    def _leave(self, node: Node, dead: str) -> None:
        self.branch("leave", squeezed(node), node)
        self.children(node, dead)

    def _binary(self, node: Node, dead: str) -> None:
        """The right of `&&` and `||` may be left out."""
        left, right = field(node, "left"), field(node, "right")
        skipped = text_of(field(node, "operator")) in ("&&", "||", "and", "or")
        self.next((left, dead), *(self.part("if", right, (right, dead)) if skipped else ((right, dead),)))

    def _handler(self, node: Node, dead: str) -> None:
        caught = field(node, "parameters")
        self.branch("handler", squeezed(caught)[1:-1], node)
        names = [
            n for p in (caught.named_children if caught else ()) for n in names_in(field(p, "declarator"))
        ]
        body = field(node, "body")
        self.next(*self.part("handler", body, Bind(tuple(names), VARIABLE), (body, dead)))

    def _lambda(self, node: Node, dead: str) -> None:
        declarator = field(node, "declarator")
        parameters = field(declarator, "parameters")
        binds: list[Step] = []
        for parameter in parameters.named_children if parameters else ():
            kind = squeezed(field(parameter, "type"))
            names = tuple(names_in(field(parameter, "declarator")))
            binds.append(Bind(names, VARIABLE, kind if bare_type(kind) else ""))
        captures = field(node, "captures")
        body = field(node, "body")
        self.next(*binds, (captures, dead), *self.part("closure", body, (body, dead)), self.scope_end())

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
        self.next((inside, dead), (configuration, dead), (arguments, dead), *made)

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
        line = function.end_point[0] + 1
        if function.type == "parenthesized_expression" and len(function.named_children) == 1:
            function = function.named_children[0]
        if function.type == "field_expression":
            member = path_of(field(function, "field"))
            receiver = self._type_of(
                field(function, "argument"), "->" in text_of(field(function, "operator"))
            )
            scope = member[:-1]
            call = Call(member[-1] if member else "", scope, receiver, line, dead, True, arguments, launch)
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
            return None, Call(name, scope, None, line, dead, True, arguments, launch)
        if self.known[name] == OWN:
            return None, None
        kind = bare_type(self.types.get(name, ""))
        if kind and kind != "function" and launch is None:
            return None, Call("operator()", (), kind, line, dead, True, arguments, launch)
        return None, Call(name, (), None, line, dead, False, arguments, launch)

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
            self.add(Call(name, tuple(scope), None, node.start_point[0] + 1, dead, False))

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
