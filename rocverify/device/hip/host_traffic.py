"""What goes between a host and a device: every read of device memory, every copy to it.

The same reads can be given once more, over other contents: what the host then does depends on them alone, and
what comes of it shows which results went through the host. Memory that both see needs no copy: what a kernel
leaves there is as good as read (shared_memory.py).
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from rocverify.device.traffic import NO_TRAFFIC, Left, Traffic, Upload

MOST_BYTES = 64 << 20
"""Of each direction; of more than that the largest pieces are not noted, and not replaced: what is not known
accuses nobody, and clears nobody."""

Content = TypeVar("Content", bytes, memoryview, "bytes | memoryview")


class HostTraffic:
    """The contents, in the order in which they were read and written. `replayed`: what an earlier call read
    and found, given again in place of what memory holds now, where the sizes agree."""

    def __init__(self, replayed: Traffic = NO_TRAFFIC) -> None:
        self.echoes: set[int] = set()
        self.left: dict[Left, bytes] = {}
        self.before: dict[Left, bytes] = {}
        self._read, self._sent = _Pieces(), _Pieces()
        self._places: list[tuple[Left | None, int]] = []
        self._replayed, self._count = replayed, 0
        self._shown: dict[int, bytes] = {}

    @property
    def reads(self) -> list[bytes]:
        """What the host has read."""
        return self._read.held

    @property
    def uploads(self) -> list[Upload]:
        """What the host has sent."""
        pairs = zip(self._sent.held, self._places, strict=True)
        return [Upload(content, place, start) for content, (place, start) in pairs]

    def traffic(self, shared: int) -> Traffic:
        """All of it. shared: bytes of memory that both see."""
        left_out = self._read.left_out + self._sent.left_out
        return Traffic(
            tuple(self.reads),
            tuple(self.uploads),
            self.left,
            self.before,
            frozenset(self.echoes),
            shared,
            left_out,
        )

    def read(self, content: Content) -> Content | bytes:
        """The host reads this: what it is to be given."""
        number, self._count = self._count, self._count + 1
        self._read.note(content)
        if self.reads[number] and any(self.reads[number] in sent for sent in self._sent.held):
            self.echoes.add(number)
        known = self._replayed.reads
        return known[number] if number < len(known) and len(known[number]) == len(content) else content

    def wrote(self, content: bytes | memoryview, place: Left | None = None, start: int = 0) -> None:
        """The host has sent this to the device: by a call, or to a place that both see."""
        self._sent.note(content)
        self._places.append((place, start))

    def holds(self, address: int, content: bytes) -> None:
        """This lies in memory that both see, and nobody has sent it."""
        self._shown[address] = content

    def shows(self, place: Left, address: int, content: bytes) -> None:
        """A kernel is about to run that may read this of memory that the host sees: it needs no copy. What
        has changed since it was last seen, the host has sent."""
        before = self._shown.get(address)
        if before != content:
            self._shown[address] = content
            first, last = _changed(before, content)
            self.wrote(content[first:last], place, first)

    def leaves(self, place: Left, address: int, before: bytes, content: bytes) -> bytes:
        """A kernel has left this in memory that the host sees: what the host is to find there."""
        self._shown[address] = content
        self.left[place], self.before[place] = content, before
        known = self._replayed.left.get(place, content)
        return known if len(known) == len(content) else content


_WORD = 8
"""Bytes that values are aligned to."""


def _changed(before: bytes | None, content: bytes) -> tuple[int, int]:
    """The part of memory, in whole words, that is not what it was."""
    if before is None or len(before) != len(content):
        return 0, len(content)
    where = np.flatnonzero(np.frombuffer(before, np.uint8) != np.frombuffer(content, np.uint8))
    first, last = int(where[0]), int(where[-1])
    return first // _WORD * _WORD, min(len(content), (last // _WORD + 1) * _WORD)


class _Pieces:
    """Contents in order, the largest ones left out where all are too many."""

    def __init__(self) -> None:
        self.held: list[bytes] = []
        self.left_out, self._size = 0, 0

    def note(self, content: bytes | memoryview) -> None:
        self.held.append(bytes(content))
        self._size += len(content)
        while self._size > MOST_BYTES:
            largest = max(range(len(self.held)), key=lambda number: len(self.held[number]))
            size = len(self.held[largest])
            self.held[largest] = b""
            self._size, self.left_out = self._size - size, self.left_out + size
