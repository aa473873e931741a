"""The judge's view of the trace: the HIP calls of a block, as the device process recorded them.

tracer = Tracer(device)
with tracer.install(), tracer.record() as events:
    wrapper(...)
# events is full now
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from rocverify.device.process.attach import HipLibrary
from rocverify.device.process.client import RemoteDevice
from rocverify.device.trace.events import Category, LaunchArgument, TraceEvent

__all__ = ["Category", "LaunchArgument", "TraceEvent", "Tracer"]


class Tracer:
    """Records what reaches one device, from this process and its children."""

    def __init__(self, device: RemoteDevice) -> None:
        self.device = device
        self._open = 0

    @property
    def module(self) -> Any:
        """hip-python itself."""
        return HipLibrary.module()

    @contextmanager
    def install(self) -> Iterator[Any]:
        """HIP calls of this process go to the device, for the block."""
        with HipLibrary.on(self.device.attach):
            yield self.module

    @property
    def recording(self) -> bool:
        """Whether a block of `record` is being executed."""
        return self._open > 0

    @contextmanager
    def record(self) -> Iterator[list[TraceEvent]]:
        """A list that is filled with the events of the block when it ends. Recordings nest: an inner one is a
        slice of the outer."""
        events: list[TraceEvent] = []
        mark = self.device.mark()
        self._open += 1
        try:
            yield events
        finally:
            self._open -= 1
            events += self.device.events(mark, forget=not self._open)

    def ghost(self, symbols: Collection[str] | None = None) -> AbstractContextManager[None]:
        """Launches of these kernels (None: of all) report success and are not executed, for a block."""
        return self.device.ghost(symbols)

    def refuse(self, functions: Collection[str]) -> AbstractContextManager[None]:
        """Calls of these HIP functions fail with hipErrorLaunchFailure and do nothing, for a block."""
        return self.device.refuse(functions)
