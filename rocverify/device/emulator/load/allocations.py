"""Which ranges of device memory are live, and what is known of any address."""

from __future__ import annotations

import bisect
import ctypes
import threading
from dataclasses import dataclass

from rocverify.device.emulator.abi import Range
from rocverify.errors import DeviceError

MAX_FREED = 1024
NEAR = 1 << 24
"""Bytes within which a neighbour is named for an address that is nobody's."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """A live (or once live) range of device memory: `base` address, `size` in bytes."""

    base: int
    size: int
    label: str
    sequence: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.base + self.size

    def describe(self) -> str:
        """Number, label, size and address, for messages."""
        name = f" ({self.label})" if self.label else ""
        return f"allocation {self.sequence}{name} of {self.size} bytes at {self.base:#x}"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A live allocation beside an address that is nobody's, and how many bytes lie between the two."""

    allocation: Allocation
    distance: int
    behind: bool

    def words(self) -> str:
        """How far from the allocation the address is, for messages."""
        if self.behind:
            return f"{self.distance + 1} byte(s) past the end of {self.allocation.describe()}"
        return f"{self.distance} byte(s) before {self.allocation.describe()}"


class Allocations:
    """Live ranges by address, and the last that were freed. All methods are thread-safe."""

    def __init__(self) -> None:
        self._bases: list[int] = []
        self._live: dict[int, Allocation] = {}
        self._freed: list[Allocation] = []
        self._count = 0
        self._lock = threading.RLock()
        self._table: ctypes.Array[Range] | None = None

    @property
    def used(self) -> int:
        """Bytes in live allocations."""
        with self._lock:
            return sum(a.size for a in self._live.values())

    def _add(self, base: int, size: int, label: str) -> Allocation:
        allocation = Allocation(base, size, label, self._count)
        self._count += 1
        bisect.insort(self._bases, base)
        self._live[base] = allocation
        self._table = None
        return allocation

    def _remove(self, address: int) -> Allocation:
        allocation = self._live.pop(address, None)
        if allocation is None:
            raise DeviceError(f"free of {self.explain(address)}", hint="free what hipMalloc returned, once")
        del self._bases[bisect.bisect_left(self._bases, address)]
        self._freed = [*self._freed[-MAX_FREED:], allocation]
        self._table = None
        return allocation

    def find(self, address: int) -> Allocation | None:
        """The live allocation that holds this byte."""
        with self._lock:
            index = bisect.bisect_right(self._bases, address) - 1
            if index < 0:
                return None
            allocation = self._live[self._bases[index]]
            return allocation if address < allocation.end else None

    def allocations(self) -> tuple[Allocation, ...]:
        """The live allocations in address order."""
        with self._lock:
            return tuple(self._live[base] for base in self._bases)

    def explain(self, address: int) -> str:
        """What is known of an address, for messages: inside, past or before what, freed or never made."""
        with self._lock:
            inside = self.find(address)
            if inside is not None:
                return f"{address:#x}, byte {address - inside.base} of {inside.describe()}"
            freed = self.was_freed(address)
            if freed is not None:
                return f"{address:#x}, byte {address - freed.base} of the freed {freed.describe()}"
            near = self.neighbours(address)
            if not near:
                return f"{address:#x}, which belongs to no allocation"
            return f"{address:#x}, {near[0].words()}"

    def was_freed(self, address: int) -> Allocation | None:
        """The allocation freed last that held this byte, of those still known."""
        with self._lock:
            return next((a for a in reversed(self._freed) if a.base <= address < a.end), None)

    def neighbours(self, address: int) -> tuple[Neighbour, ...]:
        """The live allocations right before and behind an address that is in none, the nearer one first, as
        far as they are near at all."""
        with self._lock:
            index = bisect.bisect_right(self._bases, address)
            near = []
            if index:
                before = self._live[self._bases[index - 1]]
                near.append(Neighbour(before, address - before.end, behind=True))
            if index < len(self._bases):
                after = self._live[self._bases[index]]
                near.append(Neighbour(after, after.base - address, behind=False))
        return tuple(sorted((one for one in near if one.distance < NEAR), key=lambda one: one.distance))

    def check_range(self, address: int, size: int) -> Allocation:
        """The allocation that holds all of [address, address + size); DeviceError if none does."""
        allocation = self.find(address)
        if allocation is None or address + size > allocation.end:
            at = address if allocation is None else allocation.end
            raise DeviceError(
                f"{size} bytes at {address:#x} leave the allocation: {self.explain(at)}",
                hint="check pointer, offset and size of the copy",
            )
        return allocation

    def table(self) -> ctypes.Array[Range]:
        """The live ranges in address order, as the runtime's `Range` array."""
        with self._lock:
            if self._table is None:
                ranges = [Range(a.base, a.end) for a in self.allocations()]
                self._table = (Range * max(len(ranges), 1))(*ranges)
            return self._table

    def __len__(self) -> int:
        return len(self._live)
