"""Call sites: which function calls which, where, and how sure that is, in every language."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rocverify.code.languages import is_python
from rocverify.code.places import Place
from rocverify.code.syntax import Call

if TYPE_CHECKING:
    from rocverify.code.places import Names


class CallKind(StrEnum):
    """How sure a call is. Proofs that something happens use CALL and PASSED; proofs that nothing
    forbidden happens use all but DEAD."""

    CALL = "calls"
    PASSED = "passes"  # handed over as an argument, and so presumably called
    MAYBE = "may call"  # a method of that name on a value of unknown type, or an override
    IMPORT = "imports"  # an import inside a function runs the module's body
    DEAD = "never calls"  # in what can never run


CERTAIN = frozenset({CallKind.CALL, CallKind.PASSED})
CAUTIOUS = frozenset(CallKind) - {CallKind.DEAD}


@dataclass(frozen=True, slots=True)
class CallSite:
    """What one call calls. `name` is the full name of the project's function, the dotted name of
    anything imported from elsewhere, or `?.attr` (`?name`) of what could not be resolved; `callee` is None
    for what is not the project's."""

    caller: Place
    name: str
    call: Call
    kind: CallKind = CallKind.CALL
    callee: Place | None = None

    @property
    def path(self) -> str:
        """The file of the call, relative to the root."""
        return self.caller.path

    @property
    def line(self) -> int:
        """The line of the call, from 1."""
        return self.call.line

    @property
    def short(self) -> str:
        """The bare name of what is called."""
        return self.name.replace(":", ".").rpartition(".")[2].lstrip("?")

    @property
    def location(self) -> str:
        """`path:line` of the call."""
        return f"{self.path}:{self.line}"

    @property
    def is_foreign(self) -> bool:
        """Whether what it calls is not the project's: what Rust declares of another library has no calls."""
        own = self.callee
        return own is None or not (is_python(own.path) or own.function.calls)

    def calls(self, target: str) -> bool:
        """Whether it calls what `target` names: bare, or qualified by class or module."""
        if self.callee is not None and self.callee.matches(target):
            return True
        dotted = self.name.replace(":", ".").strip("?!")
        return dotted == target or dotted.endswith(f".{target}")

    def __str__(self) -> str:
        return f"{self.caller.qualname} {self.kind} {self.short} ({self.location})"


def describe_path(path: tuple[CallSite, ...]) -> str:
    """`apply_rope_device → rope_gpu_kernel (kernels/rope.py:40) → ...`, for messages."""
    if not path:
        return ""
    steps = "".join(f" → {site.short} ({site.location})" for site in path)
    return path[0].caller.qualname + steps


def sites_by_name(names: Names, call: Call, place: Place, *, told: bool = True) -> tuple[CallSite, ...]:
    """What a call may call, of a language whose names resolve to functions alone. told: whether what it
    resolves to is surely what runs."""
    unresolved = f"?{'.' if call.receiver is not None else ''}{call.name}"
    sure = CallKind.DEAD if call.dead else CallKind.CALL if call.sure and told else CallKind.MAYBE
    resolved = names.resolved(call, place)
    if resolved:
        return tuple(CallSite(place, one.qualname, call, sure, one) for one in resolved)
    maybe = () if call.dead else names.perhaps(call, place)
    unknown = CallSite(place, unresolved, call, sure)
    return (unknown, *(CallSite(place, one.qualname, call, CallKind.MAYBE, one) for one in maybe))
