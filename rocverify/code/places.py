"""Functions in their files, and how names are resolved from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from rocverify.code.syntax import Call, Function, Unit


@dataclass(frozen=True, slots=True)
class Place:
    """A function and the file it is in."""

    unit: Unit
    function: Function

    @property
    def key(self) -> tuple[str, int, str]:
        return self.unit.path, self.function.line, self.function.qualified


class Names(Protocol):
    """How one language resolves what a call means."""

    def resolved(self, call: Call, place: Place) -> list[Place]:
        """The functions that a call is sure to mean."""
        ...

    def perhaps(self, call: Call, place: Place) -> list[Place]:
        """The functions that a call which does not resolve may mean."""
        ...

    def may_be(self, call: Call, place: Place, wanted: list[Place]) -> bool | None:
        """True for a call of one of the wanted functions, False for one that may be, None for any other."""
        ...
