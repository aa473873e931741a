"""`rocverify lint`: each fault once, with its place, and nothing about a sound project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rocverify.cli.main import main

SOUND = "must_haves:\n  artifacts:\n    - {path: a.txt, contains: telling_name}\n"


def project(root: Path, plans: dict[str, str]) -> Path:
    (root / "a.txt").write_text("telling_name\n", encoding="utf-8")
    for name, front in plans.items():
        path = root / ".planning" / "phases" / f"{name[:2]}-demo" / f"{name}-PLAN.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"---\n{front}---\n<objective>x</objective>\n", encoding="utf-8")
    return root


def remarks(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, list[tuple[str, str, str]]]:
    """The exit code, and severity, place and message of each remark."""
    code = main(["lint", "--json", "--root", str(root)])
    found = json.loads(capsys.readouterr().out)
    return code, [(r["severity"], r["place"].rpartition("/")[2], r["message"]) for r in found]


def test_a_sound_project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(
        tmp_path, {"01-01": f"wave: 1\n{SOUND}", "01-02": f"wave: 2\ndepends_on: [01-01]\n{SOUND}"}
    )
    assert remarks(root, capsys) == (0, [])
    assert main(["lint", "--root", str(root)]) == 0
    assert "0 errors, 0 warnings, 0 notes" in capsys.readouterr().out


def test_a_contract_that_cannot_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path, {"01-01": SOUND})
    folder = root / "kernels" / "contracts"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text('@contract(source="a.hip", symbol="a")\nclass A:\n    x = In("n", I8)\n')
    said = "the contract A cannot run: prepare() must supply x: integers are never random"
    assert remarks(root, capsys) == (0, [("note", "a.py:3", said)])


@pytest.mark.parametrize(
    ("plans", "severity", "place", "said"),
    [
        ({"01-01": "a: [\n"}, "error", "01-01-PLAN.md:3", "YAML"),
        ({"01-01": f"depends_on: [01-07]\n{SOUND}"}, "error", "01-01-PLAN.md", "no such plan"),
        ({"01-01": f"depends_on: [1-1]\n{SOUND}"}, "error", "01-01-PLAN.md", "depends on itself"),
        (
            {"01-01": f"depends_on: [01-02]\n{SOUND}", "01-02": f"depends_on: [01-01]\n{SOUND}"},
            "error",
            "01-01-PLAN.md",
            "wait for each other: 01-01 -> 01-02 -> 01-01",
        ),
        (
            {"01-01": f"wave: 1\n{SOUND}", "01-02": f"wave: 1\ndepends_on: [01-01]\n{SOUND}"},
            "error",
            "01-02-PLAN.md",
            "which is in wave 1",
        ),
        (
            {"01-01": "must_haves:\n  artifacts:\n    - {path: a.txt, contains: 'x*'}\n"},
            "error",
            "01-01-PLAN.md:4",
            "is vacuous",
        ),
        (
            {"01-01": "must_haves:\n  artifacts:\n    - {path: a.txt, contains: '(?=x)'}\n"},
            "error",
            "01-01-PLAN.md:4",
            "RE2",
        ),
        ({"01-01": f"wave: soon\n{SOUND}"}, "warning", "01-01-PLAN.md:2", "wave"),
        ({"01-01": "wave: 1\n"}, "warning", "01-01-PLAN.md", "lists no must-haves"),
        (
            {"01-01": "must_haves:\n  truths: [the moon is near]\n"},
            "note",
            "01-01-PLAN.md:3",
            "nothing decides T1",
        ),
    ],
)
def test_a_fault_is_told_once(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    plans: dict[str, str],
    severity: str,
    place: str,
    said: str,
) -> None:
    code, found = remarks(project(tmp_path, plans), capsys)
    assert [(s, p) for s, p, message in found if said in message] == [(severity, place)], found
    assert len(found) == 1
    assert code == (severity == "error")


def test_requirements_that_nobody_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path, {"01-01": f"requirements: [RX-01, RX-02, SC-1]\n{SOUND}"})
    (root / ".planning" / "REQUIREMENTS.md").write_text("- [ ] **RX-01**: x\n", encoding="utf-8")
    code, found = remarks(root, capsys)
    assert code == 0
    assert found == [("warning", "01-01-PLAN.md:2", "the requirement RX-02 is not in REQUIREMENTS.md")]


def test_without_phases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".planning").mkdir()
    assert main(["lint", "--root", str(tmp_path)]) == 2
    assert "has no phases" in capsys.readouterr().err


def test_this_repository_has_no_errors(repo_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--root", str(repo_root)]) == 0, capsys.readouterr().out


def test_names_that_do_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = "rocverify:\n  - {proves: A1, check: kernel_compiled, source: kernels/ad.hip}\n"
    root = project(tmp_path, {"01-01": f"{SOUND}{entry}"})
    (root / "kernels").mkdir()
    (root / "kernels/add.hip").write_text("__global__ void add() {}\n", encoding="utf-8")
    said = "A1/kernel_compiled: there is no file kernels/ad.hip"
    assert remarks(root, capsys) == (0, [("warning", "01-01-PLAN.md:6", said)])
    assert main(["explain", "01-01", "--root", str(root)]) == 0
    line = "01-01-PLAN.md:6: does not exist: there is no file kernels/ad.hip; nearest: kernels/add.hip"
    assert line in capsys.readouterr().out
