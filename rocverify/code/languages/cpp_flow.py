"""The flow of a C or C++ function's body: blocks, branches, loops, handlers, closures, and what of them can
never run."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tree_sitter import Node

from rocverify.code.languages.computing import ends_of, fails, stored_in
from rocverify.code.languages.cpp_parts import (
    bare_type,
    constant,
    field,
    leaves,
    names_in,
    squeezed,
    text_of,
)
from rocverify.code.languages.cpp_values import condition_text
from rocverify.code.languages.tree import has_kind
from rocverify.code.languages.walking import VARIABLE, Bind, Step, Walk

_JUMPS = frozenset({"break_statement", "continue_statement", "goto_statement"})
_LOOPS = {"for_statement": "condition", "for_range_loop": "right", "do_statement": "condition"}


class CppFlow(Walk):
    """`constants`: the file's constants that are true or false. What calls and variables are is read by who
    derives from this, and adds it to `_read`."""

    def __init__(self, types: dict[str, str], constants: Mapping[str, bool]) -> None:
        super().__init__(types)
        self._constants = constants
        self._read: dict[str, Callable[[Node, str], None]] = {
            "compound_statement": self._block,
            "case_statement": self._case,
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
            "assignment_expression": self._assignment,
            "return_statement": self._leave,
            "co_return_statement": self._leave,
            "goto_statement": lambda node, _: self.branch("goto", "", node),
            "lambda_expression": self._lambda,
        }

    def _block(self, node: Node, dead: str) -> None:
        self.next(*self._statements(node.named_children, dead), self.scope_end())

    def _case(self, node: Node, dead: str) -> None:
        value = field(node, "value")
        around = None if dead or node.parent is None else node.parent.parent
        last = [child for child in node.named_children if child.type != "comment"][-1:]
        ends = "on" if last and last[0].type == "break_statement" else ends_of(node)
        self.branch("case", squeezed(value), node, of=around, ends=ends)
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

    def _if(self, node: Node, dead: str) -> None:
        condition = field(node, "condition")
        other = field(node, "alternative")
        value = constant(condition, self._visible())
        why = f"its condition is always {str(value).lower()}"
        body, of = field(node, "consequence"), None if dead else node
        self.branch("if", condition_text(condition), node, body, of, ends_of(body))
        if condition is not None:
            self.branch("asked", condition_text(condition), condition, of=of)
        if other is not None:
            self.branch("else", condition_text(condition), other, of=of, ends=ends_of(other))
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
        update = field(node, "update")
        parts: list[Step] = [(child, dead) for child in node.named_children if child not in (body, update)]
        before = parts if node.type == "for_statement" else []
        parts = [*parts, (update, dead)]
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
        """What stands before its first label never runs."""
        condition, body = field(node, "condition"), field(node, "body")
        self.branch("match", condition_text(condition), node, condition, None if dead else node)
        self.next((condition, dead), *self.part("match", body, (body, dead)))

    def _try(self, node: Node, dead: str) -> None:
        """Its body may end early, and what follows goes on."""
        body = field(node, "body")
        if body is not None and not dead:
            self.branch("try", "", body, of=node)
        rest: list[Step] = [(child, dead) for child in node.named_children if child != body]
        self.next(*self.part("try", body, (body, dead)), *rest)

    def _leave(self, node: Node, dead: str) -> None:
        text = squeezed(node)
        self.branch("leave", text, node, ends="raise" if fails(text) else "")
        self.children(node, dead)

    def _assignment(self, node: Node, dead: str) -> None:
        """What it computes in a loop; what a call gives to a variable."""
        left, right = field(node, "left"), field(node, "right")
        if not dead and (loop := stored_in(node)) is not None:
            self.store(node, loop)
        if left is not None and left.type == "identifier" and right is not None and not dead:
            self.branch("given", text_of(left), right)
        self.children(node, dead)

    def _binary(self, node: Node, dead: str) -> None:
        """The right of `&&` and `||` may be left out."""
        left, right = field(node, "left"), field(node, "right")
        sign = text_of(field(node, "operator"))
        skipped = sign in ("&&", "||", "and", "or")
        for side in (left, right) if sign in ("||", "or") and not dead else ():
            if side is not None:
                self.branch("arm", squeezed(side), side, of=node)
        known = constant(left, self._visible()) if skipped else None
        never = known is not None and known is (sign in ("||", "or"))
        why = dead or (f"what is before it is always {str(known).lower()}" if never else "")
        self.next((left, dead), *(self.part("if", right, (right, why)) if skipped else ((right, dead),)))

    def _handler(self, node: Node, dead: str) -> None:
        caught = field(node, "parameters")
        around = None if dead else node.parent
        body = field(node, "body")
        self.branch("handler", squeezed(caught)[1:-1], node, body, around, ends_of(body))
        names = [
            n for p in (caught.named_children if caught else ()) for n in names_in(field(p, "declarator"))
        ]
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
