"""A worker: a process forked from a pytest session, which runs items of it and sends back their reports.

It begins with everything that the session has imported and bound, has devices and subjects of its own, and
leaves the session's files, devices and terminal alone.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import pickle
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from rocverify import progress
from rocverify.runner.state import state_of

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Started:
    """An item has started; `item` is its place among the session's."""

    item: int


@dataclass(frozen=True, slots=True)
class Step:
    """What the item that runs does now."""

    item: int
    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """An item has run: its reports as pytest serializes them, and the warnings that came meanwhile, as
    arguments of `pytest_warning_recorded`."""

    item: int
    reports: list[dict[str, Any]]
    warnings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ended:
    """The worker ends before its time. `stop` is pytest's own exception for it (an interrupt, a stop);
    without one the session broke, and `text` is the traceback."""

    stop: BaseException | None
    text: str = ""


def work(session: pytest.Session, connection: Connection, parent: int) -> None:
    """The life of a worker, in the forked process: runs the items whose places it is given, list by list,
    until the other end is gone. Does not return."""
    status = 1
    try:
        _detach(session.config, parent)
        plugin = _Reports()
        session.config.pluginmanager.register(plugin)
        _serve(session, connection, plugin)
    except (KeyboardInterrupt, pytest.exit.Exception) as stop:
        _send(connection, Ended(stop))
    except EOFError:
        status = 0  # the session has all that it wants
    except Exception:  # noqa: BLE001 - told to the session, which makes an error of the check
        _send(connection, Ended(None, traceback.format_exc()))
    finally:
        # No cleaning up by pytest or at exit: what there is to clean belongs to the session.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        state_of(session.config).close_contexts()
        os._exit(status)


def _detach(config: pytest.Config, parent: int) -> None:
    """Signals of the terminal are the session's, which tells its workers; where it dies they end, too. What
    is captured goes to files of the worker's own."""
    gc.freeze()  # what the session has made stays: nobody need look for garbage in it
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, _interrupt)
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise EOFError
    capture = config.pluginmanager.get_plugin("capturemanager")
    if capture is not None and capture.is_globally_capturing():
        capture.stop_global_capturing()
        capture.start_global_capturing()
        capture.suspend_global_capture()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _serve(session: pytest.Session, connection: Connection, plugin: _Reports) -> None:
    lock = Lock()  # steps may begin in any thread
    while True:
        for place in connection.recv():
            connection.send(Started(place))
            progress.listen(partial(_tell, connection, lock, place))
            item = session.items[place]
            plugin.clear()
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
            with lock:
                progress.listen(None)
            connection.send(Done(place, plugin.reports, plugin.warnings))


def _tell(connection: Connection, lock: Lock, place: int, text: str, about: str) -> None:
    del about
    with lock:
        _send(connection, Step(place, text))


def _send(connection: Connection, message: object) -> None:
    with contextlib.suppress(OSError):  # nobody is there any more to be told
        connection.send(message)


class _Reports:
    """A plugin that keeps the reports of an item in place of telling pytest's other plugins of them."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Any]] = []
        self.warnings: list[dict[str, Any]] = []

    def clear(self) -> None:
        self.reports, self.warnings = [], []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool:
        to_data = item.config.hook.pytest_report_to_serializable
        for report in runtestprotocol(item, log=False, nextitem=None):
            self.reports.append(to_data(config=item.config, report=report))
        return True

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str, location: Any
    ) -> None:
        seen = {"when": when, "nodeid": nodeid, "location": location}
        self.warnings.append({"warning_message": _portable(warning_message), **seen})


def _portable(seen: warnings.WarningMessage) -> warnings.WarningMessage:
    """A warning that can be sent: one whose class cannot is told by its text."""
    try:
        pickle.loads(pickle.dumps((seen.message, seen.category)))
        message, category = seen.message, seen.category
    except (pickle.PickleError, TypeError, AttributeError):
        category = UserWarning
        message = UserWarning(f"{seen.category.__name__}: {seen.message}")
    return warnings.WarningMessage(message, category, seen.filename, seen.lineno, line=seen.line)


def fork_worker(session: pytest.Session, connection: Connection, others: Iterator[Connection]) -> int:
    """Forks a worker that speaks through `connection`; its process number. `others` are the session's
    connections, which it must not hold open."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        for other in others:
            other.close()
        work(session, connection, parent)
    connection.close()
    return pid
