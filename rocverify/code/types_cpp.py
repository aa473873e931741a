"""The classes of a project's C and C++ sources: what they inherit from, their fields, other names for
them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from rocverify.code.languages.cpp_parts import bare_type, pointee
from rocverify.code.syntax import Unit

_DEEPEST = 8
_MOST_BASES = 200


class CppTypes:
    """Types by their bare names: those of one name in two namespaces are taken together."""

    def __init__(self, units: Iterable[Unit]) -> None:
        self.units = tuple(units)

    @cached_property
    def _bases(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for unit in self.units:
            for named in unit.named:
                if named.kind == "type" and not named.dead:
                    found.setdefault(named.name, set()).update(named.bases)
        return found

    @cached_property
    def _fields(self) -> dict[tuple[str, str], str]:
        return {key: kind for unit in self.units for key, kind in unit.fields.items()}

    @cached_property
    def _aliases(self) -> dict[str, str]:
        named = (n for unit in self.units for n in unit.named if n.kind == "type" and n.type)
        return {n.name: bare_type(n.type) for n in named}

    @cached_property
    def _heirs(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for name in self._bases:
            for base in self.lineage(name)[1:]:
                found.setdefault(base, set()).add(name)
        return found

    @cached_property
    def spaces(self) -> frozenset[str]:
        """The names of namespaces that hold anything."""
        return frozenset(part for unit in self.units for f in unit.functions for part in f.scope)

    @cached_property
    def declared(self) -> frozenset[tuple[str, ...]]:
        """The paths of functions that are declared apart from their bodies."""
        return frozenset(f.path for unit in self.units for f in unit.functions if f.declared)

    def has(self, kind: str) -> bool:
        """Whether the project defines a type of this name."""
        return kind in self._bases

    def behind(self, kind: str) -> str:
        """The type that a name stands for."""
        for _ in range(_DEEPEST):
            inner = self._aliases.get(kind, "")
            if not inner or inner == kind or self._bases.get(kind):
                return kind
            kind = inner
        return kind

    def of_receiver(self, receiver: str) -> str:
        """The type of a receiver, fields followed; empty where it does not show."""
        first, *fields = receiver.split(".")
        kind = self.behind(first)
        for name in fields:
            key = name.rstrip("*")
            homes = (owner for owner in self.lineage(kind) if (owner, key) in self._fields)
            written = self._fields.get((next(homes, ""), key), "")
            kind = self.behind(pointee(written) if name.endswith("*") else bare_type(written))
        return kind

    def lineage(self, kind: str) -> list[str]:
        """A type and what it inherits from, the nearest first."""
        found = {kind: None}
        queue = [kind]
        while queue and len(found) < _MOST_BASES:
            for base in sorted(self._bases.get(queue.pop(0), ())):
                if base not in found:
                    found[base] = None
                    queue.append(base)
        return list(found)

    def heirs(self, kind: str) -> set[str]:
        """The types that inherit from one."""
        return self._heirs.get(kind, set())
