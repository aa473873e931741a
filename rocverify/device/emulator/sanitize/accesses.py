"""Which bytes launches have accessed, looked up in the sanitizer's record of memory.

The record has, for each four bytes, the last write and two of the reads since. So it tells all of a launch's
accesses until another launch accesses the same bytes; of launches that are in order, the later one's accesses
stand for the earlier one's.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from rocverify.device.emulator.load.address_space import Mapping
from rocverify.device.emulator.sanitize import layout
from rocverify.device.ranges import NOTHING, Accessed, Ranges

if TYPE_CHECKING:
    from rocverify.device.emulator.load.loaded import LoadedModule
    from rocverify.device.emulator.sanitize.memory import SanitizedMemory
    from rocverify.device.emulator.sanitize.sanitizer import Sanitizer

MOST_RUNS = 1 << 21
_RUN = np.dtype(
    [("start", "<i8"), ("end", "<i8"), ("launch", "<u4"), ("kind", "<u4"), ("pc", "<u4"), ("padding", "<u4")]
)
_KINDS = 3


class EmulatedAccesses:
    """What one launch on an emulated device has accessed (LaunchAccesses of hip/checks/races.py). `first` to
    `next` are its segments; `era` tells records that were emptied since."""

    def __init__(
        self,
        sanitizer: Sanitizer,
        memory: SanitizedMemory,
        module: LoadedModule,
        segments: tuple[int, int, int],
    ) -> None:
        self._sanitizer, self._memory, self._module = sanitizer, memory, module
        self.era, self.first, self.next = segments

    def keep(self, kept: bool) -> None:
        """Has the record keep, or not keep any more, what this launch and later ones accessed, beyond what
        the next launch needs itself."""
        self._sanitizer.since = self.first if kept and self.era == self._sanitizer.era else None

    def line(self, code: int) -> str | None:
        """The source line, `file:line`, of an instruction."""
        known = self._module.user_lines([code]).get(code)
        if known is not None:
            return known
        listing = self._module.listing
        return listing.at(code).source if code in listing else None

    def look_up(self, batch: Sequence[EmulatedAccesses]) -> list[Accessed]:
        """What each launch of a batch, each in order with the others, read and wrote."""
        asked = sorted(
            (one for one in set(batch) if one.era == self._sanitizer.era), key=lambda one: one.first
        )
        found = dict(zip(asked, self._asked(asked), strict=True)) if asked else {}
        return [found.get(one, Accessed(NOTHING, NOTHING, NOTHING)) for one in batch]

    def _asked(self, launches: list[EmulatedAccesses]) -> list[Accessed]:
        runs = self._runs(launches, coarse=False)
        if runs is None:
            runs = self._runs(launches, coarse=True)
        if runs is None:
            return [Accessed(NOTHING, NOTHING, NOTHING)] * len(launches)
        kinds = runs["launch"].astype(np.int64) * _KINDS + runs["kind"]
        order = np.argsort(kinds, kind="stable")
        bounds = np.searchsorted(kinds[order], np.arange(len(launches) * _KINDS + 1))
        parts = [_ranges(runs[order[a:b]]) for a, b in itertools.pairwise(bounds)]
        return [Accessed(*parts[at : at + _KINDS]) for at in range(0, len(parts), _KINDS)]

    def _runs(self, launches: list[EmulatedAccesses], *, coarse: bool) -> NDArray[np.void] | None:
        """The runs of all launches; None if there are too many."""
        firsts = (ctypes.c_uint32 * len(launches))(*(one.first for one in launches))
        nexts = (ctypes.c_uint32 * len(launches))(*(one.next for one in launches))
        going_on = (layout.AccessRun * (len(launches) * _KINDS))()
        room = Mapping(MOST_RUNS * ctypes.sizeof(layout.AccessRun))
        query = layout.AccessQuery(
            first=ctypes.addressof(firsts),
            next=ctypes.addressof(nexts),
            launches=len(launches),
            room=MOST_RUNS,
            open=ctypes.addressof(going_on),
            runs=room.start,
            coarse=coarse,
        )
        for start, end in self._memory.touched():
            self._sanitizer.accesses(query, start, end)
        self._sanitizer.accesses(query, 0, 0)
        if query.dropped:
            return None
        taken = ctypes.string_at(room.start, query.count * ctypes.sizeof(layout.AccessRun))
        room.close()
        return np.frombuffer(taken, dtype=_RUN)


def _ranges(runs: NDArray[np.void]) -> Ranges:
    if not len(runs):
        return NOTHING
    return Ranges(runs["start"].copy(), runs["end"].copy(), runs["pc"].astype(np.int64))
