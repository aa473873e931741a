"""What went between a client and its device in one call, as it is told to the judge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Left = tuple[int, int]
"""What a kernel left in memory that the host sees: the number of the launch, that of the allocation."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Bytes that a host has sent: by a copy, a fill, a module or a launch (place: None), or without a call
    in memory that both see. place: the launch that found them and the allocation; start: the offset there."""

    content: bytes
    place: Left | None = None
    start: int = 0


@dataclass(frozen=True, slots=True)
class Traffic:
    """The contents that a client read of the device, and that it sent there, in their order; what kernels
    left in memory that it sees without a copy, and what lay there before. echoes: the numbers of those reads
    that gave it what it had sent. shared: bytes of memory that both see, at most, when a kernel ran, and of
    what was printed.
    left_out: bytes of either direction that were too many to be noted."""

    reads: tuple[bytes, ...] = ()
    uploads: tuple[Upload, ...] = ()
    left: Mapping[Left, bytes] = field(default_factory=dict)
    before: Mapping[Left, bytes] = field(default_factory=dict)
    echoes: frozenset[int] = frozenset()
    shared: int = 0
    left_out: int = 0


NO_TRAFFIC = Traffic()
