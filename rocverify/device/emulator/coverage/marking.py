"""The code that a translation with coverage has beside the kernel's own."""

from __future__ import annotations

from collections.abc import Sequence

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.translate.builder.observers import Observer
from rocverify.device.emulator.translate.builder.types import I8, PTR, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.lowering.flow import Graph


class Marking(Observer):
    """Sets the flag of every basic block that is entered."""

    def __init__(self, graph: Graph) -> None:
        self._places = {address: place for place, address in enumerate(graph.blocks)}
        self._flags: Value = None

    def start(self, k: WaveBuilder) -> None:
        """Loads the address of the flags."""
        pointer = k.b.gep(k.worker, [k.i64(abi.Worker.coverage.offset)], inbounds=True, source_etype=I8)
        self._flags = k.b.load(pointer, typ=PTR)

    def block(self, k: WaveBuilder, block: Sequence[Instruction]) -> None:
        """Marks the block as executed."""
        place = self._places[block[0].address]
        target = k.b.gep(self._flags, [k.i64(place)], inbounds=True, source_etype=I8)
        k.b.store(I8(1), target, align=1)
