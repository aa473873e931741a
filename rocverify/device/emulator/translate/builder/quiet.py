"""Registers as observers see them: read and written without an event, with a shadow bank beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.operands import Operand
from rocverify.device.emulator.translate.builder.types import PTR, Value

if TYPE_CHECKING:
    from rocverify.device.emulator.translate.builder.wave import WaveBuilder

SHADOW = 256
"""VGPRs and SGPRs from this number on are an observer's: they lie behind the wave's own."""

SCC_SHADOW = SHADOW + abi.SGPRS
"""The scalar register of an observer that stands for SCC."""


def scalar_offset(index: int, lanes: int) -> int:
    """Byte offset in the wave of an SGPR, an observer's too."""
    if index < SHADOW:
        return 4 * index
    return abi.VGPR_OFFSET + 2 * lanes * abi.OBSERVED_OFFSET_PER_LANE + 4 * (index - SHADOW)


def vgpr(k: WaveBuilder, index: int) -> Value:
    """A VGPR, i32 a lane, without an event."""
    return k._get(("v", index))


def sgpr(k: WaveBuilder, index: int) -> Value:
    """An SGPR without an event."""
    return k._get(("s", index))


def sgpr_pointer(k: WaveBuilder, index: int) -> Value:
    """Where an SGPR lies."""
    return k._field(scalar_offset(index, k.lanes))


def is_written(k: WaveBuilder, index: int) -> bool:
    """Whether the block has written the SGPR since it was last flushed."""
    return ("s", index) in k._dirty


def null_pointer() -> Value:
    return ir.Constant(PTR, None)


def call(k: WaveBuilder, name: str, arguments: Sequence[Value]) -> None:
    """Calls a function of the runtime that returns nothing."""
    k.call(name, ir.VoidType(), arguments)


def captured(k: WaveBuilder, emit: Callable[[], None]) -> list[tuple[Operand, Value]]:
    """What `emit` would commit to VGPRs, not committed."""
    waiting, k._deferred = k._deferred, []
    try:
        emit()
        return k._deferred
    finally:
        k._deferred = waiting
