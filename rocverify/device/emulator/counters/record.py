"""What was counted: of a launch, of several, of a source line, of an instruction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from rocverify.device.emulator.counters.fields import (
    PLAIN,
    Flops,
    InstructionClasses,
    values_of,
)
from rocverify.device.emulator.counters.layout import Counts, Table

SEGMENT_BYTES = 128
NO_LINE = "(no line)"


@dataclass(frozen=True)
class _Source:
    """The counts that counters were made of, of one kernel."""

    table: Table
    counts: Counts


@dataclass(frozen=True)
class Counters:
    """Exact counts; they do not depend on the host, its threads or its speed. Adding two gives the sum.

    VALU: `valu_lanes` sums the active lanes (EXEC) of all vector instructions but WMMA, which takes no
    notice of EXEC; `valu_lane_slots` the lanes of their waves. `special_functions` counts lanes of the
    transcendental class.

    Global memory: bytes are lanes times the size that the instruction names, atomics once. Segments are
    the different aligned 128-byte pieces that the active lanes of one access touch. No cache is modelled.

    LDS: `lds_passes` is how often the banks are asked, `lds_conflict_passes` how many of these are due to
    different dwords in one bank. The model: 32 banks of 4 bytes ("RDNA3 Instruction Set Architecture", Data
    Share: the 64 banks of a work-group processor are two sets of 32, one for each pair of SIMDs). Lanes
    are served in groups of 32 (8 to 32 bits a lane), 16 (64 bits) or 8 (96, 128 bits), in the order of
    their numbers; without conflicts a group takes one pass. Lanes that read or write the same dword share
    it; atomics of several lanes on one dword take a pass each. Both halves of a 2addr instruction count.

    Branches: `branches_taken` holds unconditional ones; `divergent_branches` counts writes of EXEC that
    leave some but not all of the lanes that were active (a condition that splits a wave, or lanes that
    leave a loop before others).

    An access is one of one wave with at least one active lane.
    """

    instructions: InstructionClasses = field(default_factory=InstructionClasses)
    flops: Flops = field(default_factory=Flops)
    valu_lanes: int = 0
    valu_lane_slots: int = 0
    special_functions: int = 0
    global_accesses: int = 0
    global_load_bytes: int = 0
    global_store_bytes: int = 0
    global_atomic_bytes: int = 0
    global_load_segments: int = 0
    global_store_segments: int = 0
    global_atomic_segments: int = 0
    global_atomic_lanes: int = 0
    scalar_load_bytes: int = 0
    scratch_accesses: int = 0
    scratch_load_bytes: int = 0
    scratch_store_bytes: int = 0
    lds_accesses: int = 0
    lds_load_bytes: int = 0
    lds_store_bytes: int = 0
    lds_atomic_bytes: int = 0
    lds_atomic_lanes: int = 0
    lds_passes: int = 0
    lds_conflict_passes: int = 0
    branches_taken: int = 0
    branches_not_taken: int = 0
    divergent_branches: int = 0
    _sources: tuple[_Source, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def of(cls, table: Table, counts: Counts) -> Counters:
        """The counters of launches of one kernel, from the counts that its table names."""
        return _from_values(table.total(counts), (_Source(table, counts),))

    def totals(self) -> Counters:
        """The same counts without what tells instructions and lines apart: plain data."""
        return replace(self, _sources=())

    # ---- sums

    def __add__(self, other: Counters) -> Counters:
        if not isinstance(other, Counters):
            return NotImplemented
        total = np.array(_values(self)) + np.array(_values(other))
        return _from_values(total, _merged(self._sources, other._sources))

    def __radd__(self, other: int) -> Counters:
        """`sum(...)` begins with 0."""
        return self if other == 0 else NotImplemented

    # ---- derived

    @property
    def wave_instructions(self) -> int:
        """How many instructions waves executed."""
        return self.instructions.total

    @property
    def valu_operations(self) -> int:
        """Vector ALU operations of waves: instructions, with a VOPD pair as two."""
        classes = self.instructions
        return classes.valu + classes.transcendental + classes.wmma + classes.mfma + 2 * classes.vopd

    @property
    def barriers(self) -> int:
        """Barriers that waves came to."""
        return self.instructions.barrier

    @property
    def lane_utilisation(self) -> float | None:
        """Active lanes of vector instructions, of those there were; None without such instructions."""
        return _ratio(self.valu_lanes, self.valu_lane_slots)

    @property
    def global_bytes(self) -> int:
        """Bytes asked for by loads, stores and atomics."""
        return self.global_load_bytes + self.global_store_bytes + self.global_atomic_bytes

    @property
    def global_segments(self) -> int:
        """How many pieces of 128 bytes accesses to global memory touched."""
        return self.global_load_segments + self.global_store_segments + self.global_atomic_segments

    @property
    def transferred_bytes(self) -> int:
        """128 for every segment: what moves if no cache holds it."""
        return SEGMENT_BYTES * self.global_segments

    @property
    def coalescing(self) -> float | None:
        """Bytes asked for of those transferred; above 1 where lanes ask for the same. None without any."""
        return _ratio(self.global_bytes, self.transferred_bytes)

    @property
    def scratch_bytes(self) -> int:
        """Bytes that scratch accesses loaded and stored."""
        return self.scratch_load_bytes + self.scratch_store_bytes

    @property
    def lds_bytes(self) -> int:
        """Bytes that LDS accesses loaded, stored and combined."""
        return self.lds_load_bytes + self.lds_store_bytes + self.lds_atomic_bytes

    @property
    def lds_conflict_ratio(self) -> float:
        """Passes due to bank conflicts, of all; 0 without LDS accesses."""
        return _ratio(self.lds_conflict_passes, self.lds_passes) or 0.0

    @property
    def arithmetic_intensity(self) -> float | None:
        """Floating-point operations for each byte of global memory asked for; None without any."""
        return _ratio(self.flops.total, self.global_bytes)

    # ---- attribution

    def per_instruction(self) -> list[CountedInstruction]:
        """Every instruction of every kernel, in the order of kernels and addresses."""
        found = []
        for source in self._sources:
            instructions = source.table.instructions
            rows = source.table.grouped(source.counts, np.arange(len(instructions)), len(instructions))
            for inst, line, row in zip(instructions, source.table.lines, rows, strict=True):
                one = _from_values(row, ())
                found.append(CountedInstruction(source.table.kernel, inst.address, inst.text, line, one))
        return found

    def per_line(self) -> dict[str, Counters]:
        """Counters by `file:line` of the source, in the order of the names. What HIP's headers do is the
        line's that calls them; NO_LINE has what the code object's line table does not know."""
        lines: dict[str, Counters] = {}
        for source in self._sources:
            names = [line or NO_LINE for line in source.table.lines]
            order = {name: index for index, name in enumerate(dict.fromkeys(names))}
            groups = np.array([order[name] for name in names], np.int64)
            for name, row in zip(order, source.table.grouped(source.counts, groups, len(order)), strict=True):
                lines[name] = lines.get(name, Counters()) + _from_values(row, ())
        return dict(sorted(lines.items(), key=_file_and_line))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data: counts, and what is derived from them under `derived`."""
        return {
            "instructions": _named(self.instructions),
            "flops": _named(self.flops),
            **{name: getattr(self, name) for name in PLAIN},
            "derived": {name: getattr(self, name) for name in DERIVED},
        }


DERIVED = (
    "wave_instructions", "valu_operations", "barriers", "lane_utilisation", "global_bytes", "global_segments",
    "transferred_bytes", "coalescing", "scratch_bytes", "lds_bytes", "lds_conflict_ratio",
    "arithmetic_intensity",
)  # fmt: skip


@dataclass(frozen=True)
class CountedInstruction:
    """What one instruction did in all its executions."""

    kernel: str
    address: int
    text: str
    source: str | None
    counters: Counters

    @cached_property
    def executions(self) -> int:
        """Waves that came to it, each time counted."""
        return self.counters.wave_instructions


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _named(group: InstructionClasses | Flops) -> dict[str, int]:
    return dict(zip(group.__dataclass_fields__, values_of(group), strict=True))


def _values(counters: Counters) -> list[int]:
    plain = (getattr(counters, name) for name in PLAIN)
    return [*values_of(counters.instructions), *values_of(counters.flops), *plain]


_CLASSES = len(InstructionClasses.__dataclass_fields__)
_GROUPED = _CLASSES + len(Flops.__dataclass_fields__)


def _from_values(values: Counts, sources: tuple[_Source, ...]) -> Counters:
    numbers = [int(value) for value in values]
    classes, flops = InstructionClasses(*numbers[:_CLASSES]), Flops(*numbers[_CLASSES:_GROUPED])
    plain: dict[str, Any] = dict(zip(PLAIN, numbers[_GROUPED:], strict=True))
    return Counters(classes, flops, _sources=sources, **plain)


def _merged(first: tuple[_Source, ...], second: tuple[_Source, ...]) -> tuple[_Source, ...]:
    """One source for each kernel."""
    merged: dict[tuple[str, str], _Source] = {source.table.key: source for source in first}
    for source in second:
        held = merged.get(source.table.key)
        counts = source.counts if held is None else held.counts + source.counts
        merged[source.table.key] = _Source(source.table, counts)
    return tuple(merged.values())


def _file_and_line(item: tuple[str, Counters]) -> tuple[str, int]:
    name, _, line = item[0].rpartition(":")
    return (name, int(line)) if line.isdecimal() else (item[0], 0)


def launches_to_json(launches: Iterable[tuple[str, Counters]]) -> list[dict[str, Any]]:
    """Launches of a device (its `launch_counters`) as plain JSON data, in their order."""
    return [{"kernel": kernel, "counters": counters.to_json()} for kernel, counters in launches]


def lines_to_json(lines: Mapping[str, Counters]) -> list[dict[str, Any]]:
    """`per_line()` as plain JSON data."""
    return [{"line": name, "counters": counters.to_json()} for name, counters in lines.items()]
