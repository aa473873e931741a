"""How the MODE register flows through a kernel: what is known of it where each basic block begins."""

from __future__ import annotations

from rocverify.device.emulator.translate.builder.modes import WRITERS, Mode, after
from rocverify.device.emulator.translate.lowering.flow import Graph, successors


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
        for target in successors(graph, graph.blocks[address][-1]):
            merged = modes[target].merged(mode) if target in modes else mode
            if modes.get(target) != merged:
                modes[target] = merged
                waiting.append(target)
    return {address: modes.get(address, start) for address in graph.blocks}
