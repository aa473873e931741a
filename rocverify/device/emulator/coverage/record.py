"""Basic blocks and source lines of kernels that were executed, over as many launches as one likes.

A kernel counts by its code object's digest and its name. Addresses are those of the code object's file, the
ones that a disassembly shows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rocverify.device.emulator.coverage.fidelity import Modelled, modelled, together
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.load.source_lines import is_header_line

Flags = npt.NDArray[np.uint8]
"""One byte a basic block, in the order of the kernel's graph: not 0 where it was executed."""


@dataclass(frozen=True, slots=True)
class LaunchCoverage:
    """What one launch executed; of one that faulted, up to the fault."""

    kernel: LoadedKernel
    flags: Flags

    @property
    def executed(self) -> frozenset[int]:
        """Addresses of the basic blocks that ran."""
        return frozenset(b for b, flag in zip(self.kernel.graph.blocks, self.flags, strict=True) if flag)

    @property
    def models(self) -> tuple[Modelled, ...]:
        """The executed instructions whose result is a model of the hardware's."""
        return modelled(self.kernel, self.executed)


@dataclass(frozen=True, slots=True)
class KernelCoverage:
    """What the launches of one kernel executed. `blocks` are the addresses of all basic blocks that the
    kernel can reach, `executed` those that ran. `lines` has the project's own source lines (`file:line`) of
    each block, where line tables tell; a block of library code has none; `models` are the instructions whose
    result is a model of the hardware's, both where they were asked for."""

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
        every = {line for lines in self.lines.values() for line in lines}
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
            self.blocks,
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
            "executed_blocks": len(self.executed),
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
        self._lines: dict[tuple[str, str], Mapping[int, tuple[str, ...]]] = {}

    def add(self, launch: LaunchCoverage) -> None:
        """One more launch."""
        key = launch.kernel.module.metadata.sha256, launch.kernel.name
        with self._lock:
            known = self._seen.get(key)
            flags, count = (launch.flags, 0) if known is None else (known[0].flags | launch.flags, known[1])
            self._seen[key] = LaunchCoverage(launch.kernel, flags), count + 1

    def take(self, *, lines: bool = False) -> list[KernelCoverage]:
        """What was executed since the last time that this was asked; with `lines` source lines and models
        too, which takes a symbolizer a moment for each kernel, once."""
        with self._lock:
            taken, self._seen = self._seen, {}
        return [self._kernel(key, *one, lines=lines) for key, one in taken.items()]

    def _kernel(
        self, key: tuple[str, str], launch: LaunchCoverage, count: int, *, lines: bool
    ) -> KernelCoverage:
        blocks = tuple(launch.kernel.graph.blocks)
        ran = launch.executed
        if lines and key not in self._lines:
            self._lines[key] = _lines_of(launch.kernel)
        if not lines:
            return KernelCoverage(key[1], key[0], count, blocks, ran)
        return KernelCoverage(key[1], key[0], count, blocks, ran, self._lines[key], launch.models)


def _lines_of(kernel: LoadedKernel) -> dict[int, tuple[str, ...]]:
    """The project's source lines of every block."""
    blocks = kernel.graph.blocks
    found = kernel.module.user_lines(inst.address for block in blocks.values() for inst in block)
    return {
        address: tuple(dict.fromkeys(_own(found.get(inst.address, inst.source) for inst in block)))
        for address, block in blocks.items()
    }


def _own(lines: Iterable[str | None]) -> Iterable[str]:
    return (line for line in lines if line is not None and not is_header_line(line))
