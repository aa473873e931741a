"""What went between a client and its device in one call, as it is told to the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Left = tuple[int, int]
"""What a kernel left in memory that the host sees: the number of the launch, that of the allocation."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """The contents that a client read of the device, and that it copied there, in their order; what kernels
    left in memory that it sees without a copy. shared: bytes of such memory, at most, when a kernel ran."""

    reads: tuple[bytes, ...] = ()
    uploads: tuple[bytes, ...] = ()
    left: Mapping[Left, bytes] = field(default_factory=dict)
    shared: int = 0


NO_TRAFFIC = Traffic()
