"""The checks of a client's host side (checks/), on its context: what --sanitize adds to its streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.errors import device_errors
from rocverify.device.hip.executor import Order
from rocverify.device.hip.streams import Streams, streams_of
from rocverify.device.trace.findings import HostFinding

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Caller
    from rocverify.device.hip.checks.host import HostChecks
    from rocverify.device.hip.context import Context
    from rocverify.device.hip.items import Item
    from rocverify.device.ranges import Ranges

_KINDS_OF_THE_HOST = ("host", "managed")


class ContextMemory:
    """A context's memory as the checks see it."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def describe(self, address: int) -> str:
        """What lies at an address, for people."""
        context = self._context
        if not context.backend.owns(address):
            return "the host's memory"
        known = context.allocation_of(address)
        if known is None:
            return context.backend.explain(address)
        place = context.sites.place(known.site)
        return f"the {known.size} bytes of {known.made_by}{f' at {place}' if place else ''}"

    def read(self, address: int, size: int, caller: Caller | None) -> bytes | None:
        """Bytes of host memory, pinned or not; None where nobody is there who can tell."""
        backend = self._context.backend
        if backend.owns(address) or backend.find(address) is not None:
            with device_errors():
                return backend.read(address, size)
        return None if caller is None else caller.read_host(address, size)

    def seen_by_host(self, address: int) -> bool:
        """Whether the host sees the bytes itself."""
        known = self._context.allocation_of(address)
        if known is None:
            return not self._context.backend.owns(address)
        return known.kind in _KINDS_OF_THE_HOST

    def fault_address(self) -> int | None:
        """Where the last kernel that faulted did so."""
        fault = self._context.control.last_fault
        return None if fault is None else fault.address

    def made_at(self, stream: int) -> str | None:
        """Where a stream was made, `path:line`."""
        return stream_made_at(self._context, stream)

    def shared(self) -> Ranges:
        """All memory that host and device see, freed or not."""
        import numpy as np

        from rocverify.device.ranges import NOTHING, Ranges

        region = self._context.backend.shared_region
        if not region.size:
            return NOTHING
        return Ranges(np.array([region.start]), np.array([region.start + region.size]))


def stream_made_at(context: Context, stream: int) -> str | None:
    """Where a stream was made, `path:line`."""
    return context.sites.place(streams_of(context).made.get(stream, 0))


def left_behind(context: Context) -> list[str]:
    """The work that is still queued, each piece once, in words."""
    places = ((label, stream_made_at(context, stream)) for label, stream in streams_of(context).left())
    words = (f"{label} on the stream of {place}" if place else label for label, place in places)
    return list(dict.fromkeys(words))


def make_streams(context: Context, order: Order, seed: int) -> Streams:
    """The streams of a client, with checks if its device sanitizes."""

    def report(
        kind: str,
        message: str,
        site: int,
        other: int = 0,
        *,
        kernel: str | None = None,
        address: int | None = None,
        size: int | None = None,
    ) -> None:
        place = context.sites.place
        found = HostFinding(kind, message, place(site), place(other), kernel, address, size)
        context.control.report(found)

    def pending() -> list[Item]:
        return streams.executor.pending()

    checks = None
    if context.control.sanitize:
        # With it comes NumPy, which a plain run does without.
        from rocverify.device.hip.checks.host import HostChecks

        checks = HostChecks(report, ContextMemory(context), pending)
    backend = context.backend
    streams = Streams(
        order, seed, clock=backend.clock, execute=context.execute, checks=checks, interrupt=backend.stop
    )
    return streams


def checks_of(context: Context) -> HostChecks | None:
    """The checks of a client; None without --sanitize."""
    return getattr(context.streams, "checks", None)


def allocated(context: Context, address: int, size: int) -> None:
    """Memory was allocated: who used these bytes before has nothing to do with who uses them from now on."""
    checks = checks_of(context)
    if checks is not None:
        checks.races.born(address, size)


def before_the_end(context: Context) -> None:
    """The program ends by itself; what it has queued is still to be done."""
    checks = checks_of(context)
    if checks is not None:
        checks.ending.begin()


def at_the_end(context: Context) -> None:
    """All that the program has queued is done: what it left behind."""
    checks = checks_of(context)
    if checks is None:
        return
    checks.ending.finish()
    told = {finding.site for finding in context.control.host_findings}
    checks.ending.unseen(one for one in context.unseen if context.sites.place(one[2]) not in told - {None})
    checks.ending.leaks(
        (one.address, one.size, one.made_by, one.site)
        for one in context.allocations.values()
        if not one.registered and not one.freed_in_graph
    )
