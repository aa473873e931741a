"""The checks that --sanitize adds to a client's streams: what is done around every item, and the words of
races."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rocverify.device.hip.checks.ending import Ending
from rocverify.device.hip.checks.memory import Memory, Report
from rocverify.device.hip.checks.races import Conflict, Entry, Races
from rocverify.device.hip.checks.uploads import Uploads
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.executor import Execute
from rocverify.device.hip.items import Item, Kind

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Caller

_ACTS = {"RAW": ("writes", "reads"), "WAR": ("reads", "writes"), "WAW": ("writes", "writes")}
_BUILT_IN = {1: "the default stream", 2: "the thread's default stream"}
_WAIT = "have one wait for the other: hipStreamSynchronize, or hipEventRecord and hipStreamWaitEvent"


class HostChecks:
    """The checks of one context. Thread-safe."""

    def __init__(self, report: Report, memory: Memory, pending: Callable[[], list[Item]]) -> None:
        self._report, self._memory = report, memory
        self.races = Races(self._race, pending)
        self._launching = threading.RLock()
        self._told: set[tuple[object, ...]] = set()
        self.uploads = Uploads(report, memory, self.races)
        self.ending = Ending(report, memory, self.races, self.stream)

    # ---- around every item

    def around(self, execute: Execute) -> Execute:
        """`execute` with what is checked before and after it."""

        def run(item: Item, caller: Caller | None) -> Any:
            if item.kind is Kind.KERNEL and not item.accesses:
                with self._launching:
                    self.races.launching(item)
                    try:
                        accesses = execute(item, caller)
                    except HipError as error:
                        if error.sticky:
                            self.races.refused()
                        self._faulted(item)
                        raise
                    self.races.launched(item, accesses)
                    return accesses
            if item.kind is Kind.WAIT_VALUE and item.accesses:
                self.races.passed(item, item.accesses[0].address)
            else:
                self.races.copying(item)
            if item.kind is Kind.HOST:
                self.uploads.host_function(item, caller)
            return execute(item, caller)

        return run

    def _faulted(self, item: Item) -> None:
        """A kernel has faulted; it may be that its memory was freed too early."""
        address = self._memory.fault_address()
        if address is None:
            return
        for free in self.races.frees_unordered(item, address):
            where = f"memory at {address:#x}"
            self._freed_too_early(free, item, f"kernel {item.label}", where)

    # ---- races

    def tell_again(self) -> None:
        """What was told so far was taken: the same between the same calls is told once more if it is seen
        again."""
        self._told.clear()

    def _race(self, conflict: Conflict) -> None:
        first, second, overlap = conflict.first, conflict.second, conflict.overlap
        lines = (_line(first, overlap.code), _line(second, overlap.other_code))
        key = (first.item.site, second.item.site, first.item.label, second.item.label, *lines)
        if key in self._told:
            return
        self._told.add(key)
        free = next((one for one in (first, second) if one.item.kind is Kind.FREE), None)
        where = (
            f"{overlap.bytes} bytes from {overlap.address:#x} on, in {self._memory.describe(overlap.address)}"
        )
        if free is not None:
            user = second if free is first else first
            line = lines[1] if free is first else lines[0]
            self._freed_too_early(free.item, user.item, _words(user, line), where)
            return
        acts = _ACTS[conflict.hazard]
        sides = (
            f"{_words(one, line)} on {self.stream(one.item)} {act}"
            for one, line, act in zip((first, second), lines, acts, strict=True)
        )
        text = f"{conflict.hazard} race: {' and '.join(sides)} {where}, and nothing orders the two; {_WAIT}"
        kernels = [one.item.label for one in (second, first) if one.launch is not None]
        self._report(
            "race",
            text,
            second.item.site,
            first.item.site,
            kernel=kernels[0] if kernels else None,
            address=overlap.address,
            size=overlap.bytes,
        )

    def _freed_too_early(self, free: Item, user: Item, words: str, where: str) -> None:
        text = (
            f"{free.label} on {self.stream(free)} frees memory that {words} on {self.stream(user)} uses, and "
            f"nothing orders the two: {where}; free it on the same stream, or {_WAIT}"
        )
        self._report("freed_too_early", text, free.site, user.site)

    def stream(self, item: Item) -> str:
        """An item's stream, for people."""
        if item.stream in _BUILT_IN:
            return _BUILT_IN[item.stream]
        place = self._memory.made_at(item.stream)
        return f"the stream of {place}" if place else f"stream {item.stream:#x}"


def _line(entry: Entry, code: int) -> str | None:
    return entry.launch.line(code) if entry.launch is not None and code else None


def _words(entry: Entry, line: str | None) -> str:
    kind = "kernel " if entry.launch is not None else ""
    return f"{kind}{entry.item.label}{f' ({line})' if line else ''}"
