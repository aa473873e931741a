"""Device memory that knows which of its bits were ever written, and where each allocation was made."""

from __future__ import annotations

import ctypes
import sys
import sysconfig
from pathlib import Path
from types import FrameType

from rocverify.device.emulator.load.address_space import Mapping
from rocverify.device.emulator.load.memory import ALIGNMENT, Allocation, DeviceMemory, Span
from rocverify.device.emulator.sanitize.layout import (
    CHUNK_BYTES,
    GRANULE_BYTES,
    LINE_BYTES,
    LINE_RECORD_BYTES,
    READERS_BYTES,
)

SANITIZED_ARENA_BYTES = 1 << 34
"""Less than the plain arena's: nine times as much address space goes to the record of accesses."""

_OWN = Path(__file__).resolve().parents[3]
_STANDARD = Path(sysconfig.get_path("stdlib"))
_INSTALLED = ("site-packages", "dist-packages")
"""Frames of the package, of Python's own code and of installed libraries are not where an allocation was
made."""


class SanitizedMemory(DeviceMemory):
    """DeviceMemory with a shadow: one bit for every bit of the arena, set once it was written. What other
    processes may write counts as written; accesses of kernels to the shared region are compared where it
    lies right behind the arena."""

    def __init__(
        self,
        arena_bytes: int = SANITIZED_ARENA_BYTES,
        *,
        at: int | None = None,
        shared: Span | None = None,
    ) -> None:
        super().__init__(arena_bytes, at=at, shared=shared)
        end = self.region.start + self.region.size
        adjacent = self.shared_region.size if self.shared_region.start == end else 0
        self.followed_bytes = self.region.size + adjacent
        """From the arena's start on: memory of which is recorded who accesses it."""
        # Behind an arena whose place was chosen: in the system's own choice of places hundreds of
        # gigabytes would soon be where another process wants to register memory.
        self._next_table = (
            None if at is None else max(end, self.shared_region.start + self.shared_region.size)
        )
        self._shadow = self._reserve(self.region.size)
        self._granules = self._reserve(self.followed_bytes // 4 * GRANULE_BYTES)
        self._readers = self._reserve(self.followed_bytes // 4 * READERS_BYTES)
        self._lines = self._reserve(self.followed_bytes // LINE_BYTES * LINE_RECORD_BYTES)
        self._chunks = self._reserve(self.followed_bytes // CHUNK_BYTES * 4)
        self.granules, self.readers, self.lines, self.chunks = (
            table.start for table in (self._granules, self._readers, self._lines, self._chunks)
        )
        self.origins: dict[int, str] = {}
        """By sequence number of an allocation: `file:line` of the host code that asked for it."""

    def _reserve(self, size: int) -> Mapping:
        table = Mapping(size, at=self._next_table)
        if self._next_table is not None:
            self._next_table = table.end
        return table

    @property
    def defined_delta(self) -> int:
        """What is added to an address for that of its defined bits (modulo 2**64)."""
        return (self._shadow.start - self.region.start) % (1 << 64)

    def forget_accesses(self) -> None:
        """Empties the record of who accessed what."""
        for table in (self._granules, self._readers, self._lines, self._chunks):
            table.discard(table.start, table.end)

    def malloc(self, size: int, label: str = "", *, shared: bool = False, alignment: int = ALIGNMENT) -> int:
        """Device memory whose bits count as unwritten; keeps the host's line for messages."""
        with self._lock:
            base = super().malloc(size, label, shared=shared, alignment=alignment)
            origin = _caller()
            if origin is not None:
                self.origins[self._live[base].sequence] = origin
            return base

    def made_at(self, address: int) -> str | None:
        """Where the allocation was made that holds this byte, or once held it."""
        found = self.find(address)
        if found is None:
            found = next((a for a in reversed(self._freed) if a.base <= address < a.end), None)
        return None if found is None else self.origins.get(found.sequence)

    def _bits(self, address: int) -> int:
        """Where the defined bits of an address of the arena lie."""
        return address - self.region.start + self._shadow.start

    def touched(self) -> list[tuple[int, int]]:
        """Ranges of memory that the record of accesses covers and somebody has allocated, lately or still."""
        with self._lock:
            known = sorted((one.base, one.end) for one in (*self._live.values(), *self._freed))
        begin, end = self.region.start, self.region.start + self.followed_bytes
        merged: list[tuple[int, int]] = []
        for first, last in known:
            last = -(-last // LINE_BYTES) * LINE_BYTES
            if not begin <= first < end:
                continue
            if merged and first <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], last))
            else:
                merged.append((first, last))
        return merged

    def define(self, address: int, size: int) -> None:
        """Marks bytes as written."""
        if size and address in self.region:
            ctypes.memset(self._bits(address), 0xFF, size)

    def undefine(self, address: int, size: int) -> None:
        """Makes bytes count as unwritten."""
        if size:
            self.check_range(address, size)
            if address in self.region:
                self._discard_bits(address, size)

    def _discard_bits(self, address: int, size: int) -> None:
        begin, end = self._bits(address), self._bits(address) + size
        first, last = self._shadow.discard(begin, end)
        if first >= last:
            ctypes.memset(begin, 0, size)
            return
        ctypes.memset(begin, 0, first - begin)
        ctypes.memset(last, 0, end - last)

    def is_defined(self, address: int, size: int) -> bool:
        """Whether every bit of a range was written."""
        if address not in self.region:
            return True
        return ctypes.string_at(self._bits(address), size) == b"\xff" * size

    def fill(self, address: int, byte: int, count: int) -> None:
        """Writes a byte `count` times; they count as written."""
        super().fill(address, byte, count)
        self.define(address, count)

    def zero(self, address: int, count: int) -> None:
        """Writes zeros; they count as written."""
        super().zero(address, count)
        self.define(address, count)

    def view(self, address: int, size: int, *, writing: bool = False) -> memoryview:
        """The memory itself; for writing, all of it counts as written."""
        view = super().view(address, size, writing=writing)
        if writing:
            self.define(address, size)
        return view

    def copy(self, target: int, source: int, size: int) -> None:
        """Copies bytes, and which of their bits are written."""
        super().copy(target, source, size)
        if target in self.region and source in self.region:
            ctypes.memmove(self._bits(target), self._bits(source), size)
        else:
            self.define(target, size)

    def _discard(self, allocation: Allocation) -> None:
        super()._discard(allocation)
        if allocation.base in self.region:
            self._discard_bits(allocation.base, allocation.size)

    def close(self) -> None:
        """Gives the memory and its tables back."""
        super().close()
        for table in (self._shadow, self._granules, self._readers, self._lines, self._chunks):
            table.close()


def _is_foreign(path: Path) -> bool:
    installed = any(part in _INSTALLED for part in path.parts) or path.parent == Path(sys.executable).parent
    return installed or _OWN in path.parents or _STANDARD in path.parents


def _caller() -> str | None:
    """The innermost frame outside this package, of code that is not Python's own; None in a device process,
    where the program's frames are elsewhere."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        path = frame.f_code.co_filename
        if not path.startswith("<") and not _is_foreign(Path(path)):
            return f"{path}:{frame.f_lineno}"
        frame = frame.f_back
    return None
