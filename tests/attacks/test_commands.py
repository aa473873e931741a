"""Commands that are green and show less than their truths say, in one run where commands are allowed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rocverify.cli.main import main
from tests.attacks.project import plan_text

FILES = {
    "say.sh": "echo 'test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out'\n",
    "pytest": "#!/bin/sh\necho '12 passed in 0.01s'\n",
    "Makefile": "all: built\nbuilt: a.c\n\ttouch built\ncheck:\n\tsh say.sh\nquick:\n\ttrue\n",
    "a.c": "int a;\n",
    "built": "",
    "tests/test_a.py": "def test_a(): assert 1 + 1 == 2\ndef test_b(): raise AssertionError\n",
}
# Truth, binding, and what is said.
CLAIMS: dict[str, tuple[str, Mapping[str, Any], str]] = {
    "a script that prints counts": (
        "12 tests pass",
        {"run": ["sh say.sh"], "min_passed": 12},
        "only the exit status is known",
    ),
    "a script that prints counts behind make": (
        "`make check` passes with 12 tests",
        {"run": ["make check"], "min_passed": 12},
        "only the exit status is known",
    ),
    "a runner of the project's own": (
        "`pytest` passes 12 tests",
        {"run": ["PATH=.:$PATH pytest"], "min_passed": 12},
        "only the exit status is known",
    ),
    "another command than the one named": (
        "`ctest --test-dir build` passes",
        {"run": ["sh say.sh"]},
        "`ctest --test-dir build` is not run",
    ),
    "another target than the one named": ("`make check` passes", {"run": ["make quick"]}, "without check"),
    "a test that is left out": (
        "`pytest` is green",
        {"run": ["python -m pytest tests --deselect tests/test_a.py::test_b"]},
        "only with --deselect",
    ),
    "a build that had nothing to do": ("The build succeeds", {"run": ["make"]}, "had nothing to do"),
    "a program of before the last edit": (
        "`./answer` is green",
        {"run": ["./answer"]},
        "answer is older than a.c",
    ),
    "a program that is touched": (
        "`touch answer && ./answer` is green",
        {"run": ["touch answer && ./answer"]},
        "answer is older than a.c",
    ),
    "a script in place of tests": ("All unit tests pass", {"run": ["sh say.sh"]}, "asks for tests_pass"),
}


@pytest.fixture(scope="module")
def claimed(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Any]]:
    """What became of each claim, by its number."""
    root = tmp_path_factory.mktemp("commands")
    truths = [(truth, {"check": "command", **params}) for truth, params, _ in CLAIMS.values()]
    plan = root / ".planning/phases/01-build/01-01-PLAN.md"
    for name, text in {**FILES, str(plan.relative_to(root)): plan_text(truths)}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "pytest").chmod(0o755)
    shutil.copy(Path("/bin/true").resolve(), root / "answer")
    os.utime(root / "answer", (1e9, 1e9))
    main(["run", "plan", "01-01", "--root", str(root), "--allow-commands"])
    report = json.loads((root / "reports/latest/report.json").read_text())
    (found,) = report["plans"]
    return {one["id"].rpartition("/")[2]: one for one in found["must_haves"]}


@pytest.mark.long
@pytest.mark.parametrize(
    ("tail", "said"),
    [
        pytest.param(f"T{number}", CLAIMS[name][2], id=name.replace(" ", "_"))
        for number, name in enumerate(CLAIMS, 1)
    ],
)
def test_a_command_that_shows_less(claimed: Mapping[str, Mapping[str, Any]], tail: str, said: str) -> None:
    assert claimed[tail]["verdict"] == "unverified", claimed[tail]
    assert said in claimed[tail]["reason"]
