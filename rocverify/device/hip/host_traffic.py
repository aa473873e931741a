"""What goes between a host and a device: every read of device memory, every copy to it.

The same reads can be given once more, over other contents: what the host then does depends on them alone, and
what comes of it shows which results went through the host. Memory that both see needs no copy: what a kernel
leaves there is as good as read (shared_memory.py).
"""

from __future__ import annotations

from typing import TypeVar

from rocverify.device.traffic import NO_TRAFFIC, Left, Traffic

MOST_BYTES = 64 << 20
"""Of each direction; what comes later is not noted, and not replaced: what is not known accuses nobody."""

Content = TypeVar("Content", bytes, memoryview, "bytes | memoryview")


class HostTraffic:
    """The contents, in the order in which they were read and written. `replayed`: what an earlier call read
    and found, given again in place of what memory holds now, where the sizes agree."""

    def __init__(self, replayed: Traffic = NO_TRAFFIC) -> None:
        self.reads: list[bytes] = []
        self.uploads: list[bytes] = []
        self.left: dict[Left, bytes] = {}
        self._replayed, self._count = replayed, 0
        self._shown: dict[int, bytes] = {}

    def read(self, content: Content) -> Content | bytes:
        """The host reads this: what it is to be given."""
        number, self._count = self._count, self._count + 1
        _note(self.reads, content)
        known = self._replayed.reads
        return known[number] if number < len(known) and len(known[number]) == len(content) else content

    def wrote(self, content: bytes | memoryview) -> None:
        """The host has copied this to the device."""
        _note(self.uploads, content)

    def shows(self, address: int, content: bytes) -> None:
        """A kernel is about to run that may read this of memory that the host sees: it needs no copy."""
        if self._shown.get(address) != content:
            self._shown[address] = content
            _note(self.uploads, content)

    def leaves(self, place: Left, address: int, content: bytes) -> bytes:
        """A kernel has left this in memory that the host sees: what the host is to find there."""
        self._shown[address] = content
        if sum(map(len, self.left.values())) + len(content) <= MOST_BYTES:
            self.left[place] = content
        known = self._replayed.left.get(place, content)
        return known if len(known) == len(content) else content


def _note(noted: list[bytes], content: bytes | memoryview) -> None:
    if sum(map(len, noted)) + len(content) <= MOST_BYTES:
        noted.append(bytes(content))
