"""What the judge asks of the device process, over a connection that no client has.

The judge makes a pair of connected sockets before it starts the device process, which inherits one end:
nothing of the subject can open another. Messages are tuples (operation, arguments) and (ok, result or
error), as `wire` sends them.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Collection, Sequence
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from rocverify.device.base import DeviceInfo
from rocverify.device.faults import FaultReport
from rocverify.device.hip.checking import checks_of
from rocverify.device.process.devices import DeviceOptions, OpenedDevice, open_device
from rocverify.device.process.placed import Buffer, Collected, Ordering, Placed
from rocverify.device.process.placements import Placements
from rocverify.device.process.server import Server
from rocverify.device.process.wire import Wire
from rocverify.device.trace.events import TraceEvent
from rocverify.device.traffic import Traffic
from rocverify.errors import DeviceError, RocverifyError
from rocverify.toolchain.lines import Twin

if TYPE_CHECKING:
    from rocverify.device.emulator.coverage.executed import KernelCoverage
    from rocverify.device.excerpt import Excerpt

_BUG = "this is a bug in rocverify; the traceback stands on standard error"


class Desk:
    """Serves the judge: one method an operation, arguments and results are plain data and records.

    `lines` is the connection on which the judge is asked for line tables, if it has any.
    """

    def __init__(self, server: Server, lines: Connection | None = None) -> None:
        self._server = server
        self._lines = lines
        self._lines_lock = threading.Lock()
        self._twins: dict[tuple[Twin, bytes], bytes] = {}
        self.devices: list[OpenedDevice] = []
        self._placements: list[Placements] = []
        self._counted: dict[int, list[tuple[str, Any]]] = {}

    def serve(self, wire: Wire) -> None:
        """Answers until the judge ends the connection."""
        while True:
            try:
                operation, arguments = wire.receive()
            except (EOFError, OSError):
                return
            for session in self._server.sessions:
                session.settle()
            try:
                outcome = True, getattr(self, f"do_{operation}")(*arguments)
            except RocverifyError as error:
                outcome = False, error
            except Exception as error:  # noqa: BLE001 - a bug: the judge is told, the process lives on
                traceback.print_exc()
                outcome = False, DeviceError(f"{operation} broke: {type(error).__name__}: {error}", hint=_BUG)
            wire.send(outcome)

    # ---- the device process

    def do_path(self) -> str:
        """The socket that clients connect to."""
        return self._server.path

    def do_keep(self, pid: int) -> None:
        """What this client has outlives its connection: it comes back to the same device."""
        self._server.keep_contexts_of.add(pid)

    def do_open(self, options: DeviceOptions) -> tuple[int, DeviceInfo]:
        """Opens a device; its number, and what it is."""
        device = open_device(options, None if self._lines is None else self._debug_twin)
        self.devices.append(device)
        self._placements.append(Placements(device.control, partial(self._reorder, len(self.devices) - 1)))
        self._server.makers.append(device.context)
        return len(self.devices) - 1, device.info

    def do_close(self, device: int) -> None:
        """Ends what clients have on a device."""
        self._server.close_device(device)

    def _debug_twin(self, code_object: bytes, what: Twin) -> bytes | None:
        assert self._lines is not None
        question = what, code_object
        with self._lines_lock:
            if question in self._twins:
                return self._twins[question]
            self._lines.send_bytes(what.encode())
            self._lines.send_bytes(code_object)
            found = self._lines.recv_bytes()
            if found:
                self._twins[question] = found
        return found or None

    # ---- one device

    def do_mark(self, device: int) -> int:
        """A place in the trace: what is recorded from here on comes after it."""
        return self.devices[device].control.trace.mark()

    def do_events(self, device: int, mark: int, forget: bool) -> Sequence[TraceEvent]:
        """The calls recorded since a mark. With `forget` nobody will ask for them again."""
        trace = self.devices[device].control.trace
        events = trace.since(mark)
        if forget:
            trace.forget(trace.mark())
        return events

    def _reorder(self, device: int, ordering: Ordering | None) -> None:
        """Has a device execute in another order, and tells its clients: they need not wait where none of
        their work is done at once."""
        self.devices[device].reorder(ordering)
        for session in self._server.sessions:
            if session.device == device:
                session.reordered()

    def do_ghost(self, device: int, symbols: Collection[str] | None) -> int:
        """Launches of these kernels (None: of all) report success from now on and are not executed."""
        return self.devices[device].control.ghost(symbols)

    def do_refuse(self, device: int, functions: Collection[str]) -> int:
        """Calls of these HIP functions fail from now on and do nothing."""
        token = self.devices[device].control.refuse(functions)
        self._judge(device)
        return token

    def do_take_away(self, device: int, symbols: Collection[str]) -> int:
        """No module has these kernels from now on."""
        return self.devices[device].control.take_away(symbols)

    def do_lift(self, device: int, token: int) -> None:
        """Ends what `ghost`, `refuse` or `take_away` began."""
        self.devices[device].control.lift(token)
        self._judge(device)

    def _judge(self, device: int) -> None:
        """While calls are refused, a caller is told at the call and not where it waits."""
        refusing = self.devices[device].control.refusing
        for session in self._server.sessions:
            if session.device == device:
                session.judge(refusing)

    def do_last_fault(self, device: int) -> FaultReport | None:
        """What the last launch ended with, until it is cleared."""
        return self.devices[device].control.last_fault

    def do_outcome(self, device: int) -> tuple[RocverifyError | None, FaultReport | None]:
        """What ended launches since it was asked last: why one could not be executed to tell what it does,
        and how one faulted. Where there was either, the device is usable again."""
        return self.devices[device].control.outcome()

    def do_last_reason(self, device: int) -> str | None:
        """Why the last call that failed did so, in a sentence."""
        return self.devices[device].control.last_reason

    def do_clear_fault(self, device: int) -> None:
        """Makes the device usable again after a fault."""
        self.devices[device].control.clear_fault()

    def do_place(
        self,
        device: int,
        pid: int,
        buffers: Sequence[Buffer],
        ghost: tuple[Collection[str] | None] | None,
        order: Ordering | None,
        stream: int,
        replayed: Traffic | None,
        excerpt: Excerpt | None,
    ) -> Placed:
        """See `placements.Placements.place`."""
        return self._placements[device].place(pid, buffers, ghost, order, stream, replayed, excerpt)

    def do_refill(self, device: int, token: int, buffers: Sequence[Buffer]) -> None:
        """See `placements.Placements.refill`."""
        self._placements[device].refill(token, buffers)

    def do_collect(self, device: int, token: int, names: Collection[str], forget: bool) -> Collected:
        """See `placements.Placements.collect`."""
        return self._placements[device].collect(token, names, forget)

    def do_take_counters(self, device: int) -> list[tuple[str, Any]]:
        """Kernel and counters of every launch since the last time this was asked."""
        self._counted[device] = _taken(self.devices[device].control.counters)
        return [(kernel, one.totals()) for kernel, one in self._counted[device]]

    def do_counted_lines(self, device: int) -> dict[str, tuple[int, int]]:
        """By `file:line` of the launches whose counters were taken last: instructions of waves, and bytes of
        global memory."""
        taken = self._counted.get(device, [])
        if not taken:
            return {}
        lines = sum(one for _, one in taken).per_line()
        return {name: (one.wave_instructions, one.global_bytes) for name, one in lines.items()}

    def do_take_coverage(self, device: int, lines: bool) -> list[KernelCoverage]:
        """Which kernels were launched since the last time this was asked, and which code of them executed."""
        return self.devices[device].control.take_coverage(lines=lines)

    def do_take_programs(self, device: int) -> list[str]:
        """The paths of the programs that became clients since it was asked last."""
        return self._server.programs.pop(device, [])

    def do_take_findings(self, device: int) -> list[Any]:
        """What the sanitizer found since the last time this was asked."""
        return _taken(self.devices[device].control.findings)

    def do_take_host_findings(self, device: int) -> list[Any]:
        """What was wrong on the hosts' side since the last time this was asked."""
        control = self.devices[device].control
        for context in control.all_contexts():
            checks = checks_of(context)
            if checks is not None:
                checks.tell_again()
        return _taken(control.host_findings)

    def do_state(self, device: int) -> dict[str, int]:
        """Counts of what is alive, for tests of leaks."""
        alive = self.devices[device].control.all_contexts()
        return {
            "clients": len(self._server.sessions),
            "contexts": len(alive),
            "allocations": sum(len(context.allocations) for context in alive),
            "modules": sum(len(context.modules) for context in alive),
        }


def _taken(log: list[Any]) -> list[Any]:
    """What a list held; it is empty afterwards."""
    taken = log[:]
    del log[: len(taken)]
    return taken
