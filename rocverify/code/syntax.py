"""A host source as records: what it defines, imports and calls, whichever language it is written in.

A file of `rocverify.code.languages` fills them from a syntax tree; what is asked of them (who calls whom,
what a file exports) is answered once for all languages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """A call in a function's body. `name` is its last part, `scope` the parts before it (`b` of `b::f`).

    `receiver`: the type of what a method is called on: the function's own for `self`, empty where it does not
    show, None where nothing is called on. `dead`: why it can never run; empty for one that may. `sure` is
    False for what only may be a call of that name: a function handed on as a value, a variable that is
    called, what a macro's definition holds.
    """

    name: str
    scope: tuple[str, ...]
    receiver: str | None
    line: int
    dead: str = ""
    sure: bool = True


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method: `owner` is its type, `scope` the modules in the file around it."""

    name: str
    owner: str
    scope: tuple[str, ...]
    line: int
    last_line: int
    calls: tuple[Call, ...]
    imports: tuple[Import, ...] = ()
    """What the body itself takes from elsewhere."""
    dead: str = ""
    """Why no build has it (`cfg(test)`); empty for one that may be built."""

    @property
    def qualified(self) -> str:
        return f"{self.owner}::{self.name}" if self.owner else self.name


@dataclass(frozen=True, slots=True)
class Import:
    """A name that a file takes from elsewhere, `path` its parts; `name` is `*` for all of them."""

    name: str
    path: tuple[str, ...]
    line: int
    exported: bool
    dead: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A definition that is no function: a type, constant, module or macro; `owner` is the type or module that
    it belongs to."""

    name: str
    kind: str
    line: int
    dead: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Unit:
    """One source file. `broken` is the line of what could not be parsed; None where all could. `macros` are
    its macros (their names end with `!`) and constants, as functions that may call what they hold."""

    path: str
    functions: tuple[Function, ...]
    imports: tuple[Import, ...]
    named: tuple[Named, ...]
    broken: int | None = None
    macros: tuple[Function, ...] = ()

    def functions_of(self, name: str) -> Iterator[Function]:
        """The functions that a name means: `f`, `Type::f`, `Type.f`, or all methods of a type."""
        *scope, last = name.replace("::", ".").split(".")
        for function in self.functions:
            if (
                function.name == last and (not scope or scope[-1] in (function.owner, *function.scope[-1:]))
            ) or (not scope and function.owner == last):
                yield function

    def defines(self, name: str) -> tuple[str, int] | None:
        """As what and on which line a file defines or re-exports a name, in what is built; else None."""
        *scope, last = name.replace("::", ".").split(".")
        for function in self.functions:
            around = (function.owner, *function.scope[-1:])
            if not function.dead and function.name == last and (not scope or scope[-1] in around):
                return "method" if function.owner else "function", function.line
        for named in self.named:
            if named.name == last and not named.dead and (not scope or scope[-1] == named.owner):
                return named.kind, named.line
        for imported in self.imports if not scope else ():
            if imported.exported and imported.name == last and not imported.dead:
                return "re-export", imported.line
        return None

    def named_as(self, name: str) -> bool:
        """Whether the file defines a type of this name."""
        return any(named.name == name and not named.dead for named in self.named)
