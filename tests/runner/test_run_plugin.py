"""`pytest .planning`: the same verdicts by pytest alone, and a plugin that is not there without plans."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from rocverify.runner.plugin import is_plan
from tests.runner.demo import FOLDER, REPOSITORY, Demo


def plain(demo: Demo, *arguments: str) -> subprocess.CompletedProcess[str]:
    """pytest in a process of its own; it names the plugins that an installation makes known."""
    known = ("-p", "rocverify.runner.plugin", "-p", "tests.runner.fake_plugin", "-p", "xdist.plugin")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *known, *arguments],
        cwd=demo.root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


CASES = [
    (("passed",), 0),
    (("failed", "passed"), 1),
    (("bad_object",), 1),
    (("no_device",), 1),
]


@pytest.mark.drawn(1, fast=2)
@pytest.mark.parametrize(("words", "code"), CASES)
def test_green_is_only_what_was_verified(demo: Demo, words: tuple[str, ...], code: int) -> None:
    demo.does(*words)
    done = plain(demo, ".planning")
    assert done.returncode == code, done.stdout


def test_verdicts_are_the_same_and_shown(demo: Demo) -> None:
    demo.plan(
        {
            "Nobody knows": [],
            "A": [{"does": "passed"}],
            "B": [{"does": "failed"}],
            "C": [{"does": "no_device"}],
        }
    )
    done = plain(demo, ".planning", "-v")
    lines = done.stdout.splitlines()
    for verdict, name in (("unverified", "T1"), ("verified", "T2"), ("failed", "T3"), ("unverified", "T4")):
        assert any(line.startswith(f"{verdict:<10} 16-01/{name}  ") for line in lines), done.stdout
    assert f"{FOLDER}/16-01-PLAN.md::T4/fake NOT_RUN" in done.stdout
    assert f"{FOLDER}/16-01-PLAN.md::T1 UNVERIFIED" in done.stdout
    assert "16-01: gaps_found, 1/4 verified" in done.stdout
    assert not demo.summary.exists()


def test_a_plan_without_must_haves_is_not_green(demo: Demo) -> None:
    demo.plan({})
    done = plain(demo, ".planning")
    assert done.returncode == 1
    assert "1 unverified" in done.stdout


@pytest.mark.long
def test_under_xdist_the_controller_shows_the_same(demo: Demo) -> None:
    demo.does("passed", "failed", "no_device")
    done = plain(demo, ".planning", "-n", "2")
    assert done.returncode == 1
    assert "16-01: gaps_found, 1/3 verified" in done.stdout, done.stdout


def test_one_check_by_its_node_id(demo: Demo) -> None:
    demo.does("passed", "failed")
    done = plain(demo, f"{FOLDER}/16-01-PLAN.md::T1/fake")
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_warnings_as_errors_do_not_turn_a_verdict(demo: Demo) -> None:
    demo.does("warn")
    assert plain(demo, ".planning", "-W", "error").returncode == 0


def test_a_malformed_plan_is_an_error_with_its_line(demo: Demo) -> None:
    plan = demo.does("passed")
    plan.write_text("---\nphase: 16-demo\nphase: again\n---\n", encoding="utf-8")
    done = plain(demo, ".planning")
    assert done.returncode == 2
    assert "16-01-PLAN.md:3" in done.stdout


def test_an_unproved_criterion_is_not_green(demo: Demo) -> None:
    demo.does("passed")
    (demo.root / ".planning/ROADMAP.md").write_text(
        "### Phase 16: Demo\n\n**Success Criteria**:\n1. Rotations are right\n"
    )
    done = plain(demo, ".planning")
    assert done.returncode == 1, done.stdout
    assert "criterion SC-1: no must-have proves it" in done.stdout


@pytest.mark.long
def test_lenient_gate_for_plain_pytest(demo: Demo) -> None:
    demo.does("no_device")
    assert plain(demo, ".planning", "--rocverify-gate=lenient").returncode == 0


def test_ordinary_tests_are_left_alone(demo: Demo) -> None:
    demo.file("test_ordinary.py").write_text("def test_it():\n    pass\n", encoding="utf-8")
    demo.file("docs").mkdir()
    demo.file("docs/16-01-PLAN.md").write_text("no plan of ours", encoding="utf-8")
    program = (
        "import sys, pytest; code = pytest.main(['-q', '-p', 'rocverify.runner.plugin']); "
        "names = ('rocverify.plan', 'rocverify.checks.', 'pydantic'); "
        "heavy = [m for m in sys.modules if m.startswith(names)]; "
        "print('loaded', heavy); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=demo.root,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout
    assert "must-haves" not in done.stdout
    assert "loaded []" in done.stdout


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (".planning/phases/16-x/16-01-PLAN.md", True),
        (".planning/phases/16-x/01-y/PLAN.md", True),
        (".planning/phases/16-x/16-01-slug-PLAN.md", True),
        (".planning/phases/16-x/16-01-SUMMARY.md", False),
        (".planning/phases/16-x/MYPLAN.md", False),
        ("docs/PLAN.md", False),
    ],
)
def test_which_files_are_plans(tmp_path: Path, name: str, expected: bool) -> None:
    assert is_plan(tmp_path / name) is expected


def test_the_entry_point_has_the_name_that_p_uses(repo_root: Path) -> None:
    # Under another name, an installed plugin and `-p` of the same session would collide.
    project = tomllib.loads((repo_root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"rocverify.runner.plugin": "rocverify.runner.plugin"}
