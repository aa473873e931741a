"""A device process's real listening side, with a context that notes what it is asked and answers as told."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

from rocverify.device.hip.calls import Answer, Call
from rocverify.device.process.server import Server
from rocverify.device.process.slot import Slot

DEVICE_START, DEVICE_BYTES = 0x7000_0000_0000, 1 << 38
SHARED_START, SHARED_BYTES = 0x7100_0000_0000, 1 << 30
Answering = Callable[[Call, Slot | None], Answer | None]


@dataclass
class FakeContext:
    """Answers a call by `answers`, by its name; success without values where it has none."""

    answers: dict[str, Answering] = field(default_factory=dict)
    eager: bool = True
    calls: list[Call] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        shared = os.memfd_create("shared")
        os.ftruncate(shared, SHARED_BYTES)
        self.backend = SimpleNamespace(
            device_region=SimpleNamespace(start=DEVICE_START, size=DEVICE_BYTES),
            shared_region=SimpleNamespace(start=SHARED_START, size=SHARED_BYTES),
            shared_file=shared,
        )
        self.streams = SimpleNamespace(eager=self.eager, pending=lambda: False)
        self.control = SimpleNamespace(sanitize=False)

    def serve(self, call: Call, caller: Slot | None) -> Answer:
        """Notes a call and answers it."""
        self.calls.append(call)
        answer = self.answers[call.name](call, caller) if call.name in self.answers else None
        return answer or Answer(0)

    def would_wait(self, call: Call) -> bool:
        """Whether a thread of its own serves the call: with more than one client thread, always."""
        return call.waits

    def idle(self) -> None:
        """Nothing is queued here."""

    def close(self) -> None:
        """The client is gone."""
        os.close(self.backend.shared_file)
        self.closed.set()

    def named(self, name: str) -> list[Call]:
        """The calls of one name."""
        return [call for call in self.calls if call.name == name]

    def site(self, call: Call) -> list[list[str]]:
        """The frames that the client told of a call's site."""
        told = {one.args[0]: one.payload.decode() for one in self.named("rv_site")}
        return [line.split("\t") for line in told[call.site].splitlines()]


@contextmanager
def fake_device(answers: dict[str, Answering] | None = None, *, eager: bool = True) -> Iterator[FakeDevice]:
    """Listens until the end of the block."""
    device = FakeDevice(answers or {}, eager)
    try:
        yield device
    finally:
        device.server.close()


class FakeDevice:
    """`contexts` are the clients', in the order of their coming."""

    def __init__(self, answers: dict[str, Answering], eager: bool) -> None:
        self.contexts: list[FakeContext] = []
        self._answers, self._eager = answers, eager
        self.server = Server([self._make])

    def _make(self, _pid: int, _program: str) -> FakeContext:  # type: ignore[override]
        context = FakeContext(self._answers, self._eager)
        self.contexts.append(context)
        return context

    @property
    def path(self) -> str:
        """Of the socket."""
        return self.server.path

    @property
    def only(self) -> FakeContext:
        """The context of the one client."""
        (context,) = self.contexts
        return context
