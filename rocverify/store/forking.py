"""What a fork server does: it has imported what its children need, and forks one for each request.

It stands alone: the process of code under verification has it without the rest of rocverify.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

MOST_FILES = 16
TOLD = struct.Struct("<Bq")
"""What is told on a leash: IS_THERE and the process's number, then HAS_ENDED and its exit code, negative
for a signal."""
IS_THERE, HAS_ENDED = 1, 2
_PR_SET_PDEATHSIG = 1


class Request(NamedTuple):
    """What the forked process is to do: plain data, and open files by their numbers."""

    arguments: Any
    files: Sequence[int]


class _Child:
    """A forked process. It stays in the table of processes until nobody can ask for its end: its number is
    nobody else's meanwhile."""

    def __init__(self, pid: int, leash: socket.socket) -> None:
        self.pid, self.leash, self.ended = pid, leash, False

    def look(self) -> None:
        """Tells of its end, once it has ended."""
        if self.ended:
            return
        end = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if end is None:
            return
        self.ended = True
        code = end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
        with contextlib.suppress(OSError):  # nobody waits for it
            self.leash.send(TOLD.pack(HAS_ENDED, code))

    def end(self) -> None:
        """Ends it, and what it has started, where it has not ended: who asked for it is gone."""
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(self.pid, signal.SIGKILL)


class _Server:
    def __init__(self, control: socket.socket) -> None:
        self._control: socket.socket | None = control
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._children: dict[int, _Child] = {}
        self._left: set[int] = set()
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def next_request(self) -> Request | None:
        """Forks; in a forked process its request. None in the server, once nobody can ask any more."""
        while self._control is not None or self._children:
            poll = select.poll()
            poll.register(self._woken, select.POLLIN)
            for number in [*self._children, *([] if self._control is None else [self._control.fileno()])]:
                poll.register(number, select.POLLIN)
            ready = {number for number, _ in poll.poll()}
            self._look(ready)
            if self._control is not None and self._control.fileno() in ready:
                request = self._fork(self._control)
                if request is not None:
                    return request
        return None

    def _look(self, ready: set[int]) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._woken, 1 << 12)
        for child in self._children.values():
            child.look()
        for number in ready & set(self._children):
            child = self._children.pop(number)  # nothing is ever sent to it: the other end is gone
            child.leash.close()
            child.end()
            self._left.add(child.pid)
        self._left = {pid for pid in self._left if not os.waitpid(pid, os.WNOHANG)[0]}

    def _fork(self, control: socket.socket) -> Request | None:
        data, files, _, _ = socket.recv_fds(control, 1, MOST_FILES)
        if not data:
            control.close()
            self._control = None
            return None
        leash = socket.socket(fileno=files[0])
        pid = os.fork()
        if pid:
            self._children[leash.fileno()] = _Child(pid, leash)
            for number in files[1:]:
                os.close(number)
            return None
        self._leave()
        return _begin(leash, files[1:])

    def _leave(self) -> None:
        """Takes what is the server's own away from a forked process."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._woken)
        os.close(self._wake)
        for child in self._children.values():
            child.leash.close()
        assert self._control is not None
        self._control.close()


def _begin(leash: socket.socket, files: list[int]) -> Request:
    """Makes a forked process what it was asked for."""
    with os.fdopen(files[0], "rb") as file:
        file.seek(0)
        asked = json.load(file)
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number, wanted in zip(files[1:3], (1, 2), strict=True):
        os.dup2(number, wanted)
        os.close(number)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    signal.pthread_sigmask(signal.SIG_SETMASK, asked["blocked"])
    if "numpy.random" in sys.modules:  # else each would draw the same numbers
        sys.modules["numpy.random"].seed()
    with leash:
        leash.send(TOLD.pack(IS_THERE, os.getpid()))
    return Request(asked["arguments"], files[3:])


def serve(control: socket.socket) -> Request | None:
    """Forks a process for every request on a connection. Returns in the forked processes, with what each is
    to do, and in the server, with None, when neither a request nor the end of a process can be asked for."""
    gc.collect()
    gc.freeze()  # what is there stays: no forked process need look for garbage in it, and copy it for that
    return _Server(control).next_request()
