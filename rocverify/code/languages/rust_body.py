"""The body of a Rust function: its calls, and which of them can never run.

Variables are followed by scope: a call of a variable is not one of the function that has its name. The walk
keeps a stack of its own, since expressions may be nested thousands deep.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tree_sitter import Node

from rocverify.code.languages.rust_flow import constant, leaves
from rocverify.code.languages.rust_parts import (
    ATTRIBUTES,
    COMMENTS,
    QUOTING,
    is_cfg,
    mentions,
    path_of,
    pattern_names,
    text_of,
    token_calls,
    type_name,
    unbuilt,
)
from rocverify.code.syntax import Call

_SCOPES = frozenset(
    {"match_arm", "closure_expression", "for_expression", "if_expression", "while_expression"}
)
_VARIABLE, _OWN = "variable", "own"


@dataclass(frozen=True, slots=True)
class _Bind:
    """From here on the names are variables (of a type, where it shows), or closures and inner functions."""

    names: tuple[str, ...]
    kind: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class _Restore:
    """The end of a scope: the names mean again what they meant before."""

    known: dict[str, str]
    types: dict[str, str]


class Body:
    """Collects the calls of a body. `constants`: the file's constants that are true or false."""

    def __init__(self, owner: str, types: Mapping[str, str], constants: Mapping[str, bool]) -> None:
        self._owner = owner
        self._types = dict(types)
        self._known = dict.fromkeys(types, _VARIABLE)
        self._constants = constants
        self._stack: list[tuple[Node, str] | _Bind | _Restore] = []
        self.calls: list[Call] = []
        self.imports: list[tuple[Node, str]] = []
        """The `use` declarations in it, and why they are not built."""

    def read(self, node: Node) -> None:
        """Everything in a node, in the order in which it is written."""
        self._stack.append((node, ""))
        while self._stack:
            step = self._stack.pop()
            if isinstance(step, _Bind):
                for name in step.names:
                    self._known[name] = step.kind
                    self._types[name] = step.type
            elif isinstance(step, _Restore):
                self._known, self._types = step.known, step.types
            else:
                self._visit(*step)

    def _next(self, *steps: tuple[Node | None, str] | _Bind | _Restore) -> None:
        """Puts steps before what waits, the first first."""
        for step in reversed(steps):
            if not isinstance(step, tuple):
                self._stack.append(step)
            elif step[0] is not None:
                self._stack.append((step[0], step[1]))

    def _visit(self, node: Node, dead: str) -> None:
        kind = node.type
        if kind in _SCOPES:
            self._next(_Restore(dict(self._known), dict(self._types)))
        if kind == "block":
            self._block(node, dead)
        elif kind == "let_declaration":
            self._let(node, dead)
        elif kind == "use_declaration":
            self.imports.append((node, dead))
        elif kind in ("if_expression", "while_expression"):
            self._branches(node, dead)
        elif kind == "macro_invocation":
            self._macro(node, dead)
        elif kind in ("identifier", "scoped_identifier"):
            self._mention(node, dead)
        elif kind == "call_expression":
            self._call(node, dead)
        elif kind in ("match_arm", "for_expression", "let_condition", "closure_expression"):
            self._binding(node, dead)
        elif kind not in ("macro_definition", *COMMENTS, *ATTRIBUTES):
            self._next(*((child, dead) for child in node.named_children))

    def _block(self, node: Node, dead: str) -> None:
        """A block: what stands behind a jump, or what attributes keep out, is dead."""
        attributes: list[str] = []
        steps: list[tuple[Node | None, str] | _Bind | _Restore] = []
        for child in node.named_children:
            if child.type == "inner_attribute_item":
                dead = dead or unbuilt([text_of(child)])
            elif child.type == "attribute_item":
                attributes.append(text_of(child))
            elif child.type not in COMMENTS:
                here = dead or unbuilt(attributes)
                if child.type == "function_item":
                    name = text_of(child.child_by_field_name("name"))
                    used = any(mentions(c, name) for c in node.named_children if c != child)
                    unused = "" if used else f"the function {name} is never called"
                    steps.insert(0, _Bind((name,), _OWN))
                    steps.append((child.child_by_field_name("body"), here or unused))
                else:
                    steps.append((child, here))
                if not dead and not any(map(is_cfg, attributes)) and leaves(child):
                    dead = f"it stands behind line {child.start_point[0] + 1}, which leaves the block"
                attributes = []
        self._next(*steps, _Restore(dict(self._known), dict(self._types)))

    def _let(self, node: Node, dead: str) -> None:
        """A variable: of a type that shows, or a closure, whose calls count if it is used."""
        pattern = node.child_by_field_name("pattern")
        value = node.child_by_field_name("value")
        names = pattern_names(pattern)
        kind, made = _VARIABLE, type_name(node.child_by_field_name("type")) or _made_by(value, self._owner)
        inner = dead
        if value is not None and value.type == "closure_expression":
            kind, name = _OWN, text_of(pattern).removeprefix("mut ")
            inner = dead or ("" if _used_after(node, name) else f"the closure {name} is never used")
        elif value is not None and value.type == "identifier":
            made = made or self._types.get(text_of(value), "")
        single = made if len(names) == 1 and pattern is not None and pattern.type != "tuple_pattern" else ""
        alternative = node.child_by_field_name("alternative")
        self._next((value, inner), (alternative, dead), _Bind(names, kind, single))

    def _branches(self, node: Node, dead: str) -> None:
        """`if` and `while`: what a condition that never changes keeps out is dead."""
        asked = node.child_by_field_name("condition")
        known = {name: value for name, value in self._constants.items() if name not in self._known}
        value = constant(asked, known)
        why = f"its condition is always {str(value).lower()}"
        body = node.child_by_field_name("consequence") or node.child_by_field_name("body")
        self._next(
            (asked, dead),
            (body, dead or (why if value is False else "")),
            (node.child_by_field_name("alternative"), dead or (why if value is True else "")),
        )

    def _binding(self, node: Node, dead: str) -> None:
        """What gives names to parts of a value, for what stands inside of it."""
        value = (node.child_by_field_name("value"), dead)
        pattern = node.child_by_field_name("pattern")
        names = _Bind(pattern_names(pattern), _VARIABLE)
        if node.type == "let_condition":
            self._next(value, names)
        elif node.type == "for_expression":
            self._next(value, names, (node.child_by_field_name("body"), dead))
        elif node.type == "match_arm":
            guard = pattern.child_by_field_name("condition") if pattern is not None else None
            self._next(names, (guard, dead), value)
        else:
            parameters = pattern_names(node.child_by_field_name("parameters"))
            self._next(_Bind(parameters, _VARIABLE), (node.child_by_field_name("body"), dead))

    def _mention(self, node: Node, dead: str) -> None:
        """A name that stands for a value: a function that is handed on may be called."""
        *scope, name = path_of(node) or ("",)
        if name and (scope or name not in self._known):
            self._add(name, tuple(scope), None, node, dead, sure=False)

    def _call(self, node: Node, dead: str) -> None:
        function = node.child_by_field_name("function")
        if function is not None and function.type == "generic_function":
            function = function.child_by_field_name("function")
        inside: Node | None = function
        if function is not None and function.type == "field_expression":
            inside = function.child_by_field_name("value")
            name = function.child_by_field_name("field")
            if name is not None and name.type == "field_identifier":
                self._add(text_of(name), (), _type_of(inside, self._owner, self._types), name, dead)
        elif function is not None and function.type in ("identifier", "scoped_identifier"):
            inside = None
            *scope, called = path_of(function)
            kind = None if scope else self._known.get(called)
            if kind != _OWN:
                self._add(called, tuple(scope), None, node, dead, sure=kind is None)
        self._next((inside, dead), (node.child_by_field_name("arguments"), dead))

    def _add(
        self,
        name: str,
        scope: tuple[str, ...],
        receiver: str | None,
        node: Node,
        dead: str,
        sure: bool = True,
    ) -> None:
        parts = tuple(self._owner if part == "Self" and self._owner else part for part in scope)
        self.calls.append(Call(name, parts, receiver, node.start_point[0] + 1, dead, sure))

    def _macro(self, node: Node, dead: str) -> None:
        """The arguments of a macro are tokens: a name before parentheses in them is taken for a call."""
        name = (path_of(node.child_by_field_name("macro")) or ("",))[-1]
        self._add(f"{name}!", (), None, node, dead, sure=False)
        for tree in node.named_children if name not in QUOTING else ():
            if tree.type == "token_tree":
                self.tokens(tree, dead)

    def tokens(self, tree: Node, dead: str, sure: bool = True) -> None:
        """The calls among the tokens of a macro's arguments, or of its definition (`sure` is False)."""
        for words, name in token_calls(tree):
            self._token_call(words, name, dead, sure)

    def _token_call(self, words: list[str], name: Node, dead: str, sure: bool) -> None:
        """A call written in tokens; `words` end with its name."""
        *before, called = words
        sign = before[-1] if before else ""
        if sign in ("fn", "struct", "mod"):
            return  # it is defined there
        if sign == ".":
            receiver = self._owner if before[-2:-1] == ["self"] and before[-3:-2] != ["."] else ""
            self._add(called, (), receiver, name, dead, sure)
            return
        scope: list[str] = []
        while len(before) > 1 and before[-1] == "::":
            scope.insert(0, before[-2])
            before = before[:-2]
        kind = None if scope else self._known.get(called)
        if kind != _OWN:
            self._add(called, tuple(scope), None, name, dead, sure and kind is None)


def _used_after(node: Node, name: str) -> bool:
    """Whether a name occurs in what follows a statement in its block."""
    following = node.next_named_sibling
    while following is not None:
        if mentions(following, name):
            return True
        following = following.next_named_sibling
    return False


def _made_by(value: Node | None, owner: str) -> str:
    """The type of a value that is made by its type: `W::new()`, `W { .. }`."""
    if value is not None and value.type == "struct_expression":
        return type_name(value.child_by_field_name("name"))
    if value is None or value.type != "call_expression":
        return ""
    made = path_of(value.child_by_field_name("function"))
    if len(made) > 1 and made[-1].startswith(("new", "from", "default", "with")):
        return owner if made[-2] == "Self" else made[-2]
    return ""


def _type_of(node: Node | None, owner: str, types: Mapping[str, str]) -> str:
    """The type of a receiver, as far as it shows; empty for one that does not."""
    while node is not None and node.type in ("parenthesized_expression", "reference_expression"):
        node = node.named_children[-1] if node.named_children else None
    if node is None or node.type not in ("self", "identifier"):
        return ""
    text = text_of(node)
    return owner if text == "self" else types.get(text, "")
