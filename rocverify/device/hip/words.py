"""What is said of addresses and call sites to people, and the findings about a program's host code.

The label of an allocation names the call that made it and the number of its call site; the site is looked up
only when something is said of it: `words` puts the places in.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from rocverify.device.trace.findings import HostFinding

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Call
    from rocverify.device.hip.context import Context

_SITE = re.compile(r", site (\d+)(?!\d)")
MOST_FREED = 4096
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True)
class Freed:
    """An allocation that is gone: its bytes, the call that freed it, and where."""

    size: int
    freed_by: str
    site: int

    def words(self, context: Context) -> str:
        """`hipFree at main.cpp:12`."""
        return words(context, f"{self.freed_by}, site {self.site}")


def label(call: Call) -> str:
    """The label of what a call allocates."""
    return f"{call.name}, site {call.site}"


def words(context: Context, text: str) -> str:
    """The text with `path:line` in place of the numbers of call sites."""

    def place(match: re.Match[str]) -> str:
        known = context.sites.place(int(match[1]))
        return f" at {known}" if known else ""

    return _SITE.sub(place, text)


def worded(context: Context, record: _Record) -> _Record:
    """The same of every text of a dataclass."""
    if not dataclasses.is_dataclass(record) or isinstance(record, type):
        return record
    changed = {}
    for one in dataclasses.fields(record):
        value = getattr(record, one.name)
        if isinstance(value, str) and _SITE.search(value):
            changed[one.name] = words(context, value)
    return dataclasses.replace(record, **changed) if changed else record


def explain(context: Context, address: int) -> str:
    """What is known of an address: in, past or before which allocation, freed by what."""
    if not context.backend.owns(address):
        return f"{address:#x}, which is host memory"
    text = words(context, context.backend.explain(address))
    freed = freed_at(context, address)
    return f"{text} (freed by {freed.words(context)})" if freed is not None else text


def freed_at(context: Context, address: int) -> Freed | None:
    """Who freed the memory at an address, where nothing has been allocated there since."""
    if context.backend.find(address) is not None:
        return None
    for base in reversed(context.freed):
        if base <= address < base + context.freed[base].size:
            return context.freed[base]
    return None


def allocation_words(context: Context, address: int) -> str:
    """`the allocation of hipMalloc at main.cpp:12 (64 bytes at 0x...)` that holds an address."""
    found = context.backend.find(address)
    if found is None:
        return "no allocation"
    name = words(context, found.label)
    return f"the allocation of {name or 'unknown origin'} ({found.size} bytes at {found.base:#x})"


def note_freed(context: Context, address: int, freed: Freed) -> None:
    """Remembers who freed an address, for what is said of it later; the oldest are forgotten."""
    context.freed.pop(address, None)
    context.freed[address] = freed
    while len(context.freed) > MOST_FREED:
        del context.freed[next(iter(context.freed))]


def report(
    context: Context, kind: str, message: str, site: int, other: int = 0, kernel: str | None = None
) -> None:
    """Reports something wrong on the host's side, if the device was opened with the sanitizer."""
    if context.control.sanitize:
        place, clash = context.sites.place(site), context.sites.place(other)
        context.control.report(HostFinding(kind, words(context, message), place, clash, kernel))
