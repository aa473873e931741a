"""Phases and plans are found by number, name or path, and never by guessing."""

from __future__ import annotations

from pathlib import Path

import pytest

from rocverify.errors import PlanError
from rocverify.plan import all_phases, find_phase, find_plans, parse_plan

PHASES = ".planning/phases"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in (
        "06-attention/06-01-PLAN.md",
        "06-attention/06-02-tiles-PLAN.md",
        "06-attention/06-10-PLAN.md",
        "06-attention/06-02-SUMMARY.md",
        "06-attention/notes-PLAN.txt",
        "06.1-hotfix/PLAN.md",
        "12.1A-fused/01-first/PLAN.md",
        "12.1A-fused/12.1A-02-second/PLAN.md",
        "16-gpu-rope-implementation/16-01-PLAN.md",
        "16-gpu-rope-implementation/16-02-PLAN.md",
        "20-a/20-01-PLAN.md",
        "020-b/020-01-PLAN.md",
        "30-double/30-01-PLAN.md",
        "30-double/30-01-slug-PLAN.md",
        "31-3d-convolution/31-01-PLAN.md",
        "32-bare/PLAN.md",
        "drafts/16-01-PLAN.md",
    ):
        path = tmp_path / PHASES / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("---\nwave: 1\n---\n")
    (tmp_path / PHASES / "32-bare" / "PLAN.md").write_text("---\nphase: 32-bare\nplan: '04'  # fourth\n---\n")
    (tmp_path / PHASES / "40-empty").mkdir()
    return tmp_path


def names(root: Path, selector: str) -> list[str]:
    return [p.relative_to(root / PHASES).as_posix() for p in find_plans(root, selector)]


@pytest.mark.parametrize(
    ("selector", "folder"),
    [
        ("16", "16-gpu-rope-implementation"),
        ("016", "16-gpu-rope-implementation"),
        ("16-gpu-rope-implementation", "16-gpu-rope-implementation"),
        ("016-gpu-rope-implementation", "16-gpu-rope-implementation"),
        (f"{PHASES}/16-gpu-rope-implementation/", "16-gpu-rope-implementation"),
        ("6", "06-attention"),
        ("06.1", "06.1-hotfix"),
        ("6.1", "06.1-hotfix"),
        ("12.1A", "12.1A-fused"),
        ("12.1a", "12.1A-fused"),
        ("20-a", "20-a"),
        ("020-b", "020-b"),
        ("31", "31-3d-convolution"),
        ("31-3d-convolution", "31-3d-convolution"),
    ],
)
def test_phase_by_any_form(root: Path, selector: str, folder: str) -> None:
    assert find_phase(root, selector).name == folder


@pytest.mark.parametrize(
    "selector", ["17", "1", "160", "12.1", "12.1B", "6.10", "", "gpu-rope", "16-other", "x" * 5000]
)
def test_no_such_phase_lists_what_there_is(root: Path, selector: str) -> None:
    with pytest.raises(PlanError, match="no phase") as caught:
        find_phase(root, selector)
    assert "16-gpu-rope-implementation" in (caught.value.hint or "")


@pytest.mark.parametrize("selector", ["17", "017", "17-quantise"])
def test_of_a_phase_that_the_roadmap_lists_it_says_where(root: Path, selector: str) -> None:
    listed = "# Roadmap\n\n- [x] **Phase 16: Rope**\n- [ ] **Phase 17: Quantise**\n"
    (root / ".planning/ROADMAP.md").write_text(listed, encoding="utf-8")
    with pytest.raises(PlanError, match="the roadmap lists phase") as caught:
        find_phase(root, selector)
    assert caught.value.where == ".planning/ROADMAP.md:4"
    assert "has no folder of that number" in caught.value.message
    assert find_phase(root, "16").number == "16"
    with pytest.raises(PlanError, match="no phase '18'"):
        find_phase(root, "18")


def test_an_ambiguous_number_lists_the_candidates(root: Path) -> None:
    with pytest.raises(PlanError, match="ambiguous") as caught:
        find_phase(root, "20")
    assert f"{PHASES}/020-b" in caught.value.message
    assert f"{PHASES}/20-a" in caught.value.message


def test_plans_of_a_phase_are_in_the_order_of_their_numbers(root: Path) -> None:
    assert names(root, "6") == [
        "06-attention/06-01-PLAN.md",
        "06-attention/06-02-tiles-PLAN.md",
        "06-attention/06-10-PLAN.md",
    ]
    assert names(root, "12.1A") == ["12.1A-fused/01-first/PLAN.md", "12.1A-fused/12.1A-02-second/PLAN.md"]


@pytest.mark.parametrize(
    ("selector", "file"),
    [
        ("16-01", "16-gpu-rope-implementation/16-01-PLAN.md"),
        ("016-1", "16-gpu-rope-implementation/16-01-PLAN.md"),
        ("16-02-PLAN.md", "16-gpu-rope-implementation/16-02-PLAN.md"),
        ("16-02-PLAN", "16-gpu-rope-implementation/16-02-PLAN.md"),
        (f"{PHASES}/16-gpu-rope-implementation/16-02-PLAN.md", "16-gpu-rope-implementation/16-02-PLAN.md"),
        (f"{PHASES}/16-gpu-rope-implementation/16-02", "16-gpu-rope-implementation/16-02-PLAN.md"),
        ("06-02", "06-attention/06-02-tiles-PLAN.md"),
        ("06-02-tiles", "06-attention/06-02-tiles-PLAN.md"),
        ("06-02-tiles-PLAN.md", "06-attention/06-02-tiles-PLAN.md"),
        ("06.1-01", "06.1-hotfix/PLAN.md"),
        ("12.1A-01", "12.1A-fused/01-first/PLAN.md"),
        ("12.1A-02", "12.1A-fused/12.1A-02-second/PLAN.md"),
        ("12.1A-02-second", "12.1A-fused/12.1A-02-second/PLAN.md"),
        (f"{PHASES}/12.1A-fused/01-first/PLAN.md", "12.1A-fused/01-first/PLAN.md"),
        ("32-04", "32-bare/PLAN.md"),
        ("30-01-slug", "30-double/30-01-slug-PLAN.md"),
        (f"{PHASES}/drafts/16-01-PLAN.md", "drafts/16-01-PLAN.md"),
    ],
)
def test_plan_by_any_form(root: Path, selector: str, file: str) -> None:
    assert names(root, selector) == [file]


@pytest.mark.parametrize("selector", ["16-03", "16-01-slug", "06-02-other", "32-01"])
def test_no_such_plan_lists_what_the_phase_has(root: Path, selector: str) -> None:
    with pytest.raises(PlanError, match="no plan") as caught:
        find_plans(root, selector)
    assert "PLAN.md" in (caught.value.hint or "")


@pytest.mark.parametrize("selector", ["30-01", "30"])
def test_two_files_with_one_number(root: Path, selector: str) -> None:
    with pytest.raises(PlanError, match="ambiguous") as caught:
        find_plans(root, selector)
    assert "30-01-PLAN.md" in caught.value.message
    assert "30-01-slug-PLAN.md" in caught.value.message


def test_a_phase_without_plans(root: Path) -> None:
    assert find_phase(root, "40").plans == ()
    with pytest.raises(PlanError, match="has no plans"):
        find_plans(root, "40")


def test_all_phases_by_number(root: Path) -> None:
    assert [p.name for p in all_phases(root)] == [
        "06-attention",
        "06.1-hotfix",
        "12.1A-fused",
        "16-gpu-rope-implementation",
        "020-b",
        "20-a",
        "30-double",
        "31-3d-convolution",
        "32-bare",
        "40-empty",
    ]


def test_a_root_without_phases(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="has no phases"):
        all_phases(tmp_path)
    with pytest.raises(PlanError, match="no phase") as caught:
        find_phase(tmp_path, "1")
    assert "no phase at all" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("selector", "number"),
    [
        ("06.1", "06.1-01"),
        ("12.1A-01", "12.1A-01"),
        ("12.1A-02", "12.1A-02"),
        ("32", "32-04"),
        ("06-10", "06-10"),
    ],
)
def test_the_number_that_a_file_was_found_by_is_the_plans_own(root: Path, selector: str, number: str) -> None:
    (path,) = find_plans(root, selector)
    assert parse_plan(path, root).number == number


@pytest.mark.parametrize(
    ("selector", "plans"),
    [
        ("3", ["ENG-03-01", "ENG-03-02"]),
        ("ENG-03", ["ENG-03-01", "ENG-03-02"]),
        ("ENG-03-kernels", ["ENG-03-01", "ENG-03-02"]),
        ("ENG-03-01", ["ENG-03-01"]),
        ("03-02", ["ENG-03-02"]),
        ("1", ["01-01"]),
        ("PROJ-01", ["01-01"]),
        ("PROJ-01-01", ["01-01"]),
    ],
)
def test_phases_with_the_project_before_their_number(tmp_path: Path, selector: str, plans: list[str]) -> None:
    for name in ("ENG-03-kernels/ENG-03-01", "ENG-03-kernels/ENG-03-02", "PROJ-01-build/01-01", "05-x/05-01"):
        path = tmp_path / PHASES / f"{name}-PLAN.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("---\nwave: 1\n---\n")
    found = [p.name.removesuffix("-PLAN.md") for p in find_plans(tmp_path, selector)]
    assert found == plans


def test_another_project_is_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / PHASES / "ENG-03-kernels/ENG-03-01-PLAN.md"
    path.parent.mkdir(parents=True)
    path.write_text("---\nwave: 1\n---\n")
    with pytest.raises(PlanError, match="no phase 'PROJ-03'"):
        find_plans(tmp_path, "PROJ-03")
