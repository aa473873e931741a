"""Where a kernel's counts stand, and what each of them adds to which counter.

While a kernel runs, one array of 64-bit counts per host thread is all that is written. Which count
stands where follows from the kernel's graph alone, so that translated code from a cache fits. Every
counter of every instruction is a sum of these counts, each times a fixed weight.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from rocverify.device.emulator.counters.classes import (
    CONDITIONAL_BRANCHES,
    LANE_CLASSES,
    MFMA,
    SCALAR_ARITHMETIC,
    SMEM_BYTES,
    WMMA,
    arithmetic_of,
    class_of,
    is_memory,
    may_write_exec,
)
from rocverify.device.emulator.counters.fields import FIELD_INDEX
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.lowering.flow import Graph

LineFinder = Callable[[Iterable[int]], Mapping[int, str]]
"""From addresses to `file:line`, where it is known."""

Counts = npt.NDArray[np.int64]

RECORD = (
    "global_accesses", "global_lanes", "global_bytes", "global_segments",
    "lds_accesses", "lds_lanes", "lds_bytes", "lds_passes", "lds_conflict_passes",
    "scratch_accesses", "scratch_lanes", "scratch_bytes",
)  # fmt: skip
"""Counts of one memory instruction, in the order of AccessCounts (runtime/counters.h)."""

_BY_DIRECTION = {
    direction: {
        "global_bytes": f"global_{direction}_bytes",
        "global_segments": f"global_{direction}_segments",
        "lds_bytes": f"lds_{direction}_bytes",
        "scratch_bytes": f"scratch_{direction if direction == 'load' else 'store'}_bytes",
    }
    for direction in ("load", "store", "atomic")
}
_BY_DIRECTION["atomic"] |= {"global_lanes": "global_atomic_lanes", "lds_lanes": "lds_atomic_lanes"}
"""Counters of a direction, by the count that they come from."""

_ALIKE = ("global_accesses", "lds_accesses", "lds_passes", "lds_conflict_passes", "scratch_accesses")


@dataclass(slots=True)
class Slots:
    """Places of counts, by addresses: of blocks their executions, of vector instructions the sum of
    active lanes (`lanes`, written by the code of those in `opens`), of branches how often they were taken,
    of EXEC writes how often they diverged, of memory instructions the first of their RECORD."""

    blocks: dict[int, int] = field(default_factory=dict)
    lanes: dict[int, int] = field(default_factory=dict)
    opens: dict[int, int] = field(default_factory=dict)
    taken: dict[int, int] = field(default_factory=dict)
    diverged: dict[int, int] = field(default_factory=dict)
    records: dict[int, int] = field(default_factory=dict)
    count: int = 0

    def take(self, size: int = 1) -> int:
        """The first of `size` places that nobody has yet."""
        self.count += size
        return self.count - size


def slots_of(graph: Graph) -> Slots:
    """The places of a kernel's counts."""
    slots = Slots()
    for address, block in graph.blocks.items():
        slots.blocks[address] = slots.take()
        _take_block(slots, block)
    return slots


def _take_block(slots: Slots, block: list[Instruction]) -> None:
    """Vector instructions between two writes of EXEC have one sum of active lanes between them."""
    region: int | None = None
    for inst in block:
        if class_of(inst) in LANE_CLASSES:
            if region is None:
                region = slots.opens[inst.address] = slots.take()
            slots.lanes[inst.address] = region
        if inst.mnemonic in CONDITIONAL_BRANCHES:
            slots.taken[inst.address] = slots.take()
        if is_memory(inst):
            slots.records[inst.address] = slots.take(len(RECORD))
        if may_write_exec(inst):
            slots.diverged[inst.address] = slots.take()
            region = None


@dataclass(frozen=True, eq=False)
class Table:
    """How a kernel's counts make its counters: a term is an instruction, a field, a slot and a weight, and
    adds weight times the count at the slot to that counter of the instruction. `key` is the same for the
    same kernel of the same code object; `find_lines` knows source lines better than the disassembler."""

    key: tuple[str, str]
    graph: Graph
    lanes: int
    find_lines: LineFinder = field(default=lambda _: {})

    @property
    def kernel(self) -> str:
        """The kernel's name in the code object."""
        return self.key[1]

    @cached_property
    def slots(self) -> Slots:
        """The places of its counts."""
        return slots_of(self.graph)

    @cached_property
    def instructions(self) -> list[Instruction]:
        """Its instructions, block by block."""
        return [inst for block in self.graph.blocks.values() for inst in block]

    @cached_property
    def lines(self) -> list[str | None]:
        """The `file:line` of every instruction, as far as it is known."""
        found = self.find_lines([inst.address for inst in self.instructions])
        return [found.get(inst.address, inst.source) for inst in self.instructions]

    @cached_property
    def _terms(self) -> Counts:
        """The terms as columns."""
        flat, index = array("q"), 0
        for address, block in self.graph.blocks.items():
            executions = self.slots.blocks[address]
            for inst in block:
                for name, slot, weight in self._terms_of(inst, executions):
                    flat.extend((index, FIELD_INDEX[name], slot, weight))
                index += 1
        return np.array(flat, np.int64).reshape(-1, 4).T

    @cached_property
    def _merged_terms(self) -> tuple[Counts, Counts, Counts]:
        """Fields, slots and weights of all instructions together: few, and the same for every launch."""
        _, field_, slot, weight = self._terms
        pairs, places = np.unique(field_ * self.slots.count + slot, return_inverse=True)
        weights = np.zeros(len(pairs), np.int64)
        np.add.at(weights, places, weight)
        return pairs // self.slots.count, pairs % self.slots.count, weights

    def total(self, counts: Counts) -> Counts:
        """All counters of the kernel, in the order of FIELDS."""
        field_, slot, weight = self._merged_terms
        sums: Counts = np.zeros(len(FIELD_INDEX), np.int64)
        np.add.at(sums, field_, counts[slot] * weight)
        return sums

    def grouped(self, counts: Counts, groups: Counts, group_count: int) -> Counts:
        """Counters by group of instructions: `groups` has the group of each."""
        instruction, field_, slot, weight = self._terms
        sums: Counts = np.zeros((group_count, len(FIELD_INDEX)), np.int64)
        np.add.at(sums, (groups[instruction], field_), counts[slot] * weight)
        return sums

    def _terms_of(self, inst: Instruction, executions: int) -> Iterator[tuple[str, int, int]]:
        """Field, slot and weight."""
        kind, address, slots = class_of(inst), inst.address, self.slots
        yield f"instructions.{kind}", executions, 1
        if kind == "smem":
            yield "scalar_load_bytes", executions, SMEM_BYTES[inst.mnemonic]
        whole = WMMA.get(inst.mnemonic) or MFMA.get(inst.mnemonic) or SCALAR_ARITHMETIC.get(inst.mnemonic)
        if whole is not None:
            yield f"flops.{whole.dtype}", executions, whole.operations
        if kind in LANE_CLASSES:
            yield from self._vector_terms(inst, kind, executions)
        if kind == "branch":
            taken = slots.taken.get(address, executions)
            yield "branches_taken", taken, 1
            if taken != executions:
                yield from (("branches_not_taken", executions, 1), ("branches_not_taken", taken, -1))
        if address in slots.diverged:
            yield "divergent_branches", slots.diverged[address], 1
        if address in slots.records:
            yield from _memory_terms(kind, slots.records[address])

    def _vector_terms(self, inst: Instruction, kind: str, executions: int) -> Iterator[tuple[str, int, int]]:
        active = self.slots.lanes[inst.address]
        yield "valu_lanes", active, 1
        yield "valu_lane_slots", executions, self.lanes
        if kind == "transcendental":
            yield "special_functions", active, 1
        for dtype, operations in arithmetic_of(inst):
            yield f"flops.{dtype}", active, operations


def _memory_terms(kind: str, record: int) -> Iterator[tuple[str, int, int]]:
    direction = kind.rpartition("_")[2]
    for name in _ALIKE:
        yield name, record + RECORD.index(name), 1
    for name, counter in _BY_DIRECTION[direction].items():
        yield counter, record + RECORD.index(name), 1
