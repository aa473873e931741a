"""What one instruction reads and writes, noted for the spreading of undefined bits (shadow.py)."""

from __future__ import annotations

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import EXEC, NULL_INDEX, Operand, OperandKind
from rocverify.device.emulator.translate.builder.observers import Observer
from rocverify.device.emulator.translate.builder.registers import ALL_BITS, SCC_SHADOW, SHADOW
from rocverify.device.emulator.translate.builder.types import Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.semantics import dpp

K = WaveBuilder


class RegisterNotes(Observer):
    """Notes the undefined bits of what the instruction under way reads, and which registers it writes."""

    def __init__(self) -> None:
        self._recording = False
        self._vectors: list[Value] = []
        self._scalars: list[Value] = []
        self._written: list[tuple[int, int]] = []
        self._written_scalars: list[int] = []
        self._ending = False

    def vgpr_read(self, k: K, index: int, bits: int) -> None:
        """Notes the undefined bits of a vector register that the instruction reads."""
        if self._recording and index < SHADOW and bits:
            shadow = k.quiet_vgpr(SHADOW + index)
            self._vectors.append(shadow if bits == ALL_BITS else k.b.and_(shadow, k.const(shadow.type, bits)))

    def permuted(self, k: K, inst: Instruction, index: int) -> None:
        """Moves the undefined bits that were read last as DPP moves their lanes."""
        if self._recording and index < SHADOW:
            self._vectors[-1] = dpp.permute(k, inst, self._vectors[-1])

    def sgpr_read(self, k: K, index: int) -> None:
        """Notes the undefined bits of a scalar register that the instruction reads."""
        if self._recording and index < SHADOW and index not in (EXEC, EXEC + 1, NULL_INDEX):
            self._scalars.append(k.quiet_sgpr(SHADOW + index))

    def scc_read(self, k: K) -> None:
        """Notes whether SCC, which the instruction reads, is undefined."""
        if self._recording:
            self._scalars.append(k.quiet_sgpr(SCC_SHADOW))

    def vgpr_written(self, k: K, index: int, bits: int) -> None:
        """Notes a vector register that the instruction writes."""
        if self._recording and index < SHADOW:
            self._written.append((index, bits))

    def vgpr_zeroed(self, k: K, index: int, bits: int) -> None:
        """Makes bits of a vector register defined."""
        if index < SHADOW:
            k.commit(Operand(OperandKind.VGPR, SHADOW + index), k.const(k.shapes.i32, 0), bits)

    def sgpr_written(self, k: K, index: int) -> None:
        """Notes a scalar register that the instruction writes."""
        if self._ending and index < SHADOW:
            k.set_sgpr(SHADOW + index, k.i32(0))
        elif self._recording and index < SHADOW:
            self._written_scalars.append(index)

    def scc_written(self, k: K) -> None:
        """Notes that the instruction writes SCC."""
        if self._recording:
            self._written_scalars.append(SCC_SHADOW - SHADOW)
