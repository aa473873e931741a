"""Loops that compare and swap, as compilers leave them without optimisation.

The first value of such a loop is loaded right before it, from where it then compares and swaps; but the
address comes to the swap by way of scratch, in other registers. So the two are known to be of one place by
the slot of the stack that the address is kept in.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.sanitize.synchronisation import is_swap
from rocverify.device.emulator.translate.lowering.flow import Graph, successors

_NO_RESULT = ("scratch_store_", "flat_store_", "global_store_", "ds_store_", "ds_write_")

Slot = tuple[str, int]
"""The register that scratch is addressed by, and the offset."""


def loads_before_loops(graph: Graph) -> Iterator[int]:
    """The addresses of loads whose place a loop that follows at once compares and swaps."""
    slots: dict[int, set[Slot]] = {}
    for start, block in graph.blocks.items():
        swaps = (place for place, inst in enumerate(block) if is_swap(inst))
        found = {slot for place in swaps if (slot := _loaded_from(block[:place], block[place])) is not None}
        if found:
            slots[start] = found
    for block in graph.blocks.values():
        wanted = {slot for after in successors(graph, block[-1]) for slot in slots.get(after, ())}
        for inst in block if wanted else ():
            if _is_load(inst) and _kept_in(block, inst) & wanted:
                yield inst.address


def _is_load(inst: Instruction) -> bool:
    return inst.mnemonic.startswith(("flat_load_", "global_load_", "ds_load_", "ds_read_"))


def _address(inst: Instruction) -> Operand | None:
    """The VGPRs that a load or a swap makes its address of."""
    returns = _is_load(inst) or inst.returns_old or "_rtn_" in inst.mnemonic
    operands = inst.operands[int(returns) :]
    return operands[0] if operands and operands[0].kind is OperandKind.VGPR else None


def _loaded_from(before: Sequence[Instruction], swap: Instruction) -> Slot | None:
    """The slot that a swap's address was loaded from, in its own block."""
    address = _address(swap)
    for inst in reversed(before) if address is not None else ():
        if _same(inst.operands[:1], address) and inst.mnemonic.startswith("scratch_load_"):
            return _slot(inst, inst.operands[2:])
        if _overlaps(inst.operands[:1], address):
            return None
    return None


def _kept_in(block: Sequence[Instruction], load: Instruction) -> set[Slot]:
    """The slots of scratch that a load's address is stored to in its block, as it is."""
    address, found = _address(load), set[Slot]()
    for inst in block if address is not None else ():
        if inst.mnemonic.startswith("scratch_store_") and _same(inst.operands[1:2], address):
            slot = _slot(inst, inst.operands[2:])
            found |= set() if slot is None else {slot}
        elif not inst.mnemonic.startswith(_NO_RESULT) and _overlaps(inst.operands[:1], address):
            if inst.address >= load.address:
                return found
            found.clear()
    return found


def _slot(inst: Instruction, operands: Sequence[Operand]) -> Slot | None:
    base = operands[0] if operands else None
    return None if base is None or base.kind is not OperandKind.SGPR else (base.name, inst.offset)


def _same(operands: Sequence[Operand], other: Operand | None) -> bool:
    return other is not None and any(
        (o.kind, o.index, o.count) == (other.kind, other.index, other.count) for o in operands
    )


def _overlaps(operands: Sequence[Operand], other: Operand | None) -> bool:
    return other is not None and any(
        o.kind is other.kind and o.index < other.index + other.count and other.index < o.index + o.count
        for o in operands
    )
