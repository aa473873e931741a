"""What the harness asks of a device, past HIP: the trace, findings, counters, ghosts and refusals."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocverify.device.hip.errors import CODES
from rocverify.device.trace.findings import HostFinding
from rocverify.device.trace.log import TraceLog

if TYPE_CHECKING:
    from rocverify.device.backends.base import LaunchOutcome
    from rocverify.device.emulator.coverage.executed import KernelCoverage
    from rocverify.device.emulator.coverage.record import CoverageLog, LaunchCoverage
    from rocverify.device.faults import FaultReport
    from rocverify.device.hip.context import Context
    from rocverify.device.hip.rtc.gate import RtcGate
    from rocverify.device.trace.sites import NativeLines
    from rocverify.errors import RocverifyError


class DeviceControl:
    """One device's record of what its clients did, and what the harness changes for them. Thread-safe.

    `trace` has every call; `counters` kernel and counters of every launch that ended well, if the device
    counts; `coverage` what code was executed, None as long as nothing was seen; `launched` how often kernels
    (digest of the code object, name) ended well; `findings` what the
    sanitizer found in kernels; `host_findings` what was wrong on the host's
    side; `not_served` the functions that programs asked for and nobody serves. The lists may be cleared.
    `faults` is how kernels faulted, `last_fault` the last of them until hipDeviceReset or `clear_fault`.
    `rtc_gate` says what hipRTC may compile, None: anything.
    `undecided` is why a launch could not be made though nothing is known against it (an instruction that the
    emulator lacks), `wrong_target` what a program was built for instead.
    `unseen` are calls that failed and of clients that are gone without having looked: function and error,
    with the reason and the place where they are known.
    """

    def __init__(
        self,
        *,
        root: Path | None = None,
        keep_trace: bool = True,
        sanitize: bool = False,
        native_lines: NativeLines | None = None,
        rtc_gate: RtcGate | None = None,
        ordinal: int = 0,
        devices: int = 1,
    ) -> None:
        self.root = root
        self.native_lines = native_lines
        self.rtc_gate = rtc_gate
        self.sanitize = sanitize
        self.trace = TraceLog(keep=keep_trace)
        self.counters: list[tuple[str, Any]] = []
        self.coverage: CoverageLog | None = None
        self.launched: Counter[tuple[str, str]] = Counter()
        self.findings: list[Any] = []
        self.host_findings: list[HostFinding] = []
        self.not_served: Counter[str] = Counter()
        self.last_fault: FaultReport | None = None
        self.faults: list[FaultReport] = []
        self.last_reason: str | None = None
        self.last_launch: LaunchOutcome | None = None
        self.undecided: RocverifyError | None = None
        self.wrong_target: str | None = None
        self.unseen: list[str] = []
        self.ordinal, self.devices = ordinal, devices
        self.contexts: list[Context] = []
        self._tokens = itertools.count(1)
        self._ghosts: dict[int, frozenset[str] | None] = {}
        self._refused: dict[int, frozenset[str]] = {}
        self._missing: dict[int, frozenset[str]] = {}
        self._lock = threading.RLock()

    def ghost(self, symbols: Collection[str] | None = None) -> int:
        """From now on launches of these kernels (None: of all) report success and are not executed.
        Returns what `lift` takes."""
        with self._lock:
            token = next(self._tokens)
            self._ghosts[token] = None if symbols is None else frozenset(symbols)
            return token

    def refuse(self, functions: Collection[str]) -> int:
        """From now on calls of these HIP functions fail with hipErrorLaunchFailure and do nothing. Returns
        what `lift` takes."""
        with self._lock:
            token = next(self._tokens)
            self._refused[token] = frozenset(functions)
            return token

    def take_away(self, symbols: Collection[str]) -> int:
        """From now on no module has these kernels: they are not found. Returns what `lift` takes."""
        with self._lock:
            token = next(self._tokens)
            self._missing[token] = frozenset(symbols)
            return token

    def is_missing(self, kernel: str) -> bool:
        """Whether a kernel was taken away."""
        return any(kernel in names for names in list(self._missing.values()))

    def lift(self, token: int) -> None:
        """Ends what `ghost`, `refuse` or `take_away` began."""
        with self._lock:
            self._missing.pop(token, None)
            self._ghosts.pop(token, None)
            self._refused.pop(token, None)

    def is_ghost(self, kernel: str | None) -> bool:
        """Whether launches of a kernel are not to be executed."""
        return bool(self._ghosts) and any(
            names is None or kernel in names for names in list(self._ghosts.values())
        )

    @property
    def refusing(self) -> bool:
        """Whether calls of any function are to fail."""
        return bool(self._refused)

    def is_refused(self, function: str) -> bool:
        """Whether calls of a function are to fail."""
        return bool(self._refused) and any(function in names for names in list(self._refused.values()))

    def clear_fault(self) -> None:
        """Forgets a fault: clients may go on, their memory and modules stay as they are."""
        self.last_fault = self.undecided = None
        for context in self.all_contexts():
            context.forget_errors()

    def outcome(self) -> tuple[RocverifyError | None, FaultReport | None]:
        """What ended launches since it was asked last: why one could not be executed to tell what it does,
        and how one faulted. Where there was either, the device is usable again."""
        outcome = self.undecided, self.last_fault
        if any(outcome):
            self.clear_fault()
        return outcome

    def all_contexts(self) -> list[Context]:
        """The clients that are there."""
        with self._lock:
            return list(self.contexts)

    def enter(self, context: Context) -> None:
        """A client has come."""
        with self._lock:
            self.contexts.append(context)

    def leave(self, context: Context) -> None:
        """A client has gone."""
        with self._lock:
            if context not in self.contexts:
                return
            self.contexts.remove(context)
            for function, error, site in context.unseen:
                if error.code == CODES["hipErrorDeinitialized"]:
                    continue  # it was ended in the middle of the call: there was nobody to look
                place = context.sites.place(site)
                self.unseen.append(
                    f"{function}: {error.name}{f' at {place}' if place else ''}: {error.reason}"
                )

    def take_coverage(self, *, lines: bool) -> list[KernelCoverage]:
        """What was launched since this was asked last; of kernels on a device that cannot tell, or was not
        asked to, without blocks."""
        from rocverify.device.emulator.coverage.executed import KernelCoverage

        with self._lock:
            launched, self.launched = self.launched, Counter()
        covered = [] if self.coverage is None else self.coverage.take(lines=lines)
        known = {(one.code_object, one.kernel) for one in covered}
        rest = [
            KernelCoverage(kernel, digest, count, (), frozenset())
            for (digest, kernel), count in launched.items()
            if (digest, kernel) not in known
        ]
        return covered + rest

    def cover(self, launch: LaunchCoverage) -> None:
        """Keeps what code a launch executed."""
        from rocverify.device.emulator.coverage.record import CoverageLog

        with self._lock:
            if self.coverage is None:
                self.coverage = CoverageLog()
        self.coverage.add(launch)

    def report(self, finding: HostFinding) -> None:
        """Keeps a finding of the host's side, once."""
        with self._lock:
            if finding not in self.host_findings:
                self.host_findings.append(finding)
