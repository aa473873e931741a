"""Arrays that are larger than memory: a tile that repeats, as inputs of cases beyond 2^31 elements."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import resource
import weakref
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PERIOD = 4096 * 257
"""Elements of a tile: whole pages of every type, and no power of two is a multiple, so that an index which
has wrapped meets other values."""

LARGE = 1 << 26
"""Elements from which on an array is made of a tile."""

_MEMORY = 1 << 31
"""Bytes that code may take beside what it is given while arrays are that large."""

_MAP_FIXED, _MAP_NORESERVE = 0x10, 0x4000
_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.mmap.restype = ctypes.c_void_p
_LIBC.mmap.argtypes = (
    ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int64,
)  # fmt: skip
_LIBC.munmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t)


class Tiled:
    """An array of `shape` whose elements are those of `tile` over and over; from the element `turn` on (None:
    nowhere) those of the tile in reverse."""

    def __init__(self, tile: NDArray[Any], shape: tuple[int, ...], turn: int | None = None) -> None:
        self.tile = np.ascontiguousarray(tile).reshape(-1)
        if self.tile.size != PERIOD:
            raise ValueError(f"a tile has {PERIOD} elements, not {self.tile.size}")
        self.shape, self.turn = tuple(int(length) for length in shape), turn

    @property
    def dtype(self) -> Any:
        """The element type."""
        return self.tile.dtype

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many elements there are."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """What it would take in memory."""
        return self.size * int(self.tile.itemsize)

    def with_tile(self, tile: NDArray[Any]) -> Tiled:
        """The same of another tile."""
        return Tiled(tile, self.shape, self.turn)

    def turned(self, turn: int) -> Tiled:
        """The same with other values from an element on (or from up to a tile behind it)."""
        return Tiled(self.tile, self.shape, -(-turn // PERIOD) * PERIOD)

    def rows(self, begin: int, end: int) -> NDArray[Any]:
        """Some rows along the first axis, in memory."""
        step = prod(self.shape[1:])
        at = np.arange(begin * step, end * step, dtype=np.int64) % PERIOD
        return np.asarray(self.tile[at]).reshape(end - begin, *self.shape[1:])

    def content(self, begin: int, size: int) -> NDArray[np.uint8]:
        """Bytes of it from an offset on."""
        at = np.arange(begin, begin + size, dtype=np.int64) % self.tile.nbytes
        return np.asarray(self.tile.view(np.uint8)[at])

    def array(self) -> NDArray[Any]:
        """The array itself, which cannot be written: it takes the memory of its tiles."""
        files = [_file(self.tile), _file(self.tile[::-1])]
        size, step = self.nbytes, self.tile.nbytes
        whole = -(-max(size, 1) // mmap.PAGESIZE) * mmap.PAGESIZE
        turn = size if self.turn is None else self.turn * self.tile.itemsize
        start = _map(None, whole, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1)
        for at in range(0, whole, step):
            _map(start + at, min(step, whole - at), mmap.MAP_PRIVATE | _MAP_FIXED, files[at >= turn])
        for file in files:
            os.close(file)
        content = (ctypes.c_uint8 * size).from_address(start)
        weakref.finalize(content, _LIBC.munmap, start, whole)
        array = np.frombuffer(memoryview(content), np.uint8).view(self.dtype).reshape(self.shape)
        array.flags.writeable = False
        return np.asarray(array)


def repeated(tile: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any] | Tiled:
    """An array of `shape` that repeats values, for `prepare` of a contract whose arrays may be larger than
    memory: of a large one only PERIOD values are kept."""
    if prod(shape) < LARGE:
        return np.resize(tile, shape)
    return Tiled(np.resize(tile, PERIOD), shape)


def _file(tile: NDArray[Any]) -> int:
    file = os.memfd_create("rocverify-tile", os.MFD_CLOEXEC)
    os.write(file, np.ascontiguousarray(tile).view(np.uint8).data)
    return file


def _map(at: int | None, size: int, flags: int, file: int) -> int:
    start = _LIBC.mmap(at, size, mmap.PROT_READ, flags | _MAP_NORESERVE, file, 0)
    if start in (None, ctypes.c_void_p(-1).value):
        raise MemoryError(f"no {size} bytes of address space: {os.strerror(ctypes.get_errno())}")
    return int(start)


def is_large(arrays: Mapping[str, Any]) -> bool:
    """Whether there are arrays, or views of them, of which memory may hold no copy."""
    return any(prod(getattr(one, "shape", ())) >= LARGE for one in arrays.values())


@contextlib.contextmanager
def little_memory() -> Iterator[None]:
    """What a block computes must take little memory: more raises MemoryError in it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with Path("/proc/self/status").open(encoding="ascii") as status:
        used = next(int(line.split()[1]) << 10 for line in status if line.startswith("VmData:"))
    most = used + _MEMORY if soft == resource.RLIM_INFINITY else min(soft, used + _MEMORY)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))
