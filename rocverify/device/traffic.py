"""What went between a client and its device in one call, as it is told to the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Left = tuple[int, int]
"""What a kernel left in memory that the host sees: the number of the launch, that of the allocation."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """The contents that a client read of the device, and that it copied there, in their order; what kernels
    left in memory that it sees without a copy, and what lay there before. echoes: the numbers of those reads
    that gave it what it had sent. shared: bytes of memory that both see, at most, when a kernel ran."""

    reads: tuple[bytes, ...] = ()
    uploads: tuple[bytes, ...] = ()
    left: Mapping[Left, bytes] = field(default_factory=dict)
    before: Mapping[Left, bytes] = field(default_factory=dict)
    echoes: frozenset[int] = frozenset()
    shared: int = 0

    @property
    def found(self) -> list[bytes]:
        """All that the client found out: what it read, and what it saw without a copy."""
        return [
            *(one for number, one in enumerate(self.reads) if number not in self.echoes),
            *self.left.values(),
        ]


NO_TRAFFIC = Traffic()
