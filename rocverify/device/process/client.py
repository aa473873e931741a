"""The judge's side of the device process: starts it, opens devices in it, and asks what it saw."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import weakref
from collections.abc import Collection, Iterator, Mapping, Sequence
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from rocverify.device.base import DeviceInfo
from rocverify.device.faults import FaultReport
from rocverify.device.process.attach import HipLibrary
from rocverify.device.process.devices import DeviceOptions
from rocverify.device.process.forked import SERVERS, device_environment
from rocverify.device.process.placed import Buffer, Collected, Ordering, Placed
from rocverify.device.process.wire import Wire
from rocverify.device.trace.events import TraceEvent
from rocverify.device.traffic import Traffic
from rocverify.errors import DeviceError, RocverifyError
from rocverify.store.fork_server import SILENT_S, ForkedProcess
from rocverify.toolchain.lines import DebugTwin, Twin

if TYPE_CHECKING:
    from rocverify.device.emulator.coverage.executed import KernelCoverage
    from rocverify.device.excerpt import Excerpt

"""A code object, and whether its arrays in LDS are asked for: see toolchain/lines.py."""

_END_S = 10.0


class DeviceProcess:
    """A device process of the judge's own. `debug_twin` answers its questions for debug information;
    `environment` holds variables that it has beside the judge's.

    It ends with `close`, when nobody refers to it any more, and when the judge ends. DeviceError where it has
    died.
    """

    def __init__(
        self, debug_twin: DebugTwin | None = None, *, environment: Mapping[str, str] | None = None
    ) -> None:
        self.debug_twin = debug_twin
        self._lock = threading.Lock()
        ours, theirs = socket.socketpair()
        lines, their_lines = socket.socketpair()
        with theirs, their_lines:
            self._process = SERVERS.fork(
                None,
                environment=device_environment(environment),
                output=(1, 2),
                files=(theirs.fileno(), their_lines.fileno()),
            )
        ours.settimeout(SILENT_S)
        self._wire, self._lines = Wire(ours, self._process.go_on), Connection(lines.detach())
        self._path = ""
        asking = (self._lines, weakref.ref(self))
        threading.Thread(target=_answer, args=asking, name="line-tables", daemon=True).start()
        self._end = weakref.finalize(self, _end, self._process, self._wire, self._lines)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def ask(self, operation: str, *arguments: Any) -> Any:
        """One operation of `control.Desk`; what it raises is raised here."""
        with self._lock:
            try:
                self._wire.send((operation, arguments))
                ok, result = self._wire.receive()
            except (EOFError, OSError) as error:
                raise DeviceError(
                    f"the device process has ended{self._how()}",
                    hint="this is a bug in rocverify or a lack of memory; its output stands above",
                ) from error
        if not ok:
            raise result
        return result

    @property
    def path(self) -> str:
        """The socket that clients connect to."""
        if not self._path:
            self._path = str(self.ask("path"))
        return self._path

    def _how(self) -> str:
        code = self._process.poll()
        return "" if code is None else f" with exit code {code}"

    def open(self, options: DeviceOptions) -> RemoteDevice:
        """A device of this process; DeviceUnavailableError if there is none."""
        index, info = self.ask("open", options)
        return RemoteDevice(self, index, info, watches_memory=options.sanitize)

    def close(self) -> None:
        """Ends the process. Closing twice is harmless."""
        self._end()


class RemoteDevice:
    """A device that another process owns; this process and its children are clients of it by the HIP
    library."""

    def __init__(
        self, process: DeviceProcess, index: int, info: DeviceInfo, *, watches_memory: bool = False
    ) -> None:
        self.process = process
        self.index = index
        self.info = info
        self.watches_memory = watches_memory

    @property
    def kind(self) -> str:
        """`emulator` or `amd`."""
        return self.info.kind

    @property
    def name(self) -> str:
        """What the device is called in reports."""
        return self.info.name

    @property
    def target(self) -> str:
        """The gfx name of its processor."""
        return self.info.target

    @property
    def hip(self) -> Any:
        """hip-python itself, on this device."""
        self.attach()
        return HipLibrary.module()

    def attach(self) -> None:
        """Makes this process a client of the device, until another one is attached."""
        if HipLibrary.attached() != (self.process.path, self.index):
            self.process.ask("keep", os.getpid())
            HipLibrary.attach(self.process.path, self.index)

    def close(self) -> None:
        """Gives up what this process and others have on the device. It is not to be used afterwards."""
        if HipLibrary.attached() == (self.process.path, self.index):
            HipLibrary.detach()
        self.process.ask("close", self.index)

    def environment(self) -> dict[str, str]:
        """What makes a child process a client of this device."""
        return HipLibrary.environment(self.process.path, self.index)

    def mark(self) -> int:
        """A place in the trace."""
        return int(self.process.ask("mark", self.index))

    def events(self, mark: int, *, forget: bool = False) -> Sequence[TraceEvent]:
        """The calls since a mark. With `forget` nobody will ask for them again."""
        events: Sequence[TraceEvent] = self.process.ask("events", self.index, mark, forget)
        return events

    @contextlib.contextmanager
    def ghost(self, symbols: Collection[str] | None = None) -> Iterator[None]:
        """Launches of these kernels (None: of all) report success and are not executed."""
        with self._changed("ghost", None if symbols is None else frozenset(symbols)):
            yield

    @contextlib.contextmanager
    def refuse(self, functions: Collection[str]) -> Iterator[None]:
        """Calls of these HIP functions fail with hipErrorLaunchFailure and do nothing."""
        with self._changed("refuse", frozenset(functions)):
            yield

    @contextlib.contextmanager
    def taken_away(self, symbols: Collection[str]) -> Iterator[None]:
        """No module has these kernels: who looks one up is told that it is not found. A handle that was
        looked up before still works."""
        with self._changed("take_away", frozenset(symbols)):
            yield

    @contextlib.contextmanager
    def _changed(self, operation: str, names: Collection[str] | None) -> Iterator[None]:
        token = self.process.ask(operation, self.index, names)
        try:
            yield
        finally:
            self.process.ask("lift", self.index, token)

    def place(
        self,
        pid: int,
        buffers: Sequence[Buffer],
        *,
        ghost: bool = False,
        order: Ordering | None = None,
        stream: int = 0,
        replayed: Traffic | None = None,
        excerpt: Excerpt | None = None,
    ) -> Placed:
        """Puts arrays into the memory of a client; until `collect`, with `ghost`, no launch is executed, and
        with `order` all work is done in that order (else in the device's own); what is still queued is
        forgotten. With a stream of the client's, the contents come as work of that stream. With `replayed`
        what the client reads and copies is noted, and it is given these contents in place of what it reads,
        as far as they go. With `excerpt` launches are executed in part. DeviceError where the memory does not
        suffice, or the device cannot do that."""
        ghosts = (None,) if ghost else None
        how = ghosts, order, stream, replayed, excerpt
        placed: Placed = self.process.ask("place", self.index, pid, buffers, *how)
        return placed

    def refill(self, placed: Placed, buffers: Sequence[Buffer]) -> None:
        """Writes other contents into placed arrays, for a second call on the same memory. The client must
        have waited for its work; what it did before is forgotten."""
        self.process.ask("refill", self.index, placed.token, buffers)

    def collect(self, placed: Placed, names: Collection[str], *, forget: bool = False) -> Collected:
        """Reads these arrays, frees all that were placed, and gives what was seen meanwhile. The client must
        have waited for its work. With `forget` nobody will ask for the calls again."""
        collected: Collected = self.process.ask("collect", self.index, placed.token, tuple(names), forget)
        return collected

    def last_fault(self) -> FaultReport | None:
        """The fault that the last launch ended with, None if there was none or it was cleared."""
        fault: FaultReport | None = self.process.ask("last_fault", self.index)
        return fault

    def outcome(self) -> tuple[RocverifyError | None, FaultReport | None]:
        """What ended launches since it was asked last: why one could not be executed to tell what it does,
        and how one faulted. Where there was either, the device is usable again."""
        undecided, fault = self.process.ask("outcome", self.index)
        return undecided, fault

    def last_reason(self) -> str | None:
        """Why the last call that failed did so, in a sentence."""
        reason: str | None = self.process.ask("last_reason", self.index)
        return reason

    def clear_fault(self) -> None:
        """Makes the device usable again after a fault, where that is possible."""
        self.process.ask("clear_fault", self.index)

    def take_counters(self) -> list[tuple[str, Any]]:
        """Kernel and counters of every launch since the last time this was asked."""
        taken: list[tuple[str, Any]] = self.process.ask("take_counters", self.index)
        return taken

    def counted_lines(self) -> dict[str, tuple[int, int]]:
        """By `file:line` of the launches whose counters were taken last: instructions of waves, and bytes of
        global memory."""
        found: dict[str, tuple[int, int]] = self.process.ask("counted_lines", self.index)
        return found

    def take_coverage(self, *, lines: bool = False) -> list[KernelCoverage]:
        """Which kernels were launched since the last time this was asked, and which code of each was
        executed; with `lines` source lines where some was not. Without blocks on a device that was not opened
        with `coverage`."""
        taken: list[KernelCoverage] = self.process.ask("take_coverage", self.index, lines)
        return taken

    def take_programs(self) -> list[str]:
        """The paths of the programs that became clients since it was asked last."""
        taken: list[str] = self.process.ask("take_programs", self.index)
        return taken

    def take_findings(self) -> list[Any]:
        """What the sanitizer found since the last time this was asked."""
        taken: list[Any] = self.process.ask("take_findings", self.index)
        return taken

    def take_host_findings(self) -> list[Any]:
        """What was wrong on the hosts' side since the last time this was asked."""
        taken: list[Any] = self.process.ask("take_host_findings", self.index)
        return taken

    def state(self) -> dict[str, int]:
        """Counts of what is alive."""
        counts: dict[str, int] = self.process.ask("state", self.index)
        return counts


def _answer(lines: Connection, process: weakref.ref[DeviceProcess]) -> None:
    """Serves a device process's questions for debug information until the connection ends."""
    while True:
        try:
            what, content = lines.recv_bytes().decode(), lines.recv_bytes()
        except (EOFError, OSError):
            return
        asked = process()
        debug_twin, found = None if asked is None else asked.debug_twin, None
        if debug_twin is not None:
            with contextlib.suppress(RocverifyError, OSError):  # no line tables are no reason to fail
                found = debug_twin(content, Twin(what))
        del asked
        try:
            lines.send_bytes(found or b"")
        except OSError:  # nobody is there any more who asked
            return


def _end(process: ForkedProcess, wire: Wire, lines: Connection) -> None:
    """Ends a device process, at the latest by force."""
    wire.close()
    process.go_on()
    try:
        process.wait(_END_S)
    except TimeoutError:
        process.kill()
        process.wait()
    process.let_go()
    lines.close()
