"""Messages between the judge and the device process: pickled objects, large memory beside them as it is.

What an object holds as a `pickle.PickleBuffer` is not copied into the message and out of it: it is written to
the socket from where it lies, and read into memory of its own.
"""

from __future__ import annotations

import pickle
import socket
import struct
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

_HEAD = struct.Struct("<QI")
_SIZE = struct.Struct("<Q")
_MOST_AT_ONCE = 512
"""Below IOV_MAX, the most pieces that the system takes at once."""


class Wire:
    """One end of a connection over which only rocverify's own processes speak. OSError and EOFError where the
    other end is gone. silent: is called where a wait takes as long as the connection's timeout, if it has
    one, and over and over."""

    def __init__(self, connection: socket.socket, silent: Callable[[], None] = lambda: None) -> None:
        self._socket, self._silent = connection, silent

    def send(self, message: object) -> None:
        """Sends one object."""
        beside: list[pickle.PickleBuffer] = []
        body = pickle.dumps(message, protocol=5, buffer_callback=beside.append)
        parts = [part.raw() for part in beside]
        sizes = b"".join(_SIZE.pack(part.nbytes) for part in parts)
        self._write([_HEAD.pack(len(body), len(parts)) + sizes + body, *parts])

    def receive(self) -> Any:
        """The next object; what it holds beside the message is given as `bytearray`."""
        length, count = _HEAD.unpack(self._read(_HEAD.size))
        sizes = self._read(count * _SIZE.size)
        body = self._read(length)
        beside = [self._read(size) for (size,) in _SIZE.iter_unpack(sizes)]
        return pickle.loads(body, buffers=beside)

    def close(self) -> None:
        """Ends the connection."""
        self._socket.close()

    def _write(self, parts: Sequence[bytes | memoryview]) -> None:
        left = [memoryview(part) for part in parts if len(part)]
        while left:
            sent = self._waited(partial(self._socket.sendmsg, left[:_MOST_AT_ONCE]))
            while left and sent >= left[0].nbytes:
                sent -= left.pop(0).nbytes
            if sent:
                left[0] = left[0][sent:]

    def _waited(self, part: Callable[[], int]) -> int:
        while True:
            try:
                return part()
            except TimeoutError:
                self._silent()

    def _read(self, size: int) -> bytearray:
        content = bytearray(size)
        view = memoryview(content)
        while view.nbytes:
            got = self._waited(partial(self._socket.recv_into, view))
            if not got:
                raise EOFError
            view = view[got:]
        return content
