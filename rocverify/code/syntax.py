"""A host source as one record, whichever language it is written in.

`rocverify.code.languages.{python,cpp,rust}` fill a `Unit` from a syntax tree; what is asked of it (who calls
whom, what is copied to the host, what a file exports) is answered once for all languages.
`CodeIndex.unit(path)` gives the record of one source.

Unit        functions, imports, named (types, constants, fields, macros, modules), macros, `broken`
Function    parameters, calls, branches, values (its variables), doc comment, `kernel`, `dead`
Call        name, scope, receiver type, argument texts, launch configuration, `dead`, `sure`, `within`
Branch      if / else / match / case / loop / handler / leave / goto, with its condition and lines
Value       a parameter, variable, constant or field: type, text, elements of an array literal

Texts are the source's own, with runs of blanks as one. Lines count from 1. `dead` says why something can
never run or be built, and is empty for what may. Comments and strings hold nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Value:
    """Something with a name and a value: `type` and `text` as written, empty where they are not; `elements`
    the texts of an array or initializer list. A part of what is unpacked has no text but its own. `begin` and
    `end`: line and column of what stands for its value (Python)."""

    name: str
    type: str
    text: str
    line: int
    elements: tuple[str, ...] = ()
    begin: tuple[int, int] = (0, 0)
    end: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Call:
    """A call in a function's body. `name` is its last part, `scope` the parts before it (`b` of `b::f`).

    `receiver`: the type of what a method is called on: the function's own for `self`, empty where it does not
    show, None where nothing is called on; `Type.field` for a field whose type its class tells (`Type.field*`:
    what that points to). `dead`: why it can never run; empty for one that may. `sure` is
    False for what only may be a call of that name: a function handed on as a value, a variable that is
    called, what a macro's definition holds. `arguments` are the texts of what is handed over, `launch` those
    of `<<<grid, block, lds, stream>>>` (None for any other call). A kernel that `hipLaunchKernelGGL` or
    `hipLaunchKernel` launches is a call of its own; `*args` among its arguments is the array that holds them.
    `within`: the parts of the function around it that a run may leave out, the outermost first, each as
    `kind@place`; one of kind `closure` runs later or never. `kind`: empty for what is written as a call; in
    Python else `get`, `set` (an attribute), `item`, `set item` (a subscript), `enter`, `exit` (a context
    manager), `iterate`, `import`, `lambda` (one is made, and may be called). `at`: line and column of
    its end, so that one can be told from another. `on`: what a method is called on, as written (Python).
    """

    name: str
    scope: tuple[str, ...]
    receiver: str | None
    line: int
    dead: str = ""
    sure: bool = True
    arguments: tuple[str, ...] = ()
    launch: tuple[str, ...] | None = None
    within: tuple[str, ...] = ()
    kind: str = ""
    at: tuple[int, int] = (0, 0)
    on: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """A place where the flow divides: `kind` is `if`, `else`, `match`, `case`, `loop` or `handler`; `text`
    its condition, pattern or what is caught. `leave` returns from the function (`text`: the statement),
    `goto` jumps.

    There are more: `try`, `finally`, `with` (`text`: its managers), `item` (one of these managers), `arm`
    (a part of `a if c else b`, `a or b`), `yield`, `asked` (the condition of an `if`), `given` (what an
    assignment gives to the variable `text`, in C++), and `store` (an element that is computed and stored,
    from the loop that does so to its end). `begin` and `end` are line and column of what it holds: the
    statements of a block, an expression; of Rust and C++ a `match` holds what it asks. `of`: the same for
    all parts of one statement or expression that may run. `ends`: how a block is left: `on` if control may
    run off its end, else `jump` if it may return, continue or break, else `raise` (in Rust and C++ also by
    an error that is returned). Python's are live ones only.
    """

    kind: str
    text: str
    line: int
    last_line: int
    begin: tuple[int, int] = (0, 0)
    end: tuple[int, int] = (0, 0)
    of: str = ""
    ends: str = ""

    def holds(self, other: Branch) -> bool:
        """Whether another one lies in it."""
        return self.begin <= other.begin and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method: `owner` is its type, `scope` the modules or namespaces in the file around it.

    `declared`: it has no body here (a prototype, a trait's signature). `local`: no other file can call it
    (`static`, a nameless namespace).
    """

    name: str
    owner: str
    scope: tuple[str, ...]
    line: int
    last_line: int
    calls: tuple[Call, ...]
    imports: tuple[Import, ...] = ()
    """What the body itself takes from elsewhere."""
    dead: str = ""
    """Why no build has it (`cfg(test)`, `#if 0`); empty for one that may be built."""
    parameters: tuple[Value, ...] = ()
    values: tuple[Value, ...] = ()
    branches: tuple[Branch, ...] = ()
    doc: str = ""
    kernel: bool = False
    declared: bool = False
    local: bool = False
    template: bool = False
    inner: bool = False
    """It stands in the body of another function, where no other file finds it (Python)."""
    returns: str = ""
    """What it returns, as written (C++)."""

    @property
    def qualified(self) -> str:
        """`Type::name`, or the name of a function that no type owns."""
        return f"{self.owner}::{self.name}" if self.owner else self.name

    @property
    def path(self) -> tuple[str, ...]:
        """The modules, the type and the name."""
        return (*self.scope, self.owner, self.name) if self.owner else (*self.scope, self.name)


@dataclass(frozen=True, slots=True)
class Import:
    """A name that a file takes from elsewhere, `path` its parts; `name` is `*` for all of them, empty for a
    file that is included (`path` is then the one part in quotes)."""

    name: str
    path: tuple[str, ...]
    line: int
    exported: bool
    dead: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A definition that is no function: a type, constant, field, module or macro; `owner` is the type or
    module that it belongs to, `bases` what a type inherits from or implements. `type`, `text` and `elements`
    are those of a constant or field. `annotation`: a variable's type alone; `addition`: what `+=` adds to it
    (both Python)."""

    name: str
    kind: str
    line: int
    dead: str = ""
    owner: str = ""
    bases: tuple[str, ...] = ()
    type: str = ""
    text: str = ""
    elements: tuple[str, ...] = ()
    doc: str = ""
    inner: bool = False
    """It stands in the body of a function."""
    strings: tuple[tuple[str, int], ...] = ()
    """The strings in its value, however deep, with their lines."""


@dataclass(frozen=True)
class Unit:
    """One source file. `broken` is the line of what could not be parsed; None where all could. `macros` are
    its macros (Rust's end with `!`) and constants, as functions that may call what they hold."""

    path: str
    functions: tuple[Function, ...]
    imports: tuple[Import, ...]
    named: tuple[Named, ...]
    broken: int | None = None
    macros: tuple[Function, ...] = ()
    identifiers: tuple[str, ...] = ()
    """Every identifier in it, once, and every string that is one (Python)."""

    def functions_of(self, name: str) -> Iterator[Function]:
        """The functions that a name means: `f`, `Type::f`, `Type.f`, or all methods of a type."""
        *scope, last = name.replace("::", ".").split(".")
        for function in self.functions:
            if (
                function.name == last and (not scope or scope[-1] in (function.owner, *function.scope[-1:]))
            ) or (not scope and function.owner == last):
                yield function

    def defines(self, name: str, *, bare_methods: bool = True) -> tuple[str, int] | None:
        """As what and on which line a file defines or re-exports a name, in what is built; else None. A
        function without a body is no definition, but for a trait's or interface's method. `bare_methods`:
        whether a method may be named without its type."""
        *scope, last = name.replace("::", ".").split(".")
        for function in self.functions:
            around = (function.owner, *function.scope[-1:])
            if function.dead or function.name != last or (function.declared and not function.owner):
                continue
            if function.inner or not (scope or bare_methods or not function.owner):
                continue
            if not scope or scope[-1] in around:
                kind = "kernel" if function.kernel else "method" if function.owner else "function"
                return kind, function.line
        for named in self.named:
            part = named.kind in ("field", "variant")
            gone = named.dead or named.inner or named.kind in ("annotation", "addition")
            if named.name == last and not gone and (scope[-1] == named.owner if scope else not part):
                return named.kind, named.line
        for imported in self.imports if not scope else ():
            if imported.exported and imported.name == last and not imported.dead:
                return "re-export", imported.line
        return None

    def named_as(self, name: str) -> bool:
        """Whether the file defines a type of this name."""
        return name in self.types

    @cached_property
    def types(self) -> dict[str, Named]:
        """What the file defines under a name that is no function, field or value."""
        return {n.name: n for n in self.named if not n.dead and n.kind not in ("field", "variable")}

    @cached_property
    def fields(self) -> dict[tuple[str, str], str]:
        """The types of fields, by the type they belong to and their name."""
        return {(n.owner, n.name): n.type for n in self.named if n.kind == "field"}
