"""The calls in a Rust function's macros, whose arguments are tokens and no tree."""

from __future__ import annotations

from collections.abc import Mapping

from tree_sitter import Node

from rocverify.code.languages.rust_parts import QUOTING, path_of, token_calls
from rocverify.code.languages.walking import OWN, Walk, end_of
from rocverify.code.syntax import Call

_PLAIN_MACROS = frozenset(
    {"assert", "assert_eq", "assert_ne", "dbg", "eprintln", "format", "panic", "print", "println", "vec"}
)
"""Macros whose arguments are always evaluated, once and in order."""


class MacroCalls(Walk):
    """Makes the records of calls; `owner` is the type of a method."""

    def __init__(self, owner: str, types: Mapping[str, str]) -> None:
        super().__init__(dict(types))
        self._owner = owner

    def _made(
        self,
        name: str,
        scope: tuple[str, ...],
        receiver: str | None,
        node: Node,
        dead: str,
        sure: bool = True,
        arguments: tuple[str, ...] = (),
    ) -> Call:
        parts = tuple(self._owner if part == "Self" and self._owner else part for part in scope)
        line = node.start_point[0] + 1
        return Call(name, parts, receiver, line, dead, sure, arguments, at=end_of(node))

    def _macro(self, node: Node, dead: str) -> None:
        """The arguments of a macro are tokens: a name before parentheses in them is taken for a call."""
        name = (path_of(node.child_by_field_name("macro")) or ("",))[-1]
        self.add(self._made(f"{name}!", (), None, node, dead, sure=False))
        around = self.within
        if name not in _PLAIN_MACROS:
            self.within = (*around, f"macro@{node.start_byte}")
        for tree in node.named_children if name not in QUOTING else ():
            if tree.type == "token_tree":
                self.tokens(tree, dead)
        self.within = around

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
            self.add(self._made(called, (), receiver, name, dead, sure))
            return
        scope: list[str] = []
        while len(before) > 1 and before[-1] == "::":
            scope.insert(0, before[-2])
            before = before[:-2]
        kind = None if scope else self.known.get(called)
        if kind != OWN:
            self.add(self._made(called, tuple(scope), None, name, dead, sure and kind is None))
