"""Pinned and managed memory during one call of the judge's: two views of one place.

The host needs no call to read there what a kernel has left. Where the traffic of an earlier call is given
again, the host finds what it found then, and the device goes on with what it has written itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from rocverify.device.hip.host_traffic import HostTraffic

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context
    from rocverify.device.hip.state import Allocation


MOST_SHARED = 1 << 30
"""Bytes of memory that both see, of which two views are kept."""


class SharedMemory:
    """`most`: the bytes of all such memory, at most, when a kernel ran, and what kernels have printed."""

    def __init__(self, context: Context, traffic: HostTraffic | None) -> None:
        self.most = 0
        self._traffic, self._launches = traffic, 0
        self._given: dict[int, tuple[bytes, bytes]] = {}
        known = _shared(context) if traffic is not None else []
        if traffic is not None and sum(size for _, size in known) <= MOST_SHARED:
            for address, size in known:  # what lies there from earlier calls is nothing that this one sends
                traffic.holds(address, context.backend.read(address, size))

    @contextmanager
    def of_device(self, context: Context, *, kernel: bool) -> Iterator[None]:
        """The device works: it sees what it has written, and what the host has written since."""
        known = _shared(context)
        if kernel:
            self.most = max(self.most, sum(size for _, size in known))
        if self._traffic is None or self.most > MOST_SHARED:
            yield
            return
        seen = {address: context.backend.read(address, size) for address, size in known}
        own = {address: self._restored(context, address, content) for address, content in seen.items()}
        number, self._launches = self._launches, self._launches + kernel
        if kernel:
            for position, (address, content) in enumerate(own.items()):
                self._traffic.shows((number, position), address, content)
        yield
        there = {address for address, _ in _shared(context)}
        for position, (address, content) in enumerate(own.items()):
            if address not in there:
                self._given.pop(address, None)
                continue
            after, given = context.backend.read(address, len(content)), seen[address]
            if after != content:
                place = number, position
                given = self._traffic.leaves(place, address, content, after) if kernel else after
            if given != after:
                context.backend.write(address, given)
            self._given[address] = given, after

    def _restored(self, context: Context, address: int, content: bytes) -> bytes:
        given, own = self._given.get(address, (content, content))
        if given == own or len(given) != len(content):
            return content
        here, shown, kept = (np.frombuffer(one, np.uint8) for one in (content, given, own))
        restored = np.where(here == shown, kept, here).tobytes()
        context.backend.write(address, restored)
        return restored


def _shared(context: Context) -> list[tuple[int, int]]:
    """Address and bytes of all memory that both sides see; of registered pages what was registered."""
    with context.lock:
        seen = [one for one in context.allocations.values() if one.kind != "device"]
        ranges = [(start, start + size) for start, size in context.registered.items()]
    return [piece for one in seen for piece in _pieces(one, ranges)]


def _pieces(one: Allocation, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    if not one.registered:
        return [(one.address, one.size)]
    within = [(max(start, one.address), min(end, one.address + one.size)) for start, end in ranges]
    return [(start, end - start) for start, end in within if start < end]
