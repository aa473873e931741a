"""Gathers what the items report, in the process that shows and writes it (the controller, under xdist)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import pytest

from rocverify.errors import EnvironmentFaultError, RocverifyError, environment_fault
from rocverify.records import CheckResult, CheckVerdict
from rocverify.runner.items import PAYLOAD, UNDECIDED
from rocverify.runner.plugin import RECORDER
from rocverify.runner.state import state_of

if TYPE_CHECKING:
    from rocverify.runner.bound import BoundPlan


class Observer(Protocol):
    """Is told as checks start and finish; for progress on a terminal."""

    def started(self, name: str) -> None:
        """The item of this node id starts."""

    def finished(self, result: CheckResult) -> None:
        """A check has its record."""

    def undecided(self, identity: str, reason: str) -> None:
        """A must-have without a check was reached."""


@dataclass(eq=False)  # pytest keeps its plugins in sets
class Recorder:
    """A pytest plugin object. Results are by check id; the worst phase of an item counts.

    `bound` are plans that this process has parsed and bound already, by path.
    """

    observer: Observer | None = None
    bound: Mapping[Path, BoundPlan] = field(default_factory=dict)
    results: dict[str, CheckResult] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)
    environments: list[dict[str, Any]] = field(default_factory=list)
    lost: dict[str, str] = field(default_factory=dict)
    collect_errors: list[str] = field(default_factory=list)
    internal_errors: list[str] = field(default_factory=list)
    interrupted: bool = False
    stop_reason: str | None = None
    machine_fault: EnvironmentFaultError | None = None
    unbuilt: list[RocverifyError] = field(default_factory=list)
    __name__: ClassVar[str] = RECORDER

    def pytest_configure(self, config: pytest.Config) -> None:
        """Hands the session the plans that are bound already."""
        if self.bound:
            state_of(config).bound.update(self.bound)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """What of the projects does not compile, where a whole run wants to know it."""
        if not self.results or self.interrupted or self.stop_reason or self.internal_errors:
            return
        from rocverify.runner.unbuilt import unbuilt

        state = state_of(session.config)
        for root in {state.root_of(path) for path in self.bound}:
            self.unbuilt += unbuilt(state.context(root), self.results.values())

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tells the observer that a check begins."""
        if self.observer is not None:
            self.observer.started(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Records a check's result, or the failure of what is no check."""
        text = getattr(report, PAYLOAD, None)
        if text is not None:
            self._record(json.loads(text))
        elif report.failed:
            # Ours always carry a payload; without one, either the item is another plugin's, or the
            # worker died under it and xdist reports in its place.
            self.lost[report.nodeid] = str(report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Records what could not be collected."""
        if report.failed:
            self.collect_errors.append(f"{report.nodeid}: {report.longrepr}")

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Records an interruption, or why the session stopped."""
        if isinstance(excinfo.value, KeyboardInterrupt):
            self.interrupted = True
        else:
            self.stop_reason = str(excinfo.value)

    def pytest_internalerror(self, excrepr: object, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Records an error of the harness, and whether the machine is at fault."""
        self.machine_fault = self.machine_fault or environment_fault(excinfo.value)
        self.internal_errors.append(str(excrepr))

    def _record(self, payload: Mapping[str, Any]) -> None:
        if payload["verdict"] == UNDECIDED:
            self.undecided[payload["undecided"]] = payload["reason"]
            if self.observer is not None:
                self.observer.undecided(payload["undecided"], payload["reason"])
            return
        result = CheckResult.from_json(payload["result"])
        before = self.results.get(result.id)
        if before is None or before.verdict is CheckVerdict.PASSED:
            self.results[result.id] = result
        if payload["environment"] and payload["environment"] not in self.environments:
            self.environments.append(payload["environment"])
        if self.observer is not None:
            self.observer.finished(result)

    def device(self) -> dict[str, Any] | None:
        """The device that the checks opened, if one did."""
        return _first(self.environments, "device")

    def toolchain(self) -> dict[str, Any] | None:
        """The toolchain that the checks used, if one did."""
        return _first(self.environments, "toolchain")

    def code_objects(self) -> list[dict[str, Any]]:
        """The code objects that launches used, each once."""
        found = [entry for facts in self.environments for entry in facts.get("code_objects", ())]
        return [entry for index, entry in enumerate(found) if entry not in found[:index]]


def _first(environments: Iterable[Mapping[str, Any]], key: str) -> dict[str, Any] | None:
    return next((facts[key] for facts in environments if key in facts), None)
