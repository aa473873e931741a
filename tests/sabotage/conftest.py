"""A copy of this repository with a warm cache, made once for all workers of a test session."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.sabotage.sabotage import Change, copy_of, run

CACHE = ".rocverify/cache"


@pytest.fixture(scope="session")
def template(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it stands, its compiled kernels in the cache. Copy it; change nothing in it.

    The cache is addressed by content: a sabotaged kernel is compiled, all others are found in it.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    root = shared / "sabotage-template" / "repository"
    shared.mkdir(parents=True, exist_ok=True)
    with (shared / "sabotage-template.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            _copy_tree(repo_root, root)
            _warm(root)
            _copy_tree(repo_root, root)
    return root


def _copy_tree(repository: Path, root: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=repository,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = repository / name, root / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _warm(root: Path) -> None:
    """Fills the cache, and takes away what the run wrote besides."""
    ran = run(root, "plan 16-01", ("--", "-k", "wrapper_present"))
    assert not ran.not_passed(), ran.output
    for written in (".rocverify/pytest", "reports", ".planning"):
        shutil.rmtree(root / written)


@pytest.fixture
def sabotaged(template: Path, tmp_path: Path) -> Callable[[Sequence[Change]], Path]:
    """Makes a copy of the repository with these changes; its path."""
    return lambda changes=(): copy_of(template, tmp_path, changes)
