"""The instrument that notes which basic blocks were executed: one store of a byte a block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rocverify.device.emulator.coverage.code_map import CodeMaps
from rocverify.device.emulator.coverage.record import Flags, LaunchCoverage
from rocverify.device.emulator.launch.instruments import LaunchContext
from rocverify.store.content_cache import ContentCache

if TYPE_CHECKING:
    from rocverify.device.emulator.load.loaded import LoadedKernel
    from rocverify.device.emulator.translate.builder.observers import Observer

CACHE_LINE = 64


class CoverageInstrument:
    """Notes which blocks of kernels run. What it saw of a launch is a LaunchCoverage. `cache` keeps what is
    known of kernels' code."""

    name = "coverage"
    single_threaded = False

    def __init__(self, cache: ContentCache | None = None) -> None:
        self._flags: Flags = np.zeros((0, 0), np.uint8)
        self._maps = CodeMaps(cache)

    def wave_bytes(self, _: int) -> int:
        """Nothing in a wave."""
        return 0

    def added_to(self, _: LoadedKernel) -> str:
        """Nothing."""
        return ""

    def observer(self, kernel: LoadedKernel) -> Observer:
        """What adds the marking to the code of a kernel."""
        # The translator is large, and needed for what is not in the cache alone.
        from rocverify.device.emulator.coverage.marking import Marking

        return Marking(kernel.graph)

    def begin(self, context: LaunchContext) -> None:
        """One row for each host thread, on cache lines of its own."""
        count = len(self._maps.of(context.kernel).blocks)
        padded = (-(-count // CACHE_LINE) + 1) * CACHE_LINE
        self._flags = np.zeros((len(context.workers), padded), np.uint8)
        for worker, row in zip(context.workers, self._flags, strict=True):
            worker.coverage = row.ctypes.data

    def finish(self, context: LaunchContext) -> LaunchCoverage:
        """The blocks that a launch executed."""
        for worker in context.workers:
            worker.coverage = None
        seen: Flags = self._flags.max(axis=0)[: len(self._maps.of(context.kernel).blocks)]
        return LaunchCoverage(context.kernel, seen, self._maps)
