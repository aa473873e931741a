"""SUMMARY and VERIFICATION as runs write them: complete, kind to people, still where nothing changed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.runner.demo import FOLDER, Demo

TASKS = """
<tasks>
<task type="auto">
  <name>Task 1: Make it hold | really (REQ-01)</name>
  <files>kernels/rope.py</files>
  <action>Do it.</action>
  <verify>grep x | wc -l</verify>
  <done>Done.</done>
</task>
<task type="checkpoint:human-verify">
  <name>Task 2: Look at it</name>
  <how-to-verify>Run ./engine and look</how-to-verify>
</task>
</tasks>
<verification>
- [ ] It holds
</verification>
"""


def frontmatter(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text[4 : text.index("\n---\n", 3)])
    return data


def test_summary_has_every_part(demo: Demo) -> None:
    demo.plan(
        {
            "Truth | one <!-- rocverify:end --> `holds` (REQ-01)": [
                {"does": "passed", "evidence": {"cases": 3}}
            ],
            "Truth two (REQ-02)": [{"does": "compile_error", "text": "a | b"}],
            "Truth three": [],
        },
        extra=TASKS,
        depends_on=["15-02"],
        files_modified=["kernels/rope.py"],
    )
    assert demo.run("phase", "16") == 1
    front = frontmatter(demo.summary)
    assert front["phase"] == "16-demo"
    assert "plan: 01\n" in demo.summary.read_text(encoding="utf-8")
    assert (front["status"], front["verdict"]) == ("halted", "gaps_found")
    assert front["score"] == "1/3"
    assert front["requires"][0]["phase"] == "15-02"
    assert front["provides"] == ["Truth | one <!-- rocverify:end --> `holds` (REQ-01)"]
    assert front["key-files"] == {"modified": ["kernels/rope.py"]}
    assert front["requirements-completed"] == ["REQ-01"]
    assert set(front) >= {"subsystem", "tags", "affects", "duration", "completed"}
    text = demo.summary.read_text(encoding="utf-8")
    for part in (
        "# Phase 16 Plan 01: Prove the demo Summary",
        "| T1 | Truth \\| one \\<!-- rocverify:end --> \\`holds\\` (REQ-01) | REQ-01 | verified | as planned",
        "| T2 | Truth two (REQ-02) | REQ-02 | failed | fake failed: ",
        "| T3 | Truth three |  | unverified | no phrase of the catalogue fits",
        "k.hip:3:1: error: no",
        "What to do: correct the source",
        "- Task: Task 1: Make it hold \\| really (REQ-01) in `kernels/rope.py`; decided by T1: verified",
        "The checkpoint Task 2: Look at it: a person decides it: Run ./engine and look",
        "16-01/T3, Truth three: ",
        "`.planning/phases/16-demo/16-01-PLAN.md` (plan) `",
        "This is the first verdict on this plan.",
        "rocverify run plan 16-01 --seed=",
        "No commit message names plan 16-01.",
    ):
        assert part in text, part
    for title in (
        "Must-haves",
        "What failed or is open",
        "Coverage",
        "Worst errors",
        "What was not verified, and why",
        "Since the last verdict",
        "How to reproduce",
    ):
        assert f"\n## {title}\n" in text


def test_a_green_summary_fits_a_screen(demo: Demo) -> None:
    names = [f"Truth {n}" for n in range(14)]
    demo.plan(
        {name: [{"does": "passed"}] * 3 for name in names}, extra=TASKS.replace("grep x | wc -l", "true")
    )
    assert demo.run("phase", "16") == 0
    text = demo.summary.read_text(encoding="utf-8")
    assert len(text.partition("\n---\n")[2].splitlines()) <= 120
    assert "as planned (fake (3))" in text


def test_what_changed_since_the_last_verdict_is_told(demo: Demo) -> None:
    demo.plan({"A": [{"does": "failed"}], "B": [{"does": "passed"}], "C": [{"does": "passed"}]})
    demo.run("phase", "16")
    demo.plan({"A": [{"does": "passed"}], "B": [{"does": "failed"}]})
    demo.run("phase", "16")
    text = demo.summary.read_text(encoding="utf-8")
    section = text.partition("## Since the last verdict\n\n")[2].partition("\n\n")[0]
    assert section.splitlines() == [
        "- T1 was failed, and is verified now",
        "- T2 was verified, and is failed now",
        "- no longer in the plan: T3",
    ]
    gaps = demo.verification.read_text(encoding="utf-8").partition("## Since the last verdict\n\n")[2]
    assert gaps.startswith("The last verdict was `gaps_found` with 2/3.\n\n- Closed: A\n- New: B\n")


def test_a_change_that_turns_no_verdict_says_so(demo: Demo) -> None:
    source = demo.file("kernels.hip")
    source.write_text("one", encoding="utf-8")
    plan = demo.does("passed")
    text = plan.read_text(encoding="utf-8").replace(
        "artifacts: []", "artifacts:\n  - path: kernels.hip\n    provides: a kernel\n"
    )
    plan.write_text(text, encoding="utf-8")
    demo.run("phase", "16")
    source.write_text("two", encoding="utf-8")
    demo.run("phase", "16")
    day = frontmatter(demo.summary)["completed"]
    told = f"- No verdict changed since the verdict of {day}."
    assert told in demo.summary.read_text(encoding="utf-8")


def test_verification_has_the_gaps_as_the_workflow_reads_them(demo: Demo) -> None:
    demo.plan({"A (REQ-01)": [{"does": "failed", "text": "broken"}], "B (REQ-02)": [{"does": "no_device"}]})
    demo.plan({"C": [{"does": "passed"}]}, number="16-02")
    demo.run("phase", "16")
    front = frontmatter(demo.verification)
    assert (front["phase"], front["status"], front["score"]) == (
        "16-demo",
        "gaps_found",
        "1/3 must-haves verified",
    )
    assert front["gaps"] == [
        {
            "truth": "A (REQ-01)",
            "status": "failed",
            "reason": "fake failed: broken",
            "artifacts": [{"path": "kernels/rope.py", "issue": "line 7: finding: broken"}],
            "missing": ["do it"],
        }
    ]
    (human,) = front["human_verification"]
    assert human["expected"] == "B (REQ-02)"
    assert "no_device" not in human["why_human"]
    text = demo.verification.read_text(encoding="utf-8")
    assert "| REQ-01 | failed | 16-01/T1 |" in text
    assert "| 16-02 | passed | 1/1 |" in text


def test_a_single_plan_leaves_the_verification_of_a_larger_phase_alone(demo: Demo) -> None:
    demo.plan({"A": [{"does": "passed"}]})
    demo.plan({"B": [{"does": "passed"}]}, number="16-02")
    demo.run("plan", "16-01")
    assert demo.summary.exists()
    assert not demo.verification.exists()
    demo.run("phase", "16")
    assert demo.verification.exists()
    assert frontmatter(demo.summary)["affects"] == []


def test_an_unchanged_result_rewrites_nothing(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.plan(
        {
            "A": [{"does": "seed"}],
            "B": [{"does": "failed", "text": "off by 0.125 at 7"}],
            "C": [{"does": "device"}],
        }
    )
    demo.run("phase", "16", "--seed", "1")
    before = {path: path.stat() for path in (demo.summary, demo.verification)}
    texts = {path: path.read_bytes() for path in before}
    demo.plan(
        {
            "A": [{"does": "seed"}],
            "B": [{"does": "failed", "text": "off by 0.125 at 7"}],
            "C": [{"does": "device"}],
        }
    )
    capsys.readouterr()
    demo.run("phase", "16", "--seed", "2")
    for path, stat in before.items():
        assert path.read_bytes() == texts[path]
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns)
    assert "(0 of 2 documents changed)" in capsys.readouterr().out
    assert demo.report()["seed"] == 2


@pytest.mark.parametrize("change", ["verdict", "source", "plan"])
def test_whatever_matters_rewrites(demo: Demo, change: str) -> None:
    source = demo.file("kernels.hip")
    source.write_text("one", encoding="utf-8")
    demo.plan({"A": [{"does": "passed"}]})
    plan = demo.file(f"{FOLDER}/16-01-PLAN.md")
    text = plan.read_text(encoding="utf-8").replace(
        "artifacts: []", "artifacts:\n  - path: kernels.hip\n    provides: a kernel\n"
    )
    plan.write_text(text, encoding="utf-8")
    demo.run("phase", "16")
    before = demo.summary.read_bytes()
    if change == "verdict":
        plan.write_text(text.replace("does: passed", "does: failed"), encoding="utf-8")
    elif change == "source":
        source.write_text("two", encoding="utf-8")
    else:
        plan.write_text(text + "\n<!-- touched -->\n", encoding="utf-8")
    demo.run("phase", "16")
    assert demo.summary.read_bytes() != before


def test_text_of_a_person_is_kept_through_changes(demo: Demo) -> None:
    demo.does("passed")
    demo.run("phase", "16")
    text = demo.summary.read_text(encoding="utf-8")
    text = text.replace("subsystem: gpu-kernels", "subsystem: attention  # mine")
    text = (
        text.replace("---\n\n#", "mine: {a: 1}\n---\n\nBefore.\n\n#", 1)
        + "\n## Notes\n\nAfter, with | and `.\n"
    )
    demo.summary.write_text(text, encoding="utf-8")
    demo.does("failed")
    demo.run("phase", "16")
    new = demo.summary.read_text(encoding="utf-8")
    assert "subsystem: attention  # mine\n" in new
    assert "mine: {a: 1}\n---\n\nBefore.\n\n# Phase 16" in new
    assert new.endswith("<!-- rocverify:end -->\n\n## Notes\n\nAfter, with | and `.\n")
    assert frontmatter(demo.summary)["verdict"] == "gaps_found"


@pytest.mark.parametrize(("word", "code"), [("passed", 2), ("failed", 1), ("no_device", 2)])
def test_a_malformed_summary_is_kept_and_said(
    demo: Demo, capsys: pytest.CaptureFixture[str], word: str, code: int
) -> None:
    demo.does(word)
    text = "# Mine\n<!-- rocverify:begin digest=x -->\nmy text below a lone marker\n"
    demo.summary.write_text(text, encoding="utf-8")
    assert demo.run("phase", "16") == code
    assert demo.summary.read_text(encoding="utf-8") == text
    captured = capsys.readouterr()
    assert "16-01-SUMMARY.md:2: has broken markers" in captured.err
    assert "16-01-SUMMARY.md  (not written)" in captured.out
    assert demo.verification.exists()
    assert demo.report()["plans"]


def test_a_folder_in_the_way_is_an_error_of_its_own(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    demo.does("passed")
    demo.summary.mkdir()
    assert demo.run("phase", "16") == 2
    assert "cannot be written" in capsys.readouterr().err


def test_commits_that_name_the_plan(demo: Demo) -> None:
    demo.does("passed")
    environment = {
        **os.environ,
        **{f"GIT_{who}_{what}": "x@y" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "GIT_CONFIG_GLOBAL": os.devnull,
    }

    def git(*arguments: str) -> None:
        subprocess.run(
            ["git", "-C", str(demo.root), *arguments], check=True, capture_output=True, env=environment
        )

    git("init", "-q")
    git("add", ".planning")
    git("commit", "-q", "-m", "feat(16-01): first | part")
    for message in (
        "16-01: second",
        "feat(116-01): no",
        "feat(16-011): no",
        "feat(16-02): no",
        "talks of 16-01 only",
    ):
        git("commit", "-q", "--allow-empty", "-m", message)
        demo.file("touched").write_text(message, encoding="utf-8")
        git("add", "touched")
        git("commit", "-q", "--amend", "--no-edit")
    demo.run("phase", "16")
    text = demo.summary.read_text(encoding="utf-8")
    commits = [line for line in text.splitlines() if line.startswith("- Commit: ")]
    subjects = [line.split(" ", 4)[4] for line in commits]
    assert subjects == ["feat(16-01): first \\| part", "16-01: second"]


def test_without_git_there_are_no_commits(demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    demo.does("passed")
    monkeypatch.setenv("PATH", str(demo.root))
    assert demo.run("phase", "16") == 0
    assert "No commit message names plan 16-01." in demo.summary.read_text(encoding="utf-8")


def test_reports_carry_no_terminal_escapes(demo: Demo) -> None:
    demo.does("ansi")
    demo.run("phase", "16")
    for name in (demo.summary, demo.verification, demo.file("reports/latest/report.json")):
        text = name.read_text(encoding="utf-8")
        assert "\x1b" not in text
        assert "\\u001b" not in text
        assert "red and" in text
