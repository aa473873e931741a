"""One thread of a client: its connection, its staging memory, and the calls back into the client."""

from __future__ import annotations

import contextlib
import mmap
import os
import socket
import threading
from collections.abc import Callable
from queue import SimpleQueue

from rocverify.device.hip.calls import Answer
from rocverify.device.hip.errors import HipError
from rocverify.device.process import protocol

_NUMBERS = protocol.numbers()
STAGING_BYTES = _NUMBERS["RV_STAGING_BYTES"]
HALF = STAGING_BYTES // 2
_LONGEST_ANSWER = 64
_STREAMS = {"stdout": 1, "stderr": 2}


def _gone() -> HipError:
    return HipError("hipErrorDeinitialized", "the client ended in the middle of a call")


class Slot:
    """A thread of a client; its calls back are made while it waits for a reply, so one at a time."""

    def __init__(self, number: int, connection: socket.socket) -> None:
        self.number = number
        self._connection = connection
        self.file = os.memfd_create("rocverify-staging", os.MFD_CLOEXEC)
        os.ftruncate(self.file, STAGING_BYTES)
        self._staging: memoryview | None = memoryview(mmap.mmap(self.file, STAGING_BYTES))
        self._work: SimpleQueue[Callable[[], None] | None] | None = None

    # ---- replies

    def reply(self, answer: Answer) -> None:
        """Ends the thread's wait."""
        self._send(protocol.message(_NUMBERS["RV_REPLY"], answer.code, answer.values, answer.payload))

    def _send(self, data: bytes) -> None:
        try:
            self._connection.send(data)
        except OSError as error:
            raise _gone() from error

    # ---- calls back

    def read_host(self, address: int, size: int) -> bytes:
        """A copy of the client's memory; HipError where it has none."""
        target = bytearray(size)
        self.read_host_into(memoryview(target), address)
        return bytes(target)

    def read_host_into(self, target: memoryview, address: int) -> None:
        """Fills a buffer from the client's memory: the client fills one half of the staging memory while the
        other is emptied."""
        size = target.nbytes
        chunks = [(at, min(HALF, size - at)) for at in range(0, size, HALF)]
        for number, (at, length) in enumerate(chunks):
            if number == 0:
                self._ask("RV_READ_HOST", address, length, 0)
            self._answered(address + at, length, "read")
            if number + 1 < len(chunks):
                after, more = chunks[number + 1]
                self._ask("RV_READ_HOST", address + after, more, HALF * ((number + 1) % 2))
            half = HALF * (number % 2)
            target[at : at + length] = self._staged(half, length)

    def write_host(self, address: int, data: bytes | memoryview) -> None:
        """Copies bytes to the client's memory; HipError where it cannot be written."""
        source = memoryview(data).cast("B")
        outstanding = 0
        chunks = [(at, min(HALF, source.nbytes - at)) for at in range(0, source.nbytes, HALF)]
        for number, (at, length) in enumerate(chunks):
            half = HALF * (number % 2)
            self._staged(half, length)[:] = source[at : at + length]
            if outstanding:
                self._answered(address + chunks[number - 1][0], chunks[number - 1][1], "written")
            self._ask("RV_WRITE_HOST", address + at, length, half)
            outstanding = 1
        if outstanding:
            self._answered(address + chunks[-1][0], chunks[-1][1], "written")

    def callback(self, form: int, function: int, user: int, stream: int, code: int) -> None:
        """Runs a function of the client on its waiting thread, to its end."""
        self._ask("RV_CALLBACK", form, function, user, stream, code)
        self._receive()

    def print(self, stream: str, text: str) -> None:
        """What a kernel printed, through the client's own standard streams."""
        data = text.encode()
        step = _NUMBERS["RV_INLINE_BYTES"]
        for at in range(0, len(data), step):
            payload = data[at : at + step]
            self._send(protocol.message(_NUMBERS["RV_PRINT"], 0, (_STREAMS[stream],), payload))
            self._receive()

    def _staged(self, start: int, length: int) -> memoryview:
        staging = self._staging
        if staging is None:
            raise _gone()
        return staging[start : start + length]

    def _ask(self, kind: str, *values: int) -> None:
        self._send(protocol.message(_NUMBERS[kind], 0, values))

    def _receive(self) -> int:
        try:
            data = self._connection.recv(_LONGEST_ANSWER)
        except OSError as error:
            raise _gone() from error
        if len(data) < protocol.ANSWER.size:
            raise _gone()
        (code,) = protocol.ANSWER.unpack_from(data)
        return int(code)

    def _answered(self, address: int, size: int, verb: str) -> None:
        if self._receive():
            words = f"{size} bytes at host address {address:#x} cannot be {verb}"
            raise HipError("hipErrorInvalidValue", words)

    # ---- work that waits

    def run(self, work: Callable[[], None]) -> None:
        """Does what may take long on a thread of this slot's own."""
        if self._work is None:
            self._work = SimpleQueue()
            threading.Thread(target=self._loop, args=(self._work,), name="hip-slot", daemon=True).start()
        self._work.put(work)

    @staticmethod
    def _loop(queue: SimpleQueue[Callable[[], None] | None]) -> None:
        while (work := queue.get()) is not None:
            work()

    def close(self) -> None:
        """Ends the connection; a call back that is under way ends with HipError."""
        if self._work is not None:
            self._work.put(None)
        with contextlib.suppress(OSError):  # the other side may have been faster
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        os.close(self.file)
        self._staging = None  # the last use of it gives the memory back, whoever still holds this slot
