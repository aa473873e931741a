"""The judge's arrays in a client's memory: written before the subject is called, read after it has returned.

Nothing of it is in the trace, and the client makes no call for it.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rocverify.device.faults import FaultReport
from rocverify.device.trace.events import TraceEvent
from rocverify.device.traffic import NO_TRAFFIC, Traffic
from rocverify.errors import RocverifyError

if TYPE_CHECKING:
    from rocverify.device.backends.in_part import Parts
    from rocverify.device.hip.executor import Order


@dataclass(frozen=True, slots=True)
class Buffer:
    """An array to be placed: its name and its bytes, `guard` written before and after them in the same
    allocation. undefined: no kernel may read the bytes before it has written them. size: bytes of an array
    that holds `content`, whole pages, over and over (0: it holds it once)."""

    name: str
    content: pickle.PickleBuffer | bytearray
    guard: bytes = b""
    undefined: bool = False
    size: int = 0


@dataclass(frozen=True, slots=True)
class Ordering:
    """The order in which a call is executed: work on streams eagerly, lazily or shuffled; waves and
    workgroups as the seed says, which also decides what memory holds that nobody has written."""

    streams: Order
    seed: int


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the arrays lie: addresses of allocations by name (guards come first). `token` is what `collect`
    takes; what was recorded before `mark` is none of the call's."""

    addresses: dict[str, int]
    token: int
    mark: int


@dataclass(frozen=True, slots=True)
class Collected:
    """What a call left behind: images of the allocations by name, guards and all; the names of those that the
    client itself has given up; the calls recorded; why a launch could not be executed; how one faulted.

    An image is what the caller would see after the call, in the order of its stream: `late` are the arrays
    that changed after that, `unordered` the work that was still queued then, in words. traffic: what the
    client read of the device and copied to it, where that was asked for. written: what was written of arrays
    that repeat their contents, by name: offsets and bytes; parts: the launches that were executed in part;
    kept: address and bytes of what the client had allocated before the call, and of its device variables."""

    images: dict[str, Any]
    lost: tuple[str, ...]
    events: Sequence[TraceEvent]
    undecided: RocverifyError | None
    fault: FaultReport | None
    late: tuple[str, ...] = ()
    unordered: tuple[str, ...] = ()
    traffic: Traffic = NO_TRAFFIC
    written: Mapping[str, Sequence[tuple[int, bytes]]] = field(default_factory=dict)
    parts: Parts = field(default_factory=list)
    kept: Sequence[tuple[int, int]] = ()
