"""Ranges of this process's address space, some of them at an address that is asked for.

Python's mmap takes no address, so that these go to the C library. A range is reserved, not committed: its
pages cost memory once they are touched, and what is discarded is given back and reads as zeros.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import weakref

from rocverify.errors import DeviceError

PAGE = mmap.PAGESIZE
MAP_NORESERVE = getattr(mmap, "MAP_NORESERVE", 0x4000)
"""Named by Python from 3.13; the value is Linux's on x86-64 and AArch64."""

MAP_FIXED_NOREPLACE = 0x100000
"""Linux 4.17 and later: exactly there, or not at all."""

MAP_FIXED = 0x10

MADV_REMOVE = 9
"""Gives back pages of a shared file, for all who map it."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_MMAP = _LIBC.mmap
_MMAP.restype = ctypes.c_void_p
_MMAP.argtypes = (
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64,
)  # fmt: skip
_MUNMAP = _LIBC.munmap
_MUNMAP.argtypes = (ctypes.c_void_p, ctypes.c_size_t)
_MADVISE = _LIBC.madvise
_MADVISE.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
_FAILED = ctypes.c_void_p(-1).value


class Mapping:
    """`size` bytes from `start` on, whole pages: private memory, or with `fd` a part of a file that all
    who map it share. Unmapped by `close`, or when nobody refers to it any more.

    DeviceError if the range at `at` is taken, or the system gives no more address space.
    """

    def __init__(self, size: int, *, at: int | None = None, fd: int = -1, offset: int = 0) -> None:
        self.size = -(-size // PAGE) * PAGE
        self.shared = fd >= 0
        self._repeated: dict[int, int] = {}
        flags = mmap.MAP_SHARED if self.shared else mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        flags |= MAP_NORESERVE | (MAP_FIXED_NOREPLACE if at is not None else 0)
        start = _MMAP(at, self.size, mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, offset)
        if start == _FAILED or start is None:
            raise _refused(self.size, at, ctypes.get_errno())
        self.start = int(start)
        self._end = weakref.finalize(self, _MUNMAP, self.start, self.size)
        if at is not None and self.start != at:  # a kernel from before MAP_FIXED_NOREPLACE takes it as a hint
            self.close()
            raise _refused(self.size, at, errno.EEXIST)

    @property
    def end(self) -> int:
        """The address after the last byte."""
        return self.start + self.size

    def repeat(self, begin: int, size: int, tile: bytes | bytearray | memoryview) -> None:
        """Has whole pages of private memory from `begin` on hold whole pages of bytes over and over. They
        cost memory once they are written. DeviceError if the system gives no more."""
        end = begin + -(-size // PAGE) * PAGE
        fd = os.memfd_create("rocverify-tile", os.MFD_CLOEXEC)
        try:
            os.write(fd, tile)
            for at in range(begin, end, len(tile)):
                _map_over(at, min(len(tile), end - at), mmap.MAP_PRIVATE, fd)
        finally:
            os.close(fd)
        self._repeated[begin] = end

    def discard(self, begin: int, end: int) -> tuple[int, int]:
        """Gives the whole pages within a range of addresses back, which zeroes them; returns the addresses
        that they span."""
        first = -(-begin // PAGE) * PAGE
        last = max(end // PAGE * PAGE, first)
        if self._repeated:
            self._end_repeating(begin, end)
        if last > first:
            _MADVISE(first, last - first, MADV_REMOVE if self.shared else mmap.MADV_DONTNEED)
        return first, last

    def _end_repeating(self, begin: int, end: int) -> None:
        """What is no longer mapped from a tile reads as zeros; a part of the last page belongs to nobody."""
        for start, stop in list(self._repeated.items()):
            if begin <= start < end:
                del self._repeated[start]
                stop = min(stop, -(-end // PAGE) * PAGE)
                _map_over(start, stop - start, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1)

    def close(self) -> None:
        """Unmaps the range; whoever still uses its addresses faults."""
        self._end()


def _map_over(at: int, size: int, flags: int, fd: int) -> None:
    """Maps what a range of this process holds anew."""
    flags |= MAP_FIXED | MAP_NORESERVE
    if _MMAP(at, size, mmap.PROT_READ | mmap.PROT_WRITE, flags, fd, 0) in (None, _FAILED):
        raise _refused(size, at, ctypes.get_errno())


def _refused(size: int, at: int | None, number: int) -> DeviceError:
    where = "" if at is None else f" at {at:#x}"
    reason = "something else lies there" if number == errno.EEXIST else os.strerror(number)
    return DeviceError(
        f"{size} bytes of address space{where} cannot be had: {reason}",
        hint="is the address space limited (ulimit -v), or vm.overcommit_memory 2?",
    )
