"""Projects to attack, and the galleries, which are run once for all workers of a test session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.attacks.attack import Cheat, gallery_files
from tests.attacks.project import Project, Ran, ran_once

MakeProject = Callable[..., Project]
RunFiles = Callable[..., Ran]
RunGallery = Callable[[str, Sequence[Cheat]], Ran]


@pytest.fixture
def make_project(tmp_path: Path, kept: Path) -> MakeProject:
    """make_project(files) -> the honest project with these files in it."""

    def make(files: Mapping[str, str] | None = None, name: str = "project") -> Project:
        return Project.made(tmp_path / name, kept, files)

    return make


@pytest.fixture(scope="session")
def run_files(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    """run_files(name, files, links) -> the one run of a project with these files, and links in it."""
    return partial(ran_once, tmp_path_factory.getbasetemp(), kept)


@pytest.fixture(scope="session")
def run_gallery(run_files: RunFiles) -> RunGallery:
    """run_gallery(name, cheats) -> the one run of a project with all of them."""
    return lambda name, cheats: run_files(name, gallery_files(cheats))
