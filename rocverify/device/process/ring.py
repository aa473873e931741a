"""The ring in which a client leaves its requests, read by the device process."""

from __future__ import annotations

import mmap
import os
import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from rocverify.device.process import protocol

_NUMBERS = protocol.numbers()
_BASE, _SIZE = _NUMBERS["RV_HEADER_BYTES"], _NUMBERS["RV_RING_BYTES"]
_WANTS_REPLY, _INLINE = _NUMBERS["RV_WANTS_REPLY"], _NUMBERS["RV_INLINE"]
_WORD = struct.Struct("<Q")
_FLAG = struct.Struct("<I")
_ARGS = [struct.Struct(f"<{count}Q") for count in range(64)]
_WAKE_BYTES = 4096
LOOKING_S = 60e-6


class RingError(Exception):
    """What lies in the ring is no sequence of records: the client has overwritten it."""


@dataclass(slots=True)
class Record:
    """One request. Not frozen, since one is made for every call, and that takes five times as long."""

    call: int
    flags: int
    slot: int
    site: int
    args: tuple[int, ...]
    payload: bytes

    @property
    def wants_reply(self) -> bool:
        """Whether the sender waits for an answer."""
        return bool(self.flags & _WANTS_REPLY)

    @property
    def inline(self) -> bool:
        """Whether its data follow it in the ring."""
        return bool(self.flags & _INLINE)


class Ring:
    """The reading side. `wake` is the connection on which the client rings when we sleep."""

    _open: ClassVar[set[int]] = set()

    def __init__(self, wake: socket.socket) -> None:
        self._wake = wake
        Ring._open.add(id(self))
        self.file = os.memfd_create("rocverify-ring", os.MFD_CLOEXEC)
        os.ftruncate(self.file, _BASE + _SIZE)
        self._memory = mmap.mmap(self.file, _BASE + _SIZE)
        self._tail = 0
        self._stopped = False
        self._timeout: float | None = None
        self._fence = threading.Lock()

    @property
    def head(self) -> int:
        """The position behind the last request that the client has left."""
        return int(_WORD.unpack_from(self._memory, protocol.HEAD)[0])

    @property
    def tail(self) -> int:
        """The position up to which requests were given out by `records`."""
        return self._tail

    def pending(self) -> bool:
        """Whether a request lies there."""
        return self.head != self._tail

    def records(self) -> Iterator[Record]:
        """The requests that lie there now. Each is given back to the client before it is handled, so that
        one which takes long does not fill the ring."""
        head = self.head
        while self._tail != head:
            at = self._tail % _SIZE
            size, call, flags, slot, site, nargs, payload = protocol.RECORD.unpack_from(
                self._memory, _BASE + at
            )
            if not call:  # padding before the end of the data: the rest of its head is whatever lay there
                nargs = payload = 0
            if not self._plausible(size, nargs, payload, at):
                raise RingError(f"a record of {size} bytes at {at} of the ring")
            start = _BASE + at + protocol.RECORD.size
            args = self._arguments(nargs, start)
            start += 8 * nargs
            data = self._memory[start : start + payload] if payload else b""
            self._tail += size
            _WORD.pack_into(self._memory, protocol.TAIL, self._tail)
            if call:
                yield Record(call, flags, slot, site, args, data)

    @staticmethod
    def _plausible(size: int, nargs: int, payload: int, at: int) -> bool:
        whole = size >= 8 and size % 8 == 0 and at + size <= _SIZE
        return whole and (
            size < protocol.RECORD.size or protocol.RECORD.size + 8 * nargs + payload <= size + 7
        )

    def _arguments(self, count: int, start: int) -> tuple[int, ...]:
        packer = _ARGS[count] if count < len(_ARGS) else struct.Struct(f"<{count}Q")
        return packer.unpack_from(self._memory, start)

    def wait(self, timeout_s: float | None) -> bool:
        """Sleeps until a request comes (True) or the time is over (False); EOFError: the client is gone.

        The only client is looked for a moment before: waking a processor that has gone to sleep takes longer
        than most calls.
        """
        if len(Ring._open) == 1:
            end = time.perf_counter() + LOOKING_S
            while time.perf_counter() < end:
                if self.pending():
                    return True
        _FLAG.pack_into(self._memory, protocol.WAITING, 1)
        with self._fence:  # a full barrier: the flag is seen before we look at the head again
            pass
        try:
            if self.pending():
                return True
            if timeout_s != self._timeout:
                seconds = timeout_s or 0.0
                whole = int(seconds)
                option = struct.pack("ll", whole, int((seconds - whole) * 1e6))
                self._wake.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, option)
                self._timeout = timeout_s
            try:
                rung = self._wake.recv(_WAKE_BYTES)
            except BlockingIOError:
                return self.pending()
            except OSError as error:
                raise EOFError from error
            if not rung:
                raise EOFError
            return True
        finally:
            _FLAG.pack_into(self._memory, protocol.WAITING, 0)

    def damage(self) -> str | None:
        """What of the ring's head its client must have overwritten; None if it may be as it should."""
        ahead = self.head - self._tail
        if not 0 <= ahead <= _SIZE:
            return f"requests up to {self.head}, of which {self._tail} were read"
        (stopped,) = _FLAG.unpack_from(self._memory, protocol.STOPPED)
        return f"a mark of {stopped:#x}" if stopped and not self._stopped else None

    def stop(self) -> None:
        """Tells the client that nothing will be served any more."""
        self._stopped = True
        _FLAG.pack_into(self._memory, protocol.STOPPED, 1)

    def judge(self, on: bool) -> None:
        """Has the client wait for the answer of every call, or no longer."""
        _FLAG.pack_into(self._memory, protocol.JUDGED, int(on))

    def tell_order(self, order: int) -> None:
        """Tells the client when what it queues is executed: RV_EAGER and the like."""
        _FLAG.pack_into(self._memory, protocol.ORDER, order)

    def close(self) -> None:
        """Gives back the memory and the file of the ring."""
        Ring._open.discard(id(self))
        self._memory.close()
        os.close(self.file)
