"""The plans of this repository bind completely, to checks of every kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rocverify.binding import BoundMustHave, bind
from rocverify.binding.covering import uncovered
from rocverify.binding.project import Subject
from rocverify.checks.registry import CHECKS
from rocverify.plan import (
    DemandKind,
    Plan,
    all_phases,
    find_phase,
    find_plans,
    parse_plan,
    phase_demands,
)
from rocverify.settings import load_settings


@pytest.fixture(scope="module")
def plans(repo_root: Path) -> list[Plan]:
    return [parse_plan(path, repo_root) for path in find_plans(repo_root, "16")]


@pytest.fixture(scope="module")
def bound(plans: list[Plan], repo_root: Path) -> list[BoundMustHave]:
    settings = load_settings(repo_root)
    return [b for plan in plans for b in bind(plan, settings)]


def test_the_phase(repo_root: Path, plans: list[Plan]) -> None:
    assert find_phase(repo_root, "16").name == "16-gpu-rope-implementation"
    assert [plan.number for plan in plans] == ["16-01", "16-02"]
    for plan in plans:
        assert plan.output_path == f".planning/phases/16-gpu-rope-implementation/{plan.number}-SUMMARY.md"


def test_every_must_have_has_a_check(bound: list[BoundMustHave]) -> None:
    assert bound
    assert [(b.must_have.id, b.reason) for b in bound if not b.checks] == []


def test_the_first_kinds_of_check_all_occur(bound: list[BoundMustHave]) -> None:
    first = {"artifact", "correctness", "documented", "kernel_compiled", "key_link", "no_host_roundtrip"}
    assert {spec.kind for b in bound for spec in b.checks} == {*first, "wrapper_present"} <= set(CHECKS)


def test_both_ways_of_binding_occur(bound: list[BoundMustHave]) -> None:
    ways = {spec.why.partition(" ")[0] for b in bound if b.must_have.tail[0] == "T" for spec in b.checks}
    assert ways == {"bound", "inferred"}


def test_every_requirement_is_proved_by_a_truth_and_worked_on_by_a_task(
    repo_root: Path, plans: list[Plan]
) -> None:
    text = (repo_root / ".planning" / "REQUIREMENTS.md").read_text()
    wanted = sorted(re.findall(r"\*\*(ROPE-\d+)\*\*", text))
    assert len(wanted) == 6
    named = [r for plan in plans for t in plan.truths for r in t.requirements]
    assert sorted(r for r in named if not r.startswith("SC-")) == wanted
    assert sorted(r for plan in plans for task in plan.tasks for r in task.requirements) == wanted
    assert sorted(r for plan in plans for r in plan.requirements) == wanted


@pytest.mark.long
def test_the_checks_try_what_truths_and_criteria_name(repo_root: Path) -> None:
    settings = load_settings(repo_root)
    subject = Subject(repo_root, settings)
    for phase in all_phases(repo_root):
        must_haves = [b for path in phase.plans for b in bind(parse_plan(path, repo_root), settings)]
        assert [(b.must_have.id, b.uncovered) for b in must_haves if b.uncovered] == []
        criteria = [d for d in phase_demands(repo_root, phase.number) if d.kind is DemandKind.CRITERION]
        assert criteria
        for demand in criteria:
            proofs = [b for b in must_haves if demand.id in (*b.proves, *b.must_have.requirements)]
            specs = [spec for bound in proofs for spec in bound.checks]
            assert specs
            assert (demand.id, uncovered(demand.text, specs, subject)) == (demand.id, ())


def test_what_the_plans_name_is_there(repo_root: Path, plans: list[Plan]) -> None:
    for plan in plans:
        named = {a.path for a in plan.artifacts}
        named |= {path for link in plan.key_links for path in (link.from_path, link.to_path)}
        named |= {file for task in plan.tasks for file in (*task.files, *task.read_first)}
        named |= {*plan.files_modified, *(ref.path for ref in plan.context_refs)}
        assert [path for path in sorted(named) if not (repo_root / path).is_file()] == []
