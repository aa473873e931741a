"""Checks side by side in forked workers: what a run says does not depend on how many there are."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from rocverify.checks.context import CheckContext
from rocverify.checks.registry import CHECKS
from tests.runner import fake_kind
from tests.runner.demo import COMMAND, REPOSITORY, Demo
from tests.runner.test_run_session import must_haves, stable
from tests.signals import heed_interrupts

EVERYTHING = (
    *("passed", "failed", "no_device", "seed", "device", "bad_object", "numpy", "ansi", "warn", "prints"),
    *("compile_error", "fault", "manifest", "no_room", "exit", "bug"),
)


def run(demo: Demo, workers: int, *more: str) -> int:
    return demo.run("phase", "16", "--seed", "5", "--", f"--rocverify-workers={workers}", *more)


def junit(demo: Demo) -> list[tuple[str | None, list[str]]]:
    """The cases of JUnit in order, with what each has said."""
    cases = ElementTree.parse(demo.file("reports/latest/junit.xml")).iter("testcase")
    return [(case.get("name"), [part.tag for part in case]) for case in cases]


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize("workers", [2, 5])
def test_reports_are_the_same_with_any_number_of_workers(demo: Demo, workers: int) -> None:
    demo.does(*EVERYTHING)
    code = run(demo, 1)
    first, cases = demo.report(), junit(demo)
    assert run(demo, workers) == code
    own = stable(demo.report())
    assert own == stable(first)
    assert "as planned" in str(own)
    assert junit(demo) == cases
    assert len(cases) == len(EVERYTHING)


def test_documents_are_the_same(demo: Demo) -> None:
    demo.does("passed", "failed", "seed")
    assert run(demo, 1) == 1
    before = demo.summary.read_bytes(), demo.verification.read_bytes()
    assert run(demo, 2) == 1
    assert (demo.summary.read_bytes(), demo.verification.read_bytes()) == before


def test_checks_run_in_several_processes(demo: Demo) -> None:
    demo.plan({f"Truth {n}": [{"does": "process"}] for n in range(4)})
    assert run(demo, 2) == 0
    processes = {c["evidence"]["process"] for c in demo.report()["plans"][0]["checks"]}
    assert os.getpid() not in processes
    assert run(demo, 1) == 0
    assert {c["evidence"]["process"] for c in demo.report()["plans"][0]["checks"]} == {os.getpid()}


def test_checks_of_one_contract_share_a_worker(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert CHECKS["fake"] is fake_kind.CHECK
    monkeypatch.setitem(CHECKS._loaded, "fake", replace(fake_kind.CHECK, needs_device=True))  # type: ignore[attr-defined]
    monkeypatch.setattr(CheckContext, "expect_device", lambda _: None)
    names = ("a:A", "b:B", "c:C")
    demo.plan(
        {f"Truth {n}": [{"does": "process", "contract": name} for name in names] for n in range(3)},
    )
    assert run(demo, 3) == 0
    seen: dict[str, list[int]] = {}
    for check in demo.report()["plans"][0]["checks"]:
        number = re.search(r"fake(?:\.(\d))?$", check["id"])
        assert number is not None
        seen.setdefault(number[1] or "1", []).append(check["evidence"]["process"])
    assert [len(set(of_one)) for of_one in seen.values()] == [1, 1, 1]
    assert [len(of_one) for of_one in seen.values()] == [3, 3, 3]


def test_a_worker_that_dies_is_an_error_of_its_check_alone(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.does("passed", "kill", "passed", "kill", "passed", "passed")
    assert run(demo, 2) == 4
    checks = {c["id"].split("/")[1]: c for c in demo.report()["plans"][0]["checks"]}
    assert [checks[f"T{n}"]["verdict"] for n in range(1, 7)] == ["passed", "error"] * 2 + ["passed"] * 2
    assert checks["T2"]["message"].endswith("died: it was ended by SIGKILL")
    assert "please report this" in capsys.readouterr().err


def test_what_breaks_a_worker_is_told(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    demo.does("passed", "passed")
    from rocverify.runner import items

    def broken(*_: object) -> None:
        raise LookupError("the harness itself")

    monkeypatch.setattr(items.CheckItem, "complete", broken)
    assert run(demo, 2) == 4
    checks = demo.report()["plans"][0]["checks"]
    assert [c["verdict"] for c in checks] == ["error", "error"]
    assert "the harness itself" in checks[0]["evidence"]["error"]["traceback"]


def test_x_stops_at_the_first_failure_of_the_plan(demo: Demo) -> None:
    demo.does("passed", "failed", "passed", "failed")
    assert run(demo, 2, "-x") == 1
    found = must_haves(demo)
    assert [found[f"16-01/T{n}"][0] for n in (1, 2, 3, 4)] == ["verified", "failed"] + ["unverified"] * 2
    assert found["16-01/T3"][1].startswith("deselected")


def test_an_interrupt_of_a_check_is_the_runs(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.does("passed", "interrupt")
    assert run(demo, 2) == 130
    assert not demo.summary.exists()
    assert "interrupted" in capsys.readouterr().out


def test_a_time_limit_holds_in_workers(demo: Demo) -> None:
    demo.does("sleep", "passed")
    assert run(demo, 2, "--timeout", "0.5") == 3
    assert "stopped by the time limit" in must_haves(demo)["16-01/T1"][1]


@pytest.mark.parametrize("text", ["0", "-1", "many"])
def test_a_number_of_workers_that_is_none(demo: Demo, text: str, capfd: pytest.CaptureFixture[str]) -> None:
    demo.does("passed")
    assert demo.run("phase", "16", "--", f"--rocverify-workers={text}") == 2
    assert "is neither a number from 1 on nor auto" in capfd.readouterr().err


@pytest.mark.drawn(1, fast=1)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_run(demo: Demo, number: signal.Signals) -> None:
    demo.does("passed", "sleep", "sleep")
    process = subprocess.Popen(
        [*COMMAND, "run", "phase", "16", "-v", "--", "--rocverify-workers=2"],
        cwd=demo.root,
        env={"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("passed"):
            break
    workers = _children(process.pid)
    assert len(workers) == 2
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == (130 if number == signal.SIGINT else -number), errors
    until = time.monotonic() + 20
    while any(map(_alive, workers)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not any(map(_alive, workers))


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
