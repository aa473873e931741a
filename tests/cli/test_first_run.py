"""What takes long before anything can be shown is told, and only where it is going to happen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rocverify.cli import first_run
from rocverify.cli.first_run import made_first
from tests.attacks.conftest import MakeProject, make_project
from tests.attacks.project import Project

__all__ = ["make_project"]


class Plan:
    """A plan with checks of these kinds."""

    def __init__(self, *kinds: str) -> None:
        self._kinds = kinds

    @property
    def specs(self) -> Iterator[object]:
        return (type("Spec", (), {"kind": kind}) for kind in self._kinds)


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(first_run, "user_cache", lambda: tmp_path / "user")
    return tmp_path / "user"


def filled(folder: Path) -> None:
    (folder / "ab").mkdir(parents=True)


def test_what_is_not_there_yet_is_told(user: Path, tmp_path: Path) -> None:
    plans, cache = [Plan("artifact"), Plan("correctness")], tmp_path / "cache"
    machine, project = made_first(plans, cache)
    assert machine.startswith("the emulator's runtime and the HIP library are made first")
    assert "nothing is cached for this project" in project
    filled(user / "runtime")
    filled(cache / "native")
    (said,) = made_first(plans, cache)
    assert said.startswith("the HIP library")
    filled(user / "hiplib")
    assert list(made_first(plans, cache)) == []


def test_plans_that_read_texts_alone_wait_for_nothing(tmp_path: Path) -> None:
    assert list(made_first([Plan("artifact", "key_link")], tmp_path / "cache")) == []


def test_a_run_says_it_before_its_first_check(make_project: MakeProject, tmp_path: Path) -> None:
    project = Project(make_project().root, None)
    output = project.run("--cache-dir", str(tmp_path / "cold")).output
    begun = [line.split()[0] for line in output.splitlines() if line]
    assert begun.index("wait") < begun.index("plans")
