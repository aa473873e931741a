"""Basic blocks and source lines of kernels that were executed, over as many launches as one likes.

A kernel counts by its code object's digest and its name. Addresses are those of the code object's file, the
ones that a disassembly shows.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rocverify.device.emulator.coverage.code_map import CodeMaps
from rocverify.device.emulator.coverage.executed import KernelCoverage, Modelled
from rocverify.device.emulator.load.loaded import LoadedKernel

Flags = npt.NDArray[np.uint8]
"""One byte a basic block, in the order of the kernel's graph: not 0 where it was executed."""


@dataclass(frozen=True, slots=True)
class LaunchCoverage:
    """What one launch executed; of one that faulted, up to the fault. `maps` knows the kernel's code."""

    kernel: LoadedKernel
    flags: Flags
    maps: CodeMaps

    @property
    def executed(self) -> frozenset[int]:
        """Addresses of the basic blocks that ran."""
        blocks = self.maps.of(self.kernel).blocks
        return frozenset(b for b, flag in zip(blocks, self.flags, strict=True) if flag)

    @property
    def models(self) -> tuple[Modelled, ...]:
        """The executed instructions whose result is a model of the hardware's."""
        return self.maps.of(self.kernel).executed_models(self.executed)


class CoverageLog:
    """Adds launches up. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], tuple[LaunchCoverage, int]] = {}

    def add(self, launch: LaunchCoverage) -> None:
        """One more launch."""
        key = launch.kernel.module.metadata.sha256, launch.kernel.name
        with self._lock:
            known = self._seen.get(key)
            flags, count = (launch.flags, 0) if known is None else (known[0].flags | launch.flags, known[1])
            self._seen[key] = LaunchCoverage(launch.kernel, flags, launch.maps), count + 1

    def take(self, *, lines: bool = False) -> list[KernelCoverage]:
        """What was executed since the last time that this was asked. With `lines` source lines of kernels
        that have missed blocks, which takes a symbolizer a moment for each of them, once."""
        with self._lock:
            taken, self._seen = self._seen, {}
        return [_kernel(*one, lines=lines) for one in taken.values()]


def _kernel(launch: LaunchCoverage, count: int, *, lines: bool) -> KernelCoverage:
    code = launch.maps.of(launch.kernel)
    ran = launch.executed
    seen = KernelCoverage(
        launch.kernel.name,
        launch.kernel.module.metadata.sha256,
        count,
        tuple(block for block in code.blocks if block in code.own),
        ran,
        models=code.executed_models(ran),
    )
    if not lines or not seen.missed:
        return seen
    return KernelCoverage(
        seen.kernel, seen.code_object, count, seen.blocks, ran, launch.maps.lines(launch.kernel), seen.models
    )
