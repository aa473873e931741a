"""Which work nothing orders: clocks of streams, events and the host, and what each piece of work accessed.

Every item has a clock: how far each component (a stream, a branch of a graph) had come in what happened
before it. An item happened before another if the other's clock has come as far as its own count. Accesses of
items that are not in order, one of them a write, are a race. All threads of the host count as one: how they
wait for one another cannot be seen.

Copies and memsets say what they access when they are queued. What launches have accessed is looked up in the
sanitizer's record of memory, and only where there is something to compare with: launches that are all in
order leave one record, since the last of them to write, or to read since, stands for all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from rocverify.device.hip.items import Clock, Item, Kind
from rocverify.device.ranges import Accessed, Overlap, Ranges

MANY = 256
"""Entries after which those are looked for that nothing can be compared with any more."""


class LaunchAccesses(Protocol):
    """What the sanitizer knows of a launch's accesses, until other launches have accessed the same bytes."""

    def look_up(self, batch: Sequence[Any]) -> list[Accessed]:
        """What each launch of a batch accessed: all of one device, each in order with the others."""

    def keep(self, kept: bool) -> None:
        """Whether what this launch and later ones accessed is to be kept in all detail from now on."""

    def line(self, code: int) -> str | None:
        """The source line, `file:line`, of an instruction."""


NO_ACCESS = Accessed()

_HAZARDS = (
    ("RAW", "writes", "reads"),
    ("WAW", "writes", "writes"),
    ("WAR", "reads", "writes"),
    ("WAW", "writes", "atomics"),
    ("WAW", "atomics", "writes"),
    ("RAW", "atomics", "reads"),
    ("WAR", "reads", "atomics"),
)
"""What of an earlier and of a later item must not meet: all but reads, and all but atomic operations."""


@dataclass(slots=True, eq=False)
class Entry:
    """What an item did to memory. `tick` counts the items that were executed. `launch` tells the ranges of a
    launch, and source lines."""

    item: Item
    tick: int
    accessed: Accessed = NO_ACCESS
    launch: LaunchAccesses | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two accesses that nothing orders. `hazard` is RAW, WAR or WAW."""

    first: Entry
    second: Entry
    hazard: str
    overlap: Overlap


@dataclass(slots=True, eq=False)
class Unwaited:
    """Work that the program has not waited for so far; `implied`: but a call like hipFree did, at `site`."""

    item: Item
    implied: bool = False
    site: int = 0
    launch: LaunchAccesses | None = None


def _merge(clock: Clock, other: Clock) -> None:
    for component, count in other.items():
        if count > clock.get(component, 0):
            clock[component] = count


def happened_before(item: Item, clock: Clock) -> bool:
    """Whether an item is in what a clock knows of."""
    return clock.get(item.component, 0) >= item.count


@dataclass(slots=True)
class _Births:
    """Where memory was allocated anew, and when: what was there before is no longer of interest."""

    made: list[tuple[int, int, int]] = field(default_factory=list)

    def cut(self, ranges: Ranges, since: int) -> Ranges:
        for tick, start, end in self.made:
            if tick >= since:
                ranges = ranges.without(start, end)
        return ranges


def written(item: Item) -> Ranges:
    """What an item has said that it writes."""
    return _of(item, write=True)


def _of(item: Item, *, write: bool) -> Ranges:
    return Ranges.of(
        (one.address, one.size, one.pitch, one.rows) for one in item.accesses if one.write == write
    )


class Races:
    """Finds the races of one context; `found` is told of each, `pending` gives the items that are queued."""

    def __init__(self, found: Callable[[Conflict], None], pending: Callable[[], Sequence[Item]]) -> None:
        self.unwaited: list[Unwaited] = []
        self.lock = threading.RLock()
        self._found, self._pending = found, pending
        self._host: Clock = {}
        self._counts: Clock = {}
        self._floor = 0
        self._tick = 0
        self._history: list[Entry] = []
        self._chain: list[Entry] = []
        self._unordered = False
        self._births = _Births()
        self._writes_of_values: dict[int, Item] = {}

    # ---- the order of things

    def enter(self, item: Item, component: int, before: Iterable[Item]) -> None:
        """An item is queued, after others."""
        with self.lock:
            clock = dict(self._host)
            for one in before:
                if one.serial > self._floor or not one.serial:
                    _merge(clock, one.clock)
            item.component = component
            item.count = self._counts[component] = self._counts.get(component, 0) + 1
            clock[component] = item.count
            item.clock = clock
            if item.kind in (Kind.KERNEL, Kind.MEMCPY, Kind.MEMSET):
                self.unwaited.append(Unwaited(item))

    def refused(self) -> None:
        """Something has failed for good: calls are refused from now on, and so nothing can be waited for."""
        with self.lock:
            self.unwaited = []

    def waited(self, targets: Sequence[Item], *, explicit: bool, whole: bool, site: int = 0) -> None:
        """The host has waited for items. `whole`: for all that there is, and nothing is queued now."""
        with self.lock:
            seen: Clock = {}
            for one in targets:
                _merge(seen, one.clock)
            host = dict(self._host)
            _merge(host, seen)
            self._host = host
            if explicit:
                self.unwaited = [one for one in self.unwaited if not happened_before(one.item, host)]
            else:
                for left in self.unwaited:
                    if not left.implied and happened_before(left.item, seen):
                        left.implied, left.site = True, site
            if whole:
                self._forget(targets)
            elif len(self._history) > MANY:
                self._prune()

    def host_knows(self, item: Item) -> bool:
        """Whether the host has waited for an item."""
        return happened_before(item, self._host)

    def _forget(self, targets: Sequence[Item]) -> None:
        """Whatever comes happens after all that was."""
        if self._unordered:
            self._look_up()
        if self._chain and self._chain[0].launch is not None:
            self._chain[0].launch.keep(False)
        self._history.clear()
        self._chain.clear()
        self._births.made.clear()
        self._writes_of_values.clear()
        self._floor = max((one.serial for one in targets), default=self._floor)

    def _prune(self) -> None:
        clocks = [self._host, *(item.clock for item in self._pending())]
        self._history = [
            entry
            for entry in self._history
            if not all(happened_before(entry.item, clock) for clock in clocks)
        ]

    def passed(self, item: Item, address: int) -> None:
        """An item that waits for a value has gone on: it comes after what wrote the value."""
        with self.lock:
            writer = self._writes_of_values.get(address)
            if writer is None:
                return
            for one in (item, *self._pending()):
                if happened_before(item, one.clock):
                    _merge(one.clock, writer.clock)

    # ---- accesses

    def born(self, address: int, size: int) -> None:
        """Memory is allocated: what accessed these bytes before did so in another life of theirs."""
        with self.lock:
            if self._history or self._chain:
                self._births.made.append((self._tick, address, address + size))

    def launching(self, item: Item) -> None:
        """A kernel is about to run, and will cover the tracks of those before it. They are looked up if it
        does not stand for them in all comparisons."""
        with self.lock:
            if not self._chain:
                return
            first, last = self._chain[0].item, self._chain[-1].item
            if not happened_before(last, item.clock) or any(
                happened_before(entry.item, item.clock) and not happened_before(entry.item, first.clock)
                for entry in self._history
            ):
                self._look_up()

    def frees_unordered(self, item: Item, address: int) -> list[Item]:
        """Frees of the memory at an address that were executed, and that nothing orders with an item."""
        with self.lock:
            return [
                one.item
                for one in self._history
                if one.item.kind is Kind.FREE
                and not happened_before(one.item, item.clock)
                and any(a.address <= address < a.address + a.size for a in one.item.accesses)
            ]

    def launched(self, item: Item, accesses: LaunchAccesses | None) -> None:
        """A kernel has run."""
        with self.lock:
            self._tick += 1
            if accesses is None:
                return
            if not self._chain:
                accesses.keep(len(self._counts) > 1)
            self._chain.append(Entry(item, self._tick, launch=accesses))
            self._unordered = self._unordered or any(
                not happened_before(one.item, item.clock) for one in self._history
            )
            for left in self.unwaited:
                if left.item is item:
                    left.launch = accesses

    def copying(self, item: Item) -> None:
        """An item that has said what it accesses is about to be executed."""
        if not item.accesses:
            return
        with self.lock:
            self._tick += 1
            entry = Entry(item, self._tick, Accessed(_of(item, write=False), _of(item, write=True)))
            if item.kind is Kind.WRITE_VALUE:
                self._writes_of_values[item.accesses[0].address] = item
            if self._chain and not happened_before(self._chain[-1].item, item.clock):
                self._look_up()
            self._compare(entry)
            self._history.append(entry)
            if len(self._history) > 4 * MANY:
                self._prune()

    def _look_up(self) -> None:
        """Has the launches that were not looked up yet say what they accessed, and compares that."""
        chain, self._chain, self._unordered = self._chain, [], False
        launches = [one.launch for one in chain if one.launch is not None]
        if not launches:
            return
        launches[0].keep(False)
        for entry, accessed in zip(chain, launches[0].look_up(launches), strict=True):
            entry.accessed = accessed
            self._compare(entry)
        self._history += chain

    def _compare(self, entry: Entry) -> None:
        for other in self._history:
            if not (
                happened_before(other.item, entry.item.clock) or happened_before(entry.item, other.item.clock)
            ):
                self._compare_two(*sorted((other, entry), key=lambda one: one.tick))

    def _compare_two(self, earlier: Entry, later: Entry) -> None:
        for hazard, before, after in _HAZARDS:
            first, second = getattr(earlier.accessed, before), getattr(later.accessed, after)
            overlap = first.common(second)
            if overlap is not None and self._births.made:
                overlap = self._births.cut(first, earlier.tick).common(second)
            if overlap is not None:
                self._found(Conflict(earlier, later, hazard, overlap))
                return

    def look_up_rest(self) -> None:
        """At the end: what was not compared yet."""
        with self.lock:
            if self._chain and self._unordered:
                self._look_up()
