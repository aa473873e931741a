"""Copies of this repository, made once for all workers of a test session: as it is, and with a warm cache."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rocverify.settings import Settings
from rocverify.toolchain.build import Builder, BuiltObject
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import load_manifest
from tests.devices import lend_process
from tests.sabotage.sabotage import Change, copy_of, run

CACHE = ".rocverify/cache"


@pytest.fixture(autouse=True)
def lent_process(monkeypatch: pytest.MonkeyPatch) -> None:
    lend_process(monkeypatch)


@pytest.fixture(scope="session")
def template(repo_root: Path, own_cache: Path, kept: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository as it stands, without a cache. Copy it; change nothing in it.

    `kept`, the cache that sabotages share, is given its compiled kernels: it is addressed by content, and a
    sabotaged kernel alone is compiled.
    """

    def fill(root: Path) -> None:
        _copy_tree(repo_root, root)
        _carry_over(_built(repo_root, own_cache), own_cache, kept)

    return _once("sabotage-template", tmp_path_factory, fill)


@pytest.fixture(scope="session")
def warm_template(repo_root: Path, own_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with compiled kernels, and translations of some, in a cache of its own."""

    def fill(root: Path) -> None:
        _copy_tree(repo_root, root)
        _carry_over(_built(repo_root, own_cache), own_cache, root / CACHE)
        _warm(root)
        _copy_tree(repo_root, root)

    return _once("sabotage-warm-template", tmp_path_factory, fill)


def _once(name: str, tmp_path_factory: pytest.TempPathFactory, fill: Callable[[Path], None]) -> Path:
    """A folder that the first worker which asks for it fills."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base
    root = shared / name / "repository"
    shared.mkdir(parents=True, exist_ok=True)
    with (shared / f"{name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.exists():
            fill(root)
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


def _built(repository: Path, cache: Path) -> list[BuiltObject]:
    """The kernels of the manifest, as a run compiles them."""
    manifest = load_manifest(repository, Settings())
    builder = Builder(repository, Toolchain.discover(Settings()), cache)
    built = builder.build_all(manifest.entries, Settings().targets)
    return [one for one in built if isinstance(one, BuiltObject)]


def _carry_over(built: Sequence[BuiltObject], source: Path, target: Path) -> None:
    """Copies these code objects and the records that lead to them from one cache into another."""
    wanted = {one.sha256: one.path for one in built}
    for record in source.glob("compiled/*/*/*.json"):
        sha256 = json.loads(record.read_text(encoding="utf-8").partition("\n")[2])["object"]
        for path in (wanted[sha256], record) if sha256 in wanted else ():
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            _give(path, place)


def _give(source: Path, target: Path) -> None:
    """Copies a file where there is none, at once: others may be reading in this cache."""
    if not target.exists():
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copy2(source, partial)
        partial.replace(target)


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


@pytest.fixture
def sabotaged_with_cache(warm_template: Path, tmp_path: Path) -> Callable[[Sequence[Change]], Path]:
    """Makes a copy of the repository with these changes and a warm cache of its own; its path."""
    return lambda changes=(): copy_of(warm_template, tmp_path, changes)
