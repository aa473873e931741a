"""Exact counters of launches: an instrument of the emulator, and what it counted."""

from __future__ import annotations

from rocverify.device.emulator.counters.fields import Flops, InstructionClasses
from rocverify.device.emulator.counters.instrument import CounterInstrument
from rocverify.device.emulator.counters.record import (
    CountedInstruction,
    Counters,
    launches_to_json,
    lines_to_json,
)

__all__ = [
    "CountedInstruction",
    "CounterInstrument",
    "Counters",
    "Flops",
    "InstructionClasses",
    "launches_to_json",
    "lines_to_json",
]
