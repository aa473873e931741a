"""How the MODE register flows through a kernel: what is known of it where each basic block begins."""

from __future__ import annotations

from collections.abc import Iterator

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.modes import WRITERS, Mode, after
from rocverify.device.emulator.translate.lowering.flow import BRANCHES, ENDS, NO_FALLTHROUGH, PAUSES, Graph


def propagate(graph: Graph, start: Mode) -> dict[int, Mode]:
    """The mode at the start of every block, entered at `graph.entry` with `start`."""
    if not any(inst.mnemonic in WRITERS for block in graph.blocks.values() for inst in block):
        return dict.fromkeys(graph.blocks, start)
    modes, waiting = {graph.entry: start}, [graph.entry]
    while waiting:
        address = waiting.pop()
        mode = modes[address]
        for inst in graph.blocks[address]:
            mode = after(mode, inst)
        for target in _successors(graph, graph.blocks[address][-1]):
            merged = modes[target].merged(mode) if target in modes else mode
            if modes.get(target) != merged:
                modes[target] = merged
                waiting.append(target)
    return {address: modes.get(address, start) for address in graph.blocks}


def _successors(graph: Graph, last: Instruction) -> Iterator[int]:
    if last.mnemonic in BRANCHES or last.mnemonic == "s_call_b64":
        yield last.branch_target
    if last.mnemonic in ("s_setpc_b64", "s_swappc_b64"):
        yield from graph.indirect_targets & graph.blocks.keys()
    falls_through = last.mnemonic not in (ENDS | NO_FALLTHROUGH) or last.mnemonic in PAUSES
    if falls_through and last.next_address in graph.blocks:
        yield last.next_address
