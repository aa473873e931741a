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

from rocverify.code.places import Names, Place
from rocverify.code.syntax import Branch, Call, Function

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
    then, None where it may have."""

    where: str
    sure: bool
    before: bool | None


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
        return bool((self.first or self.perhaps) and self.then)

    @property
    def kept(self) -> bool:
        """Whether the second surely happens, and never without the first."""
        return any(s.sure for s in self.then) and all(s.before is True for s in self.then)

    @property
    def broken_order(self) -> bool:
        """Whether the second surely happens, and the first surely not before it."""
        return any(s.sure for s in self.then) and all(s.before is False for s in self.then)


def find_order(names: Names, start: Place, first: Wanted, then: Wanted, is_lazy: IsLazy) -> Order:
    """What a function and all that it calls do of two things, and in which order."""
    walk = _Walk(names, first, then, is_lazy)
    walk.body(start, Known(), True, ())
    return walk.order()


class _Walk:
    """Follows one function; a function that is called again in the same state is walked once."""

    def __init__(self, names: Names, first: Wanted, then: Wanted, is_lazy: IsLazy) -> None:
        self._names = names
        self._first = first
        self._then = then
        self._is_lazy = is_lazy
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
        targets = [p for p in self._names.resolved(call, place) if not p.function.declared]
        sure = sure and not any(self._is_lazy(target, place, call) for target in targets)
        if then is not None:
            self._note(here, then and sure, known, targets, way)
        if first is None and then is None and not targets and not call.dead:
            targets, sure = self._names.perhaps(call, place)[:8], False
        inside = Known(known.done, True) if first else known  # it has begun
        ends = [self.body(target, inside, sure, way) for target in targets]
        maybe = known.maybe or any(end.maybe or end.done for end in ends)
        if first is not None:
            self._at[here] = self._at.get(here, False) or (first and sure)
            return Known(known.done or (first and sure), True)
        return Known(known.done or (sure and bool(ends) and all(end.done for end in ends)), maybe)

    def _note(
        self, here: str, sure: bool, known: Known, targets: list[Place], way: tuple[object, ...]
    ) -> None:
        before: bool | None = True if known.done else None if known.maybe else False
        if before is False and any(self.body(target, known, False, way).maybe for target in targets):
            before = None  # it does the first thing itself
        self._found[Seen(here, sure, before)] = None


def _may_have_left(function: Function, call: Call) -> bool:
    """Whether a function may return before a call in it."""
    leaving = (branch for branch in function.branches if branch.kind == "leave")
    return any(_is_before(branch, call) for branch in leaving)


def _is_before(leave: Branch, call: Call) -> bool:
    if leave.last_line < call.line:
        return True
    inside = re.search(rf"(?<!\w){re.escape(call.name)}\s*[(<]", leave.text)
    return leave.line <= call.line and inside is None
