"""Arrays of the judge in a client's memory, and messages of them: the device process's side of `placed`."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rocverify.device.hip.checking import allocated, left_behind
from rocverify.device.hip.host_traffic import HostTraffic
from rocverify.device.hip.items import Item, Kind
from rocverify.device.hip.shared_memory import SharedMemory
from rocverify.device.hip.state import Allocation
from rocverify.device.hip.words import Freed, note_freed
from rocverify.device.process.placed import Buffer, Collected, Ordering, Placed
from rocverify.device.traffic import Traffic
from rocverify.errors import DeviceError

if TYPE_CHECKING:
    from rocverify.device.excerpt import Excerpt
    from rocverify.device.hip.calls import Caller
    from rocverify.device.hip.context import Context
    from rocverify.device.hip.control import DeviceControl

MADE_BY = "the caller"
"""What faults say of who allocated the memory."""

_NOT_YET = b"\xb5"
"""The byte that fills an array as long as the work that makes it has not come to it."""

_LEAST = 1
"""Bytes of an array without elements: it has an address like any other."""

Reorder = Callable[[Ordering | None], None]
"""Has what comes be executed in another order; None: in the device's own. What was queued is forgotten."""


@dataclass(slots=True)
class _Held:
    context: Context
    allocations: dict[str, Allocation]
    ghost: int | None
    ordered: bool
    mark: int = field(default=0)
    seen: dict[str, bytes] = field(default_factory=dict)
    unordered: tuple[str, ...] = ()
    traffic: HostTraffic | None = None
    repeating: tuple[str, ...] = ()
    kept: tuple[tuple[int, int], ...] = ()

    def watch(self) -> None:
        """A call is about to be made."""
        self.seen, self.unordered = {}, ()
        self.context.returned, self.context.host_traffic = self.look, self.traffic
        self.context.shared = SharedMemory(self.context, self.traffic)

    def unwatch(self) -> Traffic:
        """The call is over: what went between host and device."""
        if self.context.returned == self.look:
            self.context.host_traffic, self.context.returned = None, _nothing
        shared, self.context.shared = self.context.shared, None
        most = 0 if shared is None else shared.most
        return Traffic(shared=most) if self.traffic is None else self.traffic.traffic(most)

    def look(self) -> None:
        """The call has returned, and not all of its work is ordered before what its caller does next: keeps
        what the caller would see now."""
        self.unordered = tuple(left_behind(self.context))
        held = (name for name, one in self.allocations.items() if self.has(one))
        self.seen = {name: _content(self, name) for name in held if name not in self.repeating}

    def has(self, allocation: Allocation) -> bool:
        """Whether the client has not given up an allocation."""
        return _is_there(self.context, allocation)


class Placements:
    """All placed arrays of one device."""

    def __init__(self, control: DeviceControl, reorder: Reorder) -> None:
        self._control, self._reorder = control, reorder
        self._held: dict[int, _Held] = {}
        self._count = 0

    def place(
        self,
        pid: int,
        buffers: Sequence[Buffer],
        ghost: tuple[Collection[str] | None] | None,
        order: Ordering | None,
        stream: int = 0,
        replayed: Traffic | None = None,
        excerpt: Excerpt | None = None,
    ) -> Placed:
        """Puts arrays into the memory of a client. Until `collect`, launches of the kernels of `ghost` (None:
        all) are not executed, and all work is done in an order of its own, if one is given. stream: has the
        contents come as work of a stream, as where its owner makes them; 0: they are there at once. replayed:
        has what goes between host and device noted, and gives the host these contents of an earlier call in
        place of what it reads or finds, as far as they go. excerpt: launches are executed in part.
        DeviceError where the memory does not suffice or the client is not there."""
        context = self._context(pid)
        self._control.outcome()  # what was before is none of this call's
        traffic = None if replayed is None else HostTraffic(replayed)
        repeating = tuple(one.name for one in buffers if one.size)
        with context.lock:
            kept = tuple((one.address, one.size) for one in context.allocations.values())
        held = _Held(context, {}, None, order is not None, traffic=traffic, repeating=repeating, kept=kept)
        if order is not None:
            self._reorder(order)
        try:
            for buffer in buffers:
                held.allocations[buffer.name] = _placed(context, buffer)
        except DeviceError:
            self._end(held)
            raise
        if ghost is not None:
            held.ghost = self._control.ghost(ghost[0])
        self._count += 1
        self._held[self._count] = held
        held.mark = self._control.trace.mark()
        held.watch()
        context.backend.execute_in_part(excerpt)
        if stream:
            _come_by(context, stream, [(held.allocations[one.name].address, one) for one in buffers])
        addresses = {name: one.address for name, one in held.allocations.items()}
        return Placed(addresses, self._count, held.mark)

    def refill(self, token: int, buffers: Sequence[Buffer]) -> None:
        """Writes other contents into arrays that are placed: what was seen before is none of the next call's.
        Arrays that the client has given up stay so: `collect` tells."""
        held = self._held[token]
        for buffer in buffers:
            one = held.allocations[buffer.name]
            if held.has(one):
                _fill(held.context, one.address, buffer)
        held.watch()
        held.mark = self._control.trace.mark()

    def collect(self, token: int, names: Collection[str], forget: bool) -> Collected:
        """Reads these arrays, frees all, and gives what was seen since they were placed. The client must have
        waited for its work."""
        held = self._held.pop(token)
        if held.ghost is not None:
            self._control.lift(held.ghost)
        undecided, fault = self._control.outcome()
        trace = self._control.trace
        events = trace.since(held.mark)
        if forget:
            trace.forget(trace.mark())
        lost = tuple(name for name, one in held.allocations.items() if not held.has(one))
        try:
            there = [name for name in names if name not in lost]
            final = {name: _content(held, name) for name in there if name not in held.repeating}
            written = {name: _written(held, name) for name in there if name in held.repeating}
        finally:
            parts = held.context.backend.execute_in_part(None)
            traffic = held.unwatch()
            self._end(held)
        images = {name: pickle.PickleBuffer(held.seen.get(name, image)) for name, image in final.items()}
        late = tuple(name for name, image in final.items() if held.seen.get(name, image) != image)
        seen = traffic, written, parts, (*held.kept, *_variables(held.context))
        return Collected(images, lost, events, undecided, fault, late, held.unordered, *seen)

    def _end(self, held: _Held) -> None:
        """Frees what was placed; the device is in its own order again."""
        if held.ordered:
            self._reorder(None)
        _give_back(held)

    def _context(self, pid: int) -> Context:
        found = [one for one in self._control.all_contexts() if one.client.pid == pid and not one.closed]
        if not found:
            raise DeviceError(
                f"process {pid} is not a client of the device", hint="it has ended, or closed its connection"
            )
        return found[-1]


def _placed(context: Context, buffer: Buffer) -> Allocation:
    content, guard = memoryview(buffer.content), buffer.guard
    size = buffer.size or content.nbytes + 2 * len(guard)
    backend, label = context.backend, f"array {buffer.name} of {MADE_BY}"
    if buffer.size:
        address = backend.repeat(size, label, content)
    else:
        address = backend.malloc(max(size, _LEAST), label)
    made = Allocation(address, max(size, _LEAST), "device", MADE_BY, 0)
    with context.lock:
        context.allocations[address] = made
        context.freed.pop(address, None)
    allocated(context, address, size)
    if not buffer.size:
        _fill(context, address, buffer)
    return made


def _come_by(context: Context, stream: int, buffers: Sequence[tuple[int, Buffer]]) -> None:
    """Takes the contents away, and has work of a stream bring them."""
    for address, buffer in buffers:
        size = memoryview(buffer.content).nbytes
        if size and not buffer.undefined:
            context.backend.fill(address + len(buffer.guard), _NOT_YET, size)

    def bring(_caller: Caller | None) -> None:
        for address, buffer in buffers:
            _fill(context, address, buffer)

    context.streams.submit(stream, 0, Item(bring, "the caller's own work", kind=Kind.MEMCPY))


def _fill(context: Context, address: int, buffer: Buffer) -> None:
    content, guard = memoryview(buffer.content), buffer.guard
    start = address + len(guard)
    for at, part in ((address, guard), (start, content), (start + content.nbytes, guard)):
        if len(part):
            context.backend.write(at, part)
    if buffer.undefined and content.nbytes:
        context.backend.undefine(start, content.nbytes)


def _variables(context: Context) -> list[tuple[int, int]]:
    with context.lock:
        modules = list(context.modules.values())
    return [one for module in modules for one in module.loaded.variables()]


def _is_there(context: Context, allocation: Allocation) -> bool:
    return not context.closed and context.allocations.get(allocation.address) is allocation


def _content(held: _Held, name: str) -> bytes:
    one = held.allocations[name]
    return held.context.backend.read(one.address, one.size)


def _written(held: _Held, name: str) -> list[tuple[int, bytes]]:
    one = held.allocations[name]
    return held.context.backend.written(one.address, one.size)


def _nothing() -> None:
    """What there is to do where nobody has placed arrays."""


def _give_back(held: _Held) -> None:
    context = held.context
    for one in held.allocations.values():
        with context.lock:
            if not _is_there(context, one):
                continue
            del context.allocations[one.address]
            note_freed(context, one.address, Freed(one.size, MADE_BY, 0))
        context.backend.free(one.address)
