"""Scripts of accesses for scripted.hip: built by hand or at random, run on a machine with the sanitizer."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.sanitize.findings import Findings

GLOBAL_BYTES, LDS_BYTES = 1 << 10, 5 << 9
"""Sixteen lines of global memory; three blocks of LDS, the last one half used, and a dword never written."""


class Kind(IntEnum):
    """As in scripted.hip."""

    NOTHING = 0
    LOAD = 1
    STORE = 2
    LDS_LOAD = 3
    LDS_STORE = 4
    ATOMIC = 5
    LDS_ATOMIC = 6
    SPOIL = 7
    LDS_SPOIL = 8
    FENCE = 9
    MET = 10


@dataclass(frozen=True)
class Shape:
    """The grid of a script: `groups` workgroups of `waves` waves of `lanes` lanes."""

    groups: int
    waves: int
    lanes: int

    @property
    def items(self) -> int:
        return self.groups * self.waves * self.lanes


class Script:
    """Steps, each a word for every work-item of the grid."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.steps: list[np.ndarray] = []

    def everyone(self, kind: Kind) -> Script:
        """A step that all work-items do: a barrier or a fence."""
        self.steps.append(np.full(self.shape.items, int(kind) << 24, np.uint32))
        return self

    def wave(
        self, group: int, wave: int, kind: Kind, size: int, offsets: Sequence[int | None], first_lane: int = 0
    ) -> Script:
        """A step of one wave: offsets by lane, from `first_lane` on; None for lanes that do nothing."""
        step = np.zeros(self.shape.items, np.uint32)
        begin = (group * self.shape.waves + wave) * self.shape.lanes + first_lane
        for lane, offset in enumerate(offsets):
            if offset is not None:
                step[begin + lane] = int(kind) << 24 | size << 16 | offset
        self.steps.append(step)
        return self

    def together(self) -> Script:
        """Makes one step of the last two, which are of different work-items."""
        last = self.steps.pop()
        self.steps[-1] += last
        return self

    def run(self, machine: Machine, kernel: LoadedKernel, memory: int) -> Findings:
        """Launches it on GLOBAL_BYTES of device memory."""
        table = np.concatenate(self.steps)
        script = machine.memory.malloc(table.nbytes)
        machine.memory.write(script, table.tobytes())
        kernarg = struct.pack("<QI4xQ", script, len(self.steps), memory)
        block = (self.shape.waves * self.shape.lanes, 1, 1)
        try:
            stats = machine.launch(kernel, (self.shape.groups, 1, 1), block, LDS_BYTES + 4, kernarg)
        finally:
            machine.memory.free(script)
        found = stats.observed["sanitizer"]
        assert isinstance(found, Findings)
        return found


_GLOBAL = (Kind.LOAD, Kind.LOAD, Kind.STORE, Kind.STORE, Kind.ATOMIC, Kind.SPOIL)
_LDS = (Kind.LDS_LOAD, Kind.LDS_LOAD, Kind.LDS_LOAD, Kind.LDS_STORE, Kind.LDS_ATOMIC, Kind.LDS_SPOIL)
_SIZES = (4, 4, 4, 8, 16, 16, 12, 2, 1)


def random_script(
    rng: random.Random, shape: Shape, steps: int, kinds: Sequence[Kind] | None = None
) -> Script:
    """Mostly whole runs by full waves, as compilers make them; parts, gaps and other orders among them.

    With `kinds` there are only those, of whole dwords, and barriers."""
    script, calm = Script(shape), rng.random() < 0.5
    for _ in range(steps):
        if rng.random() < 0.2:
            script.everyone(Kind.MET if kinds or rng.random() < 0.7 else Kind.FENCE)
            continue
        kind = rng.choice(kinds or (_GLOBAL if rng.random() < 0.5 else _LDS))
        if calm and kind not in (Kind.LOAD, Kind.LDS_LOAD) and rng.random() < 0.7:
            continue
        atomic = kind in (Kind.ATOMIC, Kind.LDS_ATOMIC, Kind.SPOIL, Kind.LDS_SPOIL)
        size = 4 if atomic else rng.choice(_SIZES[:-2] if kinds else _SIZES)
        room = GLOBAL_BYTES if kind in _GLOBAL else LDS_BYTES
        offsets = random_offsets(rng, shape.lanes, size, room, aligned=atomic or kinds is not None)
        script.wave(rng.randrange(shape.groups), rng.randrange(shape.waves), kind, size, offsets)
    return script


def random_offsets(
    rng: random.Random, lanes: int, size: int, room: int, *, aligned: bool
) -> list[int | None]:
    """One offset a lane, such that all bytes lie in the room."""
    unit = max(size, 4) if rng.random() < 0.9 else 4
    base = rng.choice((0, 0, 0, 64, 4, 16, 60, 32)) + 64 * rng.randrange(4)
    if not aligned and rng.random() < 0.1:
        base += rng.choice((1, 2, 3))
    match rng.randrange(8):
        case 0:
            steps = [rng.randrange(room // unit) for _ in range(lanes)]
        case 1:
            steps = list(reversed(range(lanes)))
        case 2:
            steps = [rng.randrange(4)] * lanes
        case 3:
            steps = [lane // 2 * 3 for lane in range(lanes)]
        case _:
            steps = list(range(lanes))
    last = room - (16 if aligned else size)
    offsets = [(base + (size if size < 4 and unit == 4 else unit) * step) % room for step in steps]
    active = rng.choice(
        (-1, -1, -1, -1, (1 << lanes // 2) - 1, rng.getrandbits(lanes), 1 << rng.randrange(lanes))
    )
    return [o if active >> lane & 1 and o <= last else None for lane, o in enumerate(offsets)]
