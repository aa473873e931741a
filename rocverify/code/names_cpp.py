"""What a call in C or C++ means: by namespaces, classes and their bases, `using`, and what a receiver is.

Whatever the project declares is looked through: functions are known in any file but where they are local to
one. Of overloads those that take as many arguments are meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from rocverify.code.call_sites import CallSite, sites_by_name
from rocverify.code.constants import line_with
from rocverify.code.languages import is_header
from rocverify.code.places import Place
from rocverify.code.syntax import Call, Function, Import, Unit
from rocverify.code.types_cpp import CppTypes

_STANDARD = frozenset({"std", "rocprim", "thrust", "hipcub"})


class CppNames:
    """Names of the C and C++ sources of one project. `units` are asked for once."""

    def __init__(self, units: Callable[[], Iterable[Unit]]) -> None:
        self._units = units
        self._known: dict[tuple[str, int, str], Place] = {}

    @cached_property
    def _types(self) -> CppTypes:
        return CppTypes(self._units())

    @cached_property
    def _by_name(self) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = {}
        for unit in self._types.units:
            for function in (*unit.functions, *unit.macros):
                found.setdefault(function.name, []).append(self._settled(Place(unit, function)))
        return found

    def sites(self, call: Call, place: Place) -> tuple[CallSite, ...]:
        """What a call may call: of overloads that fit alike, and of what a macro hides, none for sure."""
        found = self.resolved(call, place)
        told = len({self._identity(p) for p in found}) < 2 and not _is_hidden(call.name, place, found)
        return sites_by_name(self, call, place, told=told)

    def worth(self, text: str, place: Place) -> frozenset[str]:
        """What an expression can stand for: what is written."""
        del place
        return frozenset({text})

    def line_forming(self, text: str, place: Place) -> int | None:
        """The line on which the live code of a function has this text, or a kernel's name; else None."""
        return line_with(text, place)

    def resolved(self, call: Call, place: Place) -> list[Place]:
        """The functions that a call is sure to mean, declarations among them."""
        place = self._settled(place)
        if call.receiver is not None:
            kind = self._types.of_receiver(call.receiver)
            return self._methods(kind, call, place) if kind else []
        if call.scope:
            return self._qualified(call, place)
        return self._bare(call, place)

    def perhaps(self, call: Call, place: Place) -> list[Place]:
        """The functions that a call which does not resolve may mean."""
        named = self._visible(call.name, place)
        if call.receiver is not None:
            kind = self._types.of_receiver(call.receiver)
            methods = [p for p in named if p.function.owner]
            if not kind:
                return methods
            family = {*self._types.lineage(kind), *self._types.heirs(kind)}
            return [p for p in methods if p.function.owner in family] if self._types.has(kind) else []
        if call.scope:
            outer = _expanded(call.scope, place)[0]
            known = self._types.has(call.scope[-1])
            return [] if outer in _STANDARD or known or call.name.lstrip("~") == call.scope[-1] else named
        return named

    def may_be(self, call: Call, place: Place, wanted: list[Place]) -> bool | None:
        """True for a call of one of the wanted functions, False for one that may be, None for any other."""
        if not any(p.function.name == call.name for p in wanted):
            return None
        asked = {self._identity(p) for p in wanted}
        resolved = self.resolved(call, place)
        found = {self._identity(p) for p in resolved}
        if found:
            hidden = _is_hidden(call.name, place, resolved)
            return None if not found & asked else found <= asked and call.sure and not hidden
        return False if {self._identity(p) for p in self.perhaps(call, place)} & asked else None

    def _identity(self, place: Place) -> tuple[tuple[str, ...], int, str]:
        """What a declaration and its definition share."""
        function = self._settled(place).function
        return function.path, len(function.parameters), place.unit.path if function.local else ""

    def _settled(self, place: Place) -> Place:
        """The same with what only the whole project tells: whether the name before `::` is a class or a
        namespace, and the namespace that a `using` brings a definition into."""
        if place.key not in self._known:
            function = place.function
            scope, owner = function.scope, function.owner
            if owner and not self._types.has(owner) and owner in self._types.spaces:
                scope, owner = (*scope, owner), ""
            settled = replace(function, scope=scope, owner=owner)
            if not function.declared and settled.path not in self._types.declared:
                for imported in place.unit.imports:
                    moved = replace(settled, scope=(*imported.path, *scope))
                    if imported.name == "*" and moved.path in self._types.declared:
                        settled = moved
            self._known[place.key] = Place(place.unit, settled)
        return self._known[place.key]

    def _visible(self, name: str, place: Place) -> list[Place]:
        """The functions of a name that a file can call: not those local to another source; of what is built
        only what is built."""
        here = place.unit.path
        found = [
            p
            for p in self._by_name.get(name, ())
            if p.unit.path == here or not p.function.local or is_header(p.unit.path)
        ]
        return found if place.function.dead else [p for p in found if not p.function.dead]

    def _methods(self, kind: str, call: Call, place: Place) -> list[Place]:
        """The methods of a type: its own or the nearest base's. None where a type derived from it has one of
        its own, which may be the one that runs."""
        named = self._visible(call.name, place)
        heirs = self._types.heirs(kind)
        if call.name.lstrip("~") != kind and any(p.function.owner in heirs for p in named):
            return []
        for owner in self._types.lineage(kind):
            own = [p for p in named if p.function.owner == owner]
            if own:
                return _fitting(own, call)
        return []

    def _qualified(self, call: Call, place: Place) -> list[Place]:
        scope = _expanded(call.scope, place)
        if scope[0] in _STANDARD:
            return []
        named = self._visible(call.name, place)
        if scope == ("",):
            found = [p for p in named if not p.function.owner and not p.function.scope]
        else:
            around = place.function.scope
            ways = [(*around[:depth], *scope) for depth in range(len(around), -1, -1)]
            homes = [[p for p in named if p.function.path[:-1] == way] for way in ways]
            loose = [p for p in named if p.function.path[:-1][-len(scope) :] == scope]
            found = next((home for home in homes if home), loose)
        if not found and self._types.has(self._types.behind(scope[-1])):
            for owner in self._types.lineage(self._types.behind(scope[-1])):
                found = found or [p for p in named if p.function.owner == owner]
        return _nearest(_fitting(found, call), place)

    def _bare(self, call: Call, place: Place) -> list[Place]:
        named = self._visible(call.name, place)
        function = place.function
        for owner in self._types.lineage(function.owner) if function.owner else ():
            own = [p for p in named if p.function.owner == owner]
            if own:
                heirs = self._types.heirs(owner)
                return [] if any(p.function.owner in heirs for p in named) else _fitting(own, call)
        free = [p for p in named if not p.function.owner]
        for depth in range(len(function.scope), -1, -1):
            here = [p for p in free if p.function.scope == function.scope[:depth]]
            if here:
                return _nearest(_fitting(here, call), place)
        for imported in _imports(place):
            path = imported.path if imported.name == "*" else imported.path[:-1]
            wanted = call.name if imported.name == "*" else imported.path[-1]
            if imported.name in ("*", call.name) and wanted == call.name:
                here = [p for p in free if path and p.function.scope[-len(path) :] == path]
                if here:
                    return _nearest(_fitting(here, call), place)
        return _fitting([p for p in named if p.function.owner == call.name], call)


def _is_hidden(name: str, place: Place, found: list[Place]) -> bool:
    """Whether a macro of the file may stand before functions of its name."""
    if not any(n.kind == "macro" and n.name == name and not n.dead for n in place.unit.named):
        return False
    return any(p.line not in {m.line for m in p.unit.macros if m.name == name} for p in found)


def _nearest(found: list[Place], place: Place) -> list[Place]:
    """Of functions with one path, those of the same file where there are some: two programs may each have
    one of their own."""
    own = [p for p in found if p.unit.path == place.unit.path and not p.function.declared]
    return own or found


def _expanded(scope: tuple[str, ...], place: Place) -> tuple[str, ...]:
    for imported in _imports(place):
        if imported.name == scope[0] and imported.name != "*" and imported.path != scope[:1]:
            return (*imported.path, *scope[1:])
    return scope


def _imports(place: Place) -> Iterator[Import]:
    for imported in (*place.function.imports, *place.unit.imports):
        if imported.name and not imported.dead:
            yield imported


def _fitting(found: list[Place], call: Call) -> list[Place]:
    """Of overloads those that take as many arguments; all where none does."""
    return [p for p in found if _takes(p.function, len(call.arguments))] or found


def _takes(function: Function, count: int) -> bool:
    parameters = function.parameters
    if any("..." in p.type for p in parameters):
        return True
    return sum(1 for p in parameters if not p.text) <= count <= len(parameters)
