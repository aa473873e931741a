"""Counters as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from rocverify.device.emulator.counters.record import Counters

COLUMNS = ("instructions", "lanes", "flops", "global bytes", "segments", "LDS passes", "conflicts", "line")


def described(counters: Counters) -> Iterator[str]:
    """What a launch did, a line for each kind of thing that it did at all."""
    c = counters
    yield f"instructions  {c.wave_instructions}: {_listed(c.instructions)}"
    if c.valu_lane_slots:
        yield (
            f"vector        {c.valu_operations} operations of waves, {_percent(c.lane_utilisation)} of lanes "
            f"active, {c.special_functions} special functions"
        )
    if listed := _listed(c.flops):
        yield f"arithmetic    {listed}{_intensity(c)}"
    yield from _memory(c)
    if c.lds_accesses:
        yield (
            f"LDS           {c.lds_bytes} bytes in {c.lds_accesses} accesses, {c.lds_passes} passes of the "
            f"banks, {_percent(c.lds_conflict_ratio)} due to conflicts{_lanes(c.lds_atomic_lanes)}"
        )
    yield (
        f"control       {c.branches_taken} branches taken, {c.branches_not_taken} not taken, "
        f"{c.divergent_branches} divergent, {c.barriers} barriers"
    )


def _memory(c: Counters) -> Iterator[str]:
    if c.global_accesses:
        yield (
            f"global        {c.global_bytes} bytes in {c.global_accesses} accesses (loads "
            f"{c.global_load_bytes}, stores {c.global_store_bytes}, atomics {c.global_atomic_bytes}), "
            f"{c.global_segments} segments of 128 bytes{_lanes(c.global_atomic_lanes)}"
        )
    if c.scalar_load_bytes:
        yield f"scalar        {c.scalar_load_bytes} bytes"
    if c.scratch_accesses:
        yield f"scratch       {c.scratch_bytes} bytes in {c.scratch_accesses} accesses"


def by_line(lines: Mapping[str, Counters]) -> Iterator[str]:
    """A table of the lines of the source, in their order."""
    rows = [COLUMNS, *(_row(name, counters) for name, counters in lines.items())]
    widths = [max(len(row[i]) for row in rows) for i in range(len(COLUMNS) - 1)]
    for row in rows:
        yield "  ".join([*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])


def _row(name: str, c: Counters) -> tuple[str, ...]:
    numbers = (c.flops.total, c.global_bytes, c.global_segments, c.lds_passes, c.lds_conflict_passes)
    lanes = "" if c.lane_utilisation is None else _percent(c.lane_utilisation)
    return (str(c.wave_instructions), lanes, *(str(number) if number else "" for number in numbers), name)


def _listed(group: Any) -> str:
    numbers = ((one.name, getattr(group, one.name)) for one in fields(group))
    return ", ".join(f"{name} {number}" for name, number in numbers if number)


def _lanes(count: int) -> str:
    return f", {count} atomic operations" if count else ""


def _intensity(c: Counters) -> str:
    return "" if not c.arithmetic_intensity else f"; {c.arithmetic_intensity:.3g} for each global byte"


def _percent(ratio: float | None) -> str:
    return f"{100 * (ratio or 0):.1f} %"
