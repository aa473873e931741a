"""What ROADMAP, REQUIREMENTS and a plan ask for is proved by must-haves, or the phase is not passed."""

from __future__ import annotations

import re

import pytest

from rocverify.cli.main import main
from rocverify.errors import ExitCode
from tests.runner.demo import Demo

ROADMAP = """# Roadmap

- [ ] **Phase 16: Demo** - a demo

## Phase Details

### Phase 15: Before
**Requirements**: OLD-01
**Success Criteria** (what must be TRUE):
1. Old things hold

### Phase 16: Demo
**Goal**: a demo
**Requirements**: REQ-01 to REQ-02
**Success Criteria** (what must be TRUE):

  1. Rotations are right,
     in every layout
  2. Nothing is copied

**Plans**: 2 plans

Plans:
- [ ] 16-01: first

### Phase 17: After
**Success Criteria**:
1. Later things hold
"""
TRUTHS = {"Truth 1 holds (REQ-01)": [{"does": "passed"}], "Truth 2 holds (REQ-02)": [{"does": "passed"}]}
BOTH = {
    "Truth 1 holds (REQ-01, SC-1)": [{"does": "passed"}],
    "Truth 2 holds (REQ-02)": [{"does": "passed", "proves": ["T2", "SC-2"]}],
}


@pytest.fixture
def roadmap(demo: Demo) -> Demo:
    folder = demo.root / ".planning"
    folder.mkdir()
    (folder / "ROADMAP.md").write_text(ROADMAP)
    return demo


def unproved(demo: Demo) -> dict[str, str]:
    return {
        d["id"]: d["reason"] for phase in demo.report()["phases"] for d in phase["demands"] if d["reason"]
    }


def test_criteria_that_no_must_have_proves(roadmap: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    roadmap.plan(TRUTHS)
    assert roadmap.run("phase", "16") == ExitCode.UNVERIFIED
    assert list(unproved(roadmap)) == ["SC-1", "SC-2"]
    assert "no must-have proves it (.planning/ROADMAP.md:17)" in unproved(roadmap)["SC-1"]
    assert "unproved: criterion SC-1: Rotations are right, in every layout" in capsys.readouterr().out
    text = roadmap.verification.read_text()
    assert "status: human_needed" in text
    assert re.search(r"\| SC-2 \| Nothing is copied \| unverified \| no must-have proves it", text)
    assert roadmap.report()["status"] == "human_needed"


def test_criteria_that_must_haves_prove(roadmap: Demo) -> None:
    roadmap.plan(BOTH)
    assert roadmap.run("phase", "16") == ExitCode.VERIFIED
    assert unproved(roadmap) == {}
    (phase,) = roadmap.report()["phases"]
    assert {d["id"]: d["must_haves"] for d in phase["demands"]} == {
        "REQ-01": ["16-01/T1"],
        "REQ-02": ["16-01/T2"],
        "SC-1": ["16-01/T1"],
        "SC-2": ["16-01/T2"],
    }
    assert "status: passed" in roadmap.verification.read_text()


def test_a_criterion_whose_must_have_fails(roadmap: Demo) -> None:
    failing = {**BOTH, "Truth 2 holds (REQ-02)": [{"does": "failed", "proves": ["T2", "SC-2"]}]}
    roadmap.plan(failing)
    assert roadmap.run("phase", "16") == ExitCode.GAPS_FOUND
    assert unproved(roadmap)["SC-2"] == "not verified: 16-01/T2"


def test_a_deleted_plan_leaves_its_requirement_unproved(roadmap: Demo) -> None:
    first, second = dict(list(BOTH.items())[:1]), {"Truth 2 holds (REQ-02)": [{"does": "passed"}]}
    roadmap.plan(first, number="16-01")
    path = roadmap.plan(second, number="16-02")
    roadmap.run("phase", "16")
    assert list(unproved(roadmap)) == ["SC-2"]
    path.unlink()
    assert roadmap.run("phase", "16") == ExitCode.UNVERIFIED
    assert list(unproved(roadmap)) == ["REQ-02", "SC-2"]


def test_a_plan_that_the_roadmap_lists_and_that_is_gone(roadmap: Demo) -> None:
    roadmap.plan(BOTH, number="16-02")
    assert roadmap.run("phase", "16") == ExitCode.UNVERIFIED
    assert "lists the plan" in unproved(roadmap)["16-01"]


def test_a_requirement_of_the_plan_itself(demo: Demo) -> None:
    demo.plan(TRUTHS, requirements=["REQ-01", "REQ-07"])
    assert demo.run("plan", "16-01") == ExitCode.UNVERIFIED
    (plan,) = demo.report()["plans"]
    assert demo.run("phase", "16") == ExitCode.UNVERIFIED
    assert list(unproved(demo)) == ["REQ-07"]
    assert plan["score"] == {"verified": 2, "total": 2}


def test_a_requirement_in_the_table_of_requirements(demo: Demo) -> None:
    (demo.root / ".planning").mkdir()
    (demo.root / ".planning/REQUIREMENTS.md").write_text(
        "- [ ] **REQ-03**: Three\n  holds\n\n| Requirement | Phase | Status |\n|---|---|---|\n"
        "| REQ-03 | Phase 16 | Pending |\n| REQ-04 | Phase 17 | Pending |\n"
    )
    demo.plan(TRUTHS)
    assert demo.run("phase", "16") == ExitCode.UNVERIFIED
    assert list(unproved(demo)) == ["REQ-03"]
    (phase,) = demo.report()["phases"]
    assert phase["demands"][0]["text"] == "Three holds"


def test_lenient_says_it_too(roadmap: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    roadmap.plan(TRUTHS)
    assert roadmap.run("phase", "16", "--gate=lenient") == ExitCode.VERIFIED
    assert "unproved: criterion SC-1" in capsys.readouterr().out


def test_a_criterion_alone_binds_nothing(roadmap: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    roadmap.plan({"Truth 1 holds (REQ-01)": [{"does": "passed", "proves": "SC-1"}]})
    assert roadmap.run("phase", "16") == ExitCode.USAGE
    assert "name the must-have that proves it too: proves: [T1, SC-1]" in capsys.readouterr().err


def test_the_case_of_the_field(demo: Demo, repo_root: object) -> None:
    del repo_root
    (demo.root / ".planning").mkdir()
    (demo.root / ".planning/ROADMAP.md").write_text(
        "# Roadmap\n\n## Phase 16: case\n\n**Goal**: a kernel\n**Requirements**: CASE-01, CASE-02\n"
        "**Success Criteria**:\n  1. The kernel transposes\n  2. The kernel supports half precision\n\n"
        "Plans:\n- [ ] 16-01-PLAN.md\n"
    )
    demo.plan({"It is there": [{"does": "passed"}]}, requirements=["CASE-01", "CASE-02"])
    assert demo.run("phase", "16") == ExitCode.UNVERIFIED
    assert sorted(unproved(demo)) == ["CASE-01", "CASE-02", "SC-1", "SC-2"]


def test_explain_says_what_bindings_leave_out(demo: Demo, capsys: pytest.CaptureFixture[str]) -> None:
    path = demo.plan({"Right in float16 (REQ-01)": [{"check": "artifact", "path": "README.md"}]})
    text = path.read_text().replace(
        "<output>",
        '<tasks>\n<task type="auto">\n<name>One</name>\n<verify>pytest a.py || true</verify>\n'
        "</task>\n</tasks>\n<output>",
    )
    path.write_text(text)
    assert main(["explain", "16-01", "--root", str(demo.root)]) == ExitCode.VERIFIED
    shown = capsys.readouterr().out
    assert "tries less than it says: no word of it is about README.md" in shown
    assert "tries less than it says: float16 not tried" in shown
    assert "could not fail: it ends in '|| true'" in shown
