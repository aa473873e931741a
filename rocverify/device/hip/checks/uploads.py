"""Uploads whose source the program overwrites before it knows that they are done."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rocverify.device.hip.checks.memory import Memory, Report
from rocverify.device.hip.checks.races import Races, Unwaited, happened_before, written
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.items import Item
from rocverify.device.ranges import Ranges

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Caller


class Uploads:
    """Asynchronous copies from host memory that the host has not waited for yet. Thread-safe."""

    def __init__(self, report: Report, memory: Memory, races: Races) -> None:
        self._report, self._memory, self._races = report, memory, races
        self._waiting: list[Item] = []

    def submitting(self, item: Item, caller: Caller | None) -> None:
        """Notes what the source of an upload holds at the call."""
        if item.source is not None and item.digest is None:
            item.digest = self._digest(item, caller)
            if item.digest is not None:
                with self._races.lock:
                    self._waiting.append(item)

    def _digest(self, item: Item, caller: Caller | None) -> bytes | None:
        assert item.source is not None
        try:
            data = self._memory.read(*item.source, caller)
        except HipError:
            return None  # the copy itself will say so
        return None if data is None else hashlib.blake2b(data, digest_size=16).digest()

    def host_function(self, item: Item, caller: Caller | None) -> None:
        """A function of the host is about to run. It knows that what comes before it is done; and it may
        write what uploads that come after it read."""
        self.waited([item], caller)
        with self._races.lock:
            self._waiting = [one for one in self._waiting if not happened_before(item, one.clock)]

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
        with self._races.lock:
            work = list(self._races.unwaited)
            self._races.waited(targets, explicit=explicit, whole=whole, site=site)
            done = [one for one in self._waiting if self._races.host_knows(one)]
            self._waiting = [one for one in self._waiting if one not in done]
        for item in done:
            self._compare_source(item, work, caller)

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
