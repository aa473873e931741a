"""What the workflow's own tools read of SUMMARY and VERIFICATION; with its npm package, by its validators."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.runner.demo import FOLDER, Demo

VERIFICATION = f"{FOLDER}/16-VERIFICATION.md"
HASH = re.compile(r"\b[0-9a-f]{7,40}\b")
IN_BACKTICKS = re.compile(r"`([^`]+\.[a-zA-Z]+)`")
ONE_LINE = re.compile(r"^#+\s*[^\n]*Summary[^\n]*\n+\*\*([^*\n]+)\*\*", re.MULTILINE)


def frontmatter(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text[4 : text.index("\n---\n", 3)])
    return data


def two_truths(demo: Demo, first: str = "passed", second: str | None = "passed") -> None:
    built = {
        "targets": {
            "gfx1100": {
                "code_object_sha256": "4a3f2063" * 8,
                "source_sha256": "9c921a4b" * 8,
                "headers_sha256": "6c5ae246" * 8,
                "compiler": "clang",
                "command": "clang++ -c kernels/gone.hip -o cache/gone.gfx1100.co",
                "kernels": {"rope_kernel": {}},
            }
        }
    }
    demo.plan(
        {
            "Truth one: `it` holds (REQ-01)": [{"does": first, "evidence": built}],
            "Truth two (REQ-02)": [{"does": second}] if second else [],
        },
    )


def test_nothing_looks_like_a_commit_or_a_file_that_is_not_one(demo: Demo) -> None:
    two_truths(demo)
    demo.run("phase", "16", "--seed=1")
    for path in (demo.summary, demo.root / VERIFICATION):
        text = path.read_text(encoding="utf-8")
        body = text.partition("\n---\n")[2]
        assert HASH.findall(body) == []
        named = [found for found in IN_BACKTICKS.findall(text) if "/" in found]
        assert named
        assert [name for name in named if not (demo.root / name).exists()] == []


@pytest.mark.parametrize(
    ("first", "second", "status", "verdict"),
    [
        ("passed", "passed", "complete", "passed"),
        ("failed", "passed", "halted", "gaps_found"),
        ("passed", None, "halted", "human_needed"),
    ],
)
def test_the_status_is_the_workflows_and_ours_stands_beside_it(
    demo: Demo, first: str, second: str | None, status: str, verdict: str
) -> None:
    two_truths(demo, first, second)
    demo.run("phase", "16")
    front = frontmatter(demo.summary)
    assert (front["status"], front["verdict"]) == (status, verdict)


def test_the_result_is_where_it_is_looked_for(demo: Demo) -> None:
    two_truths(demo, second="failed")
    demo.run("phase", "16")
    text = demo.summary.read_text(encoding="utf-8")
    found = ONE_LINE.search(text)
    assert found is not None
    assert found[1].startswith("1 of 2 must-haves verified, 1 failed")
    accomplishments = text.partition("## Accomplishments\n")[2].partition("\n## ")[0]
    assert "Truth one" in accomplishments
    assert "Truth two" not in accomplishments
    assert text.partition("## Self-Check\n")[2].strip().startswith("Failed: 1/2")


def test_what_was_delivered_is_listed_for_acceptance(demo: Demo) -> None:
    two_truths(demo, second=None)
    demo.run("phase", "16")
    one, two = frontmatter(demo.summary)["coverage"]
    assert (one["id"], one["requirement"], one["human_judgment"]) == ("T1", "REQ-01", False)
    assert [entry["status"] for entry in one["verification"]] == ["pass"]
    assert (two["id"], two["verification"], two["human_judgment"]) == ("T2", [], True)
    assert two["rationale"]


def test_the_fingerprint_is_of_the_files_as_they_are(demo: Demo) -> None:
    two_truths(demo)
    demo.run("phase", "16")
    front = frontmatter(demo.root / VERIFICATION)
    assert {demo.summary.relative_to(demo.root).as_posix(), f"{FOLDER}/16-01-PLAN.md"} <= set(
        front["covered_files"]
    )
    total = hashlib.sha256(b"v1\n")
    for name in sorted(front["covered_files"]):
        content = (demo.root / name).read_bytes()
        total.update(f"{name}\n{hashlib.sha256(content).hexdigest()}\n".encode())
    assert front["covered_digest"] == f"v1:sha256:{total.hexdigest()}"


def test_an_edited_summary_is_covered_anew_by_the_next_run(demo: Demo) -> None:
    two_truths(demo)
    demo.run("phase", "16")
    before = frontmatter(demo.root / VERIFICATION)["covered_digest"]
    demo.summary.write_text(demo.summary.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    demo.run("phase", "16")
    assert frontmatter(demo.root / VERIFICATION)["covered_digest"] != before


def test_a_second_verdict_says_how_the_gaps_went(demo: Demo) -> None:
    two_truths(demo, first="failed")
    demo.run("phase", "16")
    assert "re_verification" not in frontmatter(demo.root / VERIFICATION)
    two_truths(demo, second="failed")
    demo.run("phase", "16")
    told = frontmatter(demo.root / VERIFICATION)["re_verification"]
    assert told["previous_status"] == "gaps_found"
    assert told["previous_score"] == "1/2"
    assert [truth[:9] for truth in told["gaps_closed"]] == ["Truth one"]
    assert [truth[:9] for truth in told["regressions"]] == ["Truth two"]
    assert told["gaps_remaining"] == []


def test_what_a_person_accepted_is_kept_shown_and_changes_nothing(demo: Demo) -> None:
    two_truths(demo, first="failed")
    demo.run("phase", "16")
    path = demo.root / VERIFICATION
    entry = 'overrides:\n  - must_have: "Truth one"\n    reason: "good enough"\n    accepted_by: "ann"\n'
    path.write_text(path.read_text(encoding="utf-8").replace("---\n", f"---\n{entry}", 1), encoding="utf-8")
    two_truths(demo, first="failed", second="failed")
    assert demo.run("phase", "16") == 1
    front = frontmatter(path)
    assert front["overrides"][0]["accepted_by"] == "ann"
    assert (front["overrides_applied"], front["status"]) == (0, "gaps_found")
    assert "good enough (accepted by ann)" in path.read_text(encoding="utf-8")


def test_gaps_name_plain_paths_and_something_to_do(demo: Demo) -> None:
    two_truths(demo, first="failed")
    demo.run("phase", "16")
    (gap,) = frontmatter(demo.root / VERIFICATION)["gaps"]
    assert gap["missing"]
    assert all(step.strip() for step in gap["missing"])
    assert all(not re.search(r":\d+$", artifact["path"]) for artifact in gap["artifacts"])


def test_truths_that_nothing_exercised_are_counted(demo: Demo) -> None:
    two_truths(demo, second=None)
    demo.run("phase", "16")
    front = frontmatter(demo.root / VERIFICATION)
    assert front["behavior_unverified"] == 1
    assert [item["truth"][:9] for item in front["behavior_unverified_items"]] == ["Truth two"]


def _tools() -> list[str] | None:
    """The workflow's command, where its npm package and node are installed."""
    named = os.environ.get("GSD_TOOLS") or shutil.which("gsd-tools")
    if named is None or shutil.which("node") is None:
        return None
    return ["node", named]


@pytest.mark.drawn(2, fast=1)
@pytest.mark.skipif(
    _tools() is None, reason="needs node and @opengsd/gsd-core (gsd-tools, or GSD_TOOLS=path)"
)
@pytest.mark.parametrize("second", ["passed", "failed", None])
def test_the_workflows_own_validators_agree(demo: Demo, second: str | None) -> None:
    two_truths(demo, second=second)
    demo.run("phase", "16", "--seed=1")
    summary = demo.summary.relative_to(demo.root).as_posix()

    def asked(*words: str) -> dict[str, Any]:
        tools = _tools()
        assert tools is not None
        done = subprocess.run(
            [*tools, *words], cwd=demo.root, capture_output=True, text=True, timeout=120, check=True
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    checked = asked("verify-summary", summary, "--check-count", "100")
    assert checked["checks"]["self_check"] == ("passed" if second == "passed" else "failed")
    assert checked["checks"]["files_created"]["missing"] == []
    assert asked("frontmatter", "validate", summary, "--schema", "summary")["valid"]
    assert asked("frontmatter", "validate", VERIFICATION, "--schema", "verification")["valid"]
    covered = asked("uat", "classify-coverage", "--summary", summary)
    assert (covered["mode"], covered["errors"]) == ("coverage", [])
    assert covered["all_auto_covered"] is (second == "passed")
    expected = {"passed": "passed", "failed": "gaps_found", None: "human_needed"}[second]
    assert asked("verification", "status", FOLDER)["status"] == expected
