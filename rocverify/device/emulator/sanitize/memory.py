"""Device memory that knows which of its bits were ever written, and where each allocation was made."""

from __future__ import annotations

import ctypes
import mmap
import sys
import sysconfig
from pathlib import Path

from rocverify.device.emulator.load.memory import MAP_NORESERVE, Allocation, DeviceMemory
from rocverify.device.emulator.sanitize.layout import (
    GRANULE_BYTES,
    LINE_BYTES,
    LINE_RECORD_BYTES,
    READERS_BYTES,
)

SANITIZED_ARENA_BYTES = 1 << 34
"""Less than the plain arena's: nine times as much address space goes to the record of accesses."""

_OWN = Path(__file__).resolve().parents[3]
_STANDARD = Path(sysconfig.get_path("stdlib"))
"""The package: frames in it are not where an allocation was made."""


def reserve(size: int) -> tuple[mmap.mmap, int]:
    """Zeroed host memory that costs nothing until it is touched, and its address."""
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE
    held = mmap.mmap(-1, size, flags=flags, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    return held, ctypes.addressof(ctypes.c_char.from_buffer(held))


class SanitizedMemory(DeviceMemory):
    """DeviceMemory with a shadow: one bit for every bit, set once it was written."""

    def __init__(self, arena_bytes: int = SANITIZED_ARENA_BYTES) -> None:
        super().__init__(arena_bytes)
        self._shadow, self._shadow_start = reserve(arena_bytes)
        self._granules, self.granules = reserve(arena_bytes // 4 * GRANULE_BYTES)
        self._readers, self.readers = reserve(arena_bytes // 4 * READERS_BYTES)
        self._lines, self.lines = reserve(arena_bytes // LINE_BYTES * LINE_RECORD_BYTES)
        self.origins: dict[int, str] = {}
        """By sequence number of an allocation: `file:line` of the host code that asked for it."""

    @property
    def start(self) -> int:
        """The address of the arena's first byte."""
        return self._start

    @property
    def defined_delta(self) -> int:
        """What is added to an address for that of its defined bits (modulo 2**64)."""
        return (self._shadow_start - self._start) % (1 << 64)

    def forget_accesses(self) -> None:
        """Empties the record of who accessed what."""
        for table in (self._granules, self._readers, self._lines):
            table.madvise(mmap.MADV_DONTNEED)

    def malloc(self, size: int, label: str = "") -> int:
        with self._lock:
            base = super().malloc(size, label)
            self.origins[self._live[base].sequence] = _caller()
            return base

    def made_at(self, address: int) -> str | None:
        """Where the allocation was made that holds this byte, or once held it."""
        found = self.find(address)
        if found is None:
            found = next((a for a in reversed(self._freed) if a.base <= address < a.end), None)
        return None if found is None else self.origins.get(found.sequence)

    def define(self, address: int, size: int) -> None:
        """Marks bytes as written."""
        if size:
            ctypes.memset(address - self._start + self._shadow_start, 0xFF, size)

    def undefine(self, address: int, size: int) -> None:
        if size:
            self.check_range(address, size)
            ctypes.memset(address - self._start + self._shadow_start, 0, size)

    def is_defined(self, address: int, size: int) -> bool:
        """Whether every bit of a range was written."""
        return ctypes.string_at(address - self._start + self._shadow_start, size) == b"\xff" * size

    def fill(self, address: int, byte: int, count: int) -> None:
        super().fill(address, byte, count)
        self.define(address, count)

    def zero(self, address: int, count: int) -> None:
        super().zero(address, count)
        self.define(address, count)

    def view(self, address: int, size: int, *, writing: bool = False) -> memoryview:
        view = super().view(address, size, writing=writing)
        if writing:
            self.define(address, size)
        return view

    def copy(self, target: int, source: int, size: int) -> None:
        super().copy(target, source, size)
        offset = self._shadow_start - self._start
        ctypes.memmove(target + offset, source + offset, size)

    def _discard(self, allocation: Allocation) -> None:
        super()._discard(allocation)
        ctypes.memset(allocation.base - self._start + self._shadow_start, 0, allocation.size)


def _caller() -> str:
    """The innermost frame outside this package, of code that is not Python's own."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        path = frame.f_code.co_filename
        foreign = _OWN in Path(path).parents or Path(path).parent == _STANDARD or "rocm" in Path(path).parts
        if not path.startswith("<") and not foreign:
            break
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
