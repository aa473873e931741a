"""Where a reference comes from, and which commit it came with."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rocverify.checks.support.reference_origin import reference_origin
from rocverify.subject.contracts import Origin

FILES = ("contracts/own.py", "k.hip")


def spec(module: str, *places: tuple[str, str]) -> Any:
    return SimpleNamespace(subject=SimpleNamespace(origin=Origin(module, places)), source="k.hip")


def commit(root: Path, *files: str) -> str:
    """Adds files in a commit; its short name."""
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    for name in files:
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(name)
    for words in (["init", "-q"], ["add", *files], ["commit", "-q", "-m", " ".join(files)]):
        subprocess.run([*git, *words], check=True)
    shown = subprocess.run([*git, "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True)
    return shown.stdout.strip()


@pytest.mark.parametrize(
    ("module", "origin"),
    [
        ("numpy", "numpy"),
        ("numpy.linalg", "numpy"),
        ("scipy.special", "scipy"),
        ("rocverify.references", "rocverify.references"),
        ("rocverify.references.rows", "rocverify.references"),
    ],
)
def test_a_function_of_a_library(module: str, origin: str, tmp_path: Path) -> None:
    assert reference_origin(spec(module), tmp_path) == {"from": origin}


@pytest.mark.parametrize("module", ["numpydoc", "rocverify.references_of_mine"])
def test_a_module_that_is_only_called_alike_is_the_projects(module: str, tmp_path: Path) -> None:
    assert reference_origin(spec(module), tmp_path)["from"] == "the project"


def test_a_reference_with_its_kernel_and_one_before_it(tmp_path: Path) -> None:
    own = spec("contracts.own", ("contracts/own.py", "Own.reference"))
    together, apart = tmp_path / "together", tmp_path / "apart"
    for root in (together, apart):
        root.mkdir()
    name = commit(together, *FILES)
    first = commit(apart, "contracts/own.py")
    commit(apart, "k.hip")
    told = {"from": "the project", "file": "contracts/own.py"}
    assert reference_origin(own, together) == {**told, "since": name, "came_with_kernel": True}
    assert reference_origin(own, apart) == {**told, "since": first, "came_with_kernel": False}


def test_without_history_nothing_is_said(tmp_path: Path) -> None:
    found = reference_origin(spec("contracts.own"), tmp_path)
    assert (found["since"], found["came_with_kernel"]) == (None, None)
