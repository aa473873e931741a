"""Basic blocks and source lines of kernels that were executed, over as many launches as one likes.

A kernel counts by its code object's digest and its name. Addresses are those of the code object's file, the
ones that a disassembly shows.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rocverify.device.emulator.coverage.code_map import CodeMaps
from rocverify.device.emulator.coverage.fidelity import Modelled, together
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


@dataclass(frozen=True, slots=True)
class KernelCoverage:
    """What the launches of one kernel executed. `blocks` are the addresses of the basic blocks of its own
    code (`code_map`), `executed` those that ran. `lines` has the project's own source lines (`file:line`) of
    each block, where they were asked for and a block was missed; `models` are the executed instructions whose
    result is a model of the hardware's."""

    kernel: str
    code_object: str
    launches: int
    blocks: tuple[int, ...]
    executed: frozenset[int]
    lines: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    models: tuple[Modelled, ...] = ()

    @property
    def missed(self) -> tuple[int, ...]:
        """Addresses of the blocks that no launch executed."""
        return tuple(block for block in self.blocks if block not in self.executed)

    @property
    def executed_lines(self) -> frozenset[str]:
        """Source lines of which some code was executed."""
        return frozenset(line for block in self.executed for line in self.lines.get(block, ()))

    @property
    def missed_lines(self) -> tuple[str, ...]:
        """Source lines of which code was compiled and none executed, by file and number."""
        every = {line for block in self.missed for line in self.lines.get(block, ())}
        return tuple(sorted(every - self.executed_lines, key=_by_number))

    def merged(self, other: KernelCoverage) -> KernelCoverage:
        """Both together; they are of the same kernel of the same code object."""
        if (self.kernel, self.code_object) != (other.kernel, other.code_object):
            raise ValueError(f"coverage of {self.kernel} and of {other.kernel} are of different code")
        launches, executed = self.launches + other.launches, self.executed | other.executed
        return KernelCoverage(
            self.kernel,
            self.code_object,
            launches,
            self.blocks or other.blocks,
            executed,
            self.lines or other.lines,
            together(self.models, other.models),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "kernel": self.kernel,
            "code_object": self.code_object,
            "launches": self.launches,
            "blocks": len(self.blocks),
            "executed_blocks": len(self.blocks) - len(self.missed),
            "missed_blocks": [f"{block:#x}" for block in self.missed],
            "missed_lines": list(self.missed_lines),
            "models": [one.to_json() for one in self.models],
        }


def _by_number(line: str) -> tuple[str, int]:
    name, _, number = line.rpartition(":")
    return name, int(number)


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
