"""What was executed of kernels, as plain data: by whom it is shown need not have the emulator.

A kernel counts by its code object's digest and its name. Addresses are those of the code object's file, the
ones that a disassembly shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Modelled:
    """All executed instructions of one name in one kernel. `places` are their addresses, `branches` and
    `addresses` those of instructions that may depend on one of their results."""

    mnemonic: str
    model: str
    places: tuple[int, ...]
    branches: tuple[int, ...] = ()
    addresses: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        """In a line."""
        decided = [("a branch", self.branches), ("an address", self.addresses)]
        told = [f"may decide {what} at {', '.join(map(hex, at[:3]))}" for what, at in decided if at]
        count = f"{len(self.places)} place{'s' if len(self.places) > 1 else ''}"
        return "; ".join(
            [f"{self.mnemonic} ({count}): {self.model}", *(told or ["decides no branch or address"])]
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data."""
        return {
            "instruction": self.mnemonic,
            "model": self.model,
            "places": [hex(place) for place in self.places],
            "branches": [hex(place) for place in self.branches],
            "addresses": [hex(place) for place in self.addresses],
        }


def together(first: tuple[Modelled, ...], second: tuple[Modelled, ...]) -> tuple[Modelled, ...]:
    """What two sets of launches of one kernel executed."""
    merged = {one.mnemonic: one for one in first}
    for one in second:
        known = merged.get(one.mnemonic, one)
        fields = ("places", "branches", "addresses")
        sums = {name: tuple(sorted({*getattr(known, name), *getattr(one, name)})) for name in fields}
        merged[one.mnemonic] = Modelled(one.mnemonic, one.model, **sums)
    return tuple(merged[name] for name in sorted(merged))


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
