"""Stopping a launch from outside: after a time limit, or when asked to."""

from __future__ import annotations

import dataclasses
import math
import threading
import time
from types import TracebackType

from rocverify.device.emulator import abi
from rocverify.device.faults import FaultReport


class StopSwitch:
    """Around a running launch. Sets the launch's stop flag, which waves look at on backward branches and
    workers between workgroups. `reason` says why it was set, None if it never was."""

    def __init__(self, launch: abi.Launch, timeout_s: float | None) -> None:
        self.reason: str | None = None
        self._launch, self._timeout_s = launch, timeout_s

    def stop(self, reason: str) -> None:
        """Asks the launch to end; any thread may."""
        self.reason = self.reason or reason
        self._launch.stop = 1

    def __enter__(self) -> StopSwitch:
        if self._timeout_s is not None:
            _WATCH.begin(self, time.monotonic() + self._timeout_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timeout_s is not None:
            _WATCH.end(self)

    def expire(self) -> None:
        """The time is up."""
        self.stop(f"not finished after {self._timeout_s:g} s, the time limit")


class _Watch:
    """Stops the launches of this process whose time is up: one thread for all, since one for each would take
    longer to start than many a launch runs."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._until: dict[StopSwitch, float] = {}
        self._looks_at = math.inf
        self._thread: threading.Thread | None = None

    def begin(self, switch: StopSwitch, until: float) -> None:
        """Has a launch stopped at a time of the monotonic clock."""
        with self._changed:
            self._until[switch] = until
            if self._thread is None or not self._thread.is_alive():  # none is left in a forked process
                self._looks_at = until
                self._thread = threading.Thread(target=self._run, name="launch-limits", daemon=True)
                self._thread.start()
            elif until < self._looks_at:
                self._changed.notify()

    def end(self, switch: StopSwitch) -> None:
        """The launch has ended: from now on it is not stopped any more."""
        with self._changed:
            self._until.pop(switch, None)

    def _run(self) -> None:
        with self._changed:
            while True:
                self._looks_at = min(self._until.values(), default=math.inf)
                rest = self._looks_at - time.monotonic()
                if rest > 0:
                    self._changed.wait(min(rest, threading.TIMEOUT_MAX))
                    continue
                for switch in [one for one, until in self._until.items() if until <= self._looks_at]:
                    del self._until[switch]
                    switch.expire()


_WATCH = _Watch()


def stopped_report(report: FaultReport | None, kernel: str, reason: str) -> FaultReport:
    """The report of a launch that was stopped; `report` says where, if a wave was under way."""
    if report is None:
        return FaultReport(kind="stopped", kernel=kernel, message=f"{reason}; between two workgroups")
    return dataclasses.replace(report, message=reason)
