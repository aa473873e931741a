"""The instrument that notes which basic blocks were executed: one store of a byte a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rocverify.device.emulator.coverage.record import Flags, LaunchCoverage
from rocverify.device.emulator.launch.instruments import LaunchContext

if TYPE_CHECKING:
    from rocverify.device.emulator.translate.builder.observers import Observer
    from rocverify.device.emulator.translate.lowering.flow import Graph

CACHE_LINE = 64


class CoverageInstrument:
    """Notes which blocks of kernels run. What it saw of a launch is a LaunchCoverage."""

    name = "coverage"
    single_threaded = False

    def __init__(self) -> None:
        self._flags: Flags = np.zeros((0, 0), np.uint8)

    def wave_bytes(self, _: int) -> int:
        """Nothing in a wave."""
        return 0

    def observer(self, graph: Graph) -> Observer:
        # The translator is large, and needed for what is not in the cache alone.
        from rocverify.device.emulator.coverage.marking import Marking

        return Marking(graph)

    def begin(self, context: LaunchContext) -> None:
        """One row for each host thread, on cache lines of its own."""
        count = len(context.kernel.graph.blocks)
        padded = (-(-count // CACHE_LINE) + 1) * CACHE_LINE
        self._flags = np.zeros((len(context.workers), padded), np.uint8)
        for worker, row in zip(context.workers, self._flags, strict=True):
            worker.coverage = row.ctypes.data

    def finish(self, context: LaunchContext) -> LaunchCoverage:
        for worker in context.workers:
            worker.coverage = None
        seen: Flags = self._flags.max(axis=0)[: len(context.kernel.graph.blocks)]
        return LaunchCoverage(context.kernel, seen)
