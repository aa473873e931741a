"""pytest's own options, processes and endings, and what of the user's configuration counts: nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.runner.demo import COMMAND, FOLDER, REPOSITORY, Demo
from tests.signals import heed_interrupts

VOLATILE = ("started", "duration_s", "command", "seed")


def stable(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what differs from run to run."""
    kept = {key: value for key, value in report.items() if key not in VOLATILE}
    for plan in kept["plans"]:
        for check in plan["checks"]:
            del check["duration_s"]
    return kept


def must_haves(demo: Demo) -> dict[str, tuple[str, str]]:
    return {m["id"]: (m["verdict"], m["reason"]) for m in demo.report()["plans"][0]["must_haves"]}


@pytest.mark.long
def test_xdist_gives_the_same_report(demo: Demo) -> None:
    demo.does("passed", "failed", "no_device", "bad_object", "device", "seed", "numpy")
    alone = demo.process("run", "phase", "16", "--seed", "5")
    first = demo.report()
    spread = demo.process(
        "run", "phase", "16", "--seed", "5", "--", "-n", "2", "-p", "tests.runner.fake_plugin"
    )
    assert (alone.returncode, spread.returncode) == (1, 1), spread.stdout + spread.stderr
    assert stable(demo.report()) == stable(first)


@pytest.mark.long
def test_a_worker_that_dies_is_an_error_of_its_check(demo: Demo) -> None:
    demo.does("kill", "passed")
    done = demo.process("run", "phase", "16", "--", "-n", "1", "-p", "tests.runner.fake_plugin")
    assert done.returncode == 4, done.stdout + done.stderr
    checks = {c["id"]: c for c in demo.report()["plans"][0]["checks"]}
    assert checks["16-01/T1/fake"]["verdict"] == "error"
    assert "died" in checks["16-01/T1/fake"]["message"]
    assert "please report this" in done.stderr


@pytest.mark.parametrize("expression", ["T2", "REQ-02", "16-01/T2/fake"])
def test_k_selects_and_the_rest_is_deselected(demo: Demo, expression: str) -> None:
    demo.does("passed", "passed")
    assert demo.run("phase", "16", "--", "-k", expression) == 3
    found = must_haves(demo)
    assert found["16-01/T2"] == ("verified", "")
    assert found["16-01/T1"][0] == "unverified"
    assert found["16-01/T1"][1].startswith("deselected")
    checks = {c["id"]: c for c in demo.report()["plans"][0]["checks"]}
    assert checks["16-01/T1/fake"]["verdict"] == "not_run"


def test_documents_are_kept_where_a_part_of_the_checks_found_nothing(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.does("passed", "passed")
    demo.run("phase", "16")
    before = demo.summary.read_text()
    demo.run("phase", "16", "--", "-k", "T2")
    assert demo.summary.read_text() == before
    assert f"{demo.summary.name}  (kept" in capsys.readouterr().out
    demo.does("passed", "failed")
    demo.run("phase", "16", "--", "-k", "T2")
    assert demo.summary.read_text() != before


def test_x_stops_and_what_was_not_reached_is_unverified(demo: Demo) -> None:
    demo.does("passed", "failed", "passed")
    assert demo.run("phase", "16", "--", "-x") == 1
    found = must_haves(demo)
    assert [found[f"16-01/T{n}"][0] for n in (1, 2, 3)] == ["verified", "failed", "unverified"]
    assert found["16-01/T3"][1].startswith("deselected")


def test_x_does_not_stop_at_what_could_not_run(demo: Demo) -> None:
    demo.does("no_device", "passed")
    assert demo.run("phase", "16", "--", "-x") == 3
    assert must_haves(demo)["16-01/T2"][0] == "verified"


def test_lf_runs_what_failed_before(demo: Demo) -> None:
    demo.does("passed", "failed")
    demo.run("phase", "16")
    demo.does("passed", "passed")
    assert demo.run("phase", "16", "--", "--lf") == 3
    found = must_haves(demo)
    assert found["16-01/T2"][0] == "verified"
    assert found["16-01/T1"][1].startswith("deselected")


def test_nothing_selected_writes_nothing(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.does("passed")
    before = demo.tree()
    assert demo.run("phase", "16", "--", "-k", "nothing_is_called_this") == 3
    assert "nothing was executed" in capsys.readouterr().out
    written = set(demo.tree()) - set(before)
    assert not [name for name in written if not name.startswith(".rocverify/")]


def test_collect_only_is_no_pass(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.does("passed")
    assert demo.run("phase", "16", "--", "--collect-only", "-q") == 3
    assert f"{FOLDER}/16-01-PLAN.md::T1/fake" in capsys.readouterr().out
    assert not demo.summary.exists()


def test_timeout_stops_a_check(demo: Demo) -> None:
    demo.does("sleep", "passed")
    assert demo.run("phase", "16", "--", "--timeout", "0.3") == 3
    checks = demo.report()["plans"][0]["checks"]
    assert [c["verdict"] for c in checks] == ["error", "passed"]
    assert "time limit" in checks[0]["message"]


def test_junitxml_of_the_users_wins(demo: Demo) -> None:
    demo.does("passed")
    assert demo.run("phase", "16", "--", f"--junitxml={demo.file('mine.xml')}") == 0
    assert "rocverify" in demo.file("mine.xml").read_text(encoding="utf-8")


def test_verbose_shows_pytests_own_output(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.does("passed", "no_device", "bad_object")
    demo.run("phase", "16", "--", "-v")
    output = capsys.readouterr().out
    assert "T1/fake PASSED" in output
    assert "T2/fake NOT_RUN" in output
    assert "T3/fake ERROR" in output
    assert "1 passed, 1 error, 1 not_run" in output.replace("not_run, 1 error", "error, 1 not_run")


def test_an_unknown_option_of_pytests_is_a_usage_error(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    demo.does("passed")
    assert demo.run("phase", "16", "--", "--no-such-option") == 2
    assert "--no-such-option" in capsys.readouterr().err


HOSTILE = """\
[tool.pytest.ini_options]
addopts = "-k nothing --strict-markers -p no:junitxml"
filterwarnings = ["error"]
testpaths = ["elsewhere"]
markers = []
timeout = 0.001
norecursedirs = ["*"]
"""


def test_the_users_pytest_configuration_turns_no_verdict(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    demo.does("passed", "warn")
    demo.file("pyproject.toml").write_text(HOSTILE, encoding="utf-8")
    boom = "raise RuntimeError('a conftest of the subject')\n"
    for name in ("conftest.py", ".planning/conftest.py", f"{FOLDER}/conftest.py"):
        demo.file(name).write_text(boom, encoding="utf-8")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k nothing")
    monkeypatch.setenv("PYTEST_PLUGINS", "no_such_plugin")
    assert demo.run("phase", "16") == 0
    assert demo.report()["score"] == {"verified": 2, "total": 2}


def test_an_interrupt_leaves_files_as_they_were(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.does("passed", "passed")
    assert demo.run("phase", "16") == 0
    before = {name: data for name, data in demo.tree().items() if not name.startswith(".rocverify/")}
    plan = demo.does("passed", "interrupt")
    before[plan.relative_to(demo.root).as_posix()] = plan.read_bytes()
    assert demo.run("phase", "16") == 130
    after = {name: data for name, data in demo.tree().items() if not name.startswith(".rocverify/")}
    assert after == before
    assert "interrupted after 1 of 2 checks" in capsys.readouterr().out


def test_ctrl_c_in_a_real_process(demo: Demo) -> None:
    demo.does("passed", "sleep")
    process = subprocess.Popen(
        [*COMMAND, "run", "phase", "16", "-v"],
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
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert not demo.summary.exists()


def test_a_bug_prints_a_report_to_paste(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.plan({"A": [{"does": "bug", "text": "divided by nought"}]})
    assert demo.run("phase", "16") == 4
    errors = capsys.readouterr().err
    for part in ("please report this", "16-01/T1/fake", "ZeroDivisionError: divided by nought", "versions:"):
        assert part in errors


def test_no_write_leaves_no_trace(demo: Demo) -> None:
    demo.does("passed", "device")
    demo.file("kernels").mkdir()
    before = demo.tree()
    done = demo.process("run", "phase", "16", "--no-write")
    assert done.returncode == 0, done.stderr
    assert demo.tree() == before
    assert {p.name for p in demo.root.iterdir()} == {".planning", "kernels"}


def test_no_write_still_reports_as_json(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.does("passed")
    assert demo.run("phase", "16", "--no-write", "--json", "-") == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["schema"] == "rocverify.report/1"
    assert "passed: 1/1 verified" in captured.err


def test_chatter_of_the_subject_stays_out_of_the_json(demo: Demo) -> None:
    demo.does("prints")
    done = demo.process("run", "phase", "16", "--no-write", "--json", "-")
    assert json.loads(done.stdout)["exit_code"] == 0


@pytest.mark.parametrize("name", ["with space", "br[ack]et", "double::colon", "ünïcode", "-dash", "per%cent"])
def test_roots_with_odd_names(demo: Demo, name: str) -> None:
    odd = Demo(demo.root / name)
    odd.root.mkdir()
    odd.does("passed", "failed")
    assert odd.run("phase", "16") == 1
    assert odd.report()["score"] == {"verified": 1, "total": 2}


def test_folders_above_the_root_are_not_listed(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home or a folder of temporary files has thousands of entries."""
    listed: list[Path] = []
    scandir = os.scandir

    def noted(path: Any = ".") -> Any:
        if isinstance(path, str | Path):
            listed.append(Path(path).absolute())
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noted)
    demo.does("passed")
    assert demo.run("phase", "16") == 0
    assert demo.root in listed
    assert not set(demo.root.parents) & set(listed)
