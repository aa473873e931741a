"""What a program leaves behind: work that it never waited for, memory, errors that it did not look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rocverify.device.hip.checks.memory import Memory, Report
from rocverify.device.hip.checks.races import LaunchAccesses, Races, Unwaited
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.items import Item


class Ending:
    """Looks at what is left. `stream_name` words an item's stream."""

    def __init__(
        self, report: Report, memory: Memory, races: Races, stream_name: Callable[[Item], str]
    ) -> None:
        self._report, self._memory, self._races, self._stream_name = report, memory, races, stream_name
        self._left: list[tuple[Unwaited, bool]] = []
        self._told: set[tuple[object, ...]] = set()

    def begin(self) -> None:
        """The program ends: what it has not waited for. To be called before what is queued is done."""
        with self._races.lock:
            self._left = [(one, one.implied) for one in self._races.unwaited]

    def finish(self) -> None:
        """All that was queued is done."""
        self._races.look_up_rest()
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
            f"{item.label} on {self._stream_name(item)} {why}: call hipStreamSynchronize or "
            "hipDeviceSynchronize before its result is used",
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
