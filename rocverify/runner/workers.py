"""Checks side by side: where several processors are there, forked workers (see `worker`) run them.

The session hands out items, what took longest the last time first, and takes what workers send back.
Everybody else in the session (recorder, terminal, JUnit, `--lf`, `-x`) is told of items in their order, as if
they had run one after the other. What a check does depends on its parameters and the run's seed, never on the
worker; checks of one contract run in one worker, since they share what was measured.

A worker that dies is the end of the check it was running, which has no verdict then; another one takes its
place.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path

import pytest

from rocverify import progress
from rocverify.errors import RocverifyError
from rocverify.runner.durations import durations, keep_durations
from rocverify.runner.items import CheckItem, UndecidedItem
from rocverify.runner.state import state_of
from rocverify.runner.worker import Done, Ended, Started, Step, fork_worker

OPTION = "rocverify_workers"
AUTO = "auto"
MOST = 4
"""Workers that `auto` starts at most: each has a device and memory of its own."""

_END_S = 10.0
_UNKNOWN_S = 1.0
_SHARED = ("contract", "nodes")
"""Parameters, the first that a check has, whose value says what it shares with other checks of a run."""


def run_with_workers(session: pytest.Session) -> bool | None:
    """Runs a session's items, as `pytest_runtestloop` does; None where it is to be done in this process."""
    units = list(_units(session.items))
    count = _count(session, units)
    if count < 2:
        return None
    _prepare(session)
    crew = _Crew(session, deque(_in_order(session, units)))
    try:
        crew.run(count)
    finally:
        crew.end()
        keep_durations(session, crew.durations)
    return True


def _prepare(session: pytest.Session) -> None:
    """Makes what workers share, before they are forked: settings, and what launches will take."""
    state = state_of(session.config)
    for root in {item.root for item in session.items if isinstance(item, CheckItem)}:
        settings = state.settings(root)
        if any(_launches(item) and item.root == root for item in session.items):  # type: ignore[attr-defined]
            context = state.context(root)
            with contextlib.suppress(RocverifyError):  # the checks that need it report it
                context.builds(context.manifest.entries, settings.targets[:1])


def _in_order(session: pytest.Session, units: list[list[int]]) -> list[list[int]]:
    """Units in the order in which they are handed out: those that launch nothing while devices start, then
    the longest by what their items took the last time."""
    known = durations(session)
    nodes = [item.nodeid for item in session.items]

    def rank(unit: list[int]) -> tuple[bool, float]:
        launches = _launches(session.items[unit[0]])
        return launches, -sum(known.get(nodes[place], _UNKNOWN_S) for place in unit) if launches else 0.0

    return sorted(units, key=rank)


def _count(session: pytest.Session, units: list[list[int]]) -> int:
    """How many workers are worth it. Those of the user's own, a debugger, a session that shows what it would
    do, other threads, and a GPU, which is not shared, leave everything to this process."""
    config = session.config
    asked: str = config.getoption(OPTION)
    ours = all(isinstance(item, CheckItem | UndecidedItem) for item in session.items)
    foreign = hasattr(config, "workerinput") or config.pluginmanager.has_plugin("dsession")
    watched = any(config.getoption(name, False) for name in ("usepdb", "trace", "setupshow", "collectonly"))
    stopped = session.testsfailed and not config.getoption("continue_on_collection_errors")
    if asked == "1" or not ours or foreign or watched or stopped or hasattr(config, "_benchmarksession"):
        return 1
    if asked != AUTO:
        return min(int(asked), len(units))
    launching = [unit for unit in units if _launches(session.items[unit[0]])]
    return 1 if _on_gpu(session) or _threads() > 1 else min(_processors(), len(launching), MOST)


def _processors() -> int:
    """How many processors this session may take: in a worker of xdist, beside which others run, its part."""
    return len(os.sched_getaffinity(0)) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))


def _threads() -> int:
    """Threads of this process. What others hold locked when it is forked stays so in a worker, for ever: the
    command has none then, but a session within another program may."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def _on_gpu(session: pytest.Session) -> bool:
    from rocverify.device.base import GPU_DRIVER

    roots = {item.root for item in session.items if isinstance(item, CheckItem)}
    kinds = {state_of(session.config).settings(root).device for root in roots}
    return not kinds <= {"emulator", "auto"} or ("auto" in kinds and GPU_DRIVER.exists())


def _launches(item: pytest.Item) -> bool:
    from rocverify.checks.registry import CHECKS

    return isinstance(item, CheckItem) and CHECKS[item.spec.kind].needs_device


def _units(items: list[pytest.Item]) -> Iterator[list[int]]:
    """The places of items in their order; those that share something in one list, where the first of them
    stands."""
    units: dict[object, list[int]] = {}
    for place, item in enumerate(items):
        units.setdefault(_shared(item) or place, []).append(place)
    yield from units.values()


def _shared(item: pytest.Item) -> object:
    if not isinstance(item, CheckItem) or not _launches(item):
        return None
    params: Mapping[str, object] = item.spec.params
    name = next((name for name in _SHARED if params.get(name)), None)
    return None if name is None else (item.root, name, repr(params[name]))


@dataclass
class _Worker:
    """A worker as the session sees it. `left`: the items that it was given and has not done; the first one
    runs."""

    pid: int
    left: list[int] = field(default_factory=list)


class _Crew:
    """The workers of a session, and what has come of its items."""

    def __init__(self, session: pytest.Session, units: deque[list[int]]) -> None:
        self._session, self._units = session, units
        self._workers: dict[Connection, _Worker] = {}
        self._done: dict[int, Done] = {}
        self.durations: dict[str, float] = {}
        self._started: set[int] = set()
        self._next = 0
        self._announced = False

    def run(self, count: int) -> None:
        """Runs all items. Raises what ends a session: Failed, Interrupted, KeyboardInterrupt, Exit."""
        for _ in range(count):
            self._fork()
        while self._next < len(self._session.items):
            for connection in wait(list(self._workers)):
                assert isinstance(connection, Connection)
                self._receive(connection)
            self._tell()

    def end(self) -> None:
        """Ends all workers: those that have something to do are interrupted, and killed where that does not
        help."""
        for connection, worker in self._workers.items():
            connection.close()
            if worker.left:
                _signal(worker.pid, signal.SIGTERM)
        until = time.monotonic() + _END_S
        try:
            while self._workers and time.monotonic() < until:
                self._workers = {
                    c: w for c, w in self._workers.items() if not os.waitpid(w.pid, os.WNOHANG)[0]
                }
                time.sleep(0.002)
        finally:
            for worker in self._workers.values():
                _signal(-worker.pid, signal.SIGKILL)
                os.waitpid(worker.pid, 0)
            self._workers.clear()

    def _fork(self) -> None:
        ours, theirs = Pipe()
        pid = fork_worker(self._session, theirs, iter([ours, *self._workers]))
        self._workers[ours] = _Worker(pid)
        self._hand_out(ours)

    def _hand_out(self, connection: Connection) -> None:
        """Gives a worker that has nothing to do the next items, if there are any."""
        if self._units:
            worker = self._workers[connection]
            worker.left = list(self._units.popleft())
            with contextlib.suppress(OSError):  # it has died, which the next receipt tells
                connection.send(worker.left)

    def _receive(self, connection: Connection) -> None:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            self._lost(connection, "")
            return
        if isinstance(message, Started):
            self._started.add(message.item)
        elif isinstance(message, Step):
            progress.say(message.text, self._session.items[message.item].nodeid)
        elif isinstance(message, Done):
            self._done[message.item] = message
            worker = self._workers[connection]
            worker.left.remove(message.item)
            if not worker.left:
                self._hand_out(connection)
        elif isinstance(message, Ended):
            if message.stop is not None:
                raise message.stop
            self._lost(connection, message.text)

    def _lost(self, connection: Connection, text: str) -> None:
        """A worker has died: the item that it ran is lost, what else it was given goes to a new one."""
        worker = self._workers.pop(connection)
        connection.close()
        _, status = os.waitpid(worker.pid, 0)
        if worker.left:
            lost = worker.left.pop(0)
            self._started.add(lost)
            self._done[lost] = Done(lost, [self._died(self._session.items[lost], text or _how(status))])
        if worker.left:
            self._units.appendleft(worker.left)
        if self._units:
            self._fork()

    def _died(self, item: pytest.Item, text: str) -> dict[str, object]:
        report = pytest.TestReport(item.nodeid, item.location, {}, "failed", text, "call")
        data: dict[str, object] = item.config.hook.pytest_report_to_serializable(
            config=item.config, report=report
        )
        return data

    def _tell(self) -> None:
        """Tells the session's plugins of the items that are next in order. Raises Failed and Interrupted."""
        session = self._session
        while self._next < len(session.items):
            item = session.items[self._next]
            if self._next in self._started and not self._announced:
                item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
                self._announced = True
            if self._next not in self._done:
                return
            self._report(item, self._done.pop(self._next))
            self._next, self._announced = self._next + 1, False
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)

    def _report(self, item: pytest.Item, done: Done) -> None:
        for seen in done.warnings:
            item.ihook.pytest_warning_recorded.call_historic(kwargs=seen)
        self.durations[item.nodeid] = 0.0
        for data in done.reports:
            report = item.config.hook.pytest_report_from_serializable(config=item.config, data=data)
            self.durations[item.nodeid] += report.duration
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with exit code {code}"
