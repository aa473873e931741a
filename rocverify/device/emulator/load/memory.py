"""Device memory of the emulator: one reserved arena, every allocation known to the byte.

A device address is the host address of the same byte, so that translated code needs no mapping. The
arena is reserved, not committed: pages cost memory once touched, and freed pages are given back.
Addresses are handed out upwards and not reused before the arena has gone round once, so that a use
after free meets no live allocation. Between allocations lies a gap that belongs to nobody.
"""

from __future__ import annotations

import bisect
import ctypes
import mmap
import threading
from dataclasses import dataclass

from rocverify.device.emulator.abi import Range
from rocverify.errors import DeviceError

ALIGNMENT = 256
"""Bytes that every allocation is aligned to, as hipMalloc does."""

GAP = 4096
"""Bytes after every allocation that belong to nobody."""

ARENA_BYTES = 1 << 36
MAX_FREED = 1024
MAP_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)
"""Named by Python from 3.13; the value is Linux's on x86-64 and AArch64."""


class OutOfDeviceMemoryError(DeviceError):
    """The arena has no room for an allocation."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """A live (or once live) range of device memory: `base` address, `size` in bytes."""

    base: int
    size: int
    label: str
    sequence: int

    @property
    def end(self) -> int:
        return self.base + self.size

    def describe(self) -> str:
        name = f" ({self.label})" if self.label else ""
        return f"allocation {self.sequence}{name} of {self.size} bytes at {self.base:#x}"


class DeviceMemory:
    """Allocations by address. All methods are thread-safe; sizes and offsets are bytes."""

    def __init__(self, arena_bytes: int = ARENA_BYTES) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
        self._map = mmap.mmap(-1, arena_bytes, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE)
        self._pin = ctypes.c_char.from_buffer(self._map)
        self._start = ctypes.addressof(self._pin)
        self._end = self._start + arena_bytes
        self._next = self._start
        self._bases: list[int] = []
        self._live: dict[int, Allocation] = {}
        self._freed: list[Allocation] = []
        self._count = 0
        self._lock = threading.RLock()
        self._table: ctypes.Array[Range] | None = None

    @property
    def capacity(self) -> int:
        """Bytes that the arena holds in all."""
        return self._end - self._start

    @property
    def used(self) -> int:
        """Bytes in live allocations."""
        with self._lock:
            return sum(a.size for a in self._live.values())

    def malloc(self, size: int, label: str = "") -> int:
        """Reserves `size` bytes, zeroed where fresh; returns the address, aligned to 256."""
        if size <= 0:
            raise DeviceError(f"an allocation of {size} bytes was asked for", hint="ask for one byte or more")
        with self._lock:
            base = self._place(size)
            allocation = Allocation(base, size, label, self._count)
            self._count += 1
            bisect.insort(self._bases, base)
            self._live[base] = allocation
            self._table = None
            return base

    def _place(self, size: int) -> int:
        step = -(-(size + GAP) // ALIGNMENT) * ALIGNMENT
        for start in (self._next, self._start):
            base = self._first_hole(-(-start // ALIGNMENT) * ALIGNMENT, step)
            if base is not None:
                self._next = base + step
                return base
        raise OutOfDeviceMemoryError(
            f"{size} bytes do not fit beside the {self.used} in use",
            hint="free what is no longer needed, or verify smaller shapes",
        )

    def _first_hole(self, start: int, step: int) -> int | None:
        for base in self._bases[max(bisect.bisect_right(self._bases, start) - 1, 0) :]:
            allocation = self._live[base]
            if allocation.end + GAP <= start:
                continue
            if base - start >= step:
                break
            start = -(-(allocation.end + GAP) // ALIGNMENT) * ALIGNMENT
        return start if start + step <= self._end else None

    def free(self, address: int) -> None:
        """Ends the allocation that begins at `address`; its pages go back to the host."""
        with self._lock:
            allocation = self._live.pop(address, None)
            if allocation is None:
                raise DeviceError(
                    f"free of {self.explain(address)}", hint="free what hipMalloc returned, once"
                )
            del self._bases[bisect.bisect_left(self._bases, address)]
            self._freed = [*self._freed[-MAX_FREED:], allocation]
            self._table = None
            self._discard(allocation)

    def _discard(self, allocation: Allocation) -> None:
        self._discard_pages(allocation.base, allocation.end)

    def _discard_pages(self, begin: int, end: int) -> tuple[int, int]:
        """Gives whole pages within a range back, which zeroes them; returns the addresses they span."""
        page = mmap.PAGESIZE
        first = -(-(begin - self._start) // page) * page
        last = max((end - self._start) // page * page, first)
        if last > first:
            self._map.madvise(mmap.MADV_DONTNEED, first, last - first)
        return self._start + first, self._start + last

    def find(self, address: int) -> Allocation | None:
        """The live allocation that holds this byte."""
        with self._lock:
            index = bisect.bisect_right(self._bases, address) - 1
            if index < 0:
                return None
            allocation = self._live[self._bases[index]]
            return allocation if address < allocation.end else None

    def owns(self, address: int) -> bool:
        """Whether the address lies in the arena: device memory, be it live, freed or never allocated."""
        return self._start <= address < self._end

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
            for freed in reversed(self._freed):
                if freed.base <= address < freed.end:
                    return f"{address:#x}, byte {address - freed.base} of the freed {freed.describe()}"
            return self._explain_outside(address)

    def _explain_outside(self, address: int) -> str:
        index = bisect.bisect_right(self._bases, address)
        near = []
        if index:
            before = self._live[self._bases[index - 1]]
            near.append((address - before.end, f"{address - before.end + 1} byte(s) past the end of", before))
        if index < len(self._bases):
            after = self._live[self._bases[index]]
            near.append((after.base - address, f"{after.base - address} byte(s) before", after))
        near = [entry for entry in near if entry[0] < 1 << 24]
        if not near:
            return f"{address:#x}, which belongs to no allocation"
        _, where, allocation = min(near, key=lambda entry: entry[0])
        return f"{address:#x}, {where} {allocation.describe()}"

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

    def read(self, address: int, size: int) -> bytes:
        """A copy of `size` bytes; DeviceError outside a live allocation."""
        if size == 0:
            return b""
        self.check_range(address, size)
        return ctypes.string_at(address, size)

    def write(self, address: int, data: bytes | bytearray | memoryview) -> None:
        """Copies bytes in; DeviceError outside a live allocation."""
        view = memoryview(data).cast("B")
        if view.nbytes:
            self.view(address, view.nbytes, writing=True)[:] = view

    def fill(self, address: int, byte: int, count: int) -> None:
        """Sets `count` bytes; DeviceError outside a live allocation."""
        if count:
            self.check_range(address, count)
            ctypes.memset(address, byte, count)

    def zero(self, address: int, count: int) -> None:
        """Sets `count` bytes to zero; a great many cost no more than a few."""
        if count < 2 * mmap.PAGESIZE:
            self.fill(address, 0, count)
            return
        self.check_range(address, count)
        first, last = self._discard_pages(address, address + count)
        self.fill(address, 0, first - address)
        self.fill(last, 0, address + count - last)

    def copy(self, target: int, source: int, size: int) -> None:
        """Copies `size` bytes within device memory; DeviceError outside a live allocation."""
        if size:
            self.check_range(target, size)
            self.check_range(source, size)
            ctypes.memmove(target, source, size)

    def view(self, address: int, size: int, *, writing: bool = False) -> memoryview:  # noqa: ARG002
        """A view of device memory, `writing` if all of it is to be written; it does not keep the allocation
        alive."""
        self.check_range(address, size)
        return memoryview((ctypes.c_uint8 * size).from_address(address)).cast("B")

    def undefine(self, address: int, size: int) -> None:
        """What these bytes hold is no kernel's to read before it has written them. Memory of this kind does
        not keep account of that; the sanitizer's does."""

    def table(self) -> ctypes.Array[Range]:
        """The live ranges in address order, as the runtime's `Range` array."""
        with self._lock:
            if self._table is None:
                ranges = [Range(a.base, a.end) for a in self.allocations()]
                self._table = (Range * max(len(ranges), 1))(*ranges)
            return self._table

    def __len__(self) -> int:
        return len(self._live)
