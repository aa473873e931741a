"""Functions in their files, and how names are resolved from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rocverify.code.languages import is_python
from rocverify.code.syntax import Call, Function, Unit

if TYPE_CHECKING:
    from rocverify.code.call_sites import CallSite


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A function and the file it is in. Two of the same function are equal."""

    unit: Unit
    function: Function

    @property
    def key(self) -> tuple[str, int, str]:
        """What tells the place from others: path, line and qualified name."""
        return self.unit.path, self.function.line, self.function.qualified

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def path(self) -> str:
        """The file, relative to the root."""
        return self.unit.path

    @property
    def line(self) -> int:
        """The line of the function, from 1."""
        return self.function.line

    @property
    def location(self) -> str:
        """`path:line` of the function."""
        return f"{self.unit.path}:{self.function.line}"

    @property
    def qualname(self) -> str:
        """The name with what is around it in the file: Python's (`Rope.apply`, `outer.inner`), or
        `Type::method`."""
        return ".".join(self.function.path) if is_python(self.unit.path) else self.function.qualified

    def matches(self, name: str) -> bool:
        """True if `name` (bare or qualified, `Rope.apply`) names this function."""
        return self.qualname == name or self.qualname.endswith(f".{name}")


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

    def sites(self, call: Call, place: Place) -> tuple[CallSite, ...]:
        """What a call may call: what it is sure to, what is handed over with it, what only may be meant; what
        it would call, of one that can never run."""
        ...

    def worth(self, text: str, place: Place) -> frozenset[str]:
        """What an expression, as it is written in a function, can stand for: numbers, texts, and names that
        are not the project's."""
        ...

    def line_forming(self, text: str, place: Place) -> int | None:
        """The line on which the live code of a function forms exactly this text; None if it does not."""
        ...
