"""Walking a function's body, whatever the language: what waits, which names are variables, what was found.

Variables are followed by scope: a call of a variable is not one of the function that has its name. The walk
keeps a stack of its own, since expressions may be nested thousands deep.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tree_sitter import Node

from rocverify.code.syntax import Branch, Call, Value

VARIABLE, OWN = "variable", "own"
"""What a name in sight stands for: a value, or a closure or inner function whose body is read in place."""


@dataclass(frozen=True, slots=True)
class Bind:
    """From here on the names are variables (of a type, where it shows), or closures and inner functions."""

    names: tuple[str, ...]
    kind: str
    type: str = ""


@dataclass(frozen=True, slots=True)
class Restore:
    """The end of a scope: the names mean again what they meant before."""

    known: dict[str, str]
    types: dict[str, str]


@dataclass(frozen=True, slots=True)
class Within:
    """From here on calls stand within these parts of the function (see `Call.within`)."""

    parts: tuple[str, ...]


Step = tuple[Node | None, str] | Bind | Restore | Within | Call
"""A node with why it can never run, a change of the names in sight or of what is around, or a call whose
arguments are read."""


class Walk:
    """The state of one walk; a language's walker says in `visit` what a node means."""

    def __init__(self, types: dict[str, str]) -> None:
        self.types = dict(types)
        self.known = dict.fromkeys(types, VARIABLE)
        self._stack: list[Step] = []
        self.calls: list[Call] = []
        self.values: list[Value] = []
        self.branches: list[Branch] = []
        self.within: tuple[str, ...] = ()

    def read(self, node: Node, dead: str = "") -> None:
        """Everything in a node; calls in the order in which they are made."""
        self._stack.append((node, dead))
        while self._stack:
            step = self._stack.pop()
            if isinstance(step, tuple):
                if step[0] is not None:
                    self.visit(step[0], step[1])
            elif isinstance(step, Call):
                self.add(step)
            elif isinstance(step, Within):
                self.within = step.parts
            elif isinstance(step, Bind):
                for name in step.names:
                    self.known[name] = step.kind
                    self.types[name] = step.type
            else:
                self.known, self.types = step.known, step.types

    def visit(self, node: Node, dead: str) -> None:
        """One node: what it says, and by `next` what is to be read before the rest."""
        raise NotImplementedError

    def next(self, *steps: Step) -> None:
        """Puts steps before what waits, the first first."""
        self._stack.extend(reversed(steps))

    def children(self, node: Node, dead: str) -> None:
        """All parts of a node, in their order."""
        self._stack.extend([(child, dead) for child in reversed(node.named_children)])

    def add(self, call: Call) -> None:
        """A call that is made here."""
        self.calls.append(replace(call, within=self.within) if self.within else call)

    def part(self, kind: str, node: Node | None, *steps: Step) -> tuple[Step, ...]:
        """Steps of a part of the function that a run may leave out."""
        if node is None:
            return steps
        return (Within((*self.within, f"{kind}@{node.start_byte}")), *steps, Within(self.within))

    def scope_end(self) -> Restore:
        """What a scope that begins here must end with."""
        return Restore(dict(self.known), dict(self.types))

    def branch(
        self,
        kind: str,
        text: str,
        node: Node,
        part: Node | None = None,
        of: Node | None = None,
        ends: str = "",
    ) -> None:
        """Adds a branch on the lines of `node`, of which `part` is what it holds; `of` is the statement whose
        parts belong together, None for one that can never run."""
        held = part or node
        group = "" if of is None else f"{of.start_byte}-{of.end_byte}"
        first, last = node.start_point[0] + 1, node.end_point[0] + 1
        begin, end = begin_of(held), end_of(held)
        self.branches.append(Branch(kind, text, first, last, begin, end, group, ends))

    def store(self, node: Node, loop: Node) -> None:
        """Adds an element that is computed in a loop."""
        line = node.start_point[0] + 1
        self.branches.append(Branch("store", "", line, line, begin_of(loop), end_of(node)))


def begin_of(node: Node) -> tuple[int, int]:
    """Line and column where a node begins."""
    return node.start_point[0] + 1, node.start_point[1]


def end_of(node: Node) -> tuple[int, int]:
    """Line and column where a node ends."""
    return node.end_point[0] + 1, node.end_point[1]
