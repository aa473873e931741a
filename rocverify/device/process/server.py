"""The device process's listening side: takes clients in, and gives each a context of its own."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from rocverify.device.hip.context import Context
from rocverify.device.process import protocol
from rocverify.device.process.session import Session
from rocverify.errors import DeviceError, EnvironmentFaultError

HELLO_TIMEOUT_S = 5.0
BACKLOG = 128
SOCKET_NAME = "hip.sock"

_NUMBERS = protocol.numbers()
_HELLO, _WELCOME = protocol.layout("rv_hello"), protocol.layout("rv_welcome")
_VERSION_MISMATCH = 3
_NO_DEVICE = 100
_OUT_OF_MEMORY = 2

ContextMaker = Callable[[int, str], Context]
"""Makes the context of a client, from its process id and its program's name."""


class Server:
    """Listens on a Unix socket below a folder that only this user can enter.

    `makers` gives the contexts of each device that a client may name, by its index; some may come later.
    Sessions run on threads of their own; everything ends with `close`.
    """

    def __init__(self, makers: Sequence[ContextMaker] = ()) -> None:
        self.makers = list(makers)
        self.clients = 0
        self.mismatches: list[str] = []
        self.programs: dict[int, list[str]] = {}
        self._folder = _private_folder()
        self.path = str(self._folder / SOCKET_NAME)
        self._sessions: dict[int, Session] = {}
        self._kept: dict[tuple[int, int], Context] = {}
        self._lock = threading.Lock()
        self._closing = False
        self.keep_contexts_of: set[int] = set()
        self._socket = self._listen()
        self._thread = threading.Thread(target=self._accept, name="hip-accept", daemon=True)
        self._thread.start()

    def _listen(self) -> socket.socket:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            listening.bind(self.path)
            listening.listen(BACKLOG)
        except OSError as error:
            listening.close()
            self._folder.rmdir()
            raise EnvironmentFaultError(
                f"the device's socket cannot be made: {error.strerror}",
                where=self.path,
                hint="set TMPDIR to a folder with room and a short path",
            ) from error
        return listening

    @property
    def sessions(self) -> tuple[Session, ...]:
        """The clients that are there now."""
        with self._lock:
            return tuple(self._sessions.values())

    def _accept(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            try:
                self._take_in(connection)
            except (OSError, EOFError):
                connection.close()

    def _take_in(self, connection: socket.socket) -> None:
        connection.settimeout(HELLO_TIMEOUT_S)
        data = connection.recv(_HELLO.packer.size)
        connection.settimeout(None)
        hello = _HELLO.unpack(data) if len(data) == _HELLO.packer.size else {}
        if (hello.get("magic"), hello.get("version")) != (_NUMBERS["RV_MAGIC"], _NUMBERS["RV_VERSION"]):
            words = (
                f"the HIP library speaks version {int(hello.get('version', 0))} of the protocol, this device "
                f"process version {_NUMBERS['RV_VERSION']}: use the library of the same rocverify"
            )
            self.mismatches.append(words)
            self._refuse(connection, _VERSION_MISMATCH, words)
        elif hello["kind"] == _NUMBERS["RV_PROCESS"]:
            self._new_client(connection, hello)
        else:
            self._new_thread(connection, hello)

    @staticmethod
    def _refuse(connection: socket.socket, error: int, words: str) -> None:
        connection.send(
            _WELCOME.pack(
                magic=_NUMBERS["RV_MAGIC"],
                version=_NUMBERS["RV_VERSION"],
                error=error,
                words=words.encode()[:511],
            )
        )
        connection.close()

    def _new_client(self, connection: socket.socket, hello: dict[str, int | bytes]) -> None:
        index, pid = int(hello["device"]), int(hello["pid"])
        if index >= len(self.makers):
            self._refuse(connection, _NO_DEVICE, f"there is no device {index} in this device process")
            return
        try:
            context = self._context(index, pid, bytes(hello["program"]).decode("utf-8", "replace"))
        except DeviceError as error:
            self._refuse(connection, _OUT_OF_MEMORY, error.message)
            return
        with contextlib.suppress(OSError):  # it may have ended by now
            self.programs.setdefault(index, []).append(str(Path(f"/proc/{pid}/exe").readlink()))
        session = Session(connection, context, secrets.randbits(63), index, self._end_of(index, pid))
        device, shared = context.backend.device_region, context.backend.shared_region
        with self._lock:
            self._sessions[session.token] = session
            self.clients += 1
        welcome = self._welcome(
            token=session.token,
            device_start=device.start,
            device_bytes=device.size,
            shared_start=shared.start,
            shared_bytes=shared.size,
            devices=1,
        )
        try:
            socket.send_fds(connection, [welcome], [session.ring.file, context.backend.shared_file])
        except OSError:
            session.give_up()
            raise
        session.start()

    def _context(self, index: int, pid: int, program: str) -> Context:
        with self._lock:
            kept = self._kept.pop((index, pid), None)
        if kept is None:
            return self.makers[index](pid, program)
        kept.new_connection()
        return kept

    def _end_of(self, index: int, pid: int) -> Callable[[Session], None]:
        def ended(session: Session) -> None:
            with self._lock:
                self._sessions.pop(session.token, None)
                keep = pid in self.keep_contexts_of and not self._closing
                if keep:
                    self._kept[index, pid] = session.context
            if not keep:
                session.context.close()

        return ended

    def _new_thread(self, connection: socket.socket, hello: dict[str, int | bytes]) -> None:
        with self._lock:
            session = self._sessions.get(int(hello["token"]))
        if session is None:
            self._refuse(connection, _NO_DEVICE, "the process of this thread has no connection")
            return
        slot = session.add_thread(connection)
        socket.send_fds(connection, [self._welcome(slot=slot.number, token=session.token)], [slot.file])

    @staticmethod
    def _welcome(**members: int) -> bytes:
        return _WELCOME.pack(magic=_NUMBERS["RV_MAGIC"], version=_NUMBERS["RV_VERSION"], **members)

    def close_device(self, index: int) -> None:
        """Ends the connections to one device and frees what its clients had. Its number is not given
        again."""
        with self._lock:
            ending = [session for session in self._sessions.values() if session.device == index]
        for session in ending:
            self.keep_contexts_of.discard(session.context.client.pid)
            session.close()
        with self._lock:
            kept = [self._kept.pop(key) for key in list(self._kept) if key[0] == index]
        for context in kept:
            context.close()

    def close(self) -> None:
        """Ends every client's connection, frees what they had and removes the socket."""
        self._closing = True
        with contextlib.suppress(OSError):  # it may not be accepting any more
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()
        for session in self.sessions:
            session.close()
        for context in self._kept.values():
            context.close()
        self._kept.clear()
        Path(self.path).unlink(missing_ok=True)
        self._folder.rmdir()


def _private_folder() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f"rocverify-{os.getpid()}-"))
    except OSError as error:
        raise EnvironmentFaultError(
            f"no folder for the device's socket can be made: {error.strerror}",
            where=tempfile.gettempdir(),
            hint="free some space there, or set TMPDIR to another folder",
        ) from error
