"""The heap of device malloc, free, new and delete: what the device libraries expect of the host.

Source: the device libraries' dm.cl (ockl). A kernel finds the heap's record through the hidden argument
`heap_v1`. Blocks of up to 3072 bytes come from slabs of 2 MiB, each for blocks of one size (a kind), that the
record lists; larger ones, and further slabs, are asked for by calls to the host (hostcall.py). A record
begins as all zeros.

Libraries up to ROCm 5.2, which Debian has, lay the record out in their own way, and read the clock, before
they ask for a slab, by an instruction that gfx11 does not have: compilers take all of that for unreachable.
Such kernels get a record of their own that has some slabs of every kind from the start.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from rocverify.device.emulator.load.image import Image
from rocverify.device.emulator.load.memory import DeviceMemory

RECORD_BYTES = 1 << 18
"""More than struct heap_s takes."""

SLAB_BYTES = 1 << 21
SLABS = 8
"""Of each kind, in a record that has them from the start."""

_COUNTERS, _KINDS, _RECORDABLE = 5, 16, 256
_OLD_COUNTER_BYTES, _NEW_COUNTER_BYTES = 32, 128
"""Between two of the counters that a record begins with: five fields of one for each kind."""

_ENTRY = struct.Struct("<QQII")  # further entries, the slab's address, blocks in use


class _Kind(NamedTuple):
    """Blocks of one size in a slab: how many, and those that begin at a multiple of 4096, which malloc does
    not give out. They are every `gap`th from `unusable` on."""

    blocks: int
    unusable: int
    gap: int


KINDS = (
    _Kind(130054, 6, 256), _Kind(86927, 399, 512), _Kind(65280, 0, 128), _Kind(43576, 56, 256),
    _Kind(32703, 63, 64), _Kind(21816, 56, 128), _Kind(16367, 15, 32), _Kind(10915, 35, 64),
    _Kind(8187, 11, 16), _Kind(5459, 19, 32), _Kind(4094, 6, 8), _Kind(2730, 10, 16),
    _Kind(2047, 3, 4), _Kind(1365, 5, 8), _Kind(1023, 1, 2), _Kind(682, 2, 4),
)  # fmt: skip
"""Of 16, 24, 32, 48, ... 2048 and 3072 bytes."""


class Heap:
    """The heaps that the kernels of one machine share, made for the first that may need them."""

    def __init__(self, memory: DeviceMemory) -> None:
        self._memory = memory
        self._records: dict[bool, int] = {}

    def address(self, image: Image) -> int:
        """Where the record lies for kernels of a code object."""
        old = is_old(image)
        if old not in self._records:
            record = self._memory.malloc(RECORD_BYTES, "heap of device malloc")
            self._memory.zero(record, RECORD_BYTES)
            if old:
                self._fill(record)
            self._records[old] = record
        return self._records[old]

    def _fill(self, record: int) -> None:
        size = _KINDS * SLABS * SLAB_BYTES
        slab = self._memory.malloc(size, "slabs of device malloc", alignment=SLAB_BYTES)
        field = _KINDS * _OLD_COUNTER_BYTES
        for kind, blocks in enumerate(KINDS):
            entries, bits = b"", _bits_in_use(blocks)
            for index in range(SLABS):
                self._memory.write(slab, struct.pack("<IIII", kind, index, 0, 0) + bits)
                entries += _ENTRY.pack(0, slab, 0, 0)
                slab += SLAB_BYTES
            counter = record + kind * _OLD_COUNTER_BYTES
            self._memory.write(counter + field, struct.pack("<I", SLABS))
            self._memory.write(counter + 2 * field, struct.pack("<I", _RECORDABLE))
            first = record + _COUNTERS * field + kind * _RECORDABLE * _ENTRY.size
            self._memory.write(first, entries)


def is_old(image: Image) -> bool:
    """Whether the code has the malloc of ROCm 5.2 or before: told by where the record has its entries."""
    text = image.content[image.text.start : image.text.stop]
    words = memoryview(text[: len(text) // 4 * 4]).cast("I")
    places = [_COUNTERS * _KINDS * size for size in (_OLD_COUNTER_BYTES, _NEW_COUNTER_BYTES)]
    return places[0] in words and places[1] not in words


def _bits_in_use(kind: _Kind) -> bytes:
    """A bit for each block of an empty slab: set for what is not to be given out."""
    size = -(-kind.blocks // 32) * 4
    bits = sum(1 << index for index in range(kind.unusable, kind.blocks, kind.gap))
    bits |= (1 << 8 * size) - (1 << kind.blocks)
    return bits.to_bytes(size, "little")
