"""Events of a translation that observers may add code at. The semantics raise them and know no observer.

An observer writes to the same builder as the semantics, right before or after them. It must leave
registers, memory and control flow as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rocverify.device.emulator.isa.disassembly import Instruction

if TYPE_CHECKING:
    from rocverify.device.emulator.translate.builder.types import Value
    from rocverify.device.emulator.translate.builder.wave import WaveBuilder


@dataclass(frozen=True, slots=True)
class Access:
    """One vector memory access of one instruction: some have two.

    `kind` is "load", "store" or "atomic"; `space` "global", "lds", "scratch" or "flat"; `name` the width
    as in the instruction's name ("b32", "d16_hi_u8", an atomic's bits); `size` the bytes of a lane.
    `data` is the first VGPR stored or combined, `result` the first VGPR written, None without one. The
    addresses, 64 bits a lane, stand in the wave's `addresses` (offsets in LDS and scratch).
    """

    kind: str
    space: str
    name: str
    size: int
    data: int | None = None
    result: int | None = None


class Observer:
    """Does nothing at every event; observers override what they need."""

    def start(self, k: WaveBuilder) -> None:
        """Before the first block is translated."""

    def block(self, k: WaveBuilder, block: Sequence[Instruction]) -> None:
        """At the start of a basic block."""

    def before(self, k: WaveBuilder, inst: Instruction) -> None:
        """Before an instruction, branches and barriers too; before each half of a VOPD pair."""

    def after(self, k: WaveBuilder, inst: Instruction) -> None:
        """After an instruction that does not end its block."""

    def branched(self, k: WaveBuilder, inst: Instruction, condition: Value) -> None:
        """Before a conditional branch goes either way; `condition`, an i1, is whether it is taken."""

    def addressed(self, k: WaveBuilder, inst: Instruction) -> None:
        """Before memory is accessed, which may fault: all has been read that the address is made of."""

    def scalar_loaded(
        self, k: WaveBuilder, inst: Instruction, address: Value, target: int, size: int, signed: bool = False
    ) -> None:
        """After a scalar load (SMEM) of `size` bytes into consecutive SGPRs; what is less than a dword is
        extended. `address` is an i64."""

    def accessed(self, k: WaveBuilder, inst: Instruction, access: Access) -> None:
        """After an access of vector memory that did not fault."""

    def vgpr_read(self, k: WaveBuilder, index: int, bits: int) -> None:
        """The semantics read a VGPR, of which only the bits of the mask `bits` matter."""

    def sgpr_read(self, k: WaveBuilder, index: int) -> None:
        """The semantics read an SGPR."""

    def scc_read(self, k: WaveBuilder) -> None:
        """The semantics read SCC."""

    def permuted(self, k: WaveBuilder, inst: Instruction, index: int) -> None:
        """The VGPR read last was permuted between lanes by the instruction's DPP control."""

    def vgpr_written(self, k: WaveBuilder, index: int, bits: int) -> None:
        """The semantics write bits of a VGPR under EXEC and the control in force."""

    def vgpr_zeroed(self, k: WaveBuilder, index: int, bits: int) -> None:
        """Bits of a VGPR become zero in active lanes, but for what is written to them later."""

    def sgpr_written(self, k: WaveBuilder, index: int) -> None:
        """The semantics write an SGPR."""

    def scc_written(self, k: WaveBuilder) -> None:
        """The semantics write SCC."""


class Observers(Observer):
    """Several observers as one, each told in turn."""

    def __init__(self, members: Sequence[Observer]) -> None:
        self.members = tuple(members)

    def start(self, k: WaveBuilder) -> None:
        """Before the first block is translated."""
        for member in self.members:
            member.start(k)

    def block(self, k: WaveBuilder, block: Sequence[Instruction]) -> None:
        """At the start of a basic block."""
        for member in self.members:
            member.block(k, block)

    def before(self, k: WaveBuilder, inst: Instruction) -> None:
        """Before an instruction, branches and barriers too; before each half of a VOPD pair."""
        for member in self.members:
            member.before(k, inst)

    def after(self, k: WaveBuilder, inst: Instruction) -> None:
        """After an instruction that does not end its block."""
        for member in self.members:
            member.after(k, inst)

    def branched(self, k: WaveBuilder, inst: Instruction, condition: Value) -> None:
        """Before a conditional branch goes either way; `condition`, an i1, is whether it is taken."""
        for member in self.members:
            member.branched(k, inst, condition)

    def addressed(self, k: WaveBuilder, inst: Instruction) -> None:
        """Before memory is accessed, which may fault: all has been read that the address is made of."""
        for member in self.members:
            member.addressed(k, inst)

    def scalar_loaded(
        self, k: WaveBuilder, inst: Instruction, address: Value, target: int, size: int, signed: bool = False
    ) -> None:
        """After a scalar load (SMEM) of `size` bytes into consecutive SGPRs; what is less than a dword is
        extended. `address` is an i64."""
        for member in self.members:
            member.scalar_loaded(k, inst, address, target, size, signed)

    def accessed(self, k: WaveBuilder, inst: Instruction, access: Access) -> None:
        """After an access of vector memory that did not fault."""
        for member in self.members:
            member.accessed(k, inst, access)

    def vgpr_read(self, k: WaveBuilder, index: int, bits: int) -> None:
        """The semantics read a VGPR, of which only the bits of the mask `bits` matter."""
        for member in self.members:
            member.vgpr_read(k, index, bits)

    def sgpr_read(self, k: WaveBuilder, index: int) -> None:
        """The semantics read an SGPR."""
        for member in self.members:
            member.sgpr_read(k, index)

    def scc_read(self, k: WaveBuilder) -> None:
        """The semantics read SCC."""
        for member in self.members:
            member.scc_read(k)

    def permuted(self, k: WaveBuilder, inst: Instruction, index: int) -> None:
        """The VGPR read last was permuted between lanes by the instruction's DPP control."""
        for member in self.members:
            member.permuted(k, inst, index)

    def vgpr_written(self, k: WaveBuilder, index: int, bits: int) -> None:
        """The semantics write bits of a VGPR under EXEC and the control in force."""
        for member in self.members:
            member.vgpr_written(k, index, bits)

    def vgpr_zeroed(self, k: WaveBuilder, index: int, bits: int) -> None:
        """Bits of a VGPR become zero in active lanes, but for what is written to them later."""
        for member in self.members:
            member.vgpr_zeroed(k, index, bits)

    def sgpr_written(self, k: WaveBuilder, index: int) -> None:
        """The semantics write an SGPR."""
        for member in self.members:
            member.sgpr_written(k, index)

    def scc_written(self, k: WaveBuilder) -> None:
        """The semantics write SCC."""
        for member in self.members:
            member.scc_written(k)
