"""In which order a function, with all it calls, does two things, over the records of `rocverify.code.syntax`.

The order of the text is that of the run as far as parts of a function tell (`Call.within`): what stands in a
part that a run may leave out has not surely happened behind it, what stands in a closure happens later or
never, and of a function that may return early its caller does not know how far it came.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile

from rocverify.code.call_sites import CallKind
from rocverify.code.callgraph import CallGraph
from rocverify.code.places import Place
from rocverify.code.syntax import Branch, Call, Function

_MOST_TARGETS = 8
"""Functions that are followed of those which one call may mean."""
_DEEPEST = 60
"""Calls within calls that are followed."""

Wanted = Callable[[Call, Place], bool | None]
"""True for a call that does it, False for one that may, None for any other."""
IsLazy = Callable[[Place, Place, Call], bool]
"""Whether what a call of a function starts runs at another time: a generator, a future that nothing awaits
there."""


@dataclass(frozen=True, slots=True)
class Known:
    """What has happened at a point: the first thing surely (`done`), or perhaps (`maybe`)."""

    done: bool = False
    maybe: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """A place where the second thing happens (`sure`), or may; `before`: whether the first has happened by
    then, None where it may have; `inside`: it has not, but may while the second happens."""

    where: str
    sure: bool
    before: bool | None
    inside: bool = False


@dataclass(slots=True)
class Order:
    """What one function does: where the first thing happens for sure (`first`) or perhaps (`perhaps`), each
    place of the second, and a file that could not be parsed whole (`path:line`)."""

    first: list[str] = field(default_factory=list)
    perhaps: list[str] = field(default_factory=list)
    then: list[Seen] = field(default_factory=list)
    broken: str = ""

    @property
    def reaches_both(self) -> bool:
        """Whether both of what is ordered is reached, the first one perhaps."""
        return bool((self.first or self.perhaps) and self.then)

    @property
    def kept(self) -> bool:
        """Whether the second surely happens, and never without the first."""
        return any(s.sure for s in self.then) and all(s.before is True for s in self.then)

    @property
    def may_be_kept(self) -> bool:
        """Whether the first may have happened, or have begun, wherever the second happens."""
        return all(s.before is not False and not s.inside for s in self.then)

    @property
    def broken_order(self) -> bool:
        """Whether the second surely happens, and the first surely not before it."""
        return any(s.sure for s in self.then) and all(s.before is False for s in self.then)


def find_order(
    graph: CallGraph, start: Place, first: Wanted, then: Wanted, is_lazy: IsLazy, *, cautious: bool = True
) -> Order:
    """What a function and all that it calls do of two things, and in which order. cautious: calls that do not
    resolve are followed to what they may mean."""
    walk = _Walk(graph, first, then, is_lazy, cautious)
    walk.body(start, Known(), True, ())
    return walk.order()


class _Walk:
    """Follows one function; a function that is called again in the same state is walked once."""

    def __init__(
        self, graph: CallGraph, first: Wanted, then: Wanted, is_lazy: IsLazy, cautious: bool
    ) -> None:
        self._graph = graph
        self._first = first
        self._then = then
        self._is_lazy = is_lazy
        self._cautious = cautious
        self._ends: dict[object, Known] = {}
        self._found: dict[Seen, None] = {}
        self._at: dict[str, bool] = {}
        self._broken = ""

    def order(self) -> Order:
        first = [where for where, sure in self._at.items() if sure]
        perhaps = [where for where, sure in self._at.items() if not sure]
        return Order(first, perhaps, list(self._found), self._broken)

    def body(self, place: Place, known: Known, sure: bool, way: tuple[object, ...]) -> Known:
        """What has happened when a function has returned."""
        key = (place.key, known, sure)
        if key in self._ends:
            return self._ends[key]
        if place.key in way or len(way) > _DEEPEST:
            return known if place.key in way else Known(known.done, True)
        if place.unit.broken is not None:
            self._broken = self._broken or f"{place.unit.path}:{place.unit.broken}"
        end = self._through(place, known, sure, (*way, place.key))
        self._ends[key] = end
        return end

    def _through(self, place: Place, known: Known, sure: bool, way: tuple[object, ...]) -> Known:
        function = place.function
        jumps = any(branch.kind == "goto" for branch in function.branches)
        early, open_ = False, list[tuple[str, bool]]()
        at_entry = known.done
        for call in function.calls:
            if call.dead:
                continue
            both = zip(open_, call.within, strict=False)
            same = len(list(takewhile(lambda pair: pair[0][0] == pair[1], both)))
            while len(open_) > same:
                known = Known(open_.pop()[1], known.maybe)
            open_ += [(part, known.done) for part in call.within[same:]]
            later = any(part.startswith("closure") for part in call.within)
            done = known.done
            known = self._call(call, place, known, sure and call.sure and not later and not jumps, way)
            if known.done and not done:
                early = early or _may_have_left(function, call)
        while open_:
            known = Known(open_.pop()[1], known.maybe)
        return Known(at_entry, True) if early and len(way) > 1 else known

    def _call(self, call: Call, place: Place, known: Known, sure: bool, way: tuple[object, ...]) -> Known:
        here = f"{place.unit.path}:{call.line}"
        first, then = self._first(call, place), self._then(call, place)
        names = self._graph.names(place)
        targets = [p for p in names.resolved(call, place) if not p.function.declared]
        sure = sure and not any(self._is_lazy(target, place, call) for target in targets)
        if then is not None:
            begun = known if first is None else Known(known.done, True)  # of two functions it means one
            self._note(here, then and sure, begun, targets, way)
        if first is None and then is None and not targets and not call.dead:
            targets, sure = self._possible(call, place), False
            known = Known(known.done, known.maybe or len(targets) > _MOST_TARGETS)
            targets = targets[:_MOST_TARGETS]
        handed = self._of_kind(CallKind.PASSED, call, place) if targets else ()
        inside = Known(known.done, True) if first else known  # it has begun
        ends = [self.body(target, inside, sure, way) for target in targets]
        later = [self.body(target, inside, False, way) for target in handed]
        maybe = known.maybe or any(end.maybe or end.done for end in (*ends, *later))
        if first is not None:
            self._at[here] = self._at.get(here, False) or (first and sure)
            return Known(known.done or (first and sure), True)
        return Known(known.done or (sure and bool(ends) and all(end.done for end in ends)), maybe)

    def _possible(self, call: Call, place: Place) -> list[Place]:
        """The functions that a call may mean which means none for sure, those handed over included."""
        if self._cautious:
            return self._graph.names(place).perhaps(call, place)
        return [p for kind in (CallKind.CALL, CallKind.PASSED) for p in self._of_kind(kind, call, place)]

    def _of_kind(self, kind: CallKind, call: Call, place: Place) -> list[Place]:
        sites = self._graph.sites_of(call, place)
        return [site.callee for site in sites if site.kind is kind and site.callee is not None]

    def _note(
        self, here: str, sure: bool, known: Known, targets: list[Place], way: tuple[object, ...]
    ) -> None:
        before: bool | None = True if known.done else None if known.maybe else False
        inside = before is False and any(self.body(target, known, False, way).maybe for target in targets)
        self._found[Seen(here, sure, None if inside else before, inside)] = None


def _may_have_left(function: Function, call: Call) -> bool:
    """Whether a function may return before a call in it."""
    leaving = (branch for branch in function.branches if branch.kind == "leave")
    return any(_is_before(branch, call) for branch in leaving)


def _is_before(leave: Branch, call: Call) -> bool:
    if leave.last_line < call.line:
        return True
    inside = re.search(rf"(?<!\w){re.escape(call.name)}\s*[(<]", leave.text)
    return leave.line <= call.line and inside is None
