"""Processes forked from one that has imported what they need: a device process and the processes of the code
under verification start in a few milliseconds, whoever of a run asks for them.

A fork server is no copy of the process that asks: it was started anew, and has what its command imports and
nothing else. Processes forked from this one ask the same server.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rocverify.store.forking import HAS_ENDED, IS_THERE, TOLD

_END_S = 10.0
SILENT_S = 1.0
"""Whoever waits longer for a server sees to it that it runs: its processes may stop it."""
_AT_START = ("PYTHON", "LD_", "OPENBLAS_", "OMP_", "MKL_", "NPY_", "GLIBC_", "MALLOC_")
"""Beginnings of the variables that count when a process starts, and not afterwards."""


class ForkedProcess:
    """A process that a fork server has started, for the one who asked for it; its number stays its own until
    `let_go`. wake: has the server go on where something has stopped it."""

    def __init__(self, leash: socket.socket, wake: Callable[[], None]) -> None:
        self._leash, self._wake = leash, wake
        self._lock = threading.RLock()
        self._pid = 0
        self._code: int | None = None

    @property
    def pid(self) -> int:
        """The process's number; 0 if the fork server has ended before it was forked."""
        if not self._pid:
            with self._lock:
                if not self._pid and self._code is None:
                    self._receive(None)
        return self._pid

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        with contextlib.suppress(TimeoutError):
            return self.wait(0)
        return None

    def wait(self, timeout_s: float | None = None) -> int:
        """Waits for its end and gives its exit code. TimeoutError where it takes longer."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        with self._lock:
            while self._code is None:
                self._receive(None if until is None else max(0.0, until - time.monotonic()))
            return self._code

    def _receive(self, timeout_s: float | None) -> None:
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while (told := self._told(until)) is None:
            self._wake()
        if not told:  # the server is gone, and this one is nobody's child
            self._code = -signal.SIGKILL
            self.kill()
            return
        what, number = TOLD.unpack(told)
        if what == IS_THERE:
            self._pid = number
        elif what == HAS_ENDED:
            self._code = number

    def _told(self, until: float | None) -> bytes | None:
        """What the server tells, nothing if it is gone; None where it has been silent for a while.
        TimeoutError from that moment on."""
        left = SILENT_S if until is None else max(0.0, until - time.monotonic())
        self._leash.settimeout(min(left, SILENT_S))
        try:
            return self._leash.recv(TOLD.size)
        except (BlockingIOError, TimeoutError):
            if until is not None and time.monotonic() >= until:
                raise TimeoutError from None
            return None
        except ConnectionError:
            return b""

    def go_on(self) -> None:
        """Whatever has stopped it or its server, they go on."""
        self._wake()
        with contextlib.suppress(ProcessLookupError):
            if self._code is None and self.pid:
                os.kill(self.pid, signal.SIGCONT)

    def kill(self, *, group: bool = False) -> None:
        """Ends it by force; `group`: and what it has started. Does nothing where it has ended."""
        with contextlib.suppress(ProcessLookupError):
            if self._pid or (self._code is None and self.pid):
                (os.killpg if group else os.kill)(self._pid, signal.SIGKILL)

    def let_go(self) -> None:
        """Nothing will be asked of it any more."""
        self._leash.close()


class _ForkServer:
    """A started fork server. It ends when nobody refers to it."""

    def __init__(self, command: Sequence[str], content: bytes, environment: Mapping[str, str]) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, _in_memory(content) as given:
            process = subprocess.Popen(
                [*command, str(given), str(theirs.fileno())],
                pass_fds=(given, theirs.fileno()),
                stdin=subprocess.DEVNULL,
                env=environment,
                # In this session: a stopped one the kernel ends with this process, by SIGHUP and SIGCONT.
                process_group=0,
            )
        self._wake = partial(_go_on, process)
        self._end = weakref.finalize(self, _end, process, self._control)

    def fork(self, request: bytes, output: Sequence[int], files: Sequence[int]) -> ForkedProcess:
        """OSError where it has ended."""
        self._wake()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, _in_memory(request) as given:
            try:
                socket.send_fds(self._control, [b"!"], [theirs.fileno(), given, *output, *files])
            except OSError:
                ours.close()
                raise
        return ForkedProcess(ours, self._wake)


def _go_on(process: subprocess.Popen[bytes]) -> None:
    """Whatever has stopped a process, it goes on."""
    process.send_signal(signal.SIGCONT)


def _end(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    _go_on(process)
    try:
        process.wait(_END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _in_memory:  # noqa: N801 - used as a function
    """A file in memory with this content, for a block: its number."""

    def __init__(self, content: bytes) -> None:
        self._number = os.memfd_create("request")
        with os.fdopen(os.dup(self._number), "wb") as file:
            file.write(content)
        os.lseek(self._number, 0, os.SEEK_SET)

    def __enter__(self) -> int:
        return self._number

    def __exit__(self, *_: object) -> None:
        os.close(self._number)


@dataclass
class ForkServers:
    """Where processes of one kind come from: the server is started when the first is asked for, or with
    `start`, and anew where it has died or would have been started otherwise. `command`: arguments of Python;
    two follow, the number of a file with `content` and that of the connection that `forking.serve` takes."""

    command: Callable[[], Sequence[str]]
    content: Callable[[], bytes] = bytes
    _lock: Any = field(default_factory=threading.Lock)
    _started: dict[str, _ForkServer] = field(default_factory=dict)

    def start(self, environment: Mapping[str, str]) -> None:
        """Starts a server for processes with these variables, so that it is there when it is needed."""
        with self._lock:
            self._server(environment)

    def _server(self, environment: Mapping[str, str], *, anew: bool = False) -> _ForkServer:
        asked = _at_start(environment)
        if anew or asked not in self._started:
            command = [sys.executable, *self.command()]
            self._started[asked] = _ForkServer(command, self.content(), environment)
        return self._started[asked]

    def fork(
        self,
        arguments: Any,
        *,
        environment: Mapping[str, str],
        output: Sequence[int],
        files: Sequence[int] = (),
    ) -> ForkedProcess:
        """A process with these variables, in this one's folder, in a session of its own. `output` are the
        files that are its standard output and error, `files` what else it has open; `arguments` is plain
        data."""
        blocked = [int(one) for one in signal.pthread_sigmask(signal.SIG_BLOCK, ())]
        how = {"arguments": arguments, "environment": dict(environment), "folder": os.getcwd()}  # noqa: PTH109
        request = json.dumps({**how, "blocked": blocked}).encode()
        with self._lock:
            try:
                return self._server(environment).fork(request, output, files)
            except ConnectionError:
                return self._server(environment, anew=True).fork(request, output, files)


def _at_start(environment: Mapping[str, str]) -> str:
    """What of an environment, and of this process, a server's processes cannot be given later."""
    given = {name: value for name, value in environment.items() if name.startswith(_AT_START)}
    relative = any(not os.path.isabs(one) for one in given.get("PYTHONPATH", "/").split(os.pathsep))  # noqa: PTH117
    return json.dumps([sorted(given.items()), sys.executable, os.getcwd() if relative else None])  # noqa: PTH109
