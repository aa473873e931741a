"""Calls that are written and may never be made: what a macro drops, what is handed to what ignores it,
closures and lazy values that nothing runs.

The call graph takes a call in a closure for one that is made, since most are. Where it is a step of a proof
it is looked at again, in the syntax tree around it: `why` says why it may not be made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from tree_sitter import Node

from rocverify.code.call_sites import CallKind, CallSite
from rocverify.code.languages import is_python, is_rust
from rocverify.code.languages.cpp import parsed_cpp
from rocverify.code.languages.cpp_macros import macros_of
from rocverify.code.languages.rust import parsed_rust
from rocverify.code.languages.surroundings import Around, around_in_tree
from rocverify.code.languages.surroundings_python import around_in_python
from rocverify.code.places import Place

if TYPE_CHECKING:
    from rocverify.code.index import CodeIndex

_DEBUGGED = ("debug_assert", "debug_assert_eq", "debug_assert_ne")
_NEVER = frozenset({"drop", "forget", "assert", "noexcept", *_DEBUGGED})
_CHECKED = frozenset({"assert", "assert_eq", "assert_ne"})
"""Macros of Rust that always evaluate what they are given, whatever C's of that name do."""
_IDLE = (
    r"\(\s*void\s*\)\s*{0}\b|\bstatic_cast<void>\(\s*{0}\s*\)|\blet\s+_\w*\s*=\s*&?\s*{0}\s*;"
    r"|\b(?:drop|forget)\(\s*{0}\s*\)|\bdel\s+{0}\b|\b_\s*=\s*{0}\b"
)
"""Ways to name something without doing anything with it."""
_QUOTED = re.compile(r"\b(?:stringify|concat|quote)!\s*[({\[][^)}\]]*[)}\]]")
_MOST = 8


class Unrun:
    """Looks at calls of one project's sources."""

    def __init__(self, index: CodeIndex) -> None:
        self._index = index
        self._trees: dict[str, Node] = {}

    def why(self, site: CallSite) -> str:
        """Why a call that is written may never be made; empty where nothing speaks against it."""
        for around in self._around(site):
            told = self._told(around, site)
            if told:
                return told
        return ""

    def _around(self, site: CallSite) -> Iterator[Around]:
        path = site.path
        if is_python(path):
            passed = site.callee if site.kind is CallKind.PASSED else None
            name = "" if passed is None else passed.function.name
            yield from around_in_python(self._index.module(path).tree, site.call, name)
            return
        if path not in self._trees:
            text = self._index.text(path).encode("utf-8", "replace")
            self._trees[path] = parsed_rust(text) if is_rust(path) else parsed_cpp(text)
        yield from around_in_tree(self._trees[path], site.call)

    def _told(self, around: Around, site: CallSite) -> str:
        name = around.name
        if around.kind == "macro":
            known = name in _NEVER and not (is_rust(site.path) and name in _CHECKED)
            dropped = known or self._drops(around, site)
            return f"the macro {name} may leave it out" if dropped else ""
        if around.kind == "handed":
            if name in _NEVER or self._ignores(around, site):
                return f"it is handed to {name}, which does not call it"
        elif around.kind == "held":
            if not self._used(name, site, around.line):
                return f"{name} holds it and is not called"
        elif around.kind == "unrun":
            return name
        elif around.kind == "dropped":  # what the call gives
            callee = site.callee
            if callee is not None and (lazy := self._lazy(callee)):
                return f"{callee.function.name} is {lazy}, which nothing runs"
        return self._wrapped(site) if around.kind == "call" else ""

    # -- macros --------------------------------------------------------------------------------------

    def _drops(self, around: Around, site: CallSite) -> bool:
        """Whether a macro of the project, in one of its definitions, does not evaluate what it is given."""
        for unit in self._index.units_with(around.name):
            same = is_rust(unit.path) == is_rust(site.path)
            named = [n for n in unit.named if n.name == around.name and n.kind == "macro" and not n.dead]
            if named and same and is_rust(unit.path):
                return any(_drops_in_rust(self._index.mask(unit.path).code, around.name))
            if named and same:
                found = (m for m in macros_of(self._index.mask(unit.path).code) if m.name == around.name)
                given = (m for m in found if m.parameters is not None)
                return any(drops(m.parameters or (), m.body, around.position) for m in given)
        return False

    # -- what is handed on ---------------------------------------------------------------------------

    def _ignores(self, around: Around, site: CallSite) -> bool:
        """Whether the project's functions of a name, all of them, do nothing with an argument."""
        found = list(self._functions(around.name, site.path))
        return bool(found) and all(self._ignores_its(place, around.position) for place in found)

    def _functions(self, name: str, path: str) -> Iterator[Place]:
        units = self._index.modules.host if is_python(path) else self._index.units_with(name)
        for unit in units:
            same = is_python(path) or is_rust(unit.path) == is_rust(path)
            for function in unit.functions if same else ():
                if function.name == name and not (function.declared or function.dead):
                    yield Place(unit, function)

    def _ignores_its(self, place: Place, position: int | str) -> bool:
        parameters = [p for p in place.function.parameters if p.name not in ("self", "cls", "&self")]
        if isinstance(position, str):
            named = [p for p in parameters if p.name == position]
        else:
            named = parameters[position : position + 1]
        if not named or named[0].name.startswith("*"):
            return False
        name = named[0].name.removeprefix("mut ")
        return not self._used(name, place, place.line) if name else True

    def _used(self, name: str, where: CallSite | Place, line: int) -> bool:
        """Whether the rest of a function does more with a name than drop it."""
        place = where if isinstance(where, Place) else where.caller
        code = self._index.live(place.path).code.split("\n")
        first = line - 1 if isinstance(where, CallSite) else _body_line(code, place)
        text = "\n".join(code[first : place.function.last_line])
        if isinstance(where, Place) and not is_python(place.path):
            text = text.partition("{")[2]
        left = re.sub(_IDLE.replace("{0}", re.escape(name)), " ", text)
        uses = len(re.findall(rf"(?<![\w.]){re.escape(name)}\b", left))
        return uses > (1 if isinstance(where, CallSite) else 0)

    # -- lazy functions ------------------------------------------------------------------------------

    def _lazy(self, place: Place) -> str:
        head = self._index.live(place.path).code.split("\n")[place.function.line - 1]
        if is_python(place.path):
            if re.search(r"\basync\s+def\b", head):
                return "a coroutine"
            return "a generator" if any(b.kind == "yield" for b in place.function.branches) else ""
        return "a future" if is_rust(place.path) and re.search(r"\basync\s+(?:unsafe\s+)?fn\b", head) else ""

    def _wrapped(self, site: CallSite) -> str:
        """Why a decorator of the project leaves out the function that it decorates."""
        if site.callee is None or not is_python(site.callee.path):
            return ""
        for name in _decorators(self._index.text(site.callee.path), site.callee):
            found = list(self._functions(name, site.path))[:_MOST]
            if found and all(self._ignores_its(place, 0) for place in found):
                return f"its decorator {name} leaves it out"
        return ""


def _body_line(code: Sequence[str], place: Place) -> int:
    """The line, from 0, behind a Python function's head; that of the function in other languages."""
    first = place.function.line - 1
    if not is_python(place.path):
        return first
    while first < place.function.last_line - 1 and not code[first].rstrip().endswith(":"):
        first += 1
    return first + 1


def _decorators(text: str, place: Place) -> Iterator[str]:
    for line in reversed(text.splitlines()[: place.function.line - 1]):
        found = re.match(r"\s*@([A-Za-z_]\w*)\s*(?:#.*)?\Z", line)
        if found is None:
            return
        yield found[1]


def _drops_in_rust(code: str, name: str) -> Iterator[bool]:
    """For each rule of a macro, whether an expression that it takes is not evaluated by what it gives."""
    found = re.search(rf"\bmacro_rules!\s*{re.escape(name)}\s*[({{]", code)
    rules = code[found.end() : found.end() + 20_000].split("=>") if found else []
    for left, right in pairwise(rules):
        taken = re.findall(r"\$(\w+)\s*:\s*(?:expr|tt|block|stmt)\b", left.rpartition(";")[2])
        body = _QUOTED.sub(" ", right.partition("macro_rules!")[0])
        yield any(not re.search(rf"\${one}\b", body) for one in taken)


def drops(parameters: Sequence[str], body: str, position: int | str) -> bool:
    """Whether a C macro's body does not compute the argument at a position."""
    at = position if isinstance(position, int) else 0
    name = parameters[at] if at < len(parameters) else "__VA_ARGS__"
    name = "__VA_ARGS__" if name == "..." else name
    left = re.sub(r"\b(?:sizeof|decltype|alignof|noexcept|typeid|__typeof__|typeof)\s*\([^()]*\)", " ", body)
    return re.search(rf"(?<!#)(?<!# )\b{re.escape(name)}\b", left) is None
