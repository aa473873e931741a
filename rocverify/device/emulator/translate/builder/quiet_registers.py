"""A wave's registers as observers see them: without an event, and with a shadow bank beside its own."""

from __future__ import annotations

from collections.abc import Callable

from rocverify.device.emulator.isa.operands import Operand
from rocverify.device.emulator.translate.builder.registers import Registers, scalar_offset
from rocverify.device.emulator.translate.builder.types import Value


class QuietRegisters(Registers):
    """What reads and captures without telling anybody."""

    def quiet_vgpr(self, index: int) -> Value:
        """A VGPR, i32 a lane, without an event."""
        return self._get(("v", index))

    def quiet_sgpr(self, index: int) -> Value:
        """An SGPR without an event."""
        return self._get(("s", index))

    def sgpr_pointer(self, index: int) -> Value:
        """Where an SGPR lies."""
        return self._field(scalar_offset(index, self.lanes))

    def is_written(self, index: int) -> bool:
        """Whether the block has written the SGPR since it was last flushed."""
        return ("s", index) in self._dirty

    def captured(self, emit: Callable[[], None]) -> list[tuple[Operand, Value]]:
        """What `emit` would commit to VGPRs, not committed."""
        waiting, self._deferred = self._deferred, []
        try:
            emit()
            return self._deferred
        finally:
            self._deferred = waiting
