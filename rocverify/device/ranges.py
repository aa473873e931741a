"""Sets of byte ranges, each with the place in a kernel's code that accessed it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]

NO_CODE = 0


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """Bytes that two sets have in common: how many, the first of them, and the code on either side there."""

    bytes: int
    address: int
    code: int
    other_code: int


class Ranges:
    """Ranges in ascending order that do not overlap. `codes` are offsets of instructions in the code object,
    NO_CODE where no kernel made the access."""

    __slots__ = ("codes", "ends", "starts")

    def __init__(self, starts: Numbers, ends: Numbers, codes: Numbers | None = None) -> None:
        self.starts, self.ends = starts, ends
        self.codes = np.full(len(starts), NO_CODE, dtype=np.int64) if codes is None else codes

    @classmethod
    def of(cls, blocks: Iterable[tuple[int, int, int, int]]) -> Ranges:
        """Blocks, each of an address, the bytes of a row, the bytes from row to row, and rows."""
        parts = [block for block in blocks if block[1] and block[3]]
        if not parts:
            return NOTHING
        starts = [address + np.arange(rows, dtype=np.int64) * pitch for address, _, pitch, rows in parts]
        sizes = [np.full(rows, size, dtype=np.int64) for _, size, _, rows in parts]
        first = np.concatenate(starts)
        return cls._merged(first, first + np.concatenate(sizes))

    @classmethod
    def _merged(cls, starts: Numbers, ends: Numbers) -> Ranges:
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], np.maximum.accumulate(ends[order])
        begins = np.concatenate(([True], starts[1:] > ends[:-1]))
        return cls(starts[begins], np.concatenate((ends[:-1][begins[1:]], ends[-1:])))

    def __len__(self) -> int:
        return len(self.starts)

    def __bool__(self) -> bool:
        return len(self.starts) > 0

    @property
    def bytes(self) -> int:
        """How many bytes they are."""
        return int((self.ends - self.starts).sum())

    def common(self, other: Ranges) -> Overlap | None:
        """What two sets have in common, None if nothing."""
        if not self or not other or self.starts[0] >= other.ends[-1] or other.starts[0] >= self.ends[-1]:
            return None
        total = int((other.below(self.ends) - other.below(self.starts)).sum())
        if not total:
            return None
        at = np.searchsorted(other.ends, self.starts, side="right")
        inside = at < len(other)
        hit = np.zeros(len(self), dtype=bool)
        hit[inside] = other.starts[at[inside]] < self.ends[inside]
        mine = int(np.argmax(hit))
        theirs = int(at[mine])
        first = int(max(self.starts[mine], other.starts[theirs]))
        return Overlap(total, first, int(self.codes[mine]), int(other.codes[theirs]))

    def below(self, addresses: Numbers) -> Numbers:
        """For each address, how many of these bytes lie below it."""
        sums = np.concatenate(([0], np.cumsum(self.ends - self.starts)))
        at = np.searchsorted(self.starts, addresses, side="right")
        last = np.maximum(at - 1, 0)
        past = np.maximum(self.ends[last] - addresses, 0)
        return np.where(at > 0, sums[at] - past, 0)

    def without(self, start: int, end: int) -> Ranges:
        """The same without the bytes of a range."""
        left = self.starts < start
        right = self.ends > end
        return Ranges(
            np.concatenate((self.starts[left], np.maximum(self.starts[right], end))),
            np.concatenate((np.minimum(self.ends[left], start), self.ends[right])),
            np.concatenate((self.codes[left], self.codes[right])),
        )


NOTHING = Ranges(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


class Accessed(NamedTuple):
    """Bytes that were read, written, and accessed by atomic operations."""

    reads: Ranges = NOTHING
    writes: Ranges = NOTHING
    atomics: Ranges = NOTHING
