"""What a long step does now, told to whoever shows it; to nobody unless someone listens in this process."""

from __future__ import annotations

from collections.abc import Callable

Listener = Callable[[str, str], None]
_listeners: list[Listener] = []


def say(text: str, about: str = "") -> None:
    """A step begins: `compiling kernels/rope.hip for gfx1100`, `float32, case 14 of 24`. about: the item that
    it belongs to, by its node id; empty for the one that runs in this process."""
    for listener in _listeners:
        listener(text, about)


def listen(listener: Listener | None) -> None:
    """Who is told in this process from now on; None: nobody."""
    _listeners[:] = [] if listener is None else [listener]
