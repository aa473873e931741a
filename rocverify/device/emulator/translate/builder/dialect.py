"""What the instructions of a wave mean: the family that it is of, and the semantics of that family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.family import Family

if TYPE_CHECKING:
    from rocverify.device.emulator.translate.builder.wave import WaveBuilder

Handler = Callable[["WaveBuilder", Instruction], None]
"""Emits what one instruction does."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """`handlers` are by mnemonic; see translate/semantics/tables.py."""

    family: Family
    handlers: Mapping[str, Handler]
