"""Allocations that are larger than memory: they hold a tile over and over until something is written."""

from __future__ import annotations

import ctypes
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rocverify.device.emulator.load.address_space import PAGE
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.errors import DeviceError

MOST_WRITTEN = 1 << 28
"""Bytes of pages that may be written and looked at."""

_OWN = Path("/proc/self/pagemap")
_PRESENT, _SWAPPED, _OF_FILE = 1 << 63, 1 << 62, 1 << 61


def repeat(memory: DeviceMemory, address: int, size: int, tile: bytes | bytearray | memoryview) -> None:
    """Has a live allocation of the arena, which begins a page, hold a tile of whole pages over and over."""
    memory.check_range(address, size)
    if address % PAGE or len(tile) % PAGE or address not in memory.region:
        raise DeviceError("only whole pages of the arena can hold a tile")
    memory.arena_mapping.repeat(address, size, tile)


def written(memory: DeviceMemory, address: int, size: int) -> list[tuple[int, bytes]]:
    """The pages of an allocation that were written since `repeat`, in runs: offset and bytes of each.

    DeviceError where they are too many to be looked at, or the system does not tell."""
    memory.check_range(address, size)
    pages = np.flatnonzero(_are_private(address, -(-size // PAGE)))
    if pages.size * PAGE > MOST_WRITTEN:
        raise DeviceError(f"{pages.size * PAGE:,} bytes of an array of {size:,} were written")
    runs = np.split(pages, np.flatnonzero(np.diff(pages) > 1) + 1) if pages.size else []
    found = []
    for run in runs:
        begin, end = int(run[0]) * PAGE, min((int(run[-1]) + 1) * PAGE, size)
        found.append((begin, ctypes.string_at(address + begin, end - begin)))
    return found


def _are_private(address: int, pages: int) -> NDArray[np.bool_]:
    """Which pages are copies of this process's own: what is mapped from a file and was not written is not."""
    try:
        with _OWN.open("rb", buffering=0) as table:
            entry = struct.calcsize("<Q")
            table.seek(address // PAGE * entry)
            entries = np.frombuffer(table.read(pages * entry), np.uint64)
    except OSError as error:
        raise DeviceError(f"{_OWN} cannot be read: {error.strerror}") from error
    if entries.size != pages:
        raise DeviceError(f"{_OWN} does not tell of all pages")
    there = (entries & np.uint64(_PRESENT | _SWAPPED)) != 0
    return np.asarray(there & ((entries & np.uint64(_OF_FILE)) == 0))
