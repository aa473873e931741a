"""What kernels have printed, until a thread of the client can write it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Caller


class PrintedText:
    """Pieces of text for the client's `stdout` or `stderr`, in their order. Thread-safe."""

    def __init__(self) -> None:
        self._pieces: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def add(self, pieces: Sequence[tuple[str, str]]) -> None:
        """Keeps what a kernel printed, as (stream, text), for the next thread that waits."""
        with self._lock:
            self._pieces += pieces

    def give(self, caller: Caller | None) -> None:
        """Has a waiting thread write what there is."""
        if caller is None or not self._pieces:
            return
        with self._lock:
            pieces, self._pieces = self._pieces, []
        for stream, text in pieces:
            caller.print(stream, text)
