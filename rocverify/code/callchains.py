"""Whether one function of a host calls another, over the records of `rocverify.code.syntax`.

A name is resolved as its language does (`rocverify.code.names_rust`, `names_cpp`). What does not resolve is
told apart from what is not there: a call that may be meant is neither yes nor no.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from rocverify.code.callgraph import MOST_FUNCTIONS
from rocverify.code.places import Names, Place
from rocverify.code.syntax import Call, Unit


@dataclass(frozen=True, slots=True)
class Chain:
    """How a question turned out: the `steps` of a call that is made; else a call that may be meant (`maybe`,
    `path:line`), or one that can never run (`dead`: place and reason). `broken` is a file on the way that
    could not be parsed whole, as `path:line`."""

    steps: tuple[str, ...] = ()
    maybe: str = ""
    dead: tuple[str, str] | None = None
    broken: str = ""


def find_chain(names: Names, start: Unit, caller: str, target: Unit, callee: str) -> Chain:
    """The shortest chain of calls from `caller`, in `start`, to `callee`, in `target`.

    Of functions that are there twice, for tests and for use, those for use are meant, if there are any.
    """
    starts = _built([Place(start, function) for function in start.functions_of(caller)])
    wanted = _built([Place(target, function) for function in target.functions_of(callee)])
    is_wanted: Wanted = lambda call, place: names.may_be(call, place, wanted)  # noqa: E731
    only_tests = next((place.function.dead for place in wanted), "")
    return search(names, starts, is_wanted, only_tests)


def search(names: Names, starts: list[Place], is_wanted: Wanted, only_tests: str = "") -> Chain:
    """The shortest chain of calls from any of the functions to a call that is looked for. `only_tests`: why
    what is looked for is built for tests only, if it is."""
    sure = _Search(names, is_wanted, only_tests, sure=True).run(starts)
    if sure.steps or sure.maybe:
        return sure
    doubtful = _Search(names, is_wanted, only_tests, sure=False).run(starts)
    return Chain(maybe=doubtful.maybe, dead=sure.dead, broken=sure.broken or doubtful.broken)


Wanted = Callable[[Call, Place], bool | None]
"""True for a call that is looked for, False for one that may be, None for any other."""


def _built(places: list[Place]) -> list[Place]:
    return [place for place in places if not place.function.dead] or places


class _Search:
    """One walk over calls. With `sure` False, what only may be called is followed too, and a chain that
    leads through it is no more than a `maybe`."""

    def __init__(self, names: Names, is_wanted: Wanted, only_tests: str, *, sure: bool) -> None:
        self._names = names
        self._is_wanted = is_wanted
        self._only_tests = only_tests
        self._sure = sure
        self._maybe = ""
        self._broken = ""
        self._dead: tuple[str, str] | None = None

    def run(self, starts: list[Place]) -> Chain:
        queue: deque[tuple[Place, tuple[str, ...], str]] = deque((place, (), "") for place in starts)
        seen = {place.key for place in starts}
        while queue and len(seen) < MOST_FUNCTIONS:
            place, steps, doubt = queue.popleft()
            if place.unit.broken is not None:
                self._broken = self._broken or f"{place.unit.path}:{place.unit.broken}"
            for call in place.function.calls:
                if self._sure and not call.sure:
                    continue
                here = f"{place.unit.path}:{call.line}"
                doubtful = doubt or ("" if call.sure else here)
                if self._answer(call, place, here, doubtful):
                    return Chain((*steps, f"{call.name} ({here})"))
                onwards = [] if call.dead else self._names.resolved(call, place)
                if not onwards and not call.dead and not self._sure:
                    onwards, doubtful = self._names.perhaps(call, place), doubtful or here
                for onward in onwards:
                    if onward.key not in seen:
                        seen.add(onward.key)
                        queue.append((onward, (*steps, f"{call.name} ({here})"), doubtful))
        return Chain(maybe=self._maybe, dead=self._dead, broken=self._broken)

    def _answer(self, call: Call, place: Place, here: str, doubt: str) -> bool:
        """Whether a call is surely the one that is looked for; what it may be is kept."""
        answer = self._is_wanted(call, place)
        only_tests = "" if place.function.dead else self._only_tests
        if answer is not None and (call.dead or only_tests):
            self._dead = self._dead or (here, call.dead or f"what is called there is not: {only_tests}")
        elif answer and not doubt:
            return True
        elif answer is not None:
            self._maybe = self._maybe or doubt or here
        return False
