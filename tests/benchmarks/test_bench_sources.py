"""How long it takes to read 100,000 lines of sources: anew, and with the records of a run before.

The sources are those of tests/, over and over, each with a line of its own.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from rocverify.code.files import sources
from rocverify.code.index import CodeIndex
from rocverify.settings import Settings

LINES = 100_000
SUFFIXES = {".cpp", ".hip", ".h", ".rs"}

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def project(repo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    paths = [Path(path) for path in sources(repo_root / "tests", SUFFIXES)]
    lines = number = 0
    while lines < LINES:
        path = paths[number % len(paths)]
        text = f"// {number}\n" + (repo_root / "tests" / path).read_text(encoding="utf-8", errors="replace")
        copy = root / f"part{number % 50}" / f"file{number}{path.suffix}"
        copy.parent.mkdir(exist_ok=True)
        copy.write_text(text, encoding="utf-8")
        lines += text.count("\n")
        number += 1
    return root


def _read(root: Path) -> CodeIndex:
    """Every source of the project: a word that all have."""
    index = CodeIndex(root, Settings())
    index.units_with(" ")
    return index


def test_anew(benchmark: BenchmarkFixture, project: Path) -> None:
    kept = project / Settings().cache_dir
    benchmark.pedantic(
        _read, (project,), setup=lambda: shutil.rmtree(kept, ignore_errors=True), rounds=3, iterations=1
    )


def test_with_what_was_kept(benchmark: BenchmarkFixture, project: Path) -> None:
    _read(project).keep()
    benchmark.pedantic(_read, (project,), rounds=5, iterations=1)
