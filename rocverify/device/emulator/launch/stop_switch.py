"""Stopping a launch from outside: after a time limit, or when asked to."""

from __future__ import annotations

import dataclasses
import threading
from types import TracebackType

from rocverify.device.emulator import abi
from rocverify.device.faults import FaultReport


class StopSwitch:
    """Around a running launch. Sets the launch's stop flag, which waves look at on backward branches and
    workers between workgroups. `reason` says why it was set, None if it never was."""

    def __init__(self, launch: abi.Launch, timeout_s: float | None) -> None:
        self.reason: str | None = None
        self._launch = launch
        self._timer = None
        if timeout_s is not None:
            self._timer = threading.Timer(
                timeout_s, self.stop, [f"not finished after {timeout_s:g} s, the time limit"]
            )
            self._timer.daemon = True

    def stop(self, reason: str) -> None:
        """Asks the launch to end; any thread may."""
        self.reason = self.reason or reason
        self._launch.stop = 1

    def __enter__(self) -> StopSwitch:
        if self._timer is not None:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer.join()


def stopped_report(report: FaultReport | None, kernel: str, reason: str) -> FaultReport:
    """The report of a launch that was stopped; `report` says where, if a wave was under way."""
    if report is None:
        return FaultReport(kind="stopped", kernel=kernel, message=f"{reason}; between two workgroups")
    return dataclasses.replace(report, message=reason)
