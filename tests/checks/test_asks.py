"""What a case of `correctness` costs in messages between the judge and its processes, exactly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rocverify.device.process.client import DeviceProcess
from rocverify.subject.process import HostProcess
from tests.attacks.project import PHASE, TRUTH, Project, plan_text

pytestmark = pytest.mark.long

REPEATED = 5
"""Executions beside those of the cases: twice again, once in another order, once without the kernel, once
under the sanitizer."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each operation is asked for; methods of contracts by their names."""
    counts: Counter[str] = Counter()

    def counting(kind: type, ask: Any) -> None:
        def counted(self: Any, operation: str, *arguments: Any, **named: Any) -> Any:
            counts[f"{operation} {named['method']}" if operation == "method" else operation] += 1
            return ask(self, operation, *arguments, **named)

        monkeypatch.setattr(kind, "ask", counted)

    counting(HostProcess, HostProcess.ask)
    counting(DeviceProcess, DeviceProcess.ask)
    return counts


def test_a_case_takes_four_messages(asked: Counter[str], tmp_path: Path, kept: Path) -> None:
    check = {"check": "correctness", "contract": "kernels.contracts.affine:Affine", "cases": 12}
    project = Project.made(tmp_path / "asks", kept, {f"{PHASE}/01-01-PLAN.md": plan_text([(TRUTH, check)])})
    ran = project.run()
    assert ran.verdict() == "verified", ran.output
    assert ran.report is not None
    (shown,) = ran.report["plans"][0]["checks"]
    cases = shown["evidence"]["cases"]
    assert cases >= 12
    executed = cases + REPEATED
    once = {name: asked.pop(name) for name in ("place", "collect", "methods", "call", "refill")}
    assert once == {
        "place": executed,
        "collect": executed,
        "methods": cases + 1,  # the one without the kernel has other values, and a reference of its own
        "call": executed + 3,  # others before the second call on the same memory
        "refill": 4,
    }
    # The rest does not grow with the cases: start, imports, mistakes until they are rejected, coverage.
    assert sum(asked.values()) < 24, asked
