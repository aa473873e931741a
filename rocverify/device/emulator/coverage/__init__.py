"""Which code of a kernel was executed: an instrument of the emulator, and what it saw."""

from __future__ import annotations

from rocverify.device.emulator.coverage.instrument import CoverageInstrument
from rocverify.device.emulator.coverage.record import CoverageLog, KernelCoverage, LaunchCoverage

__all__ = ["CoverageInstrument", "CoverageLog", "KernelCoverage", "LaunchCoverage"]
