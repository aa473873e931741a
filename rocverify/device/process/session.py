"""One client process: its ring, its threads, and the context that its calls act upon."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from rocverify.device.hip.calls import Answer, Call
from rocverify.device.hip.context import Context
from rocverify.device.hip.errors import HipError
from rocverify.device.process import protocol
from rocverify.device.process.ring import Record, Ring, RingError
from rocverify.device.process.slot import Slot
from rocverify.device.trace.findings import HostFinding
from rocverify.errors import DeviceError

IDLE_S = 0.05
"""Without a call for so long, queued work that needs nothing of the client is done: polling ends."""

SETTLING_S = 20e-6

_CALLS, _NUMBERS = protocol.calls(), protocol.numbers()
_BYE = _CALLS.index("rv_bye")
_UNKNOWN = 1


class Session:
    """Serves one client from its first connection to its end. `ended` is called once when it is gone."""

    def __init__(
        self,
        connection: socket.socket,
        context: Context,
        token: int,
        device: int,
        ended: Callable[[Session], None],
    ) -> None:
        self.context = context
        self.token = token
        self.device = device
        self.ring = Ring(connection)
        self.ring.tell_order(_order_of(context))
        self.said_bye = False
        self._handled = 0
        self._closed = False
        self._connection = connection
        self._ended = ended
        self._slots: dict[int, Slot] = {}
        self._lock = threading.Lock()
        self._released = False
        self._thread = threading.Thread(target=self._serve, name="hip-client", daemon=True)

    def start(self) -> None:
        """Begins to read requests."""
        self._thread.start()

    def settle(self) -> None:
        """Returns when every request that the client has left up to now was taken in."""
        with self._lock:
            if self._closed:
                return
            head = self.ring.head
        while self._handled < head and self._thread.is_alive():
            time.sleep(SETTLING_S)

    def judge(self, on: bool) -> None:
        """Has the client wait for the answer of every call, or no longer."""
        with self._lock:
            if not self._closed:
                self.ring.judge(on)

    def reordered(self) -> None:
        """Tells the client that its work is executed in another order now."""
        with self._lock:
            if not self._closed:
                self.ring.tell_order(_order_of(self.context))

    def add_thread(self, connection: socket.socket) -> Slot:
        """Takes in a connection of one more thread of the client."""
        with self._lock:
            if self._released:
                raise EOFError("the client has ended")
            slot = Slot(len(self._slots), connection)
            self._slots[slot.number] = slot
        return slot

    def close(self) -> None:
        """Ends the client's connections; its context is closed by the thread that serves it."""
        _shut(self._connection)
        if self._thread is not threading.current_thread() and self._thread.is_alive():
            self._thread.join()

    def _serve(self) -> None:
        try:
            while True:
                for record in self.ring.records():
                    self._handle(record)
                self._handled = self.ring.tail
                if not self.ring.wait(IDLE_S if self.context.streams.pending() else None):
                    self.context.idle()
        except EOFError:
            damage = self.ring.damage()
            if damage is not None:
                self._cut_off(damage)
        except RingError as error:
            self._cut_off(str(error))
        except Exception as error:
            self._break(error)
            raise
        finally:
            self._release()

    def give_up(self) -> None:
        """Instead of `start`, where the client ended before it was let in."""
        self._release()

    def _cut_off(self, damage: str) -> None:
        """The client's own memory is damaged: what it asked for since then is not known."""
        client = self.context.client
        name = f"{client.program} (process {client.pid})" if client.program else f"process {client.pid}"
        self.context.control.report(
            HostFinding(
                "overwritten_requests",
                f"{name} has overwritten the memory that its HIP library shares with the device process "
                f"({damage}), and was cut off: look for a write through a wild pointer or past an end",
            )
        )

    def _break(self, error: Exception) -> None:
        """A bug of ours: nothing is known of what the client asked for."""
        self.context.control.undecided = DeviceError(
            f"the device process broke: {type(error).__name__}: {error}",
            hint="this is a bug in rocverify; the traceback stands on standard error",
        )

    def _release(self) -> None:
        with self._lock:
            self._released = True
        self.ring.stop()
        self._ended(self)
        for slot in self._slots.values():
            slot.close()
        _shut(self._connection)
        self._connection.close()
        with self._lock:
            self._closed = True
            self.ring.close()

    def _handle(self, record: Record) -> None:
        slot = self._slots.get(record.slot)
        name = _CALLS[record.call] if record.call < len(_CALLS) else ""
        call = Call(
            name, record.args, record.payload, record.inline, record.slot, record.site, record.wants_reply
        )
        if not record.wants_reply:
            self.context.serve(call, None)
            return
        if slot is None:
            raise RingError(f"a request of thread {record.slot}, which has no connection")
        if record.call == _BYE:
            self.said_bye = True
        if self.context.would_wait(call) and (len(self._slots) > 1 or self.context.streams.pending()):
            slot.run(lambda: self._answer(slot, call))
        else:
            self._answer(slot, call)

    def _answer(self, slot: Slot, call: Call) -> None:
        try:
            answer = self.context.serve(call, slot) if call.name else Answer(_UNKNOWN)
        except Exception as error:
            self._break(error)
            _shut(self._connection)
            raise
        try:
            slot.reply(answer)
        except HipError:
            _shut(self._connection)  # the client is gone: the reading thread sees it


def _order_of(context: Context) -> int:
    if context.control.sanitize:
        return _NUMBERS["RV_CHECKED"]
    return _NUMBERS["RV_EAGER"] if context.streams.eager else _NUMBERS["RV_LAZY"]


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it may have ended already
        connection.shutdown(socket.SHUT_RDWR)
