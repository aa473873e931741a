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
RunGallery = Callable[[str, Sequence[Cheat]], Ran]


@pytest.fixture
def make_project(tmp_path: Path, kept: Path) -> MakeProject:
    """make_project(files) -> the honest project with these files in it."""

    def make(files: Mapping[str, str] | None = None, name: str = "project") -> Project:
        return Project.made(tmp_path / name, kept, files)

    return make


@pytest.fixture(scope="session")
def run_gallery(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> RunGallery:
    """run_gallery(name, cheats) -> the one run of a project with all of them."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if base.name.startswith("popen-") else base) / "galleries"
    shared.mkdir(parents=True, exist_ok=True)

    def run(name: str, cheats: Sequence[Cheat]) -> Ran:
        result = shared / f"{name}.json"
        with (shared / f"{name}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not result.exists():
                project = Project.made(shared / name, kept, gallery_files(cheats))
                result.write_text(json.dumps(asdict(project.run())), encoding="utf-8")
        return Ran(**json.loads(result.read_text(encoding="utf-8")))

    return run
