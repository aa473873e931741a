"""Projects to attack, and the galleries, which are run once for all workers of a test session."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.attacks.attack import Cheat, gallery_files
from tests.attacks.project import Project, Ran

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
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if base.name.startswith("popen-") else base) / "attacked"
    shared.mkdir(parents=True, exist_ok=True)

    def run(name: str, files: Mapping[str, str], links: Mapping[str, str] | None = None) -> Ran:
        result = shared / f"{name}.json"
        with (shared / f"{name}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                project = Project.made(shared / name, kept, files)
                for place, target in (links or {}).items():
                    (project.root / place).symlink_to(target)
                result.write_text(json.dumps(asdict(project.run())), encoding="utf-8")
        return Ran(**json.loads(result.read_text(encoding="utf-8")))

    return run


@pytest.fixture(scope="session")
def run_gallery(run_files: RunFiles) -> RunGallery:
    """run_gallery(name, cheats) -> the one run of a project with all of them."""
    return lambda name, cheats: run_files(name, gallery_files(cheats))
