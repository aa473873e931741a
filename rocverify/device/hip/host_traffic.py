"""What goes between a host and a device: every read of device memory, every copy to it.

The same reads can be given once more, over other contents: what the host then does depends on them alone, and
what comes of it shows which results went through the host.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

MOST_BYTES = 64 << 20
"""Of each direction; what comes later is not noted, and not replaced: what is not known accuses nobody."""

Content = TypeVar("Content", bytes, memoryview, "bytes | memoryview")


class HostTraffic:
    """The contents, in the order in which they were read and written. `replayed`: what the reads of an
    earlier call gave, given again in place of what memory holds now, where the sizes agree."""

    def __init__(self, replayed: Sequence[bytes] = ()) -> None:
        self.reads: list[bytes] = []
        self.uploads: list[bytes] = []
        self._replayed, self._count = replayed, 0
        self._shown: dict[int, bytes] = {}

    def read(self, content: Content) -> Content | bytes:
        """The host reads this: what it is to be given."""
        number, self._count = self._count, self._count + 1
        if number < len(self._replayed) and len(self._replayed[number]) == len(content):
            return self._replayed[number]
        _note(self.reads, content)
        return content

    def wrote(self, content: bytes | memoryview) -> None:
        """The host has copied this to the device."""
        _note(self.uploads, content)

    def shows(self, address: int, content: bytes) -> None:
        """A kernel is about to run that may read this of the host's own memory: it needs no copy."""
        if self._shown.get(address) != content:
            self._shown[address] = content
            _note(self.uploads, content)


def _note(noted: list[bytes], content: bytes | memoryview) -> None:
    if sum(map(len, noted)) + len(content) <= MOST_BYTES:
        noted.append(bytes(content))
