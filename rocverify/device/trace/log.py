"""The trace of one device: every call of every client, in the order in which they were made."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from rocverify.device.trace.events import Category, TraceEvent
from rocverify.device.trace.sites import SiteTable

SUCCESS = "hipSuccess"


@dataclass(slots=True, eq=False)
class Entry:
    """A call under way, or done. `fields` are TraceEvent's by name; a value with a method `decoded` is
    decoded when the event is asked for. `work` is what describing the call has read of it, for the call
    itself."""

    seq: int
    function: str
    category: Category
    sites: SiteTable
    site: int
    fields: dict[str, Any] = field(default_factory=dict)
    result: str = ""
    work: Any = None

    def event(self) -> TraceEvent:
        """The record of a call that is done."""
        fields = {n: v.decoded() if hasattr(v, "decoded") else v for n, v in self.fields.items()}
        site = self.sites.site(self.site)
        return TraceEvent(
            self.seq,
            self.function,
            self.category,
            self.result,
            call_site=site.place,
            host_function=site.function,
            callers=site.callers,
            **fields,
        )


@dataclass(slots=True)
class Summary:
    """What ran, counted: launches by kernel, functions of libraries (BLAS), copies and their bytes by
    direction, calls that failed."""

    launches: Counter[str] = field(default_factory=Counter)
    library: Counter[str] = field(default_factory=Counter)
    copies: Counter[Category] = field(default_factory=Counter)
    copied_bytes: Counter[Category] = field(default_factory=Counter)
    calls: int = 0
    failed: int = 0


_COPIES = frozenset({Category.H2D, Category.D2H, Category.D2D})


class TraceLog:
    """Events by the order of the calls. Thread-safe. Without `keep` they are only counted, so that a long
    program's trace takes no memory."""

    def __init__(self, *, keep: bool = True) -> None:
        self.keep = keep
        self.summary = Summary()
        self._entries: list[Entry] = []
        self._under_way: dict[int, Entry] = {}
        self._forgotten = 0
        self._count = 0
        self._lock = threading.Lock()

    def begin(self, function: str, category: Category, sites: SiteTable, site: int) -> Entry:
        """A call is made: its place in the order is fixed."""
        with self._lock:
            self._count += 1
            entry = self._under_way[self._count] = Entry(self._count, function, category, sites, site)
            if self.keep:
                self._entries.append(entry)
            return entry

    def end(self, entry: Entry, result: str, reason: str | None = None) -> None:
        """The call is done; `result` is the name of its error code. What it had queued may have failed by
        then: that stands."""
        with self._lock:
            self._under_way.pop(entry.seq, None)
            entry.work = None
            if not entry.result:
                entry.result = result
                if reason is not None:
                    entry.fields["reason"] = reason
            self._add_up(entry)

    def amend(self, seq: int, result: str, reason: str) -> None:
        """What a call had queued failed later, when it was executed."""
        with self._lock:
            under_way = seq in self._under_way
            entry = self._under_way.get(seq) or self._entry(seq)
            if entry is not None and entry.result in ("", SUCCESS):
                entry.result = result
                entry.fields["reason"] = reason
            if not under_way:
                self.summary.failed += 1

    def mark(self) -> int:
        """The place in the trace that `since` begins at."""
        with self._lock:
            return self._forgotten + len(self._entries)

    def since(self, mark: int = 0) -> list[TraceEvent]:
        """The events of the calls begun since a mark that are done."""
        with self._lock:
            entries = self._entries[max(mark - self._forgotten, 0) :]
            return [entry.event() for entry in entries if entry.seq not in self._under_way]

    def forget(self, mark: int) -> None:
        """Events before a mark are not needed any more."""
        with self._lock:
            drop = min(max(mark - self._forgotten, 0), len(self._entries))
            del self._entries[:drop]
            self._forgotten += drop

    def _entry(self, seq: int) -> Entry | None:
        at = seq - (self._entries[0].seq if self._entries else 0)
        return self._entries[at] if 0 <= at < len(self._entries) else None

    def _add_up(self, entry: Entry) -> None:
        summary = self.summary
        summary.calls += 1
        if entry.result not in (SUCCESS, "hipErrorNotReady"):
            summary.failed += 1
        elif entry.category is Category.LAUNCH and not entry.fields.get("ghost"):
            summary.launches[entry.fields.get("kernel") or entry.function] += 1
        elif entry.category is Category.LIBRARY:
            summary.library[entry.function] += 1
        elif entry.category in _COPIES:
            summary.copies[entry.category] += 1
            summary.copied_bytes[entry.category] += entry.fields.get("bytes") or 0
