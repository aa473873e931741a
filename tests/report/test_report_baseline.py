"""A run against the verdicts of another commit: what is new gates, what was there is told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator

from tests.runner.demo import FOLDER, Demo

SCHEMA = json.loads(Path(__file__).with_name("sarif-2.1.0-rtm.5.json").read_text(encoding="utf-8"))
Plan = Mapping[str, Sequence[Mapping[str, Any]]]


def does(**words: str | None) -> Plan:
    return {f"Truth {name} holds": [{"does": word}] if word else [] for name, word in words.items()}


def git(demo: Demo, *words: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *words], cwd=demo.root, check=True, capture_output=True)


def committed(demo: Demo, plan: Plan, *, report: bool = False) -> None:
    """A commit with the plan and the VERIFICATION of its run (or only its report.json), tagged `before`."""
    demo.plan(plan)
    demo.run("phase", "16")
    git(demo, "init", "-q")
    git(demo, "add", "-f", "reports/latest/report.json" if report else FOLDER)
    git(demo, "commit", "-q", "-m", "before")
    git(demo, "tag", "before")


def against(demo: Demo, plan: Plan, *more: str) -> int:
    demo.plan(plan)
    return demo.run("phase", "16", "--baseline", "before", *more)


def changes(demo: Demo) -> dict[str, list[str]]:
    baseline = demo.report()["baseline"]
    return {key: [one["id"] for one in baseline[key]] for key in ("worse", "better", "known", "gone")}


@pytest.mark.parametrize("report", [False, True])
def test_gaps_that_were_there_exit_with_0_and_say_so(
    demo: Demo, capsys: pytest.CaptureFixture[str], report: bool
) -> None:
    plan = does(A="passed", B="failed", C="no_device", D=None)
    committed(demo, plan, report=report)
    capsys.readouterr()
    assert against(demo, plan) == 0
    assert changes(demo) == {
        "worse": [],
        "better": [],
        "known": ["16-01/T2", "16-01/T3", "16-01/T4"],
        "gone": [],
    }
    assert demo.report()["status"] == "gaps_found"
    assert demo.report()["exit_code"] == 0
    said = capsys.readouterr().out
    assert "against before (" in said
    assert "0 new or worse, 0 better, 3 gaps as before" in said
    assert "as before 16-01/T2: failed -> failed: Truth B holds" in said
    assert "all 3 gaps were there at before already, so the exit code is 0" in said
    assert "gaps_found: 1/4 verified" in said
    assert "--baseline=before" in demo.report()["command"]


@pytest.mark.parametrize(
    ("now", "code", "changed"),
    [
        (does(A="failed", B="failed", C="no_device"), 1, {"worse": ["16-01/T1"]}),
        (does(A="no_device", B="failed", C="no_device"), 3, {"worse": ["16-01/T1"]}),
        (does(A="passed", B="failed", C="failed"), 1, {"worse": ["16-01/T3"]}),
        (does(A="passed", B="passed", C="no_device"), 0, {"better": ["16-01/T2"]}),
        (does(A="passed", B="no_device", C="no_device"), 0, {"better": ["16-01/T2"]}),
        (does(A="passed", B="failed", C="no_device", D="failed"), 1, {"worse": ["16-01/T4"]}),
        (does(A="passed", B="failed", C="no_device", D="passed"), 0, {}),
        (does(B="failed", A="passed", C="no_device"), 0, {}),
        (does(A="passed", C="no_device"), 0, {"gone": ["16-01/T2"]}),
        (does(A="passed", X="failed", C="no_device"), 1, {"worse": ["16-01/T2"], "gone": ["16-01/T2"]}),
    ],
    ids=[
        *("verified fails", "verified is undecided", "undecided fails", "failed is verified"),
        *(
            "failed is undecided",
            "new and failed",
            "new and verified",
            "in another order",
            "gone",
            "reworded",
        ),
    ],
)
def test_only_what_is_worse_counts(demo: Demo, now: Plan, code: int, changed: dict[str, list[str]]) -> None:
    committed(demo, does(A="passed", B="failed", C="no_device"))
    assert against(demo, now) == code
    seen = changes(demo)
    assert {key: seen[key] for key in ("worse", "better", "gone")} == {
        "worse": [],
        "better": [],
        "gone": [],
    } | changed


def test_the_lenient_gate_lets_what_is_newly_undecided_pass(demo: Demo) -> None:
    committed(demo, does(A="passed", B="failed"))
    assert against(demo, does(A="no_device", B="failed"), "--gate", "lenient") == 0
    assert against(demo, does(A="failed", B="failed"), "--gate", "lenient") == 1


@pytest.mark.parametrize(("word", "code"), [("bug", 4), ("manifest", 2)])
def test_what_is_no_gap_counts_as_ever(demo: Demo, word: str, code: int) -> None:
    plan = does(A="failed", B=word)
    committed(demo, plan)
    assert against(demo, plan) == code


def test_a_refused_plan_counts_as_ever(demo: Demo) -> None:
    committed(demo, does(A="failed"))
    demo.file(f"{FOLDER}/16-02-PLAN.md").write_text("---\nphase: [\n---\n", encoding="utf-8")
    assert against(demo, does(A="failed")) == 2


def test_texts_with_markup_are_known_again(demo: Demo) -> None:
    plan = {
        "a | b \\| `c|d` <!-- x --> *e* f\\g \\\\| $h$ 1. [i](j)\n  and so on": [{"does": "failed"}],
        "- a list": [{"does": "no_device"}],
    }
    committed(demo, plan)
    assert against(demo, plan) == 0
    assert changes(demo)["known"] == ["16-01/T1", "16-01/T2"]


def test_requirements_that_nothing_proved_before_are_no_new_gap(demo: Demo) -> None:
    roadmap = demo.file(".planning/ROADMAP.md")
    roadmap.parent.mkdir(parents=True)
    roadmap.write_text(
        "### Phase 16: Demo\n**Requirements**: REQ-01, REQ-07\n**Success Criteria**:\n  1. It works\n"
        "Plans:\n- [ ] 16-01-PLAN.md\n",
        encoding="utf-8",
    )
    plan = {"Truth A holds (REQ-01)": [{"does": "passed"}]}
    committed(demo, plan)
    assert demo.report()["exit_code"] == 3
    assert against(demo, plan) == 0
    assert set(changes(demo)["known"]) == {"REQ-07", "SC-1"}
    text = roadmap.read_text(encoding="utf-8")
    roadmap.write_text(text.replace("REQ-07", "REQ-07, REQ-08"), encoding="utf-8")
    assert against(demo, plan) == 3
    assert changes(demo)["worse"] == ["REQ-08"]


def test_a_step_of_verify_that_cannot_fail_is_known_again(demo: Demo) -> None:
    steps = (
        "<tasks>\n<task type='auto'>\n<name>Task 1: A</name>\n<action>Do.</action>\n"
        "<verify>pytest a.py || true</verify>\n<done>Done.</done>\n</task>\n</tasks>\n"
    )
    demo.plan(does(A="passed"), extra=steps)
    assert demo.run("phase", "16") == 1
    git(demo, "init", "-q")
    git(demo, "add", FOLDER)
    git(demo, "commit", "-q", "-m", "before")
    assert demo.run("phase", "16", "--baseline", "HEAD") == 0


def test_the_root_may_be_below_that_of_the_repository(demo: Demo) -> None:
    plan = does(A="failed")
    demo.plan(plan)
    demo.run("phase", "16")
    top = Demo(demo.root.parent)
    git(top, "init", "-q")
    git(top, "add", f"{demo.root.name}/{FOLDER}")
    git(top, "commit", "-q", "-m", "before")
    git(top, "tag", "before")
    assert against(demo, plan) == 0


def refused(demo: Demo, ref: str, capsys: pytest.CaptureFixture[str]) -> str:
    before = demo.tree()
    capsys.readouterr()
    assert demo.run("phase", "16", "--baseline", ref) == 2
    assert demo.tree() == before
    return capsys.readouterr().err


@pytest.mark.parametrize("ref", ["no-such", "--output=x", "HEAD:.planning", ""])
def test_what_is_no_commit_is_refused_before_anything_runs(
    demo: Demo, ref: str, capsys: pytest.CaptureFixture[str]
) -> None:
    committed(demo, does(A="failed"))
    assert "is not a commit of this repository" in refused(demo, ref, capsys)


def test_a_commit_without_verdicts_is_refused(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.plan(does(A="failed"))
    git(demo, "init", "-q")
    git(demo, "add", FOLDER)
    git(demo, "commit", "-q", "-m", "before")
    said = refused(demo, "HEAD", capsys)
    assert "error: --baseline HEAD: has no verdict of 16-01: neither a VERIFICATION of their phase" in said
    assert "hint: run their phase there" in said


def test_outside_of_a_repository_it_is_refused(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.plan(does(A="failed"))
    assert "is not a commit of this repository" in refused(demo, "main", capsys)


def test_an_edited_verification_is_no_baseline(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    committed(demo, does(A="passed"))
    text = demo.verification.read_text(encoding="utf-8")
    demo.verification.write_text(
        text.replace("Truth A holds | verified", "Truth A holds | failed"), encoding="utf-8"
    )
    git(demo, "commit", "-q", "-a", "-m", "forged")
    assert "HEAD:.planning/phases/16-demo/16-VERIFICATION.md: was edited" in refused(demo, "HEAD", capsys)


def test_sarif_tells_new_gaps_from_known_ones(demo: Demo) -> None:
    committed(demo, does(A="passed", B="failed"))
    against(demo, does(A="failed", B="failed"))
    log = json.loads(demo.file("reports/latest/rocverify.sarif").read_text(encoding="utf-8"))
    assert list(Draft4Validator(SCHEMA).iter_errors(log)) == []
    assert [result["baselineState"] for result in log["runs"][0]["results"]] == ["new", "unchanged"]
