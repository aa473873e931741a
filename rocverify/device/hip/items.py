"""What a stream has to do: the items of its queue (launches, copies, markers of events, host functions),
and what a context asks of its streams."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Call, Caller
    from rocverify.device.hip.executor import Order
    from rocverify.device.trace.log import Entry


class Kind(IntEnum):
    """What an item does; the numbers below 100 are hipGraphNodeType's."""

    KERNEL = 0
    MEMCPY = 1
    MEMSET = 2
    HOST = 3
    GRAPH = 4
    EMPTY = 5
    WAIT_EVENT = 6
    EVENT_RECORD = 7
    ALLOC = 10
    FREE = 11
    WAIT_VALUE = 100
    WRITE_VALUE = 101


@dataclass(frozen=True, slots=True)
class Access:
    """Bytes that an item reads or writes: `rows` times `size` bytes, `pitch` apart. `where` names the
    kernel's source line where one is known."""

    address: int
    size: int
    write: bool
    where: str = ""
    pitch: int = 0
    rows: int = 1


class Progress(IntEnum):
    """How far an item has come."""

    QUEUED = 0
    RUNNING = 1
    DONE = 2


Clock = dict[int, int]
"""What happened before: how far each component (a stream, a branch of a graph) has come, by its number."""


@dataclass(slots=True, eq=False)
class Item:
    """A piece of queued work. `run` executes it, given the waiting thread of the client if there is one, and
    raises HipError if it fails; `needs_caller`: it cannot be executed without. A launch gives back what the
    sanitizer knows of its accesses (LaunchOutcome.accesses), anything else None. As a node of a graph it
    is run several times. `label` names it for people, `seq` is its event in the trace, `site` where it was
    asked for.

    `accesses` (with --sanitize; host memory is named like any other) are those of copies and memsets.
    `source` is the host memory, as (address, size), that an asynchronous copy reads when it is executed: with
    --sanitize, what it holds then is compared with what it held at the call. `ready`: the item must not run
    before this is true. `entry` is the call's record in the trace, of what is told again when a graph does
    the work, and `call` the request of a launch, which programs may ask a graph for. `memory` is the address
    of what a node allocates or frees. What follows it belongs to the streams.
    """

    run: Callable[[Caller | None], Any]
    label: str
    needs_caller: bool = False
    accesses: Sequence[Access] = ()
    site: int = 0
    seq: int = 0
    kind: Kind = Kind.EMPTY
    source: tuple[int, int] | None = None
    ready: Callable[[], bool] | None = None
    entry: Entry | None = None
    call: Call | None = None
    memory: int = 0

    stream: int = field(default=0, init=False)
    serial: int = field(default=0, init=False)
    after: tuple[Item, ...] = field(default=(), init=False)
    progress: Progress = field(default=Progress.QUEUED, init=False)
    ended: float = field(default=0.0, init=False)
    component: int = field(default=0, init=False)
    count: int = field(default=0, init=False)
    clock: Clock = field(default_factory=dict, init=False)
    digest: bytes | None = field(default=None, init=False)

    @property
    def done(self) -> bool:
        """Whether it was executed."""
        return self.progress is Progress.DONE

    def again(self) -> Item:
        """The same work, to be done once more."""
        return replace(self)


_handles = itertools.count(0x2000_0000_1000, 0x10)


def new_handle() -> int:
    """The number of a new stream, event, graph or node: unique in the device process, so that one of a client
    that has gone never stands for something else."""
    return next(_handles)


def nothing(_caller: Caller | None) -> None:
    """The work of markers."""


class StreamQueues(Protocol):
    """The streams of one context. A stream is the number that the client passed: 0, 1 (hipStreamLegacy),
    2 (hipStreamPerThread) or a handle; `slot` is the client's thread."""

    @property
    def eager(self) -> bool:
        """Whether work is executed as soon as it comes."""

    def forget(self) -> None:
        """Drops what is queued; what runs comes to its end first."""

    def reorder(self, order: Order, seed: int) -> None:
        """From now on work is executed in another order; `seed` decides the shuffled one."""

    def submit(self, stream: int, slot: int, item: Item, caller: Caller | None = None) -> None:
        """Queues an item. HipError (hipErrorInvalidHandle, or what a capture makes of it) where the stream
        takes none. With a caller what needs one is executed at once in eager order."""

    def at_rest(self, stream: int, slot: int) -> bool:
        """Whether a synchronous copy on a stream need not be queued."""

    def wait(
        self, stream: int | None, slot: int, caller: Caller | None, *, explicit: bool = True, site: int = 0
    ) -> None:
        """Returns when all work of a stream (None: of all streams) is done. HipError with what failed in work
        that was queued. `explicit` is False where the program did not ask to wait (a free, the end)."""

    def captures(self, stream: int, slot: int) -> bool:
        """Whether what a stream is given becomes nodes of a graph."""

    def pending(self) -> bool:
        """Whether anything is queued."""

    def idle(self) -> None:
        """No call has come for a while: does what needs no caller."""

    def reset(self) -> None:
        """Drops queued work, streams, events and graphs."""

    def close(self) -> None:
        """Ends; what is queued is dropped."""
