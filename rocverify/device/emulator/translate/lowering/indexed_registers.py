"""VGPRs at a distance by a mode of the wave: between s_set_gpr_idx_on and s_set_gpr_idx_off, v_mov_b32 reads
or writes the register that lies as far behind the one it names as M0[7:0] says.

Compilers put the three side by side; whatever else the mode would change is refused.
"""

from __future__ import annotations

from dataclasses import replace

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.lowering.flow import Graph
from rocverify.device.emulator.translate.lowering.refusal import refusal
from rocverify.device.emulator.translate.semantics.relative import BY_MODE

ON, OFF = "s_set_gpr_idx_on", "s_set_gpr_idx_off"
_BEFORE, _AFTER = "gpr_idx(", ")"


def name_indexed(graph: Graph) -> None:
    """Gives moves under the mode names of their own. UnsupportedInstructionError where the mode holds beyond
    a block, or for another instruction."""
    for block in graph.blocks.values():
        if any(inst.mnemonic == ON for inst in block):
            _name(block)


def _name(block: list[Instruction]) -> None:
    begun: Instruction | None = None
    for place, inst in enumerate(block):
        if inst.mnemonic == ON:
            begun = inst
        elif inst.mnemonic == OFF:
            begun = None
        elif begun is not None and inst.mnemonic.startswith("v_"):
            chosen = begun.text.partition(_BEFORE)[2].partition(_AFTER)[0]
            name = BY_MODE.get(chosen) if inst.mnemonic == "v_mov_b32" and inst.encoding == "e32" else None
            if name is None:
                raise refusal(inst, f"it is not modelled where gpr_idx({chosen}) holds")
            block[place] = replace(inst, mnemonic=name)
    if begun is not None:
        raise refusal(begun, "a mode of register indices that holds beyond its block is not modelled")
