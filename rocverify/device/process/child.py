"""A child process that has the terminal: signals to this process go on to it, and its end is waited for."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rocverify.errors import EnvironmentFaultError, UsageError

PASSED_ON = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGWINCH,
    signal.SIGCONT,
)
SIGNALLED = 128
_BY_KERNEL = 0x80
"""si_code of what a terminal sends: the child, of the same process group, has it already."""

_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


@contextlib.contextmanager
def held_signals() -> Iterator[set[int]]:
    """Holds back what is passed on to a child; gives the signal mask that the child is to have. Threads that
    are started within take no signals either. Only for the main thread."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD, *PASSED_ON})
    # One that is ignored would never come.
    handler = signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        yield {int(one) for one in before}
    finally:
        signal.signal(signal.SIGCHLD, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Child:
    """A program to run, within `held_signals`, whose mask it gets."""

    def __init__(
        self, path: Path, arguments: Sequence[str], environment: Mapping[str, str], mask: set[int]
    ) -> None:
        self._path, self._arguments, self._environment = path, arguments, environment
        self._mask = mask
        self.pid = 0

    def run(self) -> int:
        """Starts the program, waits for its end and gives what a shell would: its exit code, or 128 and the
        signal's number. Raises UsageError where the system cannot execute it."""
        self.pid = self._spawn()
        waited = {signal.SIGCHLD, *PASSED_ON}
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return _shell_code(status)
            came = signal.sigwaitinfo(waited)
            if came.si_signo != signal.SIGCHLD and came.si_code != _BY_KERNEL:
                os.kill(self.pid, came.si_signo)

    def _spawn(self) -> int:
        try:
            return os.posix_spawn(
                self._path,
                list(self._arguments),
                dict(self._environment),
                setsigmask=self._mask,
                setsigdef=_IGNORED_BY_PYTHON,
            )
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENOMEM):
                raise EnvironmentFaultError(
                    f"no process can be started: {error.strerror}", where=str(self._path)
                ) from None
            said = (
                "is neither a program nor a script with a #! line" if error.errno == errno.ENOEXEC else None
            )
            raise UsageError(said or f"cannot be executed: {error.strerror}", where=str(self._path)) from None


def _shell_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else SIGNALLED - code
