"""What is looked for on the host's side with --sanitize: races between work that nothing orders, uploads that
were overwritten too early, handles that have ended, what is left at the end.

`report` is told of each finding: a word for machines, a message, the call site to blame and the other one.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.executor import Execute
from rocverify.device.hip.items import Item, Kind
from rocverify.device.hip.races import Conflict, Entry, LaunchAccesses, Races, Unwaited, written
from rocverify.device.ranges import Ranges

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Caller

_ACTS = {"RAW": ("writes", "reads"), "WAR": ("reads", "writes"), "WAW": ("writes", "writes")}
_WAIT = "have one wait for the other: hipStreamSynchronize, or hipEventRecord and hipStreamWaitEvent"


class Memory(Protocol):
    """What the checks ask of a context's memory."""

    def describe(self, address: int) -> str:
        """What lies at an address, for people."""

    def read(self, address: int, size: int, caller: Caller | None) -> bytes | None:
        """Bytes of host memory, pinned or not; None where they cannot be seen."""

    def seen_by_host(self, address: int) -> bool:
        """Whether the host sees the bytes itself: pinned, managed or any other host memory."""

    def fault_address(self) -> int | None:
        """Where the last kernel that faulted did so."""

    def place(self, site: int) -> str | None:
        """`path:line` of a call site."""

    def shared(self) -> Ranges:
        """All memory that host and device see."""


Report = Callable[[str, str, int, int], None]


class HostChecks:
    """The checks of one context. Thread-safe."""

    def __init__(self, report: Report, memory: Memory, pending: Callable[[], list[Item]]) -> None:
        self._report, self._memory = report, memory
        self.races = Races(self._race, pending)
        self.made: dict[int, int] = {}
        """Where each stream was made."""
        self._launching = threading.RLock()
        self._told: set[tuple[object, ...]] = set()
        self._uploads: list[Item] = []
        self._left: list[tuple[Unwaited, bool]] = []

    # ---- around every item

    def submitting(self, item: Item, caller: Caller | None) -> None:
        """Notes what the source of an upload holds at the call."""
        if item.source is not None and item.digest is None:
            item.digest = self._digest(item, caller)
            if item.digest is not None:
                with self.races.lock:
                    self._uploads.append(item)

    def _digest(self, item: Item, caller: Caller | None) -> bytes | None:
        assert item.source is not None
        try:
            data = self._memory.read(*item.source, caller)
        except HipError:
            return None  # the copy itself will say so
        return None if data is None else hashlib.blake2b(data, digest_size=16).digest()

    def waited(
        self,
        targets: Sequence[Item],
        caller: Caller | None,
        *,
        explicit: bool = True,
        whole: bool = False,
        site: int = 0,
    ) -> None:
        """The host knows that items are done: see Races. Until then the sources of uploads must stay as they
        were at the call, in whichever order work is executed, but for what other work writes there."""
        with self.races.lock:
            work = list(self.races.unwaited)
            self.races.waited(targets, explicit=explicit, whole=whole, site=site)
            done = [one for one in self._uploads if self.races.host_knows(one)]
            self._uploads = [one for one in self._uploads if one not in done]
        for item in done:
            self._compare_source(item, work, caller)

    def around(self, execute: Execute) -> Execute:
        """`execute` with what is checked before and after it."""

        def run(item: Item, caller: Caller | None) -> Any:
            if item.kind is Kind.KERNEL:
                with self._launching:
                    self.races.launching(item)
                    try:
                        accesses = execute(item, caller)
                    except HipError:
                        self._faulted(item)
                        raise
                    self.races.launched(item, accesses)
                    return accesses
            if item.kind is Kind.WAIT_VALUE and item.accesses:
                self.races.passed(item, item.accesses[0].address)
            else:
                self.races.copying(item)
            if item.kind is Kind.HOST:
                self.waited([item], caller)  # the host's function runs when what comes before it is done
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

    def _compare_source(self, item: Item, work: Sequence[Unwaited], caller: Caller | None) -> None:
        assert item.source is not None
        now = self._digest(item, caller)
        if now is None or now == item.digest or self._wrote(work, *item.source):
            return
        address, size = item.source
        self._report(
            "overwritten_upload",
            f"{item.label} reads its {size} bytes of host memory at {address:#x} when it is executed, and "
            "the program has changed them before it waited for that: wait for the copy "
            "(hipStreamSynchronize, an event) before the memory is used again",
            item.site,
            0,
        )

    @staticmethod
    def _wrote(work: Sequence[Unwaited], address: int, size: int) -> bool:
        """Whether any of this work has written these bytes."""
        place = Ranges.of([(address, size, 0, 1)])
        if any(written(one.item).common(place) for one in work):
            return True
        launches = [one.launch for one in work if one.launch is not None]
        found = launches[0].look_up(launches) if launches else []
        return any(one.writes.common(place) or one.atomics.common(place) for one in found)

    # ---- races

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
        self._report("race", text, second.item.site, first.item.site)

    def _freed_too_early(self, free: Item, user: Item, words: str, where: str) -> None:
        text = (
            f"{free.label} on {self.stream(free)} frees memory that {words} on {self.stream(user)} uses, and "
            f"nothing orders the two: {where}; free it on the same stream, or {_WAIT}"
        )
        self._report("freed_too_early", text, free.site, user.site)

    def stream(self, item: Item) -> str:
        """An item's stream, for people."""
        if item.stream == 1:
            return "the default stream"
        place = self._memory.place(self.made.get(item.stream, 0))
        return f"the stream of {place}" if place else f"stream {item.stream:#x}"

    # ---- the end

    def ending(self) -> None:
        """The program ends: what it has not waited for. To be called before what is queued is done."""
        with self.races.lock:
            self._left = [(one, one.implied) for one in self.races.unwaited]

    def ended(self) -> None:
        """All that was queued is done."""
        self.races.look_up_rest()
        hit = self._wrote_shared([one for one, implied in self._left if implied and one.launch is not None])
        for one, implied in self._left:
            if not implied or self._wrote_host(one.item) or one in hit:
                self._never_waited(one, implied=implied)

    def _wrote_host(self, item: Item) -> bool:
        return any(one.write and self._memory.seen_by_host(one.address) for one in item.accesses)

    def _wrote_shared(self, launches: list[Unwaited]) -> list[Unwaited]:
        sources: list[LaunchAccesses] = [one.launch for one in launches if one.launch is not None]
        shared = self._memory.shared()
        if not sources or not shared:
            return []
        found = sources[0].look_up(sources)
        return [
            one
            for one, accessed in zip(launches, found, strict=True)
            if accessed.writes.common(shared) or accessed.atomics.common(shared)
        ]

    def _never_waited(self, one: Unwaited, *, implied: bool) -> None:
        item = one.item
        key = ("never_waited", item.site, item.label)
        if key in self._told:
            return
        self._told.add(key)
        why = (
            "wrote memory of the host, and only a free or the end of the program has waited for it"
            if implied
            else "was queued, and the program ended without having waited for it"
        )
        self._report(
            "missing_synchronize",
            f"{item.label} on {self.stream(item)} {why}: call hipStreamSynchronize or hipDeviceSynchronize "
            "before its result is used",
            item.site,
            one.site if implied else 0,
        )

    def leaks(self, allocations: Iterable[tuple[int, int, str, int]]) -> None:
        """Allocations (address, size, what made them, where) that were never freed."""
        by_site: dict[tuple[str, int], list[int]] = {}
        for _, size, made_by, site in allocations:
            by_site.setdefault((made_by, site), []).append(size)
        for (made_by, site), sizes in by_site.items():
            count = "" if len(sizes) == 1 else f" in {len(sizes)} allocations"
            free = "hipHostFree" if "Host" in made_by else "hipFree"
            self._report(
                "leak",
                f"{sum(sizes)} bytes{count} of {made_by} were never freed: call {free} before the end",
                site,
                0,
            )

    def unseen(self, failures: Iterable[tuple[str, HipError, int]]) -> None:
        """Calls that failed, and the program went on without having asked why."""
        for name, error, site in failures:
            key = ("unseen", name, error.code, site)
            if key not in self._told:
                self._told.add(key)
                self._report(
                    "error_ignored",
                    f"{name} failed with {error.name} ({error.reason}), and the program went on without "
                    "looking at it: check what HIP functions return",
                    site,
                    0,
                )


def _line(entry: Entry, code: int) -> str | None:
    return entry.launch.line(code) if entry.launch is not None and code else None


def _words(entry: Entry, line: str | None) -> str:
    kind = "kernel " if entry.item.kind is Kind.KERNEL else ""
    return f"{kind}{entry.item.label}{f' ({line})' if line else ''}"
