"""Large launches executed in part, on arrays that cost the memory that is written: where a backend can."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rocverify.errors import DeviceError

if TYPE_CHECKING:
    from rocverify.device.backends.base import Geometry
    from rocverify.device.emulator.load.memory import DeviceMemory
    from rocverify.device.excerpt import Excerpt

Tile = bytes | bytearray | memoryview
Parts = list[tuple[int, tuple[int, ...] | None]]
"""How many workgroups launches had, and which of them ran (None: all)."""


class InPart:
    """The emulator's side: see Backend."""

    memory: DeviceMemory

    def __init__(self) -> None:
        self._excerpt: Excerpt | None = None
        self._in_part: Parts = []

    def repeat(self, size: int, label: str, tile: Tile) -> int:
        """Device memory that holds a tile, whole pages, over and over and costs what is written of it.
        DeviceError where there is no such thing."""
        from rocverify.device.emulator.load.address_space import PAGE
        from rocverify.device.emulator.load.repeated import repeat

        address = self.memory.malloc(size, label, alignment=PAGE)
        repeat(self.memory, address, size, tile)
        return address

    def written(self, address: int, size: int) -> list[tuple[int, bytes]]:
        """What was written of such memory, in runs of pages: offset and bytes."""
        from rocverify.device.emulator.load.repeated import written

        return written(self.memory, address, size)

    def execute_in_part(self, excerpt: Excerpt | None) -> Parts:
        """From now on launches are executed in part (None: whole). Gives the launches that were so since
        the last call."""
        done, self._in_part = self._in_part, []
        self._excerpt = excerpt
        return done

    def _part_of(self, geometry: Geometry) -> Excerpt | None:
        """How a launch is to be executed."""
        if self._excerpt is not None:
            count = math.prod(geometry.grid)
            self._in_part.append((count, self._excerpt.chosen(count)))
        return self._excerpt


class Whole:
    """The side of a device that executes what it is given, in memory that it has."""

    def repeat(self, size: int, label: str, tile: Tile) -> int:
        """Raises DeviceError: only the emulator has such memory."""
        raise self._refused(size, label, len(tile))

    def written(self, address: int, size: int) -> list[tuple[int, bytes]]:
        """Raises DeviceError: only the emulator has such memory."""
        raise self._refused(address, size)

    def execute_in_part(self, excerpt: Excerpt | None) -> Parts:
        """Raises DeviceError, but for None: only the emulator executes launches in part."""
        if excerpt is not None:
            raise self._refused(excerpt)
        return []

    @staticmethod
    def _refused(*_asked: Any) -> DeviceError:
        return DeviceError("this device executes launches whole", hint="use --device emulator")
