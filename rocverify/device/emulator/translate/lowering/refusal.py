"""What a pass over the graph says of an instruction that it cannot take."""

from __future__ import annotations

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.errors import UnsupportedInstructionError


def refusal(
    inst: Instruction, reason: str, instead: str = "report the instruction"
) -> UnsupportedInstructionError:
    """The error for an instruction, with its address and source line; `instead`: what else can be done."""
    source = f" ({inst.source})" if inst.source else ""
    return UnsupportedInstructionError(
        f"{reason}: `{inst.text}`",
        where=f"{inst.address:#x}{source}",
        hint=f"run on a GPU (--device amd), or {instead}",
    )
