"""How the arrays of a case lie in device memory: guards around them, gaps in them; what became of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pickle import PickleBuffer
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from rocverify.device.process.placed import Buffer
from rocverify.oracle.arrays import Array
from rocverify.oracle.case import Case
from rocverify.oracle.poison import Placement, guard_damage, guard_pattern
from rocverify.oracle.tiled import LARGE, Tiled

Bytes = NDArray[np.uint8]

# By how many steps of its pitch a row may be longer than it must: none, few, many.
_LONGER = (0, 1, 2, 3, 17)


@dataclass(frozen=True, slots=True)
class Layout:
    """One array in its allocation: `rows` of `row` bytes, `pitch` bytes from one to the next, behind `guard`
    bytes and before as many."""

    guard: int
    rows: int
    row: int
    pitch: int

    @property
    def span(self) -> int:
        """Bytes between the guards. Without guards the array ends with its last row."""
        return self.rows * self.pitch if self.guard else max(0, (self.rows - 1) * self.pitch) + self.row

    @property
    def has_gaps(self) -> bool:
        """Whether something lies between rows."""
        return self.pitch != self.row

    def filled(self, array: NDArray[Any]) -> Bytes:
        """The bytes between the guards, gaps holding the guards' pattern."""
        content = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        if not self.has_gaps:
            return content
        whole = np.resize(np.frombuffer(guard_pattern(), np.uint8), self.rows * self.pitch)
        self._rows_of(whole)[:, : self.row] = content.reshape(self.rows, self.row)
        return whole[: self.span]

    def content(self, image: Bytes) -> Bytes:
        """The array's own bytes, of an image of the allocation."""
        inside = image[self.guard : self.guard + self.span]
        return self._rows_of(self._whole(inside))[:, : self.row].reshape(-1) if self.has_gaps else inside

    def damage(self, image: Bytes) -> str | None:
        """Where the guards or the gaps were overwritten, in words; None if they were not."""
        end = self.guard + self.span
        around = guard_damage(image[: self.guard].tobytes(), image[end:].tobytes()) if self.guard else None
        inside = image[self.guard : end]
        return (
            " and ".join(filter(None, (around, self._gap_damage(inside) if self.has_gaps else None))) or None
        )

    def _gap_damage(self, inside: Bytes) -> str | None:
        expected = np.resize(np.frombuffer(guard_pattern(), np.uint8), self.rows * self.pitch)[: self.span]
        changed = self._whole(inside != expected)
        rows = np.flatnonzero(self._rows_of(changed)[:, self.row :].any(axis=1))
        if not rows.size:
            return None
        return f"bytes between its rows, behind {rows.size} of {self.rows} rows, the first row {rows[0]}"

    def _whole(self, inside: NDArray[Any]) -> NDArray[Any]:
        """With a gap behind the last row too."""
        return np.concatenate([inside, np.zeros(self.rows * self.pitch - self.span, inside.dtype)])

    def _rows_of(self, whole: NDArray[Any]) -> NDArray[Any]:
        return whole.reshape(self.rows, self.pitch)


def layout_of(name: str, array: Array, case: Case) -> Layout:
    """Where the rows of an array lie in a case: the leading dimension is drawn where the contract has one."""
    shape, size = array.shape(case.dims), array.dtype(case.dtype).numpy.itemsize
    guarded = case.placement is Placement.GUARDED and prod(shape) < LARGE
    guard = len(guard_pattern()) if guarded else 0
    row = shape[-1] if shape else 1
    if not array.pitch or not prod(shape):
        return Layout(guard, 1, prod(shape) * size, prod(shape) * size)
    longer = np.random.default_rng([case.seed, crc32(name.encode())]).choice(np.asarray(_LONGER))
    leading = (-(-row // array.pitch) + int(longer)) * array.pitch
    return Layout(guard, prod(shape[:-1]), row * size, leading * size)


def buffer_of(name: str, array: Any, layout: Layout, *, undefined: bool) -> Buffer:
    """The array as it is placed on the device."""
    if isinstance(array, Tiled):
        return Buffer(name, PickleBuffer(array.tile.view(np.uint8).data), size=array.nbytes)
    guard = guard_pattern() if layout.guard else b""
    return Buffer(name, PickleBuffer(layout.filled(array).data), guard, undefined)


def read_back(
    layouts: Mapping[str, Layout], before: Mapping[str, NDArray[Any]], images: Mapping[str, Any]
) -> tuple[dict[str, NDArray[Any]], list[str]]:
    """The arrays as they are now, and where something around them was overwritten, in words."""
    arrays, damage = {}, []
    for name, image in images.items():
        content, layout = np.frombuffer(image, np.uint8), layouts[name]
        arrays[name] = layout.content(content).view(before[name].dtype).reshape(before[name].shape)
        found = layout.damage(content)
        if found is not None:
            damage.append(f"{name}: {found}")
    return arrays, damage
