"""What hosts write into device memory, by copies and short fills: whose results those are is for the judge to
say.

A write that changes nothing (a result that was only fetched and sent back) is none. Copies within the device
carry it on. What a kernel writes over it afterwards is seen by comparing: memory
that still holds what the host wrote was changed by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rocverify.device.backends.base import Backend

MOST_BYTES = 64 << 20
"""Beyond, nothing is said of any byte: what is not known accuses nobody."""

SHORT_FILL = 64
"""A fill of more bytes than these computes nothing."""

Span = tuple[int, int]
"""Address and bytes."""

NOTHING: Mapping[Span, bytes] = {}


class HostWrites:
    """The pieces, address and bytes, in the order in which they were written."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._pieces: list[tuple[int, bytes]] = []
        self._bytes = 0

    def held(self, spans: Iterable[Span]) -> dict[Span, bytes]:
        """What these hold, asked before the host writes them; nothing once nothing is said any more."""
        found: dict[Span, bytes] = {}
        size = self._bytes
        for span in spans:
            size += span[1]
            if size <= MOST_BYTES:
                found[span] = bytes(self._backend.read(*span))
        return found

    def wrote(self, spans: Iterable[Span], held: Mapping[Span, bytes] = NOTHING) -> None:
        """The host has written these; `held`: what they held before, as far as that is known."""
        for span in spans:
            if span not in held or self._backend.read(*span) != held[span]:
                self._add(*span)

    def copied(self, spans: Iterable[tuple[int, int, int]]) -> None:
        """The device has copied: to, from, bytes."""
        for to, source, size in spans:
            for address, content in list(self._pieces):
                first, last = max(source, address), min(source + size, address + len(content))
                kept = content[first - address : last - address] if first < last else b""
                if kept and self._backend.read(first, len(kept)) == kept:
                    self._add(to + first - source, len(kept))

    def _add(self, address: int, size: int) -> None:
        self._bytes += size
        if self._bytes <= MOST_BYTES:
            self._pieces.append((address, bytes(self._backend.read(address, size))))

    def within(self, start: int, size: int) -> list[tuple[int, bytes]]:
        """The pieces that lie in a span of memory, by their distance from its start."""
        if self._bytes > MOST_BYTES:
            return []
        return [
            (max(address, start) - start, content[max(start - address, 0) : start + size - address])
            for address, content in self._pieces
            if address < start + size and start < address + len(content)
        ]
